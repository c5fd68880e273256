"""A verification believes neither the index nor the node, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from indexer import patience, tables
from indexer.chain import ChainUnreachable
from indexer.reread import BlockReplaced
from indexer.scratch import MayNotCreateDatabases, scratch_database
from indexer.verification import (
    FAULTS_KEPT,
    SAMPLED_OTHERS,
    SAMPLED_WITH_EVENTS,
    IndexNotComparable,
    Progress,
    Verification,
    choose_blocks,
    verify,
)
from node.migrate import migrate
from protocol.events import GuardianAppointed, LeavesAnchored, ParticipantDescribed
from protocol.types import to_hex
from tests.indexer.conftest import Bench, Index, Server
from tests.indexer.event_logs import EncodedLog
from tests.indexer.histories import mine_all, tell
from tests.indexer.scripted_node import Call, Fault, breaks, serve, times
from tests.protocol.ledger_story import REFERENCE, SCHOOL

GUARDIAN = GuardianAppointed(b"\x66" * 20)
SEED = 7


def ignore(_blocks: int) -> None:
    """Nobody looks on."""


SILENT = Progress(ignore, ignore, ignore, ignore)


@dataclass
class Verified:
    """An index that stands well below the head of a history, and what verifies it."""

    bench: Bench
    server: Server

    @property
    def index(self) -> Index:
        return self.bench.index

    def verify(self, seed: int | None = None, progress: Progress = SILENT) -> Verification:
        return verify(self.index.engine, self.index.source, migrate, seed, progress)

    def sql(self, statement: str) -> None:
        with self.index.engine.begin() as connection:
            assert connection.execute(text(statement)).rowcount == 1

    def scratches(self) -> set[str]:
        with self.index.connect() as connection:
            names = connection.scalars(text("SELECT datname FROM pg_database"))
            return {name for name in names if name.startswith("ptx_verify_")}

    def find(self, event: Any) -> tuple[int, int]:
        """Block and log index of the first event of this kind."""
        for told, origin in self.bench.chain.events:
            if isinstance(told, event):
                return origin.block_number, origin.log_index
        raise AssertionError(f"no {event}")


@pytest.fixture
def verified(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verified]:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.0)
    chain = bench.chain
    mine_all(chain, tell(3, 60), 3)
    described = ParticipantDescribed(SCHOOL, "https://node.example", REFERENCE)
    chain.mine([described, GUARDIAN], [EncodedLog("UsageToken", ("0x" + "77" * 32,), "0x01")])
    for _ in range(10):
        chain.mine()
    found = Verified(bench, server)
    bench.index.reach(chain)
    yield found
    assert found.scratches() == set()


# -- a true index ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, SEED], ids=["every block", "a sample"])
def test_a_true_index_is_the_chain_and_stays_as_it_is(verified: Verified, seed: int | None) -> None:
    before = verified.index.digest()
    seen: dict[str, list[int]] = {"begin": [], "read": [], "sample": [], "check": []}
    found = verified.verify(seed, Progress(*(each.append for each in seen.values())))
    height = verified.bench.chain.head.number
    assert found.agrees
    assert (found.at.block_number, found.seed) == (height, seed)
    assert (found.tables_compared, found.reread.is_audited) == (len(tables.LEDGER_TABLES), True)
    assert (seen["begin"], sum(seen["read"])) == ([height], height)
    assert seen["sample"] == [found.blocks_checked] == [sum(seen["check"])] == [height]
    assert verified.index.digest() == before


def test_the_indexer_goes_on_meanwhile(verified: Verified) -> None:
    chain, height = verified.bench.chain, verified.bench.chain.head.number

    def mine(_blocks: int) -> None:
        chain.mine([GUARDIAN])
        verified.index.reach(chain)

    found = verified.verify(None, replace(SILENT, on_read=mine, on_check=mine))
    assert found.agrees
    assert found.at.block_number == height < chain.head.number


# -- an index that lies ----------------------------------------------------------------------------


CHANGES = {
    "descriptions": "UPDATE ledger.descriptions SET service_address = service_address || '/'",
    "leaves": "DELETE FROM ledger.leaves",
    "postings": "UPDATE ledger.postings SET amount_minor = amount_minor + 1",
    "settlement_lines": "UPDATE ledger.settlement_lines SET category = category + 1",
    "settlements": "UPDATE ledger.settlements SET amounts = '[]'",
    "transactions": "UPDATE ledger.transactions SET transaction_hash = sha256(transaction_hash)",
    "blocks": "UPDATE ledger.blocks SET block_time = block_time - 1",
    "transfers": "DELETE FROM ledger.transfers",
    "quarantined": "UPDATE ledger.quarantined SET data = '0x02'",
    "agreements": 'UPDATE ledger.agreements SET terms = terms || \'{"usagePolicyHash": "0x"}\'',
}
DERIVED = {"postings", "settlement_lines"}
"""What receipts do not hold, but what follows from them."""


@pytest.mark.parametrize("table", CHANGES)
def test_a_changed_or_missing_row_is_named(verified: Verified, table: str) -> None:
    with verified.index.connect() as connection:
        [(row, block)] = connection.execute(
            text(f"SELECT ctid, block_number FROM ledger.{table} ORDER BY 2 DESC, 1 LIMIT 1")
        ).all()
    verified.sql(f"{CHANGES[table]} WHERE ctid = '{row}'")
    found = verified.verify()
    assert not found.agrees
    [different] = found.tables_different
    assert (different.table, different.first_block) == (table, block)
    assert different.index_row != different.chain_row
    wrong = [fault.block_number for fault in found.faults]
    assert wrong == ([] if table in DERIVED else [block])


def test_a_row_that_the_chain_does_not_have_is_named(verified: Verified) -> None:
    block, index = verified.find(ParticipantDescribed)
    verified.sql(
        "INSERT INTO ledger.guardians (block_number, log_index, guardian)"
        f" VALUES ({block}, {index + 1_000}, '\\x01')"
    )
    found = verified.verify()
    [different] = found.tables_different
    assert (different.table, different.first_block) == ("guardians", block)
    [fault] = found.faults
    assert f"log {index + 1_000}, guardians: the index has 0x01, the receipts nothing" in str(fault)


def test_many_rows_too_many_are_counted_and_the_first_are_named(verified: Verified) -> None:
    """More than a connection holds back: what is left of a table does not disturb what follows."""
    block, _ = verified.find(ParticipantDescribed)
    count = 20_000
    with verified.index.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ledger.guardians SELECT :block, n, '\\x01'"
                " FROM generate_series(1001, 1000 + :count) AS n"
            ),
            {"block": block, "count": count},
        )
    found = verified.verify()
    assert [each.table for each in found.tables_different] == ["guardians"]
    assert (found.faults_count, len(found.faults)) == (count, FAULTS_KEPT)
    assert [fault.problem.split(",")[0] for fault in found.faults[:2]] == ["log 1001", "log 1002"]


# -- a node that lies ------------------------------------------------------------------------------


def hides(block: int, index: int) -> Fault:
    """`eth_getLogs` never shows a log, its receipt does."""

    def hide(call: Call, result: Any) -> Any:
        if call[0] != "eth_getLogs":
            return result
        place = (hex(block), hex(index))
        return [log for log in result if (log["blockNumber"], log["logIndex"]) != place]

    return hide


def test_a_log_that_the_node_always_hides_is_found_in_the_receipts(
    verified: Verified, make_index: Callable[[str], Index]
) -> None:
    """The index and what is read again lack it alike: only the receipts tell."""
    block = verified.bench.chain.head.number - 10
    with serve(verified.bench.chain) as node:
        node.faults.append(hides(block, 1))
        blind = make_index(node.url)
        blind.reach(verified.bench.chain)
        found = verify(blind.engine, blind.source, migrate, None, SILENT)
    assert found.tables_different == []
    guardian = to_hex(GUARDIAN.guardian)
    assert [str(fault) for fault in found.faults] == [
        f"block {block}: log 1, guardians: the index has nothing, the receipts {guardian}"
    ]
    assert not found.agrees


def test_a_node_that_hides_what_the_index_has_contradicts_itself(verified: Verified) -> None:
    verified.bench.node.faults.append(hides(*verified.find(LeavesAnchored)))
    found = verified.verify()
    assert not found.agrees
    assert found.reread.contradiction is not None
    assert (found.tables_compared, found.faults_count) == (0, 0)
    verified.bench.node.faults.clear()
    assert verified.verify().agrees


def test_a_forged_receipts_root_is_found(verified: Verified) -> None:
    block, _ = verified.find(ParticipantDescribed)

    def forge(call: Call, result: Any) -> Any:
        if call[0] == "eth_getBlockByNumber" and call[1][0] == hex(block):
            return {**result, "receiptsRoot": "0x" + "ab" * 32}
        return result

    verified.bench.node.faults.append(forge)
    found = verified.verify()
    problems = [fault.problem for fault in found.faults if fault.block_number == block]
    assert len(problems) == found.faults_count == 2
    assert problems[0].startswith("its header does not hash to")
    assert problems[1].endswith("its header says 0x" + "ab" * 32)


def test_a_block_in_the_place_of_another_is_found(verified: Verified) -> None:
    """It is whole in itself, but the next one does not name it."""
    chain = verified.bench.chain
    place = chain.head.number - 3
    parent = chain.blocks[place - 1]
    other = type(chain)(salt=99)
    other.blocks = chain.blocks[:place]
    forged = other.mine().header()
    assert forged["parentHash"] == parent.hash

    def replace_block(call: Call, result: Any) -> Any:
        is_place = call[0] == "eth_getBlockByNumber" and call[1][0] == hex(place)
        return forged if is_place else result

    verified.bench.node.faults.append(replace_block)
    found = verified.verify()
    assert found.reread.contradiction == f"block {place + 1} does not follow block {place}"
    assert [str(fault) for fault in found.faults] == [
        f"block {place + 1}: it does not follow block {place}"
    ]


# -- what cannot be compared -----------------------------------------------------------------------


def test_a_block_that_was_taken_back_meanwhile_is_asked_for_again(verified: Verified) -> None:
    chain = verified.bench.chain

    def take_back(_blocks: int) -> None:
        chain.take_back(2)
        for _ in range(3):
            chain.mine()

    with pytest.raises(BlockReplaced, match="ask again"):
        verified.verify(None, replace(SILENT, on_read=take_back))


def test_an_index_that_was_emptied_meanwhile_is_asked_for_again(verified: Verified) -> None:
    def rebuild(_blocks: int) -> None:
        verified.sql("DELETE FROM indexing.cursor")

    with pytest.raises(IndexNotComparable, match="Ask again"):
        verified.verify(None, replace(SILENT, on_begin=rebuild))


def test_an_index_that_has_read_nothing_is_not_compared(
    verified: Verified, make_index: Callable[[str], Index]
) -> None:
    empty = make_index(verified.bench.node.url)
    with pytest.raises(IndexNotComparable, match="not read a single block"):
        verify(empty.engine, empty.source, migrate, None, SILENT)


def test_a_node_that_fails_for_a_moment_is_asked_again(verified: Verified) -> None:
    for method in ("eth_getLogs", "eth_getBlockReceipts", "eth_getBlockByNumber"):
        verified.bench.node.faults.append(times(2, method, breaks(503), after=2))
    assert verified.verify().agrees


def test_a_node_that_is_gone_is_an_error_and_leaves_no_database(verified: Verified) -> None:
    def break_down(_blocks: int) -> None:
        verified.bench.node.faults.append(times(2**20, "eth_getBlockReceipts", breaks(503)))

    with pytest.raises(ChainUnreachable):
        verified.verify(None, replace(SILENT, on_sample=break_down))


@pytest.mark.parametrize("moment", ["on_begin", "on_read", "on_sample", "on_check"])
def test_ctrl_c_leaves_no_database(verified: Verified, moment: str) -> None:
    def interrupt(_blocks: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verified.verify(None, replace(SILENT, **{moment: interrupt}))


def test_a_node_without_old_states_is_verified_without_them(verified: Verified) -> None:
    def forgets(call: Call, result: Any) -> Any:
        if call[0] == "eth_call":
            raise LookupError("missing trie node")
        return result

    verified.bench.node.faults.append(forgets)
    found = verified.verify()
    assert (found.agrees, found.reread.is_audited) == (True, False)


# -- the database beside ---------------------------------------------------------------------------


def test_what_a_killed_one_left_is_removed_and_what_is_in_use_stays(verified: Verified) -> None:
    engine = verified.index.engine
    with scratch_database(engine, ignore_engine) as scratch:
        in_use = str(scratch.url.database)
        left = in_use[: in_use.rindex("_")] + "_left"
        verified.server.execute(f'CREATE DATABASE "{left}"')
        with scratch_database(engine, ignore_engine) as other:
            assert other.url.database != in_use
            assert left not in verified.scratches()
            assert in_use in verified.scratches()


def ignore_engine(_engine: Any) -> None:
    """An empty database is enough."""


def test_a_role_without_the_right_is_told_the_remedy(verified: Verified) -> None:
    verified.server.execute("DROP ROLE IF EXISTS modest")
    verified.server.execute("CREATE ROLE modest LOGIN")
    url = make_url(str(verified.index.engine.url)).set(username="modest")
    engine = create_engine(url)
    with (
        pytest.raises(MayNotCreateDatabases, match='ALTER ROLE "modest" CREATEDB'),
        scratch_database(engine, migrate),
    ):
        raise AssertionError("it was created")
    engine.dispose()


# -- the sample ------------------------------------------------------------------------------------


def test_a_sample_is_bounded_and_drawn_again_by_its_seed(verified: Verified) -> None:
    with verified.index.connect() as connection:
        last = 5_000
        samples = [choose_blocks(connection, 1, last, seed) for seed in (SEED, SEED, SEED + 1)]
        with_events = {*connection.scalars(text("SELECT block_number FROM ledger.blocks"))}
        assert choose_blocks(connection, 3, last, None) == range(3, last + 1)
        assert choose_blocks(connection, 1, 0, SEED) == []
    assert samples[0] == samples[1] != samples[2]
    for sample in samples:
        assert sample == sorted(set(sample))
        assert len(with_events & {*sample}) >= min(SAMPLED_WITH_EVENTS, len(with_events))
        assert SAMPLED_OTHERS <= len(sample) <= SAMPLED_OTHERS + SAMPLED_WITH_EVENTS
        assert 1 <= sample[0] <= sample[-1] <= last
