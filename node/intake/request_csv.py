"""Consent requests from a CSV file (RFC 4180, UTF-8): a header with names of columns, then a line a
person. Comma or semicolon between columns; `|` between several values in one.

Every fault is named with its line and column, and with one fault the file has no requests.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from typing import Any

LINES_MAX = 10_000
FAULTS_MAX = 100
SEPARATOR = "|"
REQUIRED = (
    "subjectReference",
    "agreementId",
    "purposes",
    "noticeReference",
    "noticeVersion",
    "validUntil",
)
OPTIONAL = (
    "noticeSha256",
    "language",
    "recipients",
    "validFrom",
    "expiresAt",
    "minimumAssurance",
    "guardianSigns",
)
LISTS = {"purposes", "recipients"}
TIMES = {"validFrom", "validUntil", "expiresAt"}
FLAGS = {"guardianSigns"}
WORDS = {"true": True, "false": False}
DAY_LENGTH = len("2027-08-31")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place; `line` counts from 1, the header is line 1. Column "" is a whole
    line."""

    line: int
    column: str
    detail: str
    remedy: str

    @property
    def field(self) -> str:
        """The place as problem documents name it."""
        return ".".join(filter(None, ("lines", str(self.line), self.column)))


@dataclass(slots=True)
class CsvReading:
    """Each line as a request's JSON object with the line that it begins at, or the faults."""

    requests: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_request_csv(body: bytes) -> CsvReading:
    """Reads a file; the values are not judged here but for their form. Never raises."""
    reading = CsvReading()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        detail = "The text is not UTF-8."
        reading.faults.append(Fault(line, "", detail, "Save the file as CSV UTF-8."))
        return reading
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    # By the lines' own ends: a quoted value may go over several.
    rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        if _check_header(header, reading):
            _read_lines(header, rows, reading)
    except csv.Error as error:
        detail = f"The line is no CSV: {error}."
        remedy = "Put values with quotes or line ends into double quotes."
        reading.faults.append(Fault(rows.line_num, "", detail, remedy))
    if not reading.requests and not reading.faults:
        detail = "The file has no line after the header."
        reading.faults.append(Fault(1, "", detail, "Send a line a person."))
    return reading


def _check_header(header: list[str], reading: CsvReading) -> bool:
    known = {*REQUIRED, *OPTIONAL}
    for name in REQUIRED:
        if name not in header:
            detail = f"The column {name} is missing."
            reading.faults.append(Fault(1, name, detail, "Add the column to the header."))
    for name in header:
        if name not in known:
            detail = f"There is no column {name!r}."
            remedy = f"Use {', '.join((*REQUIRED, *OPTIONAL))}."
            reading.faults.append(Fault(1, name[:100], detail, remedy))
        elif header.count(name) > 1:
            detail = f"The column {name} stands there twice."
            reading.faults.append(Fault(1, name, detail, "Leave one of them out."))
    return not reading.faults


def _read_lines(header: list[str], rows: Iterator[list[str]], reading: CsvReading) -> None:
    begins = 2
    for row in rows:
        if len(reading.requests) >= LINES_MAX:
            detail = f"The file has more than {LINES_MAX:,} lines."
            reading.faults.append(Fault(begins, "", detail, "Send it in parts."))
            return
        if len(row) != len(header) and row:
            detail = f"The line has {len(row)} values for {len(header)} columns."
            reading.faults.append(Fault(begins, "", detail, "Send one value a column."))
        elif row:
            values = dict(zip(header, row, strict=True))
            reading.requests.append((begins, _request_of(values, begins, reading)))
        if len(reading.faults) >= FAULTS_MAX:
            return
        begins = _line_after(rows)


def _line_after(rows: Iterator[list[str]]) -> int:
    lines: int = getattr(rows, "line_num")  # noqa: B009 - of the reader, which has no public type
    return lines + 1


def _request_of(values: Mapping[str, str], line: int, reading: CsvReading) -> dict[str, Any]:
    notice = {"reference": values["noticeReference"], "version": values["noticeVersion"]}
    if values.get("noticeSha256"):
        notice["sha256"] = values["noticeSha256"]
    request: dict[str, Any] = {"notice": notice}
    for name, text in values.items():
        if name.startswith("notice") or (not text and name in OPTIONAL):
            continue
        if name in LISTS:
            parts = [part.strip() for part in text.split(SEPARATOR) if part.strip()]
            request[name] = [{"purpose": part} for part in parts] if name == "purposes" else parts
        elif name in FLAGS:
            request[name] = WORDS.get(text.lower(), text)
        elif name in TIMES:
            request[name] = _time(text, name, line, reading)
        else:
            request[name] = text
    return request


def _time(text: str, column: str, line: int, reading: CsvReading) -> int:
    try:
        return day_or_seconds(text)
    except ValueError as error:
        detail = f"{text[:100]!r} is no time: {error}."
        remedy = "Write a day such as 2027-08-31, or Unix seconds."
        reading.faults.append(Fault(line, column, detail, remedy))
        return 0


def day_or_seconds(text: str) -> int:
    """Unix seconds, or the first second of a day, UTC; raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) <= DAY_LENGTH:
        return int(text)
    if len(text) != DAY_LENGTH:
        raise ValueError("it is neither")
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except OverflowError as error:
        raise ValueError(str(error)) from error
