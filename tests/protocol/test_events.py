"""Every event of the contracts has a dataclass with the same fields."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from protocol import contracts
from protocol.events import EVENT_TYPES
from protocol.ledger_rules import RULES

GOVERNED = (*contracts.CONTRACTS, "TimelockController")
NEVER_EMITTED = {"EIP712DomainChanged"}
"""Named by the ABI of the library's EIP712, which has no function that emits it."""


def events_of_contracts() -> dict[str, list[str]]:
    entries = [entry for name in GOVERNED for entry in contracts.abi(name)]
    return {
        entry["name"]: [item["name"] for item in entry["inputs"]]
        for entry in entries
        if entry["type"] == "event" and entry["name"] not in NEVER_EMITTED
    }


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name)


def test_the_classes_are_the_events_of_the_contracts() -> None:
    assert EVENT_TYPES.keys() == events_of_contracts().keys()


def test_the_fields_are_those_of_the_events() -> None:
    for name, inputs in events_of_contracts().items():
        named = [field.name.rstrip("_") for field in fields(EVENT_TYPES[name])]
        assert named == [snake_case(each) for each in inputs], name


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES.keys())
def test_the_ledger_has_a_rule_for_every_event(kind: Any) -> None:
    assert kind in RULES
