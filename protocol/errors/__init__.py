"""All errors, as one tree; import them from here.

    ProtocolError
    ├── OffChainError            texts, records, proofs, files; one class a concept
    └── ContractError            what a contract refuses, under the same name and values
        ├── ParticipantRegistryError
        ├── AgreementRegistryError
        ├── ConsentRegistryError
        ├── MerkleLogError
        ├── CommissionPolicyError
        ├── UsageSettlementError
        └── UsageTokenError

Every error is a sentence with its values and a remedy. A class is named like its Solidity error
without the contract's prefix, longer only where two contracts share a name.
`SOLIDITY_ERRORS` and `error_from_solidity` lead from a revert to the same error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from protocol.errors.base import ContractError, ProtocolError
from protocol.errors.consents import (
    AlreadyAnchored,
    BatchSizeInvalid,
    ConsentRegistryError,
    EntryLengthInvalid,
    MerkleLogError,
    NotIssuer,
    WithdrawalSignatureInvalid,
)
from protocol.errors.money import (
    AgreementMismatch,
    AgreementNeverActive,
    AgreementNotActive,
    AmountTooLarge,
    AmountZero,
    CommissionPolicyError,
    ConsumerIsPayee,
    ConsumerNotParty,
    DepositTooSmall,
    LeavingNotDue,
    NoticeTooShort,
    NotParticipant,
    PeriodNotAscending,
    PeriodNotBegun,
    PeriodOutsideValidity,
    RateAboveCap,
    SettlementNotAuthorised,
    UnknownCategory,
    UpToAboveVoucher,
    UsageSettlementError,
    UsageTokenError,
    VoucherNotNewer,
    VoucherSignatureInvalid,
)
from protocol.errors.off_chain import (
    AnswerInvalid,
    ArtifactMissing,
    AssuranceTooWeak,
    CanonicalisationInvalid,
    CommitmentInvalid,
    DidDocumentInvalid,
    DidUnsupported,
    DocumentUnreadable,
    EntryInvalid,
    HexInvalid,
    HolderKeyInvalid,
    LedgerViolation,
    OffChainError,
    PeriodInvalid,
    ProofInvalid,
    RecordInvalid,
    RecordTooLarge,
    SchemaInvalid,
    SignatureInvalid,
    SignInMessageMalformed,
    SignInMessageRefused,
    SlipInvalid,
    TokenInvalid,
    TypedDataInvalid,
)
from protocol.errors.participation import (
    AccountRetired,
    AccountTaken,
    AccountUnknown,
    AgreementNotAuthorised,
    AgreementRegistryError,
    AgreementSignatureInvalid,
    AlreadyAdmitted,
    AlreadyProposed,
    AlreadySigned,
    DidEmpty,
    ExpiryPassed,
    NoRecovery,
    NotAdmitted,
    NotAuthorised,
    NotGuardian,
    NotParty,
    NotSuspendedBy,
    OrganisationSuspended,
    ParentInvalid,
    ParticipantRegistryError,
    PartiesNotAscending,
    PartyCountInvalid,
    PartyNotAdmitted,
    PayeeNotParty,
    PossessionNotProven,
    RecoveryNotDue,
    ScopesInvalid,
    StateInvalid,
    Stopped,
    StopTooLong,
    TooManyLines,
    ValidityInvalid,
)

__all__ = [
    "SOLIDITY_ERRORS",
    "AccountRetired",
    "AccountTaken",
    "AccountUnknown",
    "AgreementMismatch",
    "AgreementNeverActive",
    "AgreementNotActive",
    "AgreementNotAuthorised",
    "AgreementRegistryError",
    "AgreementSignatureInvalid",
    "AlreadyAdmitted",
    "AlreadyAnchored",
    "AlreadyProposed",
    "AlreadySigned",
    "AmountTooLarge",
    "AmountZero",
    "AnswerInvalid",
    "ArtifactMissing",
    "AssuranceTooWeak",
    "BatchSizeInvalid",
    "CanonicalisationInvalid",
    "CommissionPolicyError",
    "CommitmentInvalid",
    "ConsentRegistryError",
    "ConsumerIsPayee",
    "ConsumerNotParty",
    "ContractError",
    "DepositTooSmall",
    "DidDocumentInvalid",
    "DidEmpty",
    "DidUnsupported",
    "DocumentUnreadable",
    "EntryInvalid",
    "EntryLengthInvalid",
    "ExpiryPassed",
    "HexInvalid",
    "HolderKeyInvalid",
    "LeavingNotDue",
    "LedgerViolation",
    "MerkleLogError",
    "NoRecovery",
    "NotAdmitted",
    "NotAuthorised",
    "NotGuardian",
    "NotIssuer",
    "NotParticipant",
    "NotParty",
    "NotSuspendedBy",
    "NoticeTooShort",
    "OffChainError",
    "OrganisationSuspended",
    "ParentInvalid",
    "ParticipantRegistryError",
    "PartiesNotAscending",
    "PartyCountInvalid",
    "PartyNotAdmitted",
    "PayeeNotParty",
    "PeriodInvalid",
    "PeriodNotAscending",
    "PeriodNotBegun",
    "PeriodOutsideValidity",
    "PossessionNotProven",
    "ProofInvalid",
    "ProtocolError",
    "RateAboveCap",
    "RecordInvalid",
    "RecordTooLarge",
    "RecoveryNotDue",
    "SchemaInvalid",
    "ScopesInvalid",
    "SettlementNotAuthorised",
    "SignInMessageMalformed",
    "SignInMessageRefused",
    "SignatureInvalid",
    "SlipInvalid",
    "StateInvalid",
    "StopTooLong",
    "Stopped",
    "TokenInvalid",
    "TooManyLines",
    "TypedDataInvalid",
    "UnknownCategory",
    "UpToAboveVoucher",
    "UsageSettlementError",
    "UsageTokenError",
    "ValidityInvalid",
    "VoucherNotNewer",
    "VoucherSignatureInvalid",
    "WithdrawalSignatureInvalid",
    "error_from_solidity",
]


def _errors_below(base: type[ContractError]) -> Iterator[type[ContractError]]:
    for error in base.__subclasses__():
        yield error
        yield from _errors_below(error)


SOLIDITY_ERRORS: Mapping[str, type[ContractError]] = {
    error.solidity_name: error for error in _errors_below(ContractError) if error.solidity_name
}
"""From the full name of a custom error to its class."""


def error_from_solidity(name: str, values: Mapping[str, Any]) -> ContractError | None:
    """The error that a contract reverted with; None if the name is not one of ours.

    `values` are the custom error's arguments under their Solidity names; addresses and hashes
    may be bytes or 0x-hexadecimal text.
    """
    error = SOLIDITY_ERRORS.get(name)
    if error is None:
        return None
    return error(**{_snake_case(key): _raw(value) for key, value in values.items()})


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name)


def _raw(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    return value
