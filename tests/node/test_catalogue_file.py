"""A file with offers of the catalogue: one entry or several, and what is refused of either."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from node.intake.catalogue_file import ENTRIES_MAX, read_catalogue_file
from protocol.errors import DocumentUnreadable
from tests.node.test_contract_import import OFFERING


def file_of(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_one_entry_or_a_list_of_them() -> None:
    [one] = read_catalogue_file(b"\xef\xbb\xbf" + file_of(OFFERING))
    assert one.entry == OFFERING
    assert (one.reading.name, one.reading.use_price) == ("skills", Decimal("0.05"))
    others = [{**OFFERING, "_id": f"o{number}"} for number in range(ENTRIES_MAX)]
    found = read_catalogue_file(file_of(others))
    assert [each.reading.offer_id for each in found] == [each["_id"] for each in others]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"3", "entry 1 is none of these"),
        (b"[]", "0 entries"),
        (file_of([OFFERING] * (ENTRIES_MAX + 1)), "1 to 200"),
        (file_of([OFFERING, OFFERING]), "two entries have the id o1"),
        (file_of([OFFERING, {"@type": "Participant"}]), "entry 2 is none of these"),
        (file_of({**OFFERING, "providedBy": None}), "providedBy is missing"),
        (file_of({**OFFERING, "name": "n" * 301}), "name of entry 1 is longer than 300"),
        (file_of({**OFFERING, "_id": "i" * 301}), "_id of entry 1 is longer than 300"),
        (file_of({**OFFERING, "more": "m" * 65_536}), "entry 1 is longer than 65536"),
    ],
)
def test_anything_else_is_refused_in_words(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentUnreadable) as told:
        read_catalogue_file(content)
    assert reason in str(told.value)
