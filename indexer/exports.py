"""The books as files that an accountant opens: CSV, Parquet, hledger's and beancount's journals.

The journals name accounts as the books do, seen from the token itself: what somebody holds, put
down, may claim or collected is an asset, and what was issued is a liability. So every balance has
the sign that the books give it, and all together are zero.

    issued                            Liabilities:Issued
    holding:<address>                 Assets:Holding:<address>
    deposit:<agreement>:<consumer>    Assets:Deposit:<agreement>:<consumer>
    balance:<organisation>            Assets:Balance:<organisation>
    treasury, transit, commission     Assets:Treasury, Assets:Transit, Assets:Commission

Each posting is a transaction of its own between two accounts, dated in Europe/Paris. A journal of
one month begins with what its accounts held before, against nothing: the sum is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, BinaryIO

from protocol.booking import CSV_HEADER, BookedPosting, amount_text, csv_line
from protocol.periods import booking_date, booking_month_start, period_label
from protocol.postings import ISSUED, LedgerAccount
from protocol.types import AmountMinor, BookingMonth, to_hex

COMMODITY = "PTX"
DECIMALS = 6
DIGITS_MAX = 38
"""Of an amount in Parquet; a decimal of 128 bits, which every tool reads."""
ROWS_AT_ONCE = 50_000


class Format(StrEnum):
    """What a file is for."""

    CSV = "csv"
    PARQUET = "parquet"
    HLEDGER = "hledger"
    BEANCOUNT = "beancount"


class AmountTooLong(Exception):
    """An amount has more digits than a Parquet file of ours holds."""


@dataclass(frozen=True, slots=True)
class Books:
    """What is exported: postings in the chain's order, and what was there before the first one of
    `month`; all postings where there is no month."""

    postings: Iterable[BookedPosting]
    month: BookingMonth | None
    opening: Mapping[LedgerAccount, AmountMinor]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A transaction of a journal: amounts sum to zero; tags say where it comes from."""

    day: date
    text: str
    tags: tuple[tuple[str, str | int], ...]
    sides: tuple[tuple[LedgerAccount, int], ...]


def write_csv(books: Books, out: BinaryIO) -> None:
    """RFC 4180 with a header. SHA-256 of a month's file is the month's digest."""
    out.write(CSV_HEADER.encode())
    for booked in books.postings:
        out.write(csv_line(booked).encode())


def write_parquet(books: Books, out: BinaryIO) -> None:
    """The CSV's columns, with types. Raises AmountTooLong."""
    import pyarrow  # noqa: PLC0415 - half a second that the other formats need not wait
    import pyarrow.parquet  # noqa: PLC0415 - the same

    kinds = {
        "booking_month": pyarrow.string(),
        "block_number": pyarrow.int64(),
        "log_index": pyarrow.int32(),
        "posting_index": pyarrow.int16(),
        "block_time": pyarrow.timestamp("s", tz="UTC"),
        "transaction_hash": pyarrow.string(),
        "source": pyarrow.string(),
        "target": pyarrow.string(),
        "amount": pyarrow.decimal128(DIGITS_MAX, DECIMALS),
        "period": pyarrow.string(),
        "agreement_id": pyarrow.string(),
        "category": pyarrow.int32(),
    }
    schema = pyarrow.schema(list(kinds.items()))
    rows = map(_row, books.postings)
    with pyarrow.parquet.ParquetWriter(out, schema) as writer:
        while part := list(islice(rows, ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(part, schema=schema))


def write_hledger(books: Books, out: BinaryIO) -> None:
    """A journal for hledger (and ledger): metadata as tags of each transaction."""
    out.write(f"commodity 1000.{'0' * DECIMALS} {COMMODITY}\n".encode())
    _write_journal(books, out, _hledger_account, _hledger_entry)


def write_beancount(books: Books, out: BinaryIO) -> None:
    """A journal for beancount: metadata at each transaction."""
    out.write(f'option "operating_currency" "{COMMODITY}"\n'.encode())
    _write_journal(books, out, _beancount_account, _beancount_entry)


WRITERS: Mapping[Format, Callable[[Books, BinaryIO], None]] = {
    Format.CSV: write_csv,
    Format.PARQUET: write_parquet,
    Format.HLEDGER: write_hledger,
    Format.BEANCOUNT: write_beancount,
}
"""From a format to what writes it."""


def journal_account(account: LedgerAccount) -> str:
    """An account's name in a journal."""
    kind, _, rest = account.partition(":")
    root = "Liabilities" if account == ISSUED else "Assets"
    return ":".join([root, kind.capitalize(), *([rest] if rest else [])])


def _row(booked: BookedPosting) -> dict[str, Any]:
    posting = booked.posting
    if posting.amount_minor >= 10**DIGITS_MAX:
        raise AmountTooLong(
            f"Block {booked.block_number} moves {posting.amount_minor} base units, which a Parquet "
            f"file with decimals of {DIGITS_MAX} digits does not hold: export as csv."
        )
    return {
        "booking_month": period_label(booked.booking_month),
        "block_number": booked.block_number,
        "log_index": booked.log_index,
        "posting_index": booked.posting_index,
        "block_time": datetime.fromtimestamp(booked.block_time, UTC),
        "transaction_hash": to_hex(booked.transaction_hash),
        "source": posting.source,
        "target": posting.target,
        "amount": Decimal(amount_text(posting.amount_minor)),
        "period": None if posting.period is None else period_label(posting.period),
        "agreement_id": None if posting.agreement_id is None else to_hex(posting.agreement_id),
        "category": posting.category,
    }


def _write_journal(
    books: Books,
    out: BinaryIO,
    account_text: Callable[[str, date], str],
    entry_text: Callable[[_Entry], str],
) -> None:
    """Entries in their order; an account is declared where it is first met."""
    known: set[LedgerAccount] = set()
    for entry in _entries(books):
        for account, _ in entry.sides:
            if account not in known:
                known.add(account)
                out.write(account_text(journal_account(account), entry.day).encode())
        out.write(entry_text(entry).encode())


def _entries(books: Books) -> Iterator[_Entry]:
    held = tuple((account, amount) for account, amount in books.opening.items() if amount)
    if books.month is not None and held:
        first = booking_date(booking_month_start(books.month))
        yield _Entry(first, "opening balances", (), held)
    for booked in books.postings:
        posting = booked.posting
        kinds = [account.partition(":")[0] for account in (posting.source, posting.target)]
        amount = posting.amount_minor
        yield _Entry(
            day=booking_date(booked.block_time),
            text=" to ".join(kinds),
            tags=tuple(_tags(booked)),
            sides=((posting.target, amount), (posting.source, -amount)),
        )


def _tags(booked: BookedPosting) -> Iterator[tuple[str, str | int]]:
    posting = booked.posting
    yield "block", booked.block_number
    yield "log", booked.log_index
    yield "transaction", to_hex(booked.transaction_hash)
    if posting.period is not None:
        yield "period", period_label(posting.period)
    if posting.agreement_id is not None:
        yield "agreement", to_hex(posting.agreement_id)
    if posting.category is not None:
        yield "category", posting.category


def _sides(entry: _Entry) -> str:
    return "".join(
        f"    {journal_account(account)}  {amount_text(amount)} {COMMODITY}\n"
        for account, amount in entry.sides
    )


def _hledger_account(name: str, _first_use: date) -> str:
    return f"account {name}\n"


def _hledger_entry(entry: _Entry) -> str:
    tags = "".join(f"    ; {name}: {value}\n" for name, value in entry.tags)
    return f"\n{entry.day} * {entry.text}\n{tags}{_sides(entry)}"


def _beancount_account(name: str, first_use: date) -> str:
    return f"{first_use} open {name} {COMMODITY}\n"


def _beancount_entry(entry: _Entry) -> str:
    tags = "".join(
        f"  {name}: {value}\n" if isinstance(value, int) else f'  {name}: "{value}"\n'
        for name, value in entry.tags
    )
    return f'\n{entry.day} * "{entry.text}"\n{tags}{_sides(entry)}'
