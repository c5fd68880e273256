"""The schemas are valid themselves, and closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from protocol.errors import SchemaInvalid
from protocol.schemas import SCHEMAS, schema, validate

OPEN = {"content", "infrastructureServices", "accounts", "partyContact"}
"""Documents in their publisher's own format, which no schema of ours describes."""


def open_objects(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        if (
            "object" in str(value.get("type", ""))
            and value.get("additionalProperties") is not False
        ):
            yield name
        for key, each in value.items():
            inherited = key in ("items", "oneOf", "properties")
            yield from open_objects(each, name if inherited else key)
    elif isinstance(value, list):
        for each in value:
            yield from open_objects(each, name)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_valid_and_refuses_unknown_fields(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(open_objects(schema(name))) <= OPEN


def test_an_error_names_the_schema_and_the_place() -> None:
    with pytest.raises(SchemaInvalid) as caught:
        validate("document", {"receipt": {}})
    assert caught.value.schema == "document"
    assert caught.value.where.startswith("$")
