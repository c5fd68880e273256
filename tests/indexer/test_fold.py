"""The tables equal the rules' fold of the same events, on random histories."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from indexer import tables
from indexer.queries import agreements, books, consents, participants, rates, settlements
from protocol import ledger
from protocol.ledger_state import LedgerState
from protocol.postings import Posting
from tests.indexer.conftest import Index
from tests.indexer.histories import mine_history
from tests.indexer.scripted_chain import ScriptedChain
from tests.indexer.scripted_node import serve


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), acts=st.integers(0, 80), back=st.integers(0, 5))
def test_the_index_is_the_fold(
    make_index: Callable[[str], Index], seed: int, acts: int, back: int
) -> None:
    chain = ScriptedChain()
    mine_history(chain, seed, acts)
    with serve(chain) as node:
        index = make_index(node.url)
        index.follow(chain)
        chain.take_back(min(back, chain.head.number - 1))
        chain.mine()
        for _ in range(back):
            chain.mine()
        index.follow(chain)
    state = ledger.close(ledger.fold(chain.blocks[0].state, chain.events))
    with index.connect() as connection:
        require_same_events(connection, chain)
        require_same_participants(connection, state)
        require_same_consents(connection, state)
        require_same_agreements(connection, state)
        require_same_money(connection, state)
    index.engine.dispose()


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


def require_same_participants(connection: Connection, state: LedgerState) -> None:
    for organisation, expected in state.participants.items():
        row = participants.find_participant(connection, organisation)
        assert row is not None
        assert (row.did, row.roles, row.college, row.suspended) == (
            expected.did,
            expected.roles,
            expected.college,
            expected.suspended,
        )
        assert row.service_address == expected.service_address
        announced = state.recoveries.get(organisation)
        assert (row.recovery is None) == (announced is None)


def require_same_consents(connection: Connection, state: LedgerState) -> None:
    assert consents.count_leaves(connection) == state.log_size
    for (issuer, leaf), position in state.leaves.items():
        anchoring = consents.find_anchoring(connection, issuer, leaf)
        assert anchoring is not None
        assert (anchoring.root, anchoring.index) == (position.root, position.index)
        assert anchoring.anchored_at == position.anchored_at
        batch = consents.batch_leaves(connection, anchoring)
        assert batch[anchoring.index] == leaf
        assert len(batch) == anchoring.size
    for (who, leaf), ended_at in state.endings.items():
        [row] = consents.endings_of(connection, leaf, [who])
        assert row.ended_at == ended_at


def require_same_agreements(connection: Connection, state: LedgerState) -> None:
    for agreement_id, agreement in state.agreements.items():
        row = agreements.find_agreement(connection, agreement_id)
        assert row is not None
        assert row.terms == agreement.terms
        assert row.facts == ledger.agreement_facts(state, agreement_id)


def require_same_money(connection: Connection, state: LedgerState) -> None:
    assert books.balances(connection) == state.money
    assert sum(state.money.values()) == 0
    postings = tables.postings
    rows = connection.execute(
        select(postings).order_by(
            postings.c.block_number, postings.c.log_index, postings.c.posting_index
        )
    )
    found = [
        Posting(
            row.source,
            row.target,
            int(row.amount_minor),
            row.period,
            row.agreement_id,
            row.category,
        )
        for row in rows
    ]
    assert found == [posting for _, posting in state.journal]
    for (agreement_id, consumer, period), units in state.settled.items():
        assert settlements.settled_units(connection, agreement_id, consumer, period) == units
    for category, history in state.rates.items():
        for from_period, rate_bps in history:
            assert rates.rates_in_force(connection, from_period)[category] == rate_bps
