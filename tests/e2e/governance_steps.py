"""What the tests of the governance's page share: reading its tables, and the API's answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from playwright.sync_api import Page

from node.api.governance.sections import COLUMNS
from node.api.governance.tables import Cell, Kind, Table
from protocol.booking import MINOR_PER_TOKEN
from protocol.governance_calls import GovernanceCall
from protocol.periods import parse_period
from tests.stage import World, wait_until

Line = dict[str, Any]


def open_up_to_date(page: Page, world: World, address: str = "/governance?lang=en") -> None:
    """The page, once it rests on the newest block that the index has."""
    newest = httpx.get(f"{world.node.url}/readyz").json()["blockNumber"]

    def rests_on_newest() -> bool:
        page.goto(address)
        told = page.locator("main p").nth(1).inner_text()
        return str(newest) in "".join(letter for letter in told if letter not in ", \u202f\xa0")

    wait_until(rests_on_newest, f"block {newest} on the page")


def table_of(page: Page, name: str) -> list[list[str]]:
    """A table's rows as they are shown, without its head."""
    region = page.locator(f'[aria-labelledby="caption-{name}"]')
    rows: list[list[str]] = region.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
    return rows


def settled_lines(world: World, months: list[str]) -> list[Line]:
    """Every line of the statements of these booking months."""
    found: list[Line] = []
    for month in months:
        after = ""
        while True:
            page = httpx.get(f"{world.node.url}/v1/statements/{month}{after}").json()
            found += page["lines"]
            if page["next"] is None:
                break
            after = f"?after={page['next']}"
    return found


def balances_by_kind(world: World) -> dict[str, int]:
    """What the accounts of each kind hold, by the API's list."""
    found: dict[str, int] = {}
    after = ""
    while True:
        page = httpx.get(f"{world.node.url}/v1/accounts?limit=100{after}").json()
        for item in page["items"]:
            kind = item["account"].split(":")[0]
            found[kind] = found.get(kind, 0) + item["balanceMinor"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def table_of_csv(name: str, rows: list[list[str]]) -> Table:
    """The table that a CSV file was written from."""
    columns = COLUMNS[name]
    return Table(
        name,
        columns,
        [
            [Cell(read_value(column.kind, each)) for column, each in zip(columns, row, strict=True)]
            for row in rows
        ],
    )


def read_value(kind: Kind, written: str) -> Any:
    """A value of a CSV file."""
    return READERS.get(kind, str)(written)


def read_money(written: str) -> int:
    """Base units."""
    whole, part = written.removeprefix("-").split(".")
    value = int(whole) * MINOR_PER_TOKEN + int(part)
    return -value if written.startswith("-") else value


def read_time(written: str) -> int:
    """Unix seconds."""
    return int(datetime.fromisoformat(written).timestamp())


def read_term(written: str) -> str:
    """The path of a text, of which a file has the last part."""
    part = "standings" if written in ("past", "current", "pending") else "money"
    return f"governance.{part}.{written}"


def read_call(written: str) -> GovernanceCall:
    """A call whose arguments are numbers."""
    contract, function, arguments = re.split(r"[.(]", written.rstrip(")"))
    named = (each.split("=") for each in arguments.split(", "))
    return GovernanceCall(contract, function, tuple((name, int(value)) for name, value in named))


READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.MONTH: parse_period,
    Kind.COUNT: int,
    Kind.BPS: int,
    Kind.MONEY: read_money,
    Kind.TIME: read_time,
    Kind.TERM: read_term,
    Kind.CALL: read_call,
}
