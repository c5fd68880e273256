"""How sure it is that the person consented.

    attested     the issuer says so; no signature by a key of the learner
    signed       the holder's key signed ConsentGrant; that it is the learner's is the issuer's word
    identified   besides, a DID that somebody other than the issuer has credentialed signed
                 HolderBinding, which is evidence against the issuer, too

A record claims its assurance in the document; `assess_assurance` computes what the signatures
prove. Keys of did:key are in the DID; other DIDs must be resolved by the caller, and what could
not be looked up is listed as unchecked instead of being believed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from protocol.did_key import PublicKey, decode_base64url, is_signed_by_key, key_of_did
from protocol.entries import Entry
from protocol.errors import DidUnsupported, DocumentUnreadable, RecordInvalid
from protocol.identifiers import organisation_id
from protocol.signatures import is_signed_by
from protocol.signing import consent_grant_digest, holder_binding_digest
from protocol.types import ContractAddress


class Assurance(StrEnum):
    """What stands behind a consent, from weak to strong."""

    ATTESTED = "attested"
    SIGNED = "signed"
    IDENTIFIED = "identified"


STRENGTH = (Assurance.ATTESTED, Assurance.SIGNED, Assurance.IDENTIFIED)


def is_at_least(given: Assurance, required: Assurance) -> bool:
    """Whether an assurance is as strong as another one, or stronger."""
    return STRENGTH.index(given) >= STRENGTH.index(required)


def required_by_policies(policies: Iterable[Any]) -> Assurance:
    """The strongest assurance that a constraint in a contract's policies (ODRL) asks for:
    `{leftOperand: "assurance", operator: "eq" or "gteq", rightOperand: "signed"}`. Raises
    DocumentUnreadable for one that asks for something else."""
    required = Assurance.ATTESTED
    for constraint in _constraints(policies):
        asked = constraint.get("rightOperand")
        known = asked in set(Assurance) and constraint.get("operator") in ("eq", "gteq")
        if not known:
            reason = f"a policy constrains the assurance by {constraint.get('operator')} {asked}"
            raise DocumentUnreadable(kind="contract", reason=reason)
        required = max(required, Assurance(str(asked)), key=STRENGTH.index)
    return required


def _constraints(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("leftOperand") == "assurance":
            yield value
        value = value.values()
    elif isinstance(value, str) or not isinstance(value, Iterable):
        return
    for part in value:
        yield from _constraints(part)


@dataclass(frozen=True, slots=True)
class HolderBinding:
    """An identified learner's word that a holder key is theirs.

    A DID, its 64-byte signature with the digest of HolderBinding as the message, and a
    verifiable credential about the DID (JWT).
    """

    did: str
    signature: bytes
    credential: str


@dataclass(frozen=True, slots=True)
class AssuranceFinding:
    """What is proven, and what would have to be looked up to prove more."""

    proven: Assurance
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A verifiable credential in a JWT: who says it, about whom, and how it is signed."""

    issuer: str
    subject: str
    algorithm: str
    signed_part: bytes
    signature: bytes


def assess_assurance(
    entry: Entry,
    chain_id: int,
    registry: ContractAddress,
    grant_signature: bytes | None,
    holder_binding: HolderBinding | None,
    *,
    resolved_keys: Mapping[str, PublicKey] | None = None,
) -> AssuranceFinding:
    """What the signatures over a consent prove. Raises RecordInvalid where one is wrong.

    `resolved_keys` has the keys of DIDs other than did:key that the caller has looked up.
    """
    if grant_signature is None:
        if holder_binding is not None:
            raise RecordInvalid(reason="a holder binding without the holder's signature")
        return AssuranceFinding(Assurance.ATTESTED)
    digest = consent_grant_digest(entry, chain_id, registry)
    if not is_signed_by(entry.holder, digest, grant_signature):
        raise RecordInvalid(reason="the grant is not signed by the holder's key")
    if holder_binding is None:
        return AssuranceFinding(Assurance.SIGNED)
    message = holder_binding_digest(entry.agreement_id, entry.holder, chain_id, registry)
    return _assess_binding(entry, holder_binding, message, resolved_keys or {})


def read_credential(token: str) -> Credential:
    """Read a credential's JWT without judging its signature. Raises RecordInvalid."""
    parts = token.split(".")
    decoded = [decode_base64url(part) for part in parts]
    if len(parts) != 3 or not all(decoded):
        raise RecordInvalid(reason="the credential is no JWT")
    header, claims = _json_object(decoded[0]), _json_object(decoded[1])
    issuer, subject, algorithm = claims.get("iss"), claims.get("sub"), header.get("alg")
    if not (isinstance(issuer, str) and isinstance(subject, str) and isinstance(algorithm, str)):
        raise RecordInvalid(reason="the credential names no issuer, subject or algorithm")
    signed_part = token.rpartition(".")[0].encode()
    return Credential(issuer, subject, algorithm, signed_part, decoded[2] or b"")


def _assess_binding(
    entry: Entry, binding: HolderBinding, message: bytes, keys: Mapping[str, PublicKey]
) -> AssuranceFinding:
    credential = read_credential(binding.credential)
    if credential.subject != binding.did:
        raise RecordInvalid(reason=f"the credential is about {credential.subject}")
    unchecked = []
    key = _key_of(binding.did, keys)
    if key is None:
        unchecked.append(f"the signature of {binding.did}")
    elif not is_signed_by_key(key, message, binding.signature):
        raise RecordInvalid(reason=f"the holder binding is not signed by {binding.did}")
    issuer_key = _key_of(credential.issuer, keys)
    if issuer_key is None:
        unchecked.append(f"the credential by {credential.issuer}")
    elif not _is_credential_signed(credential, issuer_key):
        raise RecordInvalid(reason=f"the credential is not signed by {credential.issuer}")
    foreign = organisation_id(credential.issuer) != entry.issuer
    proven = Assurance.IDENTIFIED if foreign and not unchecked else Assurance.SIGNED
    return AssuranceFinding(proven, tuple(unchecked) if foreign else ())


def _is_credential_signed(credential: Credential, key: PublicKey) -> bool:
    return credential.algorithm == key.algorithm and is_signed_by_key(
        key, credential.signed_part, credential.signature
    )


def _key_of(did: str, keys: Mapping[str, PublicKey]) -> PublicKey | None:
    if did in keys:
        return keys[did]
    try:
        return key_of_did(did)
    except DidUnsupported:
        return None


def _json_object(raw: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"")
    except ValueError as error:
        raise RecordInvalid(reason="the credential is no JWT") from error
    if not isinstance(value, dict):
        raise RecordInvalid(reason="the credential is no JWT")
    return value
