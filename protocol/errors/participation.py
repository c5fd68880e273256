"""What the registries of participants and agreements refuse.

One class for each custom error of IParticipantRegistry and IAgreementRegistry, same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from protocol.errors.base import ContractError
from protocol.errors.numbers_in_words import scopes_in_words, state_in_words

if TYPE_CHECKING:
    from protocol.types import (
        AccountAddress,
        AgreementId,
        OrganisationId,
        UnixSeconds,
    )


class ParticipantRegistryError(ContractError):
    """The registry of participants refuses this."""

    contract = "ParticipantRegistry"


@dataclass(eq=False)
class AlreadyAdmitted(ParticipantRegistryError):
    """Organisation {organisation} has been admitted already."""

    organisation: OrganisationId
    remedy = "Bind further accounts to it, or admit another DID."


@dataclass(eq=False)
class NotAdmitted(ParticipantRegistryError):
    """Organisation {organisation} has never been admitted."""

    organisation: OrganisationId
    remedy = "Ask the association to admit it first."


@dataclass(eq=False)
class DidEmpty(ParticipantRegistryError):
    """An organisation needs a DID."""

    remedy = "Give the organisation's did:ebsi or did:web."


@dataclass(eq=False)
class AccountTaken(ParticipantRegistryError):
    """Account {account} is bound to organisation {organisation} for ever."""

    account: AccountAddress
    organisation: OrganisationId
    remedy = "Make a new key and bind its account."


@dataclass(eq=False)
class AccountUnknown(ParticipantRegistryError):
    """Account {account} is bound to no organisation."""

    account: AccountAddress
    remedy = "Bind the account first."


@dataclass(eq=False)
class AccountRetired(ParticipantRegistryError):
    """Account {account} was retired at {retired_at}."""

    account: AccountAddress
    retired_at: UnixSeconds
    remedy = "Use another account of the organisation."


@dataclass(eq=False)
class ScopesInvalid(ParticipantRegistryError):
    """Scopes {scopes} are not among {allowed}."""

    scopes: int
    allowed: int
    in_words: ClassVar = {"scopes": scopes_in_words, "allowed": scopes_in_words}
    remedy = "Add the bits manage 1, agree 2, anchor 4, voucher 8, claim 16."


@dataclass(eq=False)
class ExpiryPassed(ParticipantRegistryError):
    """The expiry {expires_at} is not after the block's time {block_time}."""

    expires_at: UnixSeconds
    block_time: UnixSeconds
    remedy = "Choose a later expiry."


@dataclass(eq=False)
class PossessionNotProven(ParticipantRegistryError):
    """Account {account} did not sign that it belongs to the organisation."""

    account: AccountAddress
    remedy = "Sign AccountBinding with the account's own key."


@dataclass(eq=False)
class NotAuthorised(ParticipantRegistryError):
    """Account {account} may not use scope {scope} for organisation {organisation}."""

    account: AccountAddress
    organisation: OrganisationId
    scope: int
    in_words: ClassVar = {"scope": scopes_in_words}
    remedy = "Bind an account with this scope, or delegate to the operator."


@dataclass(eq=False)
class NoRecovery(ParticipantRegistryError):
    """No recovery of organisation {organisation} is announced."""

    organisation: OrganisationId
    remedy = "Ask the association to announce one."


@dataclass(eq=False)
class RecoveryNotDue(ParticipantRegistryError):
    """The recovery is executable at {executable_at}, the time is {block_time}."""

    executable_at: UnixSeconds
    block_time: UnixSeconds
    remedy = "Wait until the notice has passed."


@dataclass(eq=False)
class OrganisationSuspended(ParticipantRegistryError):
    """Organisation {organisation} is suspended: no new business."""

    organisation: OrganisationId
    remedy = "Ask the association; ending consents and leaving stay possible."


@dataclass(eq=False)
class Stopped(ParticipantRegistryError):
    """New business is stopped until {until}."""

    until: UnixSeconds
    remedy = "Wait; withdrawing, settling and leaving stay possible."


@dataclass(eq=False)
class NotGuardian(ParticipantRegistryError):
    """Account {account} is not the guardian."""

    account: AccountAddress
    remedy = "Ask the guardian or the association."


@dataclass(eq=False)
class StopTooLong(ParticipantRegistryError):
    """A stop of {requested_seconds} seconds exceeds the {allowed_seconds} left."""

    requested_seconds: int
    allowed_seconds: int
    remedy = "Stop for less; a longer stop is the association's to vote."


class AgreementRegistryError(ContractError):
    """The registry of agreements refuses this."""

    contract = "AgreementRegistry"


@dataclass(eq=False)
class AlreadyProposed(AgreementRegistryError):
    """Agreement {agreement_id} has been proposed already."""

    agreement_id: AgreementId
    remedy = "Sign the one that stands, or choose another salt."


@dataclass(eq=False)
class PartyCountInvalid(AgreementRegistryError):
    """{count} parties; {minimum} to {maximum} are allowed."""

    count: int
    minimum: int
    maximum: int
    remedy = "Split the agreement, or add the missing party."


@dataclass(eq=False)
class PartiesNotAscending(AgreementRegistryError):
    """Party {index} is not above the one before it."""

    index: int
    remedy = "Sort the parties by id and name each once."


@dataclass(eq=False)
class PartyNotAdmitted(AgreementRegistryError):
    """Party {organisation} has never been admitted."""

    organisation: OrganisationId
    remedy = "Ask the association to admit it first."


@dataclass(eq=False)
class PayeeNotParty(AgreementRegistryError):
    """Price line {line} pays {payee}, which is not a party."""

    line: int
    payee: OrganisationId
    remedy = "Make the payee a party of the agreement."


@dataclass(eq=False)
class TooManyLines(AgreementRegistryError):
    """{count} price lines; at most {maximum} are allowed."""

    count: int
    maximum: int
    remedy = "Put further products into another agreement."


@dataclass(eq=False)
class ValidityInvalid(AgreementRegistryError):
    """Valid from {valid_from} until {valid_until} is no time after {block_time}."""

    valid_from: UnixSeconds
    valid_until: UnixSeconds
    block_time: UnixSeconds
    remedy = "Let the agreement end after it begins, and in the future."


@dataclass(eq=False)
class ParentInvalid(AgreementRegistryError):
    """Agreement {parent} cannot be supplemented."""

    parent: AgreementId
    remedy = "Name an agreement that stands, or none."


@dataclass(eq=False)
class NotParty(AgreementRegistryError):
    """Organisation {organisation} is not a party of agreement {agreement_id}."""

    agreement_id: AgreementId
    organisation: OrganisationId
    remedy = "Act for a party."


@dataclass(eq=False)
class AlreadySigned(AgreementRegistryError):
    """Organisation {organisation} has signed agreement {agreement_id} already."""

    agreement_id: AgreementId
    organisation: OrganisationId
    remedy = "Nothing is left to do for this party."


@dataclass(eq=False)
class AgreementSignatureInvalid(AgreementRegistryError, solidity="SignatureInvalid"):
    """The signature over agreement {agreement_id} is not that of {signer}."""

    agreement_id: AgreementId
    signer: AccountAddress
    remedy = "Sign the agreement's id again with the account that is named."


@dataclass(eq=False)
class StateInvalid(AgreementRegistryError):
    """Agreement {agreement_id} stands at {state}, which does not allow this."""

    agreement_id: AgreementId
    state: int
    in_words: ClassVar = {"state": state_in_words}
    remedy = "Read where the agreement stands; what is terminated stays so."


@dataclass(eq=False)
class AgreementNotAuthorised(AgreementRegistryError, solidity="NotAuthorised"):
    """Account {account} does not speak for organisation {organisation} on agreements."""

    account: AccountAddress
    organisation: OrganisationId
    remedy = "Use an account of the organisation with the scope agree."


@dataclass(eq=False)
class NotSuspendedBy(AgreementRegistryError):
    """No suspension by organisation {organisation} is in force for agreement {agreement_id}."""

    agreement_id: AgreementId
    organisation: OrganisationId
    remedy = "Only the party that suspended resumes."
