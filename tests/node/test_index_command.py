"""`ptx-ledger index` and `books` say what is wrong, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.node.test_command_line import CommandLine
from tests.node.test_promises import stale_index
from tests.stage import World

ONE_RATE = (
    "(block_number, log_index) = (SELECT min(block_number), min(log_index) FROM ledger.rates)"
)


def test_the_status_of_an_index_that_is_too_old_says_what_the_api_answers(at_rest: World) -> None:
    run = CommandLine(at_rest)
    fresh = run.here("index", "status", "--json")
    assert (fresh.status, json.loads(fresh.out)["stale"]) == (0, False)
    with stale_index(at_rest):
        said = run.here("index", "status")
        as_json = run.here("index", "status", "--json")
    assert said.status == as_json.status == 1
    assert "503 `index-stale`" in said.out
    assert "30 s is the limit" in said.out
    assert "ptx-ledger serve indexer" in said.out
    assert json.loads(as_json.out)["stale"] is True
    assert "stale" not in run.here("index", "status").out


def test_one_fault_is_one_fault(at_rest: World) -> None:
    change = f"UPDATE ledger.rates SET rate_bps = rate_bps {{}} 1 WHERE {ONE_RATE}"
    with at_rest.node.engine.begin() as connection:
        assert connection.execute(text(change.format("+"))).rowcount == 1
    try:
        said = CommandLine(at_rest).here("index", "verify", "--all")
    finally:
        with at_rest.node.engine.begin() as connection:
            connection.execute(text(change.format("-")))
    assert said.status == 1
    assert "1 fault\n" in said.out


@pytest.mark.parametrize("where", ["missing/books.csv", ""])
def test_an_export_that_cannot_be_written_says_where_it_can(
    world: World, tmp_path: Path, where: str
) -> None:
    file = tmp_path / where
    refused = CommandLine(world).here("books", "export", "--format", "csv", "--output", file)
    assert (refused.status, refused.out) == (1, "")
    assert str(file) in refused.err.replace("\n", "")
    assert "leave --output out" in refused.err
