"""The quick way to read a record is the plain one, for good records and for any others."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.intake.quick_records import canonicalise_quickly, check_quickly, fits_quickly
from protocol.assurance import Assurance
from protocol.canonical import canonicalise
from protocol.errors import CanonicalisationInvalid, ProtocolError, RecordTooLarge, SchemaInvalid
from protocol.record import (
    RECORD_BYTES_MAX,
    Record,
    RecordCheck,
    check_record,
    from_json,
    to_json,
)
from protocol.schemas import validate
from tests.protocol.consent_examples import binding_example, record_example

RECORDS = [
    to_json(record_example(Assurance.ATTESTED)),
    to_json(record_example(Assurance.SIGNED)),
    to_json(record_example(Assurance.IDENTIFIED, binding_example())),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from([f"0x{digit * 40}{end}" for digit in "aFg" for end in ("", "\n", "0")]),
    st.sampled_from(["", "1.5", ',2.0,"', '":1e5', "[9999999999999999", "e\u0301", "\ue000", "😀"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member of every object and array: its container and its key."""
    keys: Any = value if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@st.composite
def damaged_records(draw: st.DrawFn) -> dict[str, Any]:
    """A record of each assurance with up to two members changed, added or taken away."""
    record: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(RECORDS)))
    for _ in range(draw(st.integers(0, 2))):
        container, key = draw(st.sampled_from(places(record)))
        how = draw(st.sampled_from(("replace", "extend", "cut", "add", "remove")))
        old = container[key]
        if how == "remove":
            del container[key]
        elif how == "add" and isinstance(container, dict):
            container[draw(st.text(max_size=8))] = draw(VALUES)
        elif how == "extend" and isinstance(old, str):
            container[key] = old + draw(st.sampled_from(["\n", " ", "0", "\u2028", "é"]))
        elif how == "cut" and isinstance(old, str):
            container[key] = old[:-1]
        else:
            container[key] = draw(VALUES)
    return record


def plain(value: Any) -> tuple[Record, RecordCheck]:
    record = from_json(value)
    return record, check_record(record)


def outcome(read: Any, value: Any) -> Any:
    try:
        return read(value)
    except ProtocolError as error:
        return type(error), str(error)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(damaged_records())
def test_a_record_is_read_and_refused_as_the_plain_way_does(value: dict[str, Any]) -> None:
    assert outcome(check_quickly, value) == outcome(plain, value)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(damaged_records())
def test_what_fits_quickly_fits_the_schema(value: dict[str, Any]) -> None:
    if fits_quickly(value):
        validate("record", value)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=6))
def test_the_canonical_form_is_that_of_rfc_8785(value: dict[str, Any]) -> None:
    try:
        expected = canonicalise(value)
    except CanonicalisationInvalid:
        assert outcome(canonicalise_quickly, value)[0] is CanonicalisationInvalid
    else:
        assert canonicalise_quickly(value) == expected


@given(st.sampled_from(RECORDS), st.text('e\u00e9\u20ac"\n\u0001', min_size=1), st.integers(-1, 1))
def test_records_about_as_large_as_they_may_be(
    record: dict[str, Any], text: str, over: int
) -> None:
    """Judged before the commitment, which is to another document here."""
    value = copy.deepcopy(record)
    value["document"]["notice"]["reference"] += text
    short = RECORD_BYTES_MAX + over - len(canonicalise(value))
    value["document"]["notice"]["reference"] += "a" * short
    assert len(canonicalise(value)) == RECORD_BYTES_MAX + over
    found = outcome(check_quickly, value)
    assert found == outcome(plain, value)
    assert (found[0] is RecordTooLarge) is (over > 0)


def test_good_records_take_the_quick_way() -> None:
    for record in RECORDS:
        assert fits_quickly(record)
        assert fits_quickly(json.loads(json.dumps(record)))


def test_the_words_for_what_is_wrong_are_the_plain_ones() -> None:
    found = outcome(check_quickly, {**RECORDS[0], "more": 1})
    assert found[0] is SchemaInvalid
    assert "more" in found[1]
