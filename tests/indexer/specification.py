"""What the queries must say of a scripted chain, by the rules' fold of the events that it told.

Each function compares the whole answer, now or as it was known at a time; `known` is what had
happened then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, select, text

from indexer import tables
from indexer.queries import agreements, consents, history, participants, proposals, rates
from indexer.queries.agreements import AgreementRow, SignatureRow
from indexer.queries.consents import Anchoring, EndingRow
from indexer.queries.history import Fact
from indexer.queries.participants import AccountRow, DelegationRow, ParticipantRow, RecoveryRow
from indexer.queries.rates import RateRow
from protocol import ledger
from protocol.agreement import AgreementState
from protocol.consent import status_at
from protocol.entries import leaf_of
from protocol.errors import UnknownCategory
from protocol.events import (
    AgreementActivated,
    AgreementProposed,
    AgreementResumed,
    AgreementSigned,
    AgreementSuspended,
    AgreementTerminated,
    ConsentEnded,
    Event,
    LeavesAnchored,
    Origin,
    RateSet,
)
from protocol.ledger_state import LedgerState, ProposedCall
from protocol.types import (
    ZERO_HASH,
    AgreementId,
    Category,
    Leaf,
    OrganisationId,
    Period,
    RateBps,
    Role,
    Scope,
    UnixSeconds,
)
from tests.indexer.histories import ENTRIES
from tests.indexer.scripted_chain import ScriptedChain
from tests.protocol.ledger_story import DEPLOYMENT, PERIOD

REGISTRY = DEPLOYMENT.consent_registry
CHANGES = (
    *(AgreementProposed, AgreementActivated),
    *(AgreementSuspended, AgreementResumed, AgreementTerminated),
)
PAGE = 2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """The events up to a time, and what follows from them; None is now."""

    events: Sequence[tuple[Event, Origin]]
    state: LedgerState
    time: UnixSeconds | None = None

    def of(self, *kinds: type[T]) -> list[tuple[T, Origin]]:
        return [(event, origin) for event, origin in self.events if isinstance(event, kinds)]


def known_now(chain: ScriptedChain) -> Known:
    return Known(chain.events, ledger.close(ledger.fold(chain.blocks[0].state, chain.events)))


def known_at(chain: ScriptedChain, time: int) -> Known:
    """As of the end of the last block at or before a time."""
    told = [(event, origin) for event, origin in chain.events if origin.block_time <= time]
    return Known(told, ledger.fold(chain.blocks[0].state, told), UnixSeconds(time))


# -- participants ----------------------------------------------------------------------------------


def require_same_participants(connection: Connection, known: Known) -> None:
    expected = {each: participant(known.state, each) for each in sorted(known.state.participants)}
    for organisation, row in expected.items():
        assert participants.find_participant(connection, organisation) == row
    assert participants.find_participant(connection, b"\x01" * 20) is None
    dids = participants.find_dids(connection, [*expected, b"\x01" * 20])
    assert dids == {organisation: row.did for organisation, row in expected.items()}
    assert sorted(participants.list_dids(connection, len(dids) + 1)) == sorted(dids.values())
    assert len(participants.list_dids(connection, 1)) == min(1, len(dids))
    endings = [re.split("[:/]", did)[-1] for did in dids.values()]
    ending_so = participants.find_dids_ending_in(connection, [*endings, "nobody"])
    assert sorted(ending_so) == sorted(dids.values())
    listed = all_pages(
        lambda last: participants.list_participants(
            connection, last.organisation if last else b"", PAGE
        )
    )
    assert listed == [*expected.values()]
    assert participants.list_operators(connection) == [
        row for row in listed if Role.OPERATOR in row.roles and not row.suspended
    ]
    assert participants.find_organisation_of(connection, b"\x01" * 20) is None
    for account, bound in known.state.accounts.items():
        assert participants.find_organisation_of(connection, account) == bound.organisation
        for now in (0, bound.expires_at - 1, bound.expires_at):
            manages = Scope.MANAGE in Scope(bound.scopes) and now < bound.expires_at
            found = participants.find_organisation_managed_by(connection, account, now)
            expected_one = bound.organisation if manages and bound.retired_at is None else None
            assert found == expected_one


def participant(state: LedgerState, organisation: OrganisationId) -> ParticipantRow:
    """The rows of an organisation by the rules."""
    member = state.participants[organisation]
    recovery = state.recoveries.get(organisation)
    return ParticipantRow(
        organisation,
        member.did,
        Role(member.roles),
        member.college,
        member.admitted_at,
        member.suspended,
        member.service_address,
        None if member.did_document_hash == ZERO_HASH else member.did_document_hash,
        tuple(
            AccountRow(account, Scope(bound.scopes), bound.expires_at, bound.retired_at)
            for account, bound in state.accounts.items()
            if bound.organisation == organisation
        ),
        tuple(
            DelegationRow(operator, Scope(given.scopes), given.expires_at)
            for (giver, operator), given in sorted(state.delegations.items())
            if giver == organisation and given.scopes
        ),
        None if recovery is None else RecoveryRow(recovery.account, recovery.executable_at),
    )


# -- agreements ------------------------------------------------------------------------------------


def require_same_agreements(connection: Connection, known: Known, ever: Known) -> None:
    """Of all that were ever proposed, too: what is proposed later is not known yet."""
    for agreement_id in ever.state.agreements:
        row = agreements.find_agreement(connection, agreement_id, known.time)
        assert row == agreement(known, agreement_id)
        facts = history.history_of_agreement(connection, agreement_id)
        assert until(facts, known.time) == changes_of(known, agreement_id)
    if known.time is not None:
        return
    for agreement_id, proposed in known.state.agreements.items():
        found = agreements.find_agreement_facts(connection, agreement_id)
        assert found == ledger.agreement_facts(known.state, agreement_id)
        assert agreements.price_lines_of(connection, agreement_id) == proposed.terms.lines
    nobodys = b"\x01" * 32
    assert agreements.find_agreement(connection, nobodys) is None
    assert agreements.find_agreement_facts(connection, nobodys) is None
    assert agreements.price_lines_of(connection, nobodys) is None
    for organisation in known.state.participants:
        own = [i for i, a in known.state.agreements.items() if organisation in a.terms.parties]
        listed = all_pages(
            lambda last, o=organisation: agreements.agreement_ids_of(
                connection, o, last or b"", PAGE
            )
        )
        assert listed == sorted(own)
        newest = all_pages(
            lambda last, o=organisation: agreements.newest_agreement_ids_of(
                connection, o, last, PAGE
            )
        )
        assert newest == own[::-1], "the state has them as they were proposed"
        require_same_terms(connection, known, organisation, own)
        lives = [known.state.agreements[each].lifecycle for each in newest]
        for now in {0, *(life.valid_until - sooner for life in lives for sooner in (0, 1))}:
            assert agreements.unsigned_proposals_of(connection, organisation, now, len(own)) == [
                life.agreement_id
                for life in lives
                if life.state is AgreementState.PROPOSED
                and organisation not in life.signed_by
                and now < life.valid_until
            ]


def require_same_terms(
    connection: Connection, known: Known, organisation: OrganisationId, own: list[AgreementId]
) -> None:
    """What an organisation's agreements say of parties, of each other and of the rulebook."""
    terms = {each: known.state.agreements[each].terms for each in own}
    parties = {each: list(terms[each].parties) for each in own}
    assert agreements.parties_of(connection, [*own, bytes(32)]) == parties
    for each in own:
        supplements = [other for other in own if terms[other].parent == each]
        assert agreements.supplements_of(connection, organisation, each) == supplements
    named: dict[bytes, list[int]] = {}
    for event, origin in known.of(AgreementProposed):
        if event.agreement_id in terms and any(event.terms.rulebook):
            named.setdefault(event.terms.rulebook, []).append(origin.block_time)
    rulebooks = agreements.rulebooks_of(connection, organisation)
    assert {row.rulebook: (row.agreements, row.first_at) for row in rulebooks} == {
        rulebook: (len(times), min(times)) for rulebook, times in named.items()
    }
    order = [(-row.first_at, row.rulebook) for row in rulebooks]
    assert order == sorted(order)


def agreement(known: Known, agreement_id: AgreementId) -> AgreementRow | None:
    """The row of an agreement by the rules; None if it was not proposed yet."""
    facts = ledger.agreement_facts(known.state, agreement_id)
    if facts is None:
        return None
    proposed = known.state.agreements[agreement_id]
    signatures = tuple(
        SignatureRow(event.organisation, event.signer, origin.block_time)
        for event, origin in known.of(AgreementSigned)
        if event.agreement_id == agreement_id
    )
    assert {signed.organisation for signed in signatures} == proposed.lifecycle.signed_by
    return AgreementRow(agreement_id, proposed.terms, signatures, facts)


def changes_of(known: Known, agreement_id: AgreementId) -> list[Fact]:
    return [
        fact(event, getattr(event, "organisation", None), origin)
        for event, origin in known.of(*CHANGES)
        if event.agreement_id == agreement_id
    ]


# -- consents --------------------------------------------------------------------------------------


def require_same_consents(connection: Connection, known: Known) -> None:
    state = known.state
    assert consents.count_leaves(connection) == state.log_size
    batches = [origin.block_number for _, origin in known.of(LeavesAnchored)]
    assert consents.last_batch_block(connection) == (batches[-1] if batches else None)
    for (issuer, leaf), position in state.leaves.items():
        anchoring = consents.find_anchoring(connection, issuer, leaf)
        anchor = state.anchors[issuer, position.root]
        origin = anchor.origin
        assert anchoring == Anchoring(
            anchor.first_index + position.index,
            position.root,
            anchor.first_index,
            anchor.size,
            position.anchored_at,
            *(origin.block_number, origin.log_index, origin.transaction_hash),
        )
        batch = consents.batch_leaves(connection, anchoring)
        assert batch[position.index] == leaf
        assert len(batch) == anchor.size
    for event, origin in known.of(ConsentEnded):
        place = (origin.block_number, origin.log_index, origin.transaction_hash)
        row = EndingRow(event.who, event.leaf, state.endings[event.who, event.leaf], *place)
        assert consents.endings_of(connection, event.leaf, [event.who, b"\x01" * 20]) == [row]
    found = consents.consent_facts(connection, ENTRIES, REGISTRY)
    assert found == [ledger.consent_facts(state, entry) for entry in ENTRIES]
    for entry in ENTRIES:
        leaf = leaf_of(entry)
        anchored = any(each == leaf for _, each in state.leaves)
        assert consents.is_anchored(connection, leaf) == anchored
        ended = any(each == leaf for _, each in state.endings)
        standing = (entry.issuer, leaf) in state.leaves and not ended
        assert is_standing(connection, leaf, entry.issuer) == standing


def is_standing(connection: Connection, leaf: Leaf, issuer: bytes) -> bool:
    """As the statements of others ask it of rows of their own."""
    asked = "(VALUES (CAST(:leaf AS bytea), CAST(:issuer AS bytea))) AS asked (leaf, issuer)"
    standing = consents.standing_sql("asked.leaf", "asked.issuer")
    values = {"leaf": leaf, "issuer": issuer}
    return bool(connection.execute(text(f"SELECT {standing} FROM {asked}"), values).scalar_one())


def require_same_statuses(connection: Connection, known: Known) -> None:
    """Where consents stood at a time, by facts of which some came later; and how that is known."""
    assert known.time is not None
    found = consents.consent_facts(connection, ENTRIES, REGISTRY)
    for entry, facts in zip(ENTRIES, found, strict=True):
        agreed = agreements.find_agreement_facts(connection, entry.agreement_id)
        of_rules = (
            ledger.consent_facts(known.state, entry),
            ledger.agreement_facts(known.state, entry.agreement_id),
        )
        status = status_at(entry, facts, agreed, known.time)
        expected = status_at(entry, *of_rules, known.time)
        assert (status.state, status.endings) == (expected.state, expected.endings)
        told = history.history_of_consent(connection, entry, REGISTRY)
        leaf, counting = leaf_of(entry), (entry.holder, entry.issuer, REGISTRY)
        anchored = [
            fact(event, event.issuer, origin)
            for event, origin in known.of(LeavesAnchored)
            if event.issuer == entry.issuer and leaf in event.leaves
        ]
        ended = [
            fact(event, event.who, origin)
            for event, origin in known.of(ConsentEnded)
            if event.leaf == leaf and event.who in counting
        ]
        facts_known = [*changes_of(known, entry.agreement_id), *anchored[:1], *ended]
        in_order = sorted(facts_known, key=lambda each: (each.block_number, each.log_index))
        assert until(told, known.time) == in_order


# -- rates and proposals ---------------------------------------------------------------------------


def require_same_rates(connection: Connection, known: Known) -> None:
    set_at = {
        (event.category, event.from_period): origin.block_time
        for event, origin in known.of(RateSet)
    }
    expected = [
        RateRow(category, from_period, rate_bps, set_at[category, from_period])
        for category, periods in sorted(known.state.rates.items())
        for from_period, rate_bps in periods
    ]
    assert rates.list_rates(connection, known.time) == expected
    listed = all_pages(
        lambda last: rates.list_rates(
            connection, known.time, (last.category, last.from_period) if last else None, PAGE
        )
    )
    assert listed == expected
    for number in range(PERIOD - 1, PERIOD + 40, 3):
        in_force = rates.rates_in_force(connection, number, known.time)
        assert in_force == rates_of(known.state, Period(number))


def require_same_proposals(connection: Connection, known: Known) -> None:
    assert {
        (row.operation, row.call_index): ProposedCall(
            row.target, row.value, row.data, row.proposed_at, row.executable_at
        )
        for row in proposals.list_proposed_calls(connection, known.time)
    } == known.state.proposed_calls


def rates_of(state: LedgerState, period: Period) -> dict[Category, RateBps]:
    found = {}
    for category in state.rates:
        try:
            found[category] = ledger.rate_of(state, category, period)
        except UnknownCategory:
            continue
    return found


# -- events ----------------------------------------------------------------------------------------


def require_same_events(connection: Connection, chain: ScriptedChain) -> None:
    told = {(type(event), origin.block_number, origin.log_index) for event, origin in chain.events}
    found = {
        (kind, *place)
        for kind, table in tables.EVENT_TABLES.items()
        for place in connection.execute(select(table.c.block_number, table.c.log_index))
    }
    assert found == told
    blocks = connection.execute(select(tables.blocks)).all()
    assert {row.block_number for row in blocks} == {place for _, place, _ in told}
    for row in blocks:
        block = chain.blocks[row.block_number]
        assert ("0x" + row.block_hash.hex(), row.block_time) == (block.hash, block.time)


def fact(event: Event, by: bytes | None, origin: Origin) -> Fact:
    place = (origin.block_number, origin.log_index, origin.transaction_hash)
    return Fact(type(event).__name__, by, origin.block_time, *place)


def until(facts: list[Fact], time: UnixSeconds | None) -> list[Fact]:
    """Those that were known at a time."""
    return [each for each in facts if time is None or each.happened_at <= time]


def all_pages(read: Callable[[T | None], list[T]]) -> list[T]:
    """One page after the other, each asked for by the last row of the one before."""
    found: list[T] = []
    while page := read(found[-1] if found else None):
        assert len(page) <= PAGE
        found += page
    return found
