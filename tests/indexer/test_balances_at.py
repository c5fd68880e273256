"""What an account held at any time is what the rules' fold of all before it says."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from indexer.cursor import BlockRef
from indexer.queries.accounts import (
    AccountBalance,
    balance_at,
    block_at,
    list_balances,
    list_balances_of,
)
from indexer.queries.books import list_postings
from protocol.postings import LedgerAccount
from tests.indexer.conftest import Bench, Index
from tests.indexer.histories import mine_all, mine_history, tell
from tests.indexer.scripted_chain import WINDOW_BLOCKS, Block, ScriptedChain
from tests.indexer.scripted_node import serve
from tests.protocol.ledger_story import CONSUMER_HOLDING, EMPLOYER, SCHOOL

PAGE = 3


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), acts=st.integers(0, 60))
def test_a_balance_at_a_time_is_the_fold_up_to_it(
    make_index: Callable[[str], Index], seed: int, acts: int
) -> None:
    chain = ScriptedChain()
    mine_history(chain, seed, acts)
    with serve(chain) as node:
        index = make_index(node.url)
        index.reach(chain)
    draw = random.Random(seed)
    times = [draw.randint(chain.blocks[0].time - 1, chain.head.time + 1) for _ in range(8)]
    edges = [block.time + change for block in draw.choices(chain.blocks, k=4) for change in (-1, 0)]
    with index.connect() as connection:
        for time in (*times, *edges):
            require_fold(connection, chain, time)
    index.engine.dispose()


def require_fold(connection: Connection, chain: ScriptedChain, time: int) -> None:
    proven_by = block_at(connection, time)
    before = [block for block in chain.blocks if block.time <= time]
    if proven_by is None:
        assert not any(block.events for block in before)
        return
    assert ref(chain.blocks[proven_by.block_number]) == proven_by
    last = proven_by.block_number
    assert not any(block.events for block in before[last + 1 :])
    folded: dict[LedgerAccount, int] = {}
    moved: dict[LedgerAccount, int] = {}
    for booked in list_postings(connection):
        if booked.block_time <= time:
            posting = booked.posting
            for account, sign in ((posting.source, -1), (posting.target, 1)):
                folded[account] = folded.get(account, 0) + sign * posting.amount_minor
                moved[account] = moved.get(account, 0) + 1
    state = before[-1].state.money
    assert {account: folded.get(account, 0) for account in state} == state
    for account in (*chain.head.state.money, LedgerAccount("holding:0x" + "99" * 20)):
        found = balance_at(connection, account, last)
        assert found.account == account
        assert (found.balance_minor, found.postings) == (
            folded.get(account, 0),
            moved.get(account, 0),
        )
    listed = list(pages(lambda after: list_balances(connection, last, after, PAGE)))
    assert {each.account: each.balance_minor for each in listed} == folded
    assert sum(each.balance_minor for each in listed) == 0


def ref(block: Block) -> BlockRef:
    return BlockRef(block.number, bytes.fromhex(block.hash[2:]), block.time)


def pages(read: Callable[[str], list[AccountBalance]]) -> list[AccountBalance]:
    """All pages one after the other; each account comes once."""
    found: list[AccountBalance] = []
    while page := read(found[-1].account if found else ""):
        assert len(page) <= PAGE
        found += page
    names = [each.account for each in found]
    assert len(names) == len(set(names))
    return found


def test_an_organisation_sees_its_own_accounts(bench: Bench) -> None:
    mine_all(bench.chain, tell(5, 60), 5)
    bench.index.reach(bench.chain)
    state, last = bench.chain.head.state, bench.chain.head.number
    with bench.index.connect() as connection:
        for organisation in (SCHOOL, EMPLOYER):
            found = pages(lambda a, o=organisation: list_balances_of(connection, o, last, a, PAGE))
            held = {each.account: each.balance_minor for each in found}
            own = [name for name in state.money if organisation.hex() in name.rpartition(":")[2]]
            assert {name: state.money[name] for name in own}.items() <= held.items()
            assert all(state.money[name] == amount for name, amount in held.items())
            if CONSUMER_HOLDING in held:
                assert organisation == EMPLOYER
        assert list_balances_of(connection, b"\x01" * 20, last, "", PAGE) == []


@pytest.mark.parametrize("empty", [1, WINDOW_BLOCKS + 5])
def test_after_blocks_without_events_a_newer_one_proves_the_same(bench: Bench, empty: int) -> None:
    """Of blocks that are long past, the index knows those with events alone."""
    mine_all(bench.chain, tell(5, 10), 5)
    with_events = max(block.number for block in bench.chain.blocks if block.events)
    for _ in range(empty):
        bench.chain.mine()
    bench.index.reach(bench.chain)
    with bench.index.connect() as connection:
        assert block_at(connection, bench.chain.head.time + 9) == ref(bench.chain.head)
        past = block_at(connection, bench.chain.blocks[with_events + 1].time)
    known = with_events + 1 if empty <= WINDOW_BLOCKS else with_events
    assert past == ref(bench.chain.blocks[known])
