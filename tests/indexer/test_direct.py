"""The short way from a log to its row gives what the long way gives, or leaves it to that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from indexer.abi import Malformed
from indexer.chain import Log
from indexer.decode import Decoder, UndecodableLog
from indexer.projections import Projector
from indexer.projections.direct import DirectRows
from indexer.rows import Rows
from protocol import events
from tests.indexer.event_logs import abi_of
from tests.indexer.test_decode import ADDRESSES, BLOCK, fields_of, log_of, values_of

projector = Projector(create_engine("postgresql+psycopg://"), ADDRESSES)
decoder = Decoder(ADDRESSES)
DIRECT = {
    (contract, decoder.forms[contract, topic].build.__name__): row
    for (address, topic), (_, row) in projector._direct.items()
    for contract in ADDRESSES
    if "0x" + ADDRESSES[contract].hex() == address
}
PLACE = f"{BLOCK.block_number}\t3"


def long_way(log: Log) -> list[str]:
    rows, placed = Rows(), decoder.decode(log, BLOCK)
    assert placed is not None
    projector.project_event(rows, placed)
    [lines] = rows._lines.values()
    return lines


def test_the_busiest_events_have_a_short_way() -> None:
    names = {name for _, name in DIRECT}
    assert {"ConsentEnded", "AgreementSigned", "AccountBound", "RateSet", "Issued"} <= names
    assert not names & {"Transfer", "LeavesAnchored", "UsageSettled", "ParticipantAdmitted"}
    assert names <= set(events.EVENT_TYPES)


@pytest.mark.parametrize(("contract", "name"), DIRECT, ids=["-".join(each) for each in DIRECT])
@settings(max_examples=15)
@given(data=st.data())
def test_both_ways_give_the_same_row(contract: str, name: str, data: st.DataObject) -> None:
    event, row = abi_of(contract, name), DIRECT[contract, name]
    values = [data.draw(values_of(item), label=item["name"]) for item in event["inputs"]]
    log = log_of(contract, event, values)
    assert row.lines([log], [PLACE]) == long_way(log)


damage = st.sampled_from(["", "0x", "zz", " ", "_", "+", "-", "00", "ff" * 32, "é", "\0"])


@settings(max_examples=300)
@given(data=st.data(), text=damage)
def test_what_the_long_way_refuses_the_short_way_refuses(data: st.DataObject, text: str) -> None:
    contract, name = data.draw(st.sampled_from(sorted(DIRECT)))
    event, row = abi_of(contract, name), DIRECT[contract, name]
    values: list[Any] = [data.draw(values_of(item)) for item in event["inputs"]]
    log = damaged(log_of(contract, event, values), data, text)
    try:
        expected = long_way(log)
    except UndecodableLog:
        with pytest.raises((Malformed, ValueError)):
            row.lines([log], [PLACE])
    else:
        found = row.lines([log], [PLACE])
        assert [line.lower() for line in expected] == [line.lower() for line in found]


def damaged(log: Log, data: st.DataObject, text: str) -> Log:
    """The log with something put in place of a part of a topic or of its data."""
    topics, field = list(log.topics), data.draw(st.integers(1, len(log.topics)))
    if field < len(topics):
        topics[field] = replaced(topics[field], data, text)
        return Log(**{**fields_of(log), "topics": topics})
    return Log(**{**fields_of(log), "data": replaced(log.data, data, text)})


def replaced(word: str, data: st.DataObject, text: str) -> str:
    start = data.draw(st.integers(2, len(word)))
    end = data.draw(st.integers(start, min(len(word), start + 4)))
    return word[:start] + text + word[end:]


def test_a_row_needs_as_many_words_as_it_has_columns() -> None:
    with pytest.raises(Malformed, match="number of topics"):
        DirectRows([], [], []).lines([Log("", ("0x", "0x"), "0x", "", "", "", "")], [PLACE])
