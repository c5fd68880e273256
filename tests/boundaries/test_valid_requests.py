"""Every operation of the description succeeds for who may, and answers what it declares."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from tests.boundaries.scene import Scene
from tests.boundaries.valid_requests import (
    ANSWERED,
    BODIES,
    DESCRIPTION,
    PLACES,
    PLACES_OF,
    Operation,
    operations,
    valid_request,
)
from tests.stage import Json

ALL = [pytest.param(*each, id=" ".join(each[0])) for each in operations()]


def test_every_operation_can_be_placed() -> None:
    """A new kind of object has a line in PLACES, a new body one in BODIES."""
    found = dict(operations())
    names = {name for _, path in found for name in re.findall(r"\{(\w+)\}", path)}
    assert names == PLACES.keys()
    assert {*BODIES} == {each for each, described in found.items() if "requestBody" in described}
    assert found.keys() >= PLACES_OF.keys()


@pytest.mark.parametrize(("operation", "described"), ALL)
def test_a_valid_request_succeeds_and_its_answer_is_as_described(
    scene: Scene, operation: Operation, described: Json
) -> None:
    asked = valid_request(scene, operation, described)
    answer = asked.send(scene.world.node.url, asked.token)
    assert answer.is_success, (asked, answer.text)
    ANSWERED[operation] = asked, answer
    declared = described["responses"][str(answer.status_code)]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.content:
        assert kind in declared["content"], (kind, declared)
    if kind == "application/json":
        schema = {**declared["content"][kind]["schema"], "components": DESCRIPTION["components"]}
        Draft202012Validator(schema).validate(answer.json())
