"""`ptx-ledger books`: the double-entry books against the chain, month by month, and as files."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.table import Table
from sqlalchemy import Connection

from indexer.books import Comparison, check_books
from indexer.chain import ChainError
from indexer.exports import WRITERS, AmountTooLong, Books, Format
from indexer.queries.books import list_postings, read_month
from indexer.reading import ChainMoved
from indexer.rederive import PostingDifference, derive_postings, differences
from indexer.runner import Source
from node.bootstrap import load_node, make_source, require_database_url
from node.cli.local import local_settings
from node.cli.output import AsJson, console, fail, print_json, show_amount
from node.config import Settings
from node.db import owner_engine
from protocol.booking import MonthBooks, Movement
from protocol.errors import PeriodInvalid
from protocol.periods import parse_period, period_label
from protocol.types import BookingMonth, to_hex

DIFFERENCES_SHOWN = 20

app = typer.Typer(
    help="The books of tokens, deposits, balances and commission.", no_args_is_help=True
)
MonthOption = Annotated[str | None, typer.Option(help="Booking month, YYYY-MM, in Europe/Paris.")]


@dataclass(frozen=True, slots=True)
class Check:
    """What re-deriving the postings and asking the contracts found."""

    postings: int
    different: int
    shown: list[PostingDifference]
    contracts: Comparison

    @property
    def balanced(self) -> bool:
        """Whether all accounts together are zero."""
        return sum(check.books_minor for check in self.contracts.accounts) == 0

    @property
    def equals_chain(self) -> bool:
        """Whether postings, accounts and leaves are the chain's."""
        return self.different == 0 and self.contracts.agrees


@app.command()
def check(month: MonthOption = None, as_json: AsJson = False) -> None:
    """Derive every posting again from the chain's logs, and read every account's balance from the
    contracts; what differs is printed, and the status is 1. With --month, show the month, too."""
    settings = local_settings()
    number = _month(month)
    source = make_source(load_node(settings))
    with _one_snapshot(settings) as connection:
        try:
            found = _check(connection, source)
        except (ChainError, ChainMoved) as error:
            fail(f"The books were not compared: {error}")
        books = None
        if number is not None:
            books = read_month(connection, number, settings.finality_blocks)
    if as_json:
        print_json(_check_as_json(found) | ({} if books is None else {"month": _as_json(books)}))
    else:
        _print_check(found)
        if books is not None:
            _print_month(books)
    if not (found.balanced and found.equals_chain):
        raise typer.Exit(1)


@app.command()
def export(
    format: Annotated[Format, typer.Option(help="What the file is for.")],
    month: MonthOption = None,
    output: Annotated[Path | None, typer.Option(help="A file; otherwise standard output.")] = None,
) -> None:
    """Write the postings of a month, or all, as a file that an accountant opens. A journal of one
    month begins with its opening balances."""
    settings = local_settings()
    number = _month(month)
    with _one_snapshot(settings) as connection, _opened(output) as out:
        opening = {}
        if number is not None:
            opening = dict(read_month(connection, number, settings.finality_blocks).opening)
        try:
            WRITERS[format](Books(list_postings(connection, number), number, opening), out)
        except AmountTooLong as error:
            fail(str(error))


def _check(connection: Connection, source: Source) -> Check:
    contracts = check_books(connection, source.chain, source.addresses)
    if contracts is None:
        fail("The index has not read a single block yet: wait, or see its log.")
    on_chain = derive_postings(source.chain, source.addresses, source.first_block, contracts.at)
    postings, different = 0, 0
    shown: list[PostingDifference] = []
    for difference in differences(list_postings(connection), on_chain):
        postings += 1
        if difference is not None:
            different += 1
            if len(shown) < DIFFERENCES_SHOWN:
                shown.append(difference)
    return Check(postings, different, shown, contracts)


@contextlib.contextmanager
def _one_snapshot(settings: Settings) -> Iterator[Connection]:
    """The database as it is now, however much the indexer writes meanwhile."""
    engine = owner_engine(require_database_url(settings))
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection
    engine.dispose()


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    if output is None or str(output) == "-":
        yield sys.stdout.buffer
    else:
        try:
            file = output.open("wb")
        except OSError as error:
            fail(
                f"{output} cannot be written: {error.strerror}. Name a file in a directory that "
                "exists and that you may write to, or leave --output out for standard output."
            )
        with file:
            yield file


def _month(label: str | None) -> BookingMonth | None:
    try:
        return None if label is None else BookingMonth(parse_period(label))
    except PeriodInvalid as error:
        fail(str(error))


def _check_as_json(found: Check) -> dict[str, Any]:
    return {
        "balanced": found.balanced,
        "equalsChain": found.equals_chain,
        "blockNumber": found.contracts.at.block_number,
        "postings": found.postings,
        "postingsDifferent": found.different,
        "differences": list(map(str, found.shown)),
        "leaves": {
            "index": found.contracts.leaves_in_index,
            "chain": found.contracts.leaves_on_chain,
        },
        "accounts": [
            {
                "account": check.account,
                "booksMinor": check.books_minor,
                "chainMinor": check.chain_minor,
            }
            for check in found.contracts.accounts
        ],
    }


def _print_check(found: Check) -> None:
    table = Table("account", "books", "chain", "")
    for check in found.contracts.accounts:
        books, chain = show_amount(check.books_minor), show_amount(check.chain_minor)
        table.add_row(shorten(check.account), books, chain, _mark(check.agrees))
    console.print(table)
    leaves = found.contracts
    same = leaves.leaves_in_index == leaves.leaves_on_chain
    console.print(
        f"leaves    {leaves.leaves_in_index}, on chain {leaves.leaves_on_chain}: {_mark(same)}"
    )
    again = f"{found.postings} derived again from the chain"
    console.print(f"postings  {again}: {_mark(found.different == 0)}")
    for difference in found.shown:
        console.print(f"  {difference}", soft_wrap=True)
    if found.different > len(found.shown):
        console.print(f"  and {found.different - len(found.shown)} more")
    console.print(f"sum of all accounts is zero: {'yes' if found.balanced else '[red]no[/red]'}")


def _as_json(books: MonthBooks) -> dict[str, Any]:
    return {
        "month": period_label(books.month),
        "provisional": not books.is_closed,
        "digest": to_hex(books.digest),
        "opening": books.opening,
        "movements": [
            {
                "account": movement.account,
                "category": movement.category,
                "previousPeriods": movement.is_of_previous_periods,
                "receivedMinor": movement.received_minor,
                "paidMinor": movement.paid_minor,
            }
            for movement in books.movements
        ],
        "closing": books.closing,
    }


def _print_month(books: MonthBooks) -> None:
    """Each account: what it opens with, what moves, what it closes with."""
    state = "closed" if books.is_closed else "provisional"
    console.print(f"\nbooks of {period_label(books.month)}, {state}; digest {to_hex(books.digest)}")
    table = Table("account", "category", "use in", "received", "paid", "balance")
    moved: dict[str, list[Movement]] = {account: [] for account in books.closing}
    for movement in books.movements:
        moved[movement.account].append(movement)
    for account, closing in books.closing.items():
        opening = show_amount(books.opening.get(account, 0))
        table.add_row(shorten(account), "", "opening", "", "", opening)
        for movement in moved[account]:
            table.add_row(
                "",
                "" if movement.category is None else str(movement.category),
                "previous periods" if movement.is_of_previous_periods else "",
                show_amount(movement.received_minor),
                show_amount(movement.paid_minor),
                "",
            )
        table.add_row("", "", "closing", "", "", show_amount(closing))
    console.print(table)


def _mark(agrees: bool) -> str:
    return "equal" if agrees else "[red]DIFFERENT[/red]"


def shorten(account: str) -> str:
    """An account's name with its long numbers cut in the middle."""
    parts = [part if len(part) <= 14 else f"{part[:8]}…{part[-4:]}" for part in account.split(":")]
    return ":".join(parts)
