"""Every operation of the description has an example of what is sent and what is answered, and each
is one that its own schema takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from node.api.app import create_app
from node.api.recorded_examples import FILE, examples, parts_of
from protocol.schemas import validate
from tests.stage import Json

DESCRIPTION: Json = create_app().openapi()
SIZE_MAX = 450_000
SECRETS = re.compile(
    r"\b(?:ptx[a-z]?|whsec)_[\w+/-]+|\"token\": \"[\w-]+|https?://[^\"]+#[\w-]{43}|0x50545831\w+"
)


def operations() -> Iterator[tuple[str, Json]]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


PARTS = [
    pytest.param(described, id=f"{part} of {name}")
    for name, operation in operations()
    for part, described in parts_of(operation).items()
]


@pytest.mark.parametrize("described", PARTS)
def test_every_body_has_an_example_that_its_schema_takes(described: Json) -> None:
    schema = {**described["schema"], "components": DESCRIPTION["components"]}
    Draft202012Validator(schema).validate(described["example"])


def test_bodies_are_found_in_the_description() -> None:
    """Else the test above could pass by looking at nothing."""
    assert sum("requestBody" in operation for _, operation in operations()) == sum(
        "request" in parts_of(operation) for _, operation in operations()
    )
    answering = [name for name, operation in operations() if "answer" in parts_of(operation)]
    assert len(answering) > 80


def test_no_example_is_of_what_is_gone() -> None:
    described = {name: parts_of(operation).keys() for name, operation in operations()}
    assert {name: each.keys() for name, each in examples().items()} == {
        name: parts for name, parts in described.items() if parts
    }


def test_an_example_shows_something() -> None:
    """Lists that have nothing in them would tell nobody what they hold."""
    empty = [
        name
        for name, each in examples().items()
        for field in ("items", "consents", "uses", "requests", "results", "lines")
        if isinstance(each.get("answer"), dict) and each["answer"].get(field) == []
    ]
    assert empty == []


def test_secrets_of_examples_are_none() -> None:
    found = SECRETS.findall(FILE.read_text(encoding="utf-8"))
    assert len(found) > 8
    fictional = re.compile(r"this-is-an-example|0x50545831(5e)+$")
    assert [secret for secret in found if not fictional.search(secret)] == []


def test_records_are_described_by_the_rule_and_examples_keep_to_it() -> None:
    [record] = examples()["post /v1/consents"]["request"]["records"]
    validate("record", record)
    validate("proof-bundle", examples()["get /v1/proofs/{leaf}"]["answer"])
    schemas = DESCRIPTION["components"]["schemas"]
    records = schemas["GrantConsents"]["properties"]["records"]
    described = Draft202012Validator({**records, "components": DESCRIPTION["components"]})
    assert described.is_valid([record])
    assert not described.is_valid([{**record, "unknown": 1}])
    assert not described.is_valid([{**record, "document": {}}])


def test_the_description_stays_small_enough_to_load() -> None:
    assert len(json.dumps(DESCRIPTION)) < SIZE_MAX
