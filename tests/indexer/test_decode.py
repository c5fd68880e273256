"""Every event of the contracts comes through the decoder as it was emitted."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, SmallInteger

from indexer.chain import Log
from indexer.cursor import BlockRef
from indexer.decode import CONTRACT_EVENTS, Decoder, UndecodableLog
from indexer.tables import EVENT_TABLES
from node.contracts import ALL_CONTRACTS
from protocol.agreement import PriceLine, Terms
from protocol.commission import LineAmount
from protocol.events import EVENT_TYPES, Origin
from protocol.types import to_hex
from tests.indexer.event_logs import abi_of, encode_values

ADDRESSES = {name: bytes([index + 1]) * 20 for index, name in enumerate(ALL_CONTRACTS)}
BLOCK = BlockRef(7, b"\x77" * 32, 1_700_000_000)
EVENTS = [(contract, name) for contract, names in CONTRACT_EVENTS.items() for name in names]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(ADDRESSES)


def values_of(item: dict[str, Any]) -> st.SearchStrategy[Any]:
    kind: str = item["type"]
    if kind.endswith("[]"):
        return st.lists(values_of({**item, "type": kind[:-2]}), max_size=4).map(tuple)
    if kind == "tuple":
        return st.tuples(*(values_of(component) for component in item["components"]))
    if sized := re.fullmatch(r"uint(\d+)", kind):
        largest = 2 ** int(sized[1]) - 1
        return st.one_of(st.just(0), st.just(largest), st.integers(0, largest))
    if kind == "bytes":
        return st.binary(max_size=80)
    length = {"address": 20, "bytes32": 32}.get(kind)
    return st.text(max_size=80) if length is None else st.binary(min_size=length, max_size=length)


def log_of(contract: str, event: dict[str, Any], values: list[Any]) -> Log:
    encoded = encode_values(contract, event, values)
    return Log(
        address=to_hex(ADDRESSES[contract]),
        topics=encoded.topics,
        data=encoded.data,
        block_number=hex(BLOCK.block_number),
        block_hash=to_hex(BLOCK.block_hash),
        transaction_hash="0x" + "99" * 32,
        log_index="0x3",
    )


def expected_of(item: dict[str, Any], value: Any) -> Any:
    """The value as the rules have it: structs by name, texts that a database can keep."""
    if item["name"] == "terms":
        lines = tuple(PriceLine(*line) for line in value[-1])
        return Terms(*value[:-1], lines)
    if item["name"] == "amounts":
        return tuple(LineAmount(*amount) for amount in value)
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def test_all_events_that_the_rules_know_are_followed() -> None:
    assert {name for _, name in EVENTS} == set(EVENT_TYPES)


@pytest.mark.parametrize(("contract", "name"), EVENTS, ids=["-".join(each) for each in EVENTS])
@given(data=st.data())
@settings(max_examples=20)
def test_an_event_comes_through_as_it_was_emitted(
    decoder: Decoder, contract: str, name: str, data: st.DataObject
) -> None:
    event = abi_of(contract, name)
    values = [data.draw(values_of(item), label=item["name"]) for item in event["inputs"]]
    placed = decoder.decode(log_of(contract, event, values), BLOCK)
    assert placed is not None
    assert type(placed.event) is EVENT_TYPES[name]
    found = [getattr(placed.event, field.name) for field in fields(placed.event)]
    wanted = [expected_of(i, v) for i, v in zip(event["inputs"], values, strict=True)]
    assert found == wanted
    assert placed.contract == contract
    assert placed.origin == Origin(7, BLOCK.block_hash, BLOCK.block_time, b"\x99" * 32, 3)


def test_a_text_that_is_no_utf8_stops_no_indexer(decoder: Decoder) -> None:
    """A participant may describe itself with any bytes; nobody else may suffer from it."""
    event = abi_of("ParticipantRegistry", "ParticipantDescribed")
    log = log_of("ParticipantRegistry", event, [b"\x01" * 20, "service", b"\x02" * 32])
    broken = log.data.replace(b"service".hex(), b"\xff\xfervice".hex())
    assert broken != log.data
    placed = decoder.decode(Log(**{**fields_of(log), "data": broken}), BLOCK)
    assert placed is not None
    assert placed.event.service_address.endswith("rvice")


def fields_of(log: Log) -> dict[str, Any]:
    return {name: getattr(log, name) for name in log.__struct_fields__}


def test_logs_of_other_contracts_are_none_of_ours(decoder: Decoder) -> None:
    event = abi_of("ConsentRegistry", "ConsentEnded")
    log = log_of("ConsentRegistry", event, [b"\x01" * 20, b"\x02" * 32])
    elsewhere = Log(**{**fields_of(log), "address": "0x" + "ee" * 20})
    assert decoder.decode(elsewhere, BLOCK) is None


def test_events_that_a_contract_of_ours_does_not_have_are_named(decoder: Decoder) -> None:
    event = abi_of("ConsentRegistry", "ConsentEnded")
    log = log_of("ConsentRegistry", event, [b"\x01" * 20, b"\x02" * 32])
    unknown = {"topics": ("0x" + "12" * 32,)}
    by_another = {"address": to_hex(ADDRESSES["UsageToken"])}
    for strange in (unknown, {"topics": ()}, by_another):
        with pytest.raises(UndecodableLog, match="has no event with topic"):
            decoder.decode(Log(**{**fields_of(log), **strange}), BLOCK)


def test_a_log_that_breaks_its_form_is_named(decoder: Decoder) -> None:
    event = abi_of("UsageToken", "Issued")
    log = log_of("UsageToken", event, [b"\x01" * 20, 5, b"\x02" * 32])
    leaves = abi_of("ConsentRegistry", "LeavesAnchored")
    batch = log_of("ConsentRegistry", leaves, [b"\x01" * 20, b"\x02" * 32, 0, [b"\x03" * 32]])
    terms = abi_of("AgreementRegistry", "AgreementActivated")
    activated = log_of("AgreementRegistry", terms, [b"\x04" * 32])
    for whole, broken in (
        (log, {"data": log.data[:-10]}),
        (log, {"data": log.data + "00"}),
        (log, {"data": "0x"}),
        (log, {"topics": log.topics[:1]}),
        (log, {"topics": (*log.topics, log.topics[0])}),
        (log, {"topics": (log.topics[0], "0x" + "ff" * 32)}),
        (log, {"topics": (log.topics[0], log.topics[1][:-2])}),
        (batch, {"data": batch.data[:-2]}),
        (batch, {"data": batch.data[:-64] + "zz" * 32}),
        (batch, {"data": batch.data.replace("0" * 63 + "1", "f" * 64, 1)}),
        (activated, {"topics": activated.topics[:1]}),
    ):
        with pytest.raises(UndecodableLog, match=r"no (Issued|LeavesAnchored|AgreementActivated)"):
            decoder.decode(Log(**{**fields_of(whole), **broken}), BLOCK)


def test_the_largest_values_fit_into_the_tables() -> None:
    """What an event may say is bounded by its ABI alone: the database must hold it. Except the
    index of a leaf, which the log counts without a gap."""
    too_small = []
    digits = {SmallInteger: 2**15, Integer: 2**31, BigInteger: 2**63}
    for contract, name in EVENTS:
        columns = list(EVENT_TABLES[EVENT_TYPES[name]].columns)[2:]
        inputs = abi_of(contract, name)["inputs"]
        assert len(columns) == len(inputs)
        for column, item in zip(columns, inputs, strict=True):
            sized = re.fullmatch(r"uint(\d+)", item["type"])
            if sized is None:
                continue
            kind = type(column.type)
            limit = digits.get(kind) or 10 ** int(getattr(column.type, "precision", 0))
            if 2 ** int(sized[1]) > limit:
                too_small.append(str(column))
    assert too_small == ["batches.first_index"]
