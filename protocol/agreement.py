"""Data-use agreements: their terms, and where they stand at a time.

An agreement is its terms; its id is their EIP-712 digest. A party signs its acceptance: its own
name, and the terms. The chain records proposal, signatures, suspensions and the end (`lifecycle`).
Expiry and the beginning of validity are matters of time alone and need no transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from protocol.errors import (
    AlreadyProposed,
    NotParty,
    ParentInvalid,
    PartiesNotAscending,
    PartyCountInvalid,
    PartyNotAdmitted,
    PayeeNotParty,
    TooManyLines,
    UnknownCategory,
    ValidityInvalid,
)
from protocol.periods import period_of
from protocol.types import (
    ZERO_HASH,
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
)

PARTIES_MIN = 2
PARTIES_MAX = 32
LINES_MAX = 32


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What one commons costs: base units for a unit of use, after the free ones of a period."""

    payee: OrganisationId
    category: Category
    unit_price: AmountMinor
    free_units: Units


@dataclass(frozen=True, slots=True)
class Terms:
    """What the parties sign.

    `parties` ascend strictly; `valid_from` is inclusive, `valid_until` exclusive; hashes are
    SHA-256 of canonical JSON; `rulebook` and `parent` are zero if there is none.
    """

    parties: tuple[OrganisationId, ...]
    valid_from: UnixSeconds
    valid_until: UnixSeconds
    policy_hash: Hash32
    document_hash: Hash32
    rulebook: Hash32
    parent: AgreementId
    salt: Hash32
    lines: tuple[PriceLine, ...]


class AgreementState(IntEnum):
    """The state on chain, with the contract's numbers."""

    UNKNOWN = 0
    PROPOSED = 1
    ACTIVE = 2
    SUSPENDED = 3
    TERMINATED = 4


class AgreementStatus(StrEnum):
    """Where an agreement stands at a time."""

    UNKNOWN = "unknown"
    PROPOSED = "proposed"
    NOT_YET_VALID = "not-yet-valid"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """What the chain says of an agreement.

    `history` holds (time, state) in the order of the chain; `parties` may be ids only.
    """

    parties: tuple[OrganisationId, ...]
    valid_from: UnixSeconds
    valid_until: UnixSeconds
    history: tuple[tuple[UnixSeconds, AgreementState], ...]


@dataclass(frozen=True, slots=True)
class ProposalContext:
    """What the rules for a proposal ask of the chain.

    `admitted`: organisations admitted and not suspended. `categories`: those with a rate in the
    period of `block_time`. `proposed`: agreements on chain. `ever_active`: the parties of each
    agreement that all have signed.
    """

    block_time: UnixSeconds
    admitted: Collection[OrganisationId]
    categories: Collection[Category]
    proposed: Collection[AgreementId]
    ever_active: Mapping[AgreementId, Collection[OrganisationId]]


def validate_terms(
    terms: Terms, proposer: OrganisationId, agreement_id: AgreementId, context: ProposalContext
) -> None:
    """Raise the error with which the contract would refuse the proposal; return if it would not.

    In this order: ValidityInvalid, AlreadyProposed, PartyCountInvalid, PartiesNotAscending,
    PartyNotAdmitted, NotParty, TooManyLines, PayeeNotParty, UnknownCategory, ParentInvalid.
    """
    check_not_over(terms.valid_from, terms.valid_until, context.block_time)
    if agreement_id in context.proposed:
        raise AlreadyProposed(agreement_id=agreement_id)
    _check_parties(terms, context)
    if proposer not in terms.parties:
        raise NotParty(agreement_id=agreement_id, organisation=proposer)
    _check_lines(terms, context)
    if terms.parent != ZERO_HASH:
        kept = context.ever_active.get(terms.parent)
        if kept is None or not set(kept) <= set(terms.parties):
            raise ParentInvalid(parent=terms.parent)


def check_not_over(
    valid_from: UnixSeconds, valid_until: UnixSeconds, block_time: UnixSeconds
) -> None:
    """Raise ValidityInvalid unless the validity is a span of time that has not ended."""
    if valid_from >= valid_until or block_time >= valid_until:
        raise ValidityInvalid(valid_from=valid_from, valid_until=valid_until, block_time=block_time)


def status_at(facts: AgreementFacts, time: UnixSeconds) -> AgreementStatus:
    """Where the agreement stands at a time, by the events up to and including it.

    What is terminated stays so; otherwise time outweighs state: from `valid_until` on it is
    expired, whatever the parties did.
    """
    state = state_at(facts, time)
    if state is AgreementState.UNKNOWN:
        return AgreementStatus.UNKNOWN
    if state is AgreementState.TERMINATED:
        return AgreementStatus.TERMINATED
    if time >= facts.valid_until:
        return AgreementStatus.EXPIRED
    if state is AgreementState.ACTIVE and time < facts.valid_from:
        return AgreementStatus.NOT_YET_VALID
    return AgreementStatus[state.name]


def state_at(facts: AgreementFacts, time: UnixSeconds) -> AgreementState:
    """The last state that the chain recorded up to and including a time."""
    states = [state for changed_at, state in facts.history if changed_at <= time]
    return states[-1] if states else AgreementState.UNKNOWN


def is_active_for(facts: AgreementFacts, organisation: OrganisationId, time: UnixSeconds) -> bool:
    """Whether the agreement is active at a time and the organisation one of its parties."""
    return organisation in facts.parties and status_at(facts, time) is AgreementStatus.ACTIVE


def _check_parties(terms: Terms, context: ProposalContext) -> None:
    count = len(terms.parties)
    if not PARTIES_MIN <= count <= PARTIES_MAX:
        raise PartyCountInvalid(count=count, minimum=PARTIES_MIN, maximum=PARTIES_MAX)
    for index, party in enumerate(terms.parties):
        if index and party <= terms.parties[index - 1]:
            raise PartiesNotAscending(index=index)
        if party not in context.admitted:
            raise PartyNotAdmitted(organisation=party)


def _check_lines(terms: Terms, context: ProposalContext) -> None:
    if len(terms.lines) > LINES_MAX:
        raise TooManyLines(count=len(terms.lines), maximum=LINES_MAX)
    for index, line in enumerate(terms.lines):
        if line.payee not in terms.parties:
            raise PayeeNotParty(line=index, payee=line.payee)
        if line.category not in context.categories:
            raise UnknownCategory(category=line.category, period=period_of(context.block_time))
