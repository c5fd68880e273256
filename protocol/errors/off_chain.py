"""Errors of what never reaches a contract: texts, records, proofs, files.

Each is raised by the module of the same concept.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.errors.base import ProtocolError


class OffChainError(ProtocolError):
    """Something outside the chain breaks a rule."""


@dataclass(eq=False)
class HexInvalid(OffChainError):
    """{text!r} is not 0x-hexadecimal text of {length} bytes."""

    text: str
    length: int | None
    remedy = "Write 0x and two hexadecimal digits for each byte."


@dataclass(eq=False)
class PeriodInvalid(OffChainError):
    """{value!r} is not a month between 1970-01 and 9999-12."""

    value: object
    remedy = "Write the month as YYYY-MM, or give Unix seconds from 0 on."


@dataclass(eq=False)
class CanonicalisationInvalid(OffChainError):
    """The value has no canonical JSON: {reason}."""

    reason: str
    remedy = "Use text keys, finite numbers and whole numbers below 2**53; RFC 8785 tells more."


@dataclass(eq=False)
class CommitmentInvalid(OffChainError):
    """The commitment cannot stand: {reason}."""

    reason: str
    remedy = "Draw another blinding, uniform in 1 to n - 1, and commit again."


@dataclass(eq=False)
class EntryInvalid(OffChainError):
    """The entry is malformed: {reason}."""

    reason: str
    remedy = "Build the entry from the record again; its 123 bytes are drawn in `entries`."


@dataclass(eq=False)
class ProofInvalid(OffChainError):
    """The tree proof proves nothing: {reason}."""

    reason: str
    remedy = "Ask for the proof again, together with the size and root that are on chain."


@dataclass(eq=False)
class SignatureInvalid(OffChainError):
    """The signature is refused: {reason}."""

    reason: str
    remedy = "Sign again: 65 bytes r, s, v with s in the lower half and v 27 or 28."


@dataclass(eq=False)
class SignInMessageMalformed(OffChainError):
    """Line {line} of the sign-in message is not what EIP-4361 has there: {expected}."""

    line: int
    expected: str
    remedy = "Write the message as EIP-4361 does: nothing more, nothing less, line by line."


@dataclass(eq=False)
class SignInMessageRefused(OffChainError):
    """The sign-in message's {field} is {found!r}; it must be {expected}."""

    field: str
    found: object
    expected: str
    remedy = "Ask for a new nonce, and sign a message with the values that come with it."


@dataclass(eq=False)
class HolderKeyInvalid(OffChainError):
    """No holder key comes of this: {reason}."""

    reason: str
    remedy = "Take a seed of 32 or 64 bytes and an index from 0 to 4294967295."


@dataclass(eq=False)
class TypedDataInvalid(OffChainError):
    """The typed data does not fit its types at {where}: {reason}."""

    where: str
    reason: str
    remedy = "Compare the message with its types, as EIP-712 asks."


@dataclass(eq=False)
class SchemaInvalid(OffChainError):
    """The document breaks the schema {schema} at {where}: {reason}."""

    schema: str
    where: str
    reason: str
    remedy = "Correct the field that is named; unknown fields are refused."


@dataclass(eq=False)
class RecordInvalid(OffChainError):
    """The consent record does not hold together at {where}: {reason}."""

    reason: str
    where: str = "its signatures"
    remedy = "Ask the node that granted the consent for the record again."


@dataclass(eq=False)
class RecordTooLarge(OffChainError):
    """The canonical JSON of {what} has {length} bytes; the limit is {length_max}."""

    what: str
    length: int
    length_max: int
    remedy = "Shorten its texts: a notice may be referred to, a credential may say less."


@dataclass(eq=False)
class AnswerInvalid(OffChainError):
    """The answer does not fit the consent request at {where}: {reason}."""

    where: str
    reason: str
    remedy = "Read the request again, and sign exactly what it asks for."


@dataclass(eq=False)
class AssuranceTooWeak(OffChainError):
    """The consent is {proven}; at least {required} is asked for."""

    proven: str
    required: str
    remedy = "Let the learner's own key sign; for `identified`, a credentialed DID besides."


@dataclass(eq=False)
class SlipInvalid(OffChainError):
    """The withdrawal slip is refused: {reason}."""

    reason: str
    remedy = "Scan the slip again, or withdraw on the learner's page."


@dataclass(eq=False)
class DocumentUnreadable(OffChainError):
    """The {kind} cannot be read: {reason}."""

    kind: str
    reason: str
    remedy = "Compare the document with the format that the association publishes."


@dataclass(eq=False)
class DidUnsupported(OffChainError):
    """No public key can be read from {did}: {reason}."""

    did: str
    reason: str
    remedy = "Use did:key with the codec jwk_jcs-pub, or resolve the DID and give its key."


@dataclass(eq=False)
class DidDocumentInvalid(OffChainError):
    """The DID document is refused: {reason}."""

    reason: str
    remedy = "Write it as W3C DID Core describes, with JsonWebKey2020 keys that are public."


@dataclass(eq=False)
class TokenInvalid(OffChainError):
    """The signed token is refused: {reason}."""

    reason: str
    remedy = "Sign a new one with a key of the organisation's DID document (RFC 7523)."


@dataclass(eq=False)
class ArtifactMissing(OffChainError):
    """There is no compiled contract {name} in the package."""

    name: str
    remedy = "Run `make setup`, which compiles the contracts into protocol/artifacts."


@dataclass(eq=False)
class LedgerViolation(OffChainError):
    """Block {block_number}, log {log_index} contradicts the rules: {reason}."""

    block_number: int
    log_index: int
    reason: str
    remedy = "Compare the decoder and the contracts' addresses with the deployment."
