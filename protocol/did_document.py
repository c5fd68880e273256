"""DID documents of organisations: which keys speak for one, believed by their hash on the chain.

    did_document_hash = SHA-256(JCS(document))                          RFC 8785 canonical JSON

The organisation writes the hash on chain (`ParticipantRegistry.describe`), so a copy from anybody's
server counts or does not, and a key that left the document counts no more from that block on. The
form is that of W3C DID Core and of EBSI: `JsonWebKey2020`, a key's id is `<did>#<thumbprint>`
(RFC 7638), what signs requests stands in `authentication`, what signs statements in
`assertionMethod`.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

from protocol.canonical import canonicalise, digest_of
from protocol.did_key import decode_base64url, key_of_jwk
from protocol.errors import CanonicalisationInvalid, DidDocumentInvalid
from protocol.hashing import sha256
from protocol.types import Hash32

CONTEXT = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1")
METHOD_TYPES = ("JsonWebKey2020", "JsonWebKey")
METHODS_MAX = 20
BYTES_MAX = 65_536
ALGORITHMS: Mapping[str, str] = {"P-256": "ES256", "secp256k1": "ES256K", "Ed25519": "EdDSA"}
"""The one algorithm that goes with a curve (RFC 7518, 8812, 8037)."""
PUBLIC_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
ED25519_LENGTH = 32
DID_WEB = "did:web:"

Relationship = Literal["authentication", "assertionMethod"]
Jwk = Mapping[str, Any]


def did_document_hash(document: Mapping[str, Any]) -> Hash32:
    """SHA-256 of the document's canonical JSON, 32 bytes. Raises DidDocumentInvalid."""
    try:
        return digest_of(document)
    except CanonicalisationInvalid as error:
        raise DidDocumentInvalid(reason=str(error)) from error


def thumbprint_of(jwk: Jwk) -> str:
    """SHA-256 of the key's required members in canonical form, as base64url (RFC 7638)."""
    required = {name: jwk[name] for name in PUBLIC_MEMBERS[jwk["kty"]]}
    return _base64url(sha256(canonicalise(required)))


def key_id(did: str, jwk: Jwk) -> str:
    """What a token's `kid` says of this key of this organisation."""
    return f"{did}#{thumbprint_of(jwk)}"


def make_did_document(did: str, keys: Sequence[Jwk]) -> dict[str, Any]:
    """A document in which all these public keys sign requests and statements."""
    ids = [key_id(did, key) for key in keys]
    return {
        "@context": list(CONTEXT),
        "id": did,
        "verificationMethod": [
            {"id": each, "type": METHOD_TYPES[0], "controller": did, "publicKeyJwk": dict(key)}
            for each, key in zip(ids, keys, strict=True)
        ],
        "authentication": ids,
        "assertionMethod": ids,
    }


def check_did_document(document: Any, did: str) -> None:
    """Raises DidDocumentInvalid unless it is the organisation's, of a size that anybody can hold,
    and all its keys are public ones of a kind known here."""
    if not isinstance(document, dict) or document.get("id") != did:
        raise DidDocumentInvalid(reason=f"its id is not {did}")
    did_document_hash(document)
    if len(canonicalise(document)) > BYTES_MAX:
        raise DidDocumentInvalid(reason=f"it has more than {BYTES_MAX} bytes")
    methods = document.get("verificationMethod")
    if not isinstance(methods, list) or not 1 <= len(methods) <= METHODS_MAX:
        raise DidDocumentInvalid(reason=f"it has not 1 to {METHODS_MAX} verification methods")
    ids = [_check_method(method, did) for method in methods]
    if len(set(ids)) != len(ids):
        raise DidDocumentInvalid(reason="two of its keys have one id")
    for relationship in ("authentication", "assertionMethod"):
        named = document.get(relationship, [])
        if not isinstance(named, list) or not all(each in ids for each in named):
            raise DidDocumentInvalid(reason=f"its {relationship} names a key that it does not hold")


def find_key(document: Mapping[str, Any], kid: str, relationship: Relationship) -> Jwk | None:
    """The public key of this id, if the document lets it do this; of a checked document."""
    if kid not in document.get(relationship, []):
        return None
    for method in document["verificationMethod"]:
        if method["id"] == kid:
            key: Jwk = method["publicKeyJwk"]
            return key
    return None


def algorithm_of(jwk: Jwk) -> str:
    """The algorithm that the key signs with; its curve leaves no choice."""
    return ALGORITHMS[jwk["crv"]]


def url_of_did_web(did: str) -> str | None:
    """Where a did:web says that its document is (its specification, section 3.2); None for another
    method or a malformed one."""
    if not did.startswith(DID_WEB):
        return None
    host, *path = [unquote(part) for part in did.removeprefix(DID_WEB).split(":")]
    if not host or any(not part or "/" in part or part in (".", "..") for part in (host, *path)):
        return None
    place = "/".join(path) if path else ".well-known"
    return f"https://{host}/{place}/did.json"


def _check_method(method: Any, did: str) -> str:
    """The method's id."""
    if not isinstance(method, dict) or not isinstance(method.get("id"), str):
        raise DidDocumentInvalid(reason="a verification method has no id")
    kid: str = method["id"]
    if not kid.startswith(f"{did}#") or len(kid) == len(did) + 1:
        raise DidDocumentInvalid(reason=f"the key {kid} is not named {did}#…")
    if method.get("type") not in METHOD_TYPES:
        raise DidDocumentInvalid(reason=f"the key {kid} is no {METHOD_TYPES[0]}")
    if not _is_public_key(method.get("publicKeyJwk")):
        reason = f"the key {kid} is no public key on {', '.join(ALGORITHMS)}"
        raise DidDocumentInvalid(reason=reason)
    return kid


def _is_public_key(jwk: Any) -> bool:
    if not isinstance(jwk, dict) or "d" in jwk:
        return False
    if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519":
        x = jwk.get("x")
        raw = decode_base64url(x) if isinstance(x, str) else None
        return raw is not None and len(raw) == ED25519_LENGTH
    return key_of_jwk(jwk) is not None


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
