"""Records read and checked, thousands a second: `from_json` and `check_record`, only sooner.

Whatever the quick way does not take as good goes the plain one, which finds the words for what is
wrong; so it can refuse nothing by itself, and a test shows that it accepts nothing by itself.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs

from protocol.canonical import canonicalise
from protocol.hashing import sha256
from protocol.record import (
    Record,
    RecordCheck,
    check_length,
    check_parts,
    document_value,
    read_record,
    record_value,
)
from protocol.schemas import SCHEMAS, schema, validate

_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
_DELICATE_NUMBER = re.compile(
    r'[:\[,](?:(?<=":)|(?<=[\[,]))-?(?:[0-9]+[.eE]|[0-9]{16})'  # its first part is found fast
)
"""A fraction, or a number that may be too large. In texts it may be seen where there is none."""
_SURROGATE_OR_BEYOND = re.compile("[\ud800-\U0010ffff]")


def check_quickly(value: Any) -> tuple[Record, RecordCheck]:
    """The record in a JSON value, and what it proves. Raises what `from_json` and `check_record`
    raise."""
    if not fits_quickly(value):
        validate("record", value)
    record = read_record(value)
    document = canonicalise_quickly(document_value(record.document))
    rest = canonicalise_quickly({**record_value(record), "document": 0})
    check_length(len(rest) - len("0") + len(document))
    return record, check_parts(record, sha256(document))


def fits_quickly(value: Any) -> bool:
    """Whether a value fits the schema of a record, without saying why not."""
    try:
        return _validator().is_valid(value)
    except (ValueError, TypeError):  # what JSON cannot say
        return False


def canonicalise_quickly(value: dict[str, Any]) -> bytes:
    """The canonical form of an object that was read from JSON.

    Python's own JSON is RFC 8785's for all but fractions, large numbers, and the order of keys with
    characters from the surrogates on: whoever has one of these gets the plain way.
    """
    try:
        text = _encode(value)
    except (ValueError, TypeError):
        return canonicalise(value)
    if not text.isascii() and _SURROGATE_OR_BEYOND.search(text):
        return canonicalise(value)
    if _DELICATE_NUMBER.search(text):
        return canonicalise(value)
    return text.encode()


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    known = [schema(name) for name in SCHEMAS]
    registry = jsonschema_rs.Registry([(each["$id"], each) for each in known])
    return jsonschema_rs.Draft202012Validator(schema("record"), registry=registry)
