"""Logs of our contracts that are not what they should be: put aside with an alarm, and everything
else is indexed; where the contracts contradict them, the index halts and dies not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from indexer import tables
from indexer.audit import BooksDiffer
from indexer.decode import CONTRACT_EVENTS
from protocol.events import EVENT_TYPES, ConsentEnded
from protocol.hashing import sha256
from protocol.types import Leaf
from tests.indexer.conftest import Bench
from tests.indexer.event_logs import EncodedLog, abi_of, encode_event, encode_values, type_of
from tests.indexer.histories import mine_all, tell, transactions_of
from tests.indexer.specification import require_same_events
from tests.indexer.test_faults import settle
from tests.protocol.ledger_story import AGREEMENT, EMPLOYER, REFERENCE, Story

EVENTS = [(contract, name) for contract, names in CONTRACT_EVENTS.items() for name in names]
MOVING = ("Transfer", "Deposited", "Left", "BalanceClaimed", "CommissionPaidOut")
CONTINUED = ("LeavesAnchored", "UsageSettled")
LARGEST = 2**256 - 1


def largest(item: dict[str, Any], number: int) -> Any:
    """The largest value of a number; of what else there is, one that nothing else has."""
    kind: str = item["type"]
    if kind.endswith("[]"):
        return (largest({**item, "type": kind[:-2]}, number),)
    if kind == "tuple":
        return tuple(largest(component, number) for component in item["components"])
    if kind.startswith("uint"):
        return 2 ** int(kind[4:]) - 1
    if kind == "string":
        return f"text {number}"
    if kind == "bytes":
        return f"bytes {number}".encode()
    return sha256(f"{number} {item['name']}".encode())[: 20 if kind == "address" else 32]


def largest_log(contract: str, name: str, number: int) -> EncodedLog:
    event = abi_of(contract, name)
    return encode_values(contract, event, [largest(item, number) for item in event["inputs"]])


def damaged(contract: str, name: str, number: int) -> list[EncodedLog]:
    """An event in every form that its contract cannot write."""
    whole, inputs = largest_log(contract, name, number), abi_of(contract, name)["inputs"]
    found = [
        EncodedLog(contract, ("0x" + "12" * 31 + f"{number:02x}", *whole.topics[1:]), whole.data),
        EncodedLog(contract, (*whole.topics, whole.topics[0]), whole.data),
    ]
    if len(whole.topics) > 1:
        found.append(EncodedLog(contract, whole.topics[:-1], whole.data))
    if whole.data != "0x":
        found.append(EncodedLog(contract, whole.topics, whole.data[:-2]))
    plain = {type_of(item) for item in inputs if not item["indexed"]}
    if plain - {"bytes32", "uint256"}:
        ones = "0x" + "ff" * (len(whole.data) // 2 - 1)
        found.append(EncodedLog(contract, whole.topics, ones))
    for place, item in enumerate([item for item in inputs if item["indexed"]], 1):
        if item["type"] not in ("bytes32", "uint256"):
            topics = (*whole.topics[:place], "0x" + "ff" * 32, *whole.topics[place + 1 :])
            found.append(EncodedLog(contract, topics, whole.data))
    return found


def require_put_aside(bench: Bench, expected: list[EncodedLog]) -> None:
    with bench.index.connect() as connection:
        rows = connection.execute(
            text("SELECT contract, topics, data FROM ledger.quarantined ORDER BY 1, 2, 3")
        ).all()
        require_same_events(connection, bench.chain)
    wanted = [(log.contract, " ".join(log.topics), log.data) for log in expected]
    assert [tuple(row) for row in rows] == sorted(wanted)


def test_every_event_in_every_damaged_form_is_put_aside(bench: Bench) -> None:
    """Among the others of their blocks, which are indexed."""
    poison = [log for n, each in enumerate(EVENTS) for log in damaged(*each, n)]
    poison.append(EncodedLog("ConsentRegistry", (), "0xdead"))
    transactions, left = tell(15, 40), list(poison)
    while left:
        bench.chain.mine(transactions.pop(0), left[:8], [EncodedLog("Stranger", (), "0x")])
        del left[:8]
    mine_all(bench.chain, transactions, 16)
    with capture_logs() as logs:
        bench.index.follow(bench.chain)
    alarms = [log for log in logs if log["event"] == "log_quarantined"]
    assert [log["log_level"] for log in alarms] == ["critical"] * len(poison)
    settle(bench)
    require_put_aside(bench, poison)


@pytest.mark.parametrize("filling", [b"\0\0\0", b"\xff\xfe\x80", b"\xed\xa0\x80", b"\xc0\x80\\"])
def test_texts_of_any_bytes_are_kept(bench: Bench, filling: bytes) -> None:
    """NUL, no UTF-8 at all, half of a pair, an overlong form: what a database can keep of it."""
    for number, (contract, name, table, column) in enumerate(
        (
            ("ParticipantRegistry", "ParticipantAdmitted", tables.admissions, "did"),
            ("ParticipantRegistry", "ParticipantDescribed", tables.descriptions, "service_address"),
        )
    ):
        whole = largest_log(contract, name, number)
        data = whole.data.replace(b"text".hex(), (filling + b"text")[:4].hex())
        assert data != whole.data
        block = bench.chain.mine([EncodedLog(contract, whole.topics, data)])
        bench.index.follow(bench.chain)
        with bench.index.connect() as connection:
            statement = table.select().where(table.c.block_number == block.number)
            [row] = connection.execute(statement).mappings()
        assert row[column].endswith(f" {number}")
        assert "\N{REPLACEMENT CHARACTER}" in row[column]
    settle(bench)


def test_the_largest_numbers_are_kept(bench: Bench) -> None:
    """Of every event that neither moves money nor continues another one."""
    told = [each for each in EVENTS if each[1] not in (*MOVING, *CONTINUED)]
    logs = [largest_log(*each, number) for number, each in enumerate(told)]
    block = bench.chain.mine(logs)
    settle(bench)
    with bench.index.connect() as connection:
        for index, (contract, name) in enumerate(told):
            table = tables.EVENT_TABLES[EVENT_TYPES[name]]
            place = (table.c.block_number == block.number) & (table.c.log_index == index)
            [row] = connection.execute(table.select().where(place))
            for value, item in zip(row[2:], abi_of(contract, name)["inputs"], strict=True):
                if item["type"].startswith("uint"):
                    assert int(value) == largest(item, index), (name, item["name"])
        assert connection.execute(text("SELECT count(*) FROM ledger.quarantined")).scalar() == 0


def test_the_largest_amounts_move_through_the_books(bench: Bench) -> None:
    story = Story().begin()
    story.issue(LARGEST)
    story.deposit(LARGEST)
    assert story.settle(2**64 - 1)
    story.claim(LARGEST)
    story.pay_out_commission()
    story.leave(LARGEST)
    story.redeem(LARGEST)
    for transaction in transactions_of(story.events):
        bench.chain.mine(transaction)
        bench.index.follow(bench.chain)  # compared with the contracts each time
    settle(bench)
    with bench.index.connect() as connection:
        require_same_events(connection, bench.chain)


@pytest.mark.parametrize("name", [*MOVING, "another number of amounts"])
def test_amounts_that_the_contracts_contradict_halt_the_index(bench: Bench, name: str) -> None:
    mine_all(bench.chain, tell(17, 20), 17)
    before = bench.index.reach(bench.chain)
    if name in MOVING:
        contract = next(each for each, names in CONTRACT_EVENTS.items() if name in names)
        bench.chain.mine([largest_log(contract, name, 1)])
        with pytest.raises(BooksDiffer):
            bench.index.follow(bench.chain)
        assert bench.index.digest() == before
        return
    log = amounts_for_no_line()
    bench.chain.mine([log], [ConsentEnded(bytes(20), Leaf(bytes(32)))])
    settle(bench)
    require_put_aside(bench, [log])


def amounts_for_no_line() -> EncodedLog:
    """A settlement of one price line, of an agreement that has two."""
    event = abi_of("UsageSettlement", "UsageSettled")
    values = [AGREEMENT, EMPLOYER, 1, 0, 5, REFERENCE, ((1, 0),)]
    return encode_values("UsageSettlement", event, values)


def test_a_node_may_not_send_logs_of_others(bench: Bench) -> None:
    """What nobody asked for is no poison of the chain's: the node is asked again."""
    ended = next(e for t in tell(2, 60) for e in t if type(e).__name__ == "ConsentEnded")
    bench.chain.mine([EncodedLog("Stranger", encode_event(ended).topics, "0x")], [ended])
    settle(bench)
    require_put_aside(bench, [])
