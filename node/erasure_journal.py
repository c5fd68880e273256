"""What was erased, kept beside the database: a backup that is older than an erasure still has the
record's wrapped key, and restoring it must not bring the record back.

A line an erasure: Unix seconds, the organisation that erased, and what: a record, by its issuer and
its leaf, or all consent requests about a person, by the keyed hash of the reference. Neither tells
anything once the record is gone. Written before the erasure is committed, so that none is ever
missing.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from protocol.types import Leaf, OrganisationId

LINE = re.compile(
    r"\d+ (?P<by>[0-9a-f]{40}) "
    r"(record (?P<issuer>[0-9a-f]{40}) (?P<leaf>[0-9a-f]{64})|subject (?P<subject>[0-9a-f]{64}))"
)


class ErasureJournalBroken(Exception):
    """A line is not as it was written."""


@dataclass(frozen=True, slots=True)
class ErasedRecord:
    """The copy of an organisation; of the issuer, all copies here."""

    by: OrganisationId
    issuer: OrganisationId
    leaf: Leaf

    def __str__(self) -> str:
        return f"{self.by.hex()} record {self.issuer.hex()} {self.leaf.hex()}"


@dataclass(frozen=True, slots=True)
class ErasedSubject:
    """An organisation's consent requests about one person."""

    by: OrganisationId
    subject_hash: bytes

    def __str__(self) -> str:
        return f"{self.by.hex()} subject {self.subject_hash.hex()}"


Erased = ErasedRecord | ErasedSubject


def note_erasures(journal: Path, erased: Iterable[Erased], now: int) -> None:
    """Appends erasures; they are on disk when this returns."""
    journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = "".join(f"{now} {each}\n" for each in erased)
    descriptor = os.open(journal, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole = file.read()
        file.seek(whole.rfind(b"\n") + 1)  # over what a death has left of a line
        file.write(lines.encode())
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def noted_erasures(journal: Path) -> list[Erased]:
    """All erasures, each once, in their order; none where there is no journal. A last line without
    its end was being written when the node died, and is no erasure yet.

    Raises ErasureJournalBroken: guessing would bring a record back.
    """
    if not journal.exists():
        return []
    whole, _, _ = journal.read_text().rpartition("\n")
    found: dict[Erased, None] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        parts = LINE.fullmatch(line)
        if parts is None:
            raise ErasureJournalBroken(
                f"{journal}, line {number} is no erasure: restore the journal from a copy."
            )
        found[_erased(parts)] = None
    return list(found)


def _erased(parts: re.Match[str]) -> Erased:
    by = OrganisationId(bytes.fromhex(parts["by"]))
    if parts["subject"]:
        return ErasedSubject(by, bytes.fromhex(parts["subject"]))
    issuer = OrganisationId(bytes.fromhex(parts["issuer"]))
    return ErasedRecord(by, issuer, Leaf(bytes.fromhex(parts["leaf"])))
