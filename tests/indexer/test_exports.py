"""The books as files, opened with the tools that they are for."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from beancount import loader
from beancount.core import data, realization
from sqlalchemy import Connection, create_engine

from indexer.exports import WRITERS, AmountTooLong, Books, Format, journal_account
from indexer.queries import books
from node.migrate import migrate
from protocol.booking import BookedPosting
from protocol.postings import LedgerAccount
from protocol.types import AmountMinor, BookingMonth
from tests.indexer.book_rows import FINALITY_BLOCKS, write
from tests.protocol.booked_story import DAY_SECONDS, booked, tell

ACTS = [
    ("settle", 30, 20 * DAY_SECONDS),
    ("settle late", 60, DAY_SECONDS),
    ("claim", 5_000, 0),
    ("pay out", 1, 0),
    ("settle", 400, 40 * DAY_SECONDS),
    ("settle late", 99, 0),
    ("mistake", 17, 0),
    ("redeem", 1_234, 0),
]


@dataclass(frozen=True, slots=True)
class Written:
    """Books of three months in a database, and what was written into it."""

    connection: Connection
    postings: list[BookedPosting]

    def export(self, format: Format, path: Path, month: BookingMonth | None = None) -> Path:
        opening: dict[LedgerAccount, AmountMinor] = {}
        if month is not None:
            opening = dict(books.read_month(self.connection, month, FINALITY_BLOCKS).opening)
        postings = books.list_postings(self.connection, month)
        with path.open("wb") as file:
            WRITERS[format](Books(postings, month, opening), file)
        return path

    def expected(self, month: BookingMonth | None) -> dict[str, Decimal]:
        """Balances as a journal has them, in tokens; those of nothing left out."""
        balances = books.balances(self.connection)
        if month is not None:
            closing = books.read_month(self.connection, month, FINALITY_BLOCKS).closing
            balances = dict(closing)
        return {journal_account(name): tokens(value) for name, value in balances.items() if value}

    @property
    def months(self) -> list[BookingMonth]:
        return books.booked_months(self.connection)


@pytest.fixture(scope="module")
def written(new_database: Callable[[], str]) -> Iterator[Written]:
    engine = create_engine(new_database())
    migrate(engine)
    postings = booked(tell(ACTS))
    with engine.connect() as connection:
        write(connection, postings)
        yield Written(connection, postings)
    engine.dispose()


def tokens(amount_minor: int) -> Decimal:
    return Decimal(amount_minor) / 1_000_000


MONTHS = pytest.mark.parametrize("number", [None, 0, 1, 2], ids=["all", "first", "second", "third"])


def month_of(written: Written, number: int | None) -> BookingMonth | None:
    return None if number is None else written.months[number]


@MONTHS
def test_beancount_has_the_balances_of_the_books(
    written: Written, tmp_path: Path, number: int | None
) -> None:
    month = month_of(written, number)
    path = written.export(Format.BEANCOUNT, tmp_path / "books.beancount", month)
    entries, errors, _ = loader.load_file(str(path))
    assert errors == []
    found: Counter[str] = Counter()
    for account in realization.iter_children(realization.realize(entries)):
        for position in account.balance:
            assert position.units.currency == "PTX"
            found[account.account] += position.units.number
    assert {name: value for name, value in found.items() if value} == written.expected(month)
    told = [entry for entry in entries if isinstance(entry, data.Transaction)]
    late = [entry for entry in told if entry.meta.get("period")]
    assert late
    assert all({"block", "transaction", "agreement", "category"} <= {*e.meta} for e in late)


@MONTHS
def test_hledger_has_the_balances_of_the_books(
    written: Written, tmp_path: Path, number: int | None
) -> None:
    if shutil.which("hledger") is None:
        pytest.skip("hledger is not installed (Debian: apt-get install hledger)")
    month = month_of(written, number)
    path = written.export(Format.HLEDGER, tmp_path / "books.journal", month)
    command = ["hledger", "-f", str(path)]
    subprocess.run([*command, "check", "--strict"], check=True, timeout=60)
    said = subprocess.run(
        [*command, "balance", "--flat", "--no-total", "--output-format", "csv"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    rows = csv.DictReader(io.StringIO(said.stdout))
    found = {row["account"]: Decimal(row["balance"].split()[0]) for row in rows}
    assert found == written.expected(month)
    tagged = [*command, "register", "tag:period", "tag:category=1", "--output-format", "csv"]
    late = subprocess.run(tagged, check=True, capture_output=True, text=True, timeout=60)
    assert "deposit to commission" in late.stdout


@MONTHS
def test_parquet_has_types_and_the_postings_of_the_books(
    written: Written, tmp_path: Path, number: int | None
) -> None:
    month = month_of(written, number)
    path = written.export(Format.PARQUET, tmp_path / "books.parquet", month)
    table = pyarrow.parquet.read_table(path)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["amount"] == "decimal128(38, 6)"
    assert kinds["block_number"] == "int64"
    assert kinds["block_time"] == "timestamp[ms, tz=UTC]"
    expected = [p for p in written.postings if month is None or p.booking_month == month]
    rows = table.to_pylist()
    assert [row["amount"] for row in rows] == [tokens(p.posting.amount_minor) for p in expected]
    assert [row["category"] for row in rows] == [p.posting.category for p in expected]
    assert [int(row["block_time"].timestamp()) for row in rows] == [p.block_time for p in expected]
    if month is None:
        found: Counter[str] = Counter()
        for row in rows:
            found[journal_account(row["target"])] += row["amount"]
            found[journal_account(row["source"])] -= row["amount"]
        assert {name: value for name, value in found.items() if value} == written.expected(None)


@MONTHS
def test_csv_has_the_postings_of_the_books_and_a_months_file_its_digest(
    written: Written, tmp_path: Path, number: int | None
) -> None:
    month = month_of(written, number)
    path = written.export(Format.CSV, tmp_path / "books.csv", month)
    expected = [p for p in written.postings if month is None or p.booking_month == month]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [row["source"] for row in rows] == [p.posting.source for p in expected]
    assert [Decimal(row["amount"]) for row in rows] == [
        tokens(p.posting.amount_minor) for p in expected
    ]
    assert path.read_bytes().count(b"\r\n") == len(expected) + 1
    if month is not None:
        digest = books.read_month(written.connection, month, FINALITY_BLOCKS).digest
        assert hashlib.sha256(path.read_bytes()).digest() == digest


def test_an_amount_that_parquet_cannot_hold_is_refused(written: Written, tmp_path: Path) -> None:
    connection = written.connection
    savepoint = connection.begin_nested()
    connection.exec_driver_sql("UPDATE ledger.postings SET amount_minor = 10::numeric ^ 38")
    with pytest.raises(AmountTooLong, match="export as csv"):
        written.export(Format.PARQUET, tmp_path / "books.parquet")
    written.export(Format.CSV, tmp_path / "books.csv")
    savepoint.rollback()
