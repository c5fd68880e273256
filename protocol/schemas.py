"""Shapes of the ledger's JSON documents, held by JSON Schema (draft 2020-12).

The schemas are package data, `protocol/schemas/<name>.json`, and refuse unknown fields: what is
hashed, signed and proved must not carry what nobody read.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from protocol.errors import SchemaInvalid

SCHEMAS = ("document", "record", "proof-bundle")


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema with this name, one of SCHEMAS. The caller must not change it."""
    file = resources.files("protocol") / "schemas" / f"{name}.json"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def validate(name: str, value: Any) -> None:
    """Raise SchemaInvalid, naming the most telling fault, unless the value fits the schema."""
    error = best_match(_validator(name).iter_errors(value))
    if error is not None:
        raise SchemaInvalid(schema=name, where=error.json_path, reason=error.message)


@cache
def _validator(name: str) -> Draft202012Validator:
    known = [schema(each) for each in SCHEMAS]
    resources_by_id = [(each["$id"], Resource.from_contents(each)) for each in known]
    registry: Registry[Any] = Registry().with_resources(resources_by_id)
    return Draft202012Validator(schema(name), registry=registry)
