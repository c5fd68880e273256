"""The change feed on a chain that changes its mind, read by somebody who may stop anywhere."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from indexer.decode import CONTRACT_EVENTS
from indexer.queries.events import Place, _places
from indexer.queries.feed import (
    START,
    Position,
    PositionInvalid,
    PositionUnknown,
    parse_position,
)
from indexer.runner import Indexer
from indexer.verify import rebuild
from protocol.types import to_hex
from tests.indexer.feed_reader import ALL_NAMES, FeedReader, current_ids, head_of
from tests.own_chain import OwnChain, OwnDatabase, run_until_idle
from tests.stage import wait_until


def at_head(indexer: Indexer, database: OwnDatabase) -> None:
    """Steps until the index stands at the chain's head."""

    def arrived() -> bool:
        indexer.step()
        head = database.chain.web3.eth.get_block("latest")
        rows = database.sql("SELECT block_hash FROM indexing.cursor")
        return bool(rows) and rows[0].block_hash == bytes(head["hash"])

    wait_until(arrived, "the head of the chain")


def anchor(database: OwnDatabase, times: int) -> None:
    for _ in range(times):
        database.promise_anchor()
        run_until_idle(database.sender())


def forget_acts(database: OwnDatabase) -> None:
    database.sql("DELETE FROM node.outbox")
    database.sql("DELETE FROM node.attempts")
    database.sql("DELETE FROM node.transactions")


def test_the_feed_has_every_event_of_the_chain_in_its_order(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    anchor(own_database, 2)
    at_head(own_database.indexer(), own_database)
    expected = sorted(
        (log["blockNumber"], log["logIndex"], name, bytes(log["transactionHash"]))
        for contract, names in CONTRACT_EVENTS.items()
        for name in names
        for log in own_chain.events(contract, name)
    )
    reader = FeedReader(own_database.owner)
    told = [
        (*message.event.place, message.event.name, message.event.transaction_hash)
        for message in reader.read_all(limit=7)
    ]
    assert told == expected


def test_a_message_has_the_arguments_of_the_interface(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    anchor(own_database, 1)
    at_head(own_database.indexer(), own_database)
    reader = FeedReader(own_database.owner)
    last = reader.read_all()[-1].event
    [log] = own_chain.events("ConsentRegistry", "LeavesAnchored")[-1:]
    assert last.name == "LeavesAnchored"
    assert last.contract == "ConsentRegistry"
    assert last.event_id == f"{to_hex(bytes(log['blockHash']))}-{log['logIndex']}"
    assert last.arguments == {
        "issuer": to_hex(own_chain.operator),
        "root": to_hex(log["args"]["root"]),
        "firstIndex": str(log["args"]["firstIndex"]),
        "size": len(log["args"]["leaves"]),
    }
    by_name = {event.name: event for event in reader.known.values()}
    assert by_name["AuthorityUpdated"].contract is None
    assert isinstance(by_name["ParticipantAdmitted"].arguments["did"], str)
    assert json.dumps([event.arguments for event in reader.known.values()])


def test_a_reader_wants_some_names_or_final_blocks_alone(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    anchor(own_database, 5)
    at_head(own_database.indexer(), own_database)
    chosen = FeedReader(own_database.owner, names=frozenset({"LeavesAnchored", "RateSet"}))
    assert {m.event.name for m in chosen.read_all(3)} == {"LeavesAnchored", "RateSet"}
    final = FeedReader(own_database.owner, final_only=True)
    told = final.read_all()
    assert all(message.is_final for message in told)
    final_block = own_chain.web3.eth.block_number - final.wanted.finality_blocks
    every = FeedReader(own_database.owner).read_all()
    assert told == [m for m in every if m.event.place.block_number <= final_block] != every
    own_chain.mine(1)
    at_head(own_database.indexer(), own_database)
    assert [m.event.place.block_number for m in final.read_all()] == [final_block + 1]


@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_a_roll_back_is_told_to_those_who_had_read_what_it_took(
    own_chain: OwnChain, own_database: OwnDatabase, limit: int
) -> None:
    indexer = own_database.indexer()
    anchor(own_database, 1)
    at_head(indexer, own_database)
    behind, ahead = FeedReader(own_database.owner), FeedReader(own_database.owner)
    behind.read_all()
    with own_chain.taken_back():
        anchor(own_database, 3)
        at_head(indexer, own_database)
        added = [message.event.event_id for message in ahead.read_all()][-3:]
    forget_acts(own_database)
    anchor(own_database, 2)
    at_head(indexer, own_database)
    told = ahead.read_all(limit)
    assert [m.event.event_id for m in told if m.is_removed] == added[::-1]
    assert [m.is_removed for m in told] == [True] * 3 + [False] * 2
    assert not any(message.is_removed for message in behind.read_all(limit))
    assert set(ahead.known) == set(behind.known) == current_ids(own_database.owner)


def test_two_roll_backs_are_told_one_after_the_other(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    indexer, owner = own_database.indexer(), own_database.owner
    anchor(own_database, 1)
    readers = {}
    with own_chain.taken_back():
        anchor(own_database, 1)
        with own_chain.taken_back():
            anchor(own_database, 2)
            at_head(indexer, own_database)
            readers["before both"] = FeedReader(owner)
            readers["before both"].read_all()
        forget_acts(own_database)
        anchor(own_database, 3)
        at_head(indexer, own_database)
        readers["between"] = FeedReader(owner)
        readers["between"].read_all()
    forget_acts(own_database)
    anchor(own_database, 1)
    at_head(indexer, own_database)
    removed = {
        name: sum(message.is_removed for message in reader.read_all(1))
        for name, reader in readers.items()
    }
    assert removed == {"before both": 3, "between": 4}
    for reader in readers.values():
        assert set(reader.known) == current_ids(owner)
    assert head_of(owner).generation == 2


def test_a_rebuild_keeps_positions(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    indexer, owner = own_database.indexer(), own_database.owner
    anchor(own_database, 1)
    with own_chain.taken_back():
        anchor(own_database, 1)
        at_head(indexer, own_database)
        old = FeedReader(owner)
        old.read_all()
    forget_acts(own_database)
    anchor(own_database, 2)
    at_head(indexer, own_database)
    reader = FeedReader(owner)
    reader.read_all(limit=5)
    before = reader.position
    rebuild(owner, own_chain.source(), lambda blocks: None)
    assert reader.read_all() == []
    assert reader.position == before
    old.read_all()
    assert set(old.known) == set(reader.known)


def test_a_position_of_another_node_is_refused(own_database: OwnDatabase) -> None:
    at_head(own_database.indexer(), own_database)
    with pytest.raises(PositionUnknown, match="generation 7"):
        FeedReader(own_database.owner, Position(7, 0, 0)).page(1)


@pytest.mark.parametrize("text", ["", "0", "0-0", "1-2-3-4", "-1-0-0", "01-0-0", "0-0-x", "٣-0-0"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(PositionInvalid):
        parse_position(text)


@pytest.mark.parametrize("position", [START, Position(3, 2**40, 17)])
def test_a_position_is_written_and_read(position: Position) -> None:
    assert parse_position(str(position)) == position


def test_a_page_costs_what_it_holds_however_long_the_history(own_database: OwnDatabase) -> None:
    own_database.sql(
        "INSERT INTO ledger.endings SELECT n / 100, n % 100, 'who', sha256(n::text::bytea)"
        " FROM generate_series(1, 100000) AS n"
    )
    own_database.sql(
        "INSERT INTO ledger.transfers SELECT n / 100, 100 + n % 100, 'a', 'b', n"
        " FROM generate_series(1, 100000) AS n"
    )
    own_database.sql("ANALYZE")
    values = {"block": 500, "log": 7, "last": 10**9, "count": 1_000}
    with own_database.owner.connect() as connection:
        filled = _places(ALL_NAMES, of_one=False).params(**values)
        statement = filled.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.execute(text(f"EXPLAIN (ANALYZE) {statement}")).scalars().all()
        found = connection.execute(filled).all()
    shown = "\n".join(plan)
    assert "Merge Append" in shown, shown
    for table in ("endings", "transfers"):
        assert f"Seq Scan on {table}" not in shown, shown
        assert f"{table}_pkey on {table}" in shown, shown
    assert (found[0].block_number, found[0].log_index) == Place(500, 7)
    assert len(found) == 1_000
