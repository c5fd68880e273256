"""Which records were erased, kept beside the database: a backup that is older than an erasure still
has the record's wrapped key, and restoring it must not bring the record back.

A line an erasure: Unix seconds and the leaf, which tells nothing once the record is gone. Written
before the erasure is committed, so that none is ever missing.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from pathlib import Path

LINE = re.compile(r"\d+ [0-9a-f]{64}")


class ErasureJournalBroken(Exception):
    """A line is not as it was written."""


def note_erasures(journal: Path, leaves: Iterable[bytes], now: int) -> None:
    """Appends erasures; they are on disk when this returns."""
    journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = "".join(f"{now} {leaf.hex()}\n" for leaf in leaves)
    descriptor = os.open(journal, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole = file.read()
        file.seek(whole.rfind(b"\n") + 1)  # over what a death has left of a line
        file.write(lines.encode())
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def noted_erasures(journal: Path) -> list[bytes]:
    """The leaves of all erasures, each once; none where there is no journal. A last line without
    its end was being written when the node died, and is no erasure yet.

    Raises ErasureJournalBroken: guessing would bring a record back.
    """
    if not journal.exists():
        return []
    whole, _, _ = journal.read_text().rpartition("\n")
    found: dict[bytes, None] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        if LINE.fullmatch(line) is None:
            raise ErasureJournalBroken(
                f"{journal}, line {number} is no erasure: restore the journal from a copy."
            )
        found[bytes.fromhex(line.split()[1])] = None
    return list(found)
