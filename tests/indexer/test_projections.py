"""The index is what the rules make of the same events: facts, money and participants alike."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from sqlalchemy import Connection, select, text, union_all
from web3 import Web3

from indexer.books import check_books
from indexer.chain import Chain
from indexer.cursor import BlockRef, read_cursor
from indexer.decode import Decoder, PlacedEvent
from indexer.queries import agreements, books, consents, participants, rates, settlements
from indexer.tables import EVENT_TABLES
from node.contracts import ALL_CONTRACTS
from node.governance import execute_through_timelock
from node.intake.completion import CompletedLine
from protocol import ledger
from protocol.entries import Entry, leaf_of
from protocol.ledger_state import Deployment, LedgerState
from protocol.periods import period_of
from protocol.postings import Posting
from protocol.signatures import sign_digest
from protocol.signing import account_binding_digest
from protocol.types import (
    AccountAddress,
    AgreementId,
    Hash32,
    OrganisationId,
    UnixSeconds,
    to_hex,
)
from tests.stage import World, wait_until

PRICE = CompletedLine(payee="provider", category=3, unit_price_minor=777, free_units=2)


@dataclass(frozen=True, slots=True)
class Both:
    """The index and the rules' own fold, at the same block."""

    world: World
    connection: Connection
    events: list[PlacedEvent]
    state: LedgerState


@pytest.fixture(scope="module")
def eventful(world: World) -> World:
    """The session's chain with events of nearly every kind on it."""
    stage, provider, consumer = world.story.stage, world.provider, world.consumer
    key = secrets.token_bytes(32)
    agreement = world.conclude((PRICE, PRICE))
    world.deposit(agreement, 500_000)
    record = world.grant_active(key, agreement_id=agreement)
    voucher = world.use(record, 6)
    world.settle({**voucher, "upTo": 3})
    world.settle(voucher)
    registry = world.contract("AgreementRegistry").functions
    settlement = world.contract("UsageSettlement").functions
    token = world.contract("UsageToken").functions
    entry_registry = world.contract("ConsentRegistry").functions
    members = world.contract("ParticipantRegistry").functions
    treasury = world.contract("CommonsTreasury").functions
    provider_id, consumer_id = (
        Web3.to_checksum_address(party.id) for party in (provider, consumer)
    )
    operator_id = Web3.to_checksum_address(stage.operator_id)
    reason = secrets.token_bytes(32)
    provider.wallet.call(registry.suspend(agreement, provider_id, reason))
    consumer.wallet.call(registry.suspend(agreement, consumer_id, reason))
    provider.wallet.call(registry.resume(agreement, provider_id))
    consumer.wallet.call(registry.resume(agreement, consumer_id))
    over = world.conclude((PRICE,))
    consumer.wallet.call(registry.terminate(over, consumer_id, reason))
    world.propose(world.make_terms())
    revoked, invalidated = (world.grant_active(secrets.token_bytes(32)) for _ in range(2))
    provider.wallet.call(entry_registry.revoke(provider_id, leaf_of(revoked.entry)))
    provider.wallet.call(entry_registry.withdraw(leaf_of(revoked.entry)))
    consumer.wallet.call(settlement.requestLeaving(agreement, consumer_id, 1_000))
    owed = settlement.balanceOf(provider_id).call()
    provider.wallet.call(settlement.claim(provider_id, provider.wallet.address, owed // 2))
    provider.wallet.call(settlement.payOutCommission())
    provider.wallet.call(token.redeem(owed // 4, reason))
    provider.wallet.call(members.describe(provider_id, "https://node.example", reason))
    provider.wallet.call(members.describe(provider_id, "https://node.example/2", reason))
    consumer.wallet.call(members.delegate(consumer_id, operator_id, 4, 2**40 - 1))
    consumer.wallet.call(members.delegate(consumer_id, operator_id, 0, 2**40 - 1))
    later = period_of(UnixSeconds(int(time.time()))) + 6
    for act in (
        entry_registry.invalidate(leaf_of(invalidated.entry)),
        world.contract("CommissionPolicy").functions.setRate(4, later, 125),
        treasury.grant(provider.wallet.address, 1, reason),
        members.suspend(consumer_id),
        members.reinstate(consumer_id),
        members.classify(consumer_id, 6, 2),
        *announcements(world),
        world.contract("CommissionPolicy").functions.setRate(4, later, 120),
        members.appointGuardian(provider.wallet.address),
    ):
        execute_through_timelock(stage.governance, stage.deployment, act)
    provider.wallet.call(members.cancelRecovery(provider_id))
    head = world.web3.eth.block_number
    world.wait_for_block(head)
    return world


def announcements(world: World) -> Iterator[Any]:
    """Recoveries of both organisations, each for a new account."""
    registry = world.contract("ParticipantRegistry")
    for party in (world.provider, world.consumer):
        account = Account.create()
        address = AccountAddress(bytes.fromhex(account.address[2:]))
        place = (world.chain_id, world.address("ParticipantRegistry"))
        digest = account_binding_digest(party.id, address, *place)
        signature = sign_digest(bytes(account.key), digest)
        organisation = Web3.to_checksum_address(party.id)
        yield registry.functions.announceRecovery(organisation, account.address, signature)


@pytest.fixture
def both(eventful: World) -> Any:
    wait_until(lambda: eventful.node.open_acts() == 0, "an empty outbox")
    with eventful.node.engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        cursor = read_cursor(connection)
        assert cursor is not None
        placed = events_of(eventful, cursor.at.block_number)
        yield Both(eventful, connection, placed, fold_of(eventful, placed))


def events_of(world: World, last: int) -> list[PlacedEvent]:
    addresses = {name: bytes(world.address(name)) for name in ALL_CONTRACTS}
    decoder, chain = Decoder(addresses), Chain(world.node.running.chain_url)
    placed = []
    for log in chain.logs(0, last, [to_hex(address) for address in addresses.values()])[1]:
        header = world.web3.eth.get_block(int(log.block_number, 16))
        block = BlockRef(header["number"], bytes(header["hash"]), header["timestamp"])
        placed.append(decoder.decode(log, block))
    return [event for event in placed if event is not None]


def fold_of(world: World, placed: list[PlacedEvent]) -> LedgerState:
    events = [(event.event, event.origin) for event in placed]
    deployment = Deployment(
        chain_id=world.chain_id,
        agreement_registry=world.address("AgreementRegistry"),
        consent_registry=world.address("ConsentRegistry"),
        usage_settlement=world.address("UsageSettlement"),
        commons_treasury=world.address("CommonsTreasury"),
    )
    return ledger.close(ledger.fold(ledger.new_ledger(deployment), events))


def test_the_story_has_events_of_nearly_every_kind(both: Both) -> None:
    told = {
        kind
        for kind, table in EVENT_TABLES.items()
        if both.connection.execute(select(table).limit(1)).first() is not None
    }
    untold = {kind.__name__ for kind in EVENT_TABLES.keys() - told}
    assert untold <= {
        "AccountRetired",
        "Cancelled",
        "Left",
        "RoleAdminChanged",
        "RoleRevoked",
        "StopEnded",
        "Stopped",
        "VoucherSkipped",
        "WithdrawalRefused",
    }


def test_every_event_has_its_row(both: Both) -> None:
    rows = both.connection.execute(
        union_all(*(select(t.c.block_number, t.c.log_index) for t in EVENT_TABLES.values()))
    ).all()
    assert sorted(map(tuple, rows)) == [
        (event.block.block_number, event.log_index) for event in both.events
    ]


def test_facts_of_every_consent_are_those_of_the_rules(both: Both) -> None:
    rows = both.connection.execute(text("SELECT DISTINCT ON (leaf) * FROM node.consents")).all()
    ended: set[str | None] = set()
    assert len(rows) >= 3
    entries = [
        Entry(
            row.agreement_id,
            row.issuer,
            row.holder,
            int(row.valid_from),
            int(row.valid_until),
            row.commitment,
        )
        for row in rows
    ]
    registry = both.world.address("ConsentRegistry")
    found = consents.consent_facts(both.connection, entries, registry)
    assert found == [ledger.consent_facts(both.state, entry) for entry in entries]
    for facts in found:
        for name in ("revoked_at", "invalidated_at"):
            ended |= {name} if getattr(facts.endings, name) else set()
    assert ended == {"revoked_at", "invalidated_at"}


def test_the_log_of_leaves_and_all_endings_are_those_of_the_rules(both: Both) -> None:
    leaves = both.connection.execute(text("SELECT count(*), max(leaf_index) FROM ledger.leaves"))
    count, largest = leaves.one()
    assert count == largest + 1 == both.state.log_size
    rows = both.connection.execute(
        text(
            "SELECT d.who, d.leaf, e.block_time FROM ledger.endings d"
            " JOIN ledger.blocks e USING (block_number)"
        )
    )
    assert {(row.who, row.leaf): row.block_time for row in rows} == both.state.endings
    for (issuer, leaf), position in both.state.leaves.items():
        anchoring = consents.find_anchoring(both.connection, issuer, leaf)
        assert anchoring is not None
        assert (anchoring.root, anchoring.index) == (position.root, position.index)
        assert anchoring.anchored_at == position.anchored_at


def test_facts_of_every_agreement_are_those_of_the_rules(both: Both) -> None:
    states = set()
    for agreement_id, agreement in both.state.agreements.items():
        row = agreements.find_agreement(both.connection, agreement_id)
        assert row is not None
        assert row.terms == agreement.terms
        assert row.facts == ledger.agreement_facts(both.state, agreement_id)
        signed = {signature.organisation for signature in row.signatures}
        assert signed == set(agreement.lifecycle.signed_by)
        states |= {state.name for _, state in row.facts.history}
    assert states == {"PROPOSED", "ACTIVE", "SUSPENDED", "TERMINATED"}
    assert agreements.find_agreement(both.connection, bytes(32)) is None
    for party in (both.world.provider.id, both.world.consumer.id):
        listed = agreements.agreement_ids_of(both.connection, party, b"", 1_000)
        assert listed == sorted(both.state.agreements)


def test_agreements_are_listed_as_they_were_proposed_with_their_parties(both: Both) -> None:
    connection, known = both.connection, both.state.agreements
    party = both.world.provider.id
    newest = agreements.newest_agreement_ids_of(connection, party, None, 1_000)
    assert sorted(newest) == sorted(known)
    rows = agreements.find_agreements(connection, newest)
    assert [row.agreement_id for row in rows] == newest
    proposed_at = [row.facts.history[0][0] for row in rows]
    assert proposed_at == sorted(proposed_at, reverse=True)
    assert rows == [agreements.find_agreement(connection, each) for each in newest]
    assert agreements.newest_agreement_ids_of(connection, party, newest[0], 2) == newest[1:3]
    assert agreements.newest_agreement_ids_of(connection, party, newest[-1], 2) == []
    assert agreements.newest_agreement_ids_of(connection, bytes(20), None, 2) == []
    parties = {each: list(agreement.terms.parties) for each, agreement in known.items()}
    assert agreements.parties_of(connection, [*known, bytes(32)]) == parties
    for each in known:
        supplements = [i for i, a in known.items() if a.terms.parent == each]
        assert sorted(agreements.supplements_of(connection, party, each)) == sorted(supplements)
    named = Counter(agreement.terms.rulebook for agreement in known.values())
    del named[Hash32(bytes(32))]
    rulebooks = agreements.rulebooks_of(connection, party)
    assert {row.rulebook: row.agreements for row in rulebooks} == named


def test_dids_are_found_by_how_they_end(both: Both) -> None:
    dids = sorted(each.did for each in both.state.participants.values())
    assert sorted(participants.list_dids(both.connection, 1_000)) == dids
    assert len(participants.list_dids(both.connection, 1)) == 1
    did = both.world.consumer.did
    ending = did.rpartition(":")[2]
    assert participants.find_dids_ending_in(both.connection, [ending, "nobody"]) == [did]
    assert participants.find_dids_ending_in(both.connection, [ending[1:]]) == []


def test_rates_are_those_of_the_rules_in_every_period(both: Both) -> None:
    now = period_of(UnixSeconds(int(time.time())))
    for period in (now - 1, now, now + 5, now + 6, now + 60):
        in_force = rates.rates_in_force(both.connection, period)
        expected = {}
        for category in both.state.rates:
            try:
                expected[category] = ledger.rate_of(both.state, category, period)
            except ledger.UnknownCategory:
                continue
        assert in_force == expected
    assert 4 in rates.rates_in_force(both.connection, now + 6)
    assert 4 not in rates.rates_in_force(both.connection, now + 5)


def test_settled_units_and_lines_are_those_of_the_rules(both: Both) -> None:
    assert both.state.settled
    for (agreement_id, consumer, period), units in both.state.settled.items():
        found = settlements.settled_units(both.connection, agreement_id, consumer, period)
        assert found == units
    paid = sum(
        posting.amount_minor for _, posting in both.state.journal if posting.period is not None
    )
    months = books.booked_months(both.connection)
    lines = [
        line
        for month in months
        for line in settlements.lines_booked_in(both.connection, month, None)
    ]
    assert sum(line.gross_minor for line in lines) == paid
    none = settlements.settled_units(both.connection, AgreementId(bytes(32)), bytes(20), 1)
    assert none == 0


def test_balances_and_postings_are_those_of_the_rules(both: Both) -> None:
    booked = books.balances(both.connection)
    assert booked == both.state.money
    assert sum(booked.values()) == 0
    rows = both.connection.execute(
        text(
            "SELECT source, target, amount_minor, period, agreement_id, category"
            " FROM ledger.postings"
            " ORDER BY block_number, log_index, posting_index"
        )
    )
    found = [
        Posting(row[0], row[1], int(row[2]), row.period, row.agreement_id, row.category)
        for row in rows
    ]
    assert found == [posting for _, posting in both.state.journal]
    for account, amount in booked.items():
        assert books.balance(both.connection, account) == amount
    assert books.balance(both.connection, ledger.deposit_of(bytes(32), bytes(20))) == 0


def test_the_books_equal_the_contracts(both: Both) -> None:
    addresses = {name: bytes(both.world.address(name)) for name in ALL_CONTRACTS}
    found = check_books(both.connection, Chain(both.world.node.running.chain_url), addresses)
    assert found is not None
    assert [check for check in found.accounts if not check.agrees] == []
    assert found.leaves_in_index == found.leaves_on_chain > 0
    kinds = {check.account.partition(":")[0] for check in found.accounts}
    assert kinds >= {"issued", "treasury", "commission", "transit", "holding", "deposit", "balance"}
    assert sum(check.books_minor for check in found.accounts) == 0


def test_books_that_lie_are_found_out(both: Both) -> None:
    both.connection.execute(
        text(
            "UPDATE ledger.postings SET amount_minor = amount_minor + 1"
            " WHERE source LIKE 'deposit:%'"
        )
    )
    addresses = {name: bytes(both.world.address(name)) for name in ALL_CONTRACTS}
    found = check_books(both.connection, Chain(both.world.node.running.chain_url), addresses)
    assert found is not None
    assert not found.agrees
    both.connection.rollback()


def test_participants_are_those_of_the_rules(both: Both) -> None:
    assert len(both.state.participants) >= 3
    for organisation, expected in both.state.participants.items():
        row = participants.find_participant(both.connection, organisation)
        assert row is not None
        assert (row.did, row.roles, row.college) == (expected.did, expected.roles, expected.college)
        assert (row.admitted_at, row.suspended) == (expected.admitted_at, expected.suspended)
        assert row.service_address == expected.service_address
        accounts = {
            account: (bound.scopes, bound.expires_at, bound.retired_at)
            for account, bound in both.state.accounts.items()
            if bound.organisation == organisation
        }
        assert {
            bound.account: (bound.scopes, bound.expires_at, bound.retired_at)
            for bound in row.accounts
        } == accounts
        given = {
            operator: delegation.scopes
            for (giver, operator), delegation in both.state.delegations.items()
            if giver == organisation and delegation.scopes
        }
        assert {found.operator: found.scopes for found in row.delegations} == given
        announced = both.state.recoveries.get(organisation)
        assert (row.recovery and (row.recovery.account, row.recovery.executable_at)) == (
            announced and (announced.account, announced.executable_at)
        )
    assert len(both.state.recoveries) == 1
    asked = sorted(both.state.participants)
    one_by_one = [participants.find_participant(both.connection, each) for each in asked]
    assert participants.find_participants(both.connection, [*asked, bytes(20)]) == one_by_one
    assert participants.find_participant(both.connection, OrganisationId(bytes(20))) is None
