"""A consent of each assurance, made from labels: documents, keys, credentials, records."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from protocol.assurance import Assurance, HolderBinding
from protocol.commitments import blinding_from_bytes, commit
from protocol.did_key import BASE58_ALPHABET, JWK_JCS_PUB
from protocol.entries import Entry
from protocol.hashing import sha256
from protocol.holder_keys import address_of
from protocol.identifiers import organisation_id
from protocol.record import Document, Record, document_digest
from protocol.signing import consent_grant_digest, holder_binding_digest, sign_digest
from protocol.types import AgreementId, ContractAddress, UnixSeconds

CHAIN_ID = 5
REGISTRY = ContractAddress(b"\x0c" * 20)
ISSUER_DID = "did:web:school.example"
RECIPIENT_DID = "did:web:employer.example"
AGREEMENT = AgreementId(sha256(b"agreement"))
HOLDER_SECRET = sha256(b"holder")
CURVE_NAMES = {"P-256": ec.SECP256R1(), "secp256k1": ec.SECP256K1()}


def receipt_example(*purposes: str) -> dict[str, Any]:
    """A consent receipt with these purposes."""
    parties = [ISSUER_DID, RECIPIENT_DID]
    return {
        "record": {"schemaVersion": "0.2.0", "recordId": "r-1", "piiPrincipalId": "learner-7"},
        "piiProcessing": {
            "privacyNotice": "https://school.example/notices/4",
            "language": "fr",
            "purposes": [
                {"purpose": purpose, "lawfulBasis": "consent", "piiControllers": parties}
                for purpose in purposes
            ],
        },
        "event": [
            {
                "eventTime": "2026-09-01T08:30:00.000Z",
                "validityDuration": "0",
                "eventType": "explicit",
                "eventState": "consent given",
            }
        ],
        "partyIdentification": [
            {"partyId": f"https://catalogue.example/participants/{n}", "partyType": kind}
            for n, kind in enumerate(("provider", "consumer"))
        ],
    }


def document_example(assurance: Assurance) -> Document:
    """A document about one purpose."""
    return Document(
        receipt=receipt_example("Share the diploma with the employer"),
        notice={"reference": "https://school.example/notices/4", "language": "fr"},
        recipients=(RECIPIENT_DID,),
        assurance=assurance,
    )


def record_example(assurance: Assurance, binding: HolderBinding | None = None) -> Record:
    """A record that holds together, unless the binding does not."""
    document = document_example(assurance)
    blinding = blinding_from_bytes(sha256(b"blinding"))
    entry = entry_example(commit(document_digest(document), blinding))
    grant = sign_digest(HOLDER_SECRET, consent_grant_digest(entry, CHAIN_ID, REGISTRY))
    return Record(
        chain_id=CHAIN_ID,
        registry=REGISTRY,
        document=document,
        blinding=blinding,
        entry=entry,
        grant_signature=None if assurance is Assurance.ATTESTED else grant,
        holder_binding=binding,
        group_id="r-1",
    )


def entry_example(commitment: bytes) -> Entry:
    """The entry of the example, with a commitment."""
    return Entry(
        agreement_id=AGREEMENT,
        issuer=organisation_id(ISSUER_DID),
        holder=address_of(HOLDER_SECRET),
        valid_from=UnixSeconds(1_800_000_000),
        valid_until=UnixSeconds(1_900_000_000),
        commitment=commitment,
    )


def private_key(label: str, curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """A private key derived from its label."""
    return ec.derive_private_key(int.from_bytes(sha256(label.encode())[:31]), CURVE_NAMES[curve])


def jwk_of(key: ec.EllipticCurvePrivateKey, curve: str) -> dict[str, str]:
    """The public JSON Web Key."""
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
    return {"crv": curve, "kty": "EC", "x": base64url(x), "y": base64url(y)}


def did_key_of(key: ec.EllipticCurvePrivateKey, curve: str = "P-256") -> str:
    """The did:key (jwk_jcs-pub) of a key."""
    text = json.dumps(jwk_of(key, curve), separators=(",", ":"), sort_keys=True)
    return "did:key:z" + base58(JWK_JCS_PUB + text.encode())


def sign_with(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """64 bytes r | s over SHA-256 of the message."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def credential_of(
    issuer_key: ec.EllipticCurvePrivateKey, issuer: str, subject: str, algorithm: str = "ES256"
) -> str:
    """A credential about a DID, as a JWT."""
    header, claims = {"alg": algorithm, "typ": "JWT"}, {"iss": issuer, "sub": subject}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(sign_with(issuer_key, signed.encode()))}"


def binding_example(
    credential_issuer: str | None = None, signer: str = "learner", curve: str = "P-256"
) -> HolderBinding:
    """A holder binding by the learner's did:key, credentialed by a university's did:key."""
    learner, university = private_key("learner", curve), private_key("university")
    did = did_key_of(learner, curve)
    holder = address_of(HOLDER_SECRET)
    message = holder_binding_digest(AGREEMENT, holder, CHAIN_ID, REGISTRY)
    issuer = credential_issuer or did_key_of(university)
    signature = sign_with(private_key(signer, curve), message)
    return HolderBinding(did, signature, credential_of(university, issuer, did))


def base64url(value: bytes) -> str:
    """Unpadded base64url text."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def base58(value: bytes) -> str:
    """base58btc text."""
    number, text = int.from_bytes(value), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58_ALPHABET[digit] + text
    return "1" * (len(value) - len(value.lstrip(b"\x00"))) + text
