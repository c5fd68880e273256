"""The leaves' indexes are away during a long back-fill, and there again at its end."""

from __future__ import annotations

from sqlalchemy import text

from indexer.lookups import BACK_FILL_BLOCKS_MIN
from tests.indexer.conftest import Bench, Index
from tests.indexer.histories import mine_all, tell

LOOKUPS = (
    "ledger.leaves_pkey",
    "ledger.ix_ledger_leaves_leaf",
    "ledger.ix_ledger_endings_leaf_who",
)
COUNT = text(
    "SELECT count(*) FROM pg_index WHERE indisvalid"
    " AND indexrelid = ANY (SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name)"
)


def present(index: Index) -> int:
    """How many of the leaves' indexes are there."""
    with index.connect() as connection:
        return int(connection.execute(COUNT, {"names": list(LOOKUPS)}).scalar_one())


def seen_on_the_way(index: Index) -> set[int]:
    """How many were there, range after range, up to the head."""
    seen: set[int] = set()
    while index.indexer.step(on_step=lambda blocks: seen.add(present(index))):
        pass
    return seen


def test_a_first_back_fill_builds_them_once_at_its_end(bench: Bench) -> None:
    mine_all(bench.chain, tell(3, 3 * BACK_FILL_BLOCKS_MIN), 1)
    assert present(bench.index) == len(LOOKUPS)
    assert seen_on_the_way(bench.index) == {0}
    assert present(bench.index) == len(LOOKUPS)
    assert bench.index.digest() == bench.replayed()


def test_whoever_follows_the_head_keeps_them(bench: Bench) -> None:
    transactions = tell(3, 3 * BACK_FILL_BLOCKS_MIN)
    mine_all(bench.chain, transactions[:-12], 1)
    assert seen_on_the_way(bench.index) == {0}
    for transaction in transactions[-12:]:
        bench.chain.mine(transaction)
        assert seen_on_the_way(bench.index) == {len(LOOKUPS)}


def test_one_that_is_killed_in_between_builds_them_when_it_comes_to_the_end(bench: Bench) -> None:
    mine_all(bench.chain, tell(3, 3 * BACK_FILL_BLOCKS_MIN), 1)
    stops = iter((False, True))
    bench.index.indexer.step(lambda: next(stops, True))
    assert present(bench.index) == 0
    bench.index.restarted().catch_up()
    assert present(bench.index) == len(LOOKUPS)
    assert bench.index.digest() == bench.replayed()
