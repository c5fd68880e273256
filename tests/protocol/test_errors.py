"""Every custom error of the contracts has a class with the same values; all tell a remedy."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from eth_abi.abi import encode

from protocol import contracts
from protocol.errors import (
    SOLIDITY_ERRORS,
    ConsumerNotParty,
    NotParty,
    ProtocolError,
    StopTooLong,
    error_from_solidity,
)
from protocol.hashing import keccak256


def all_errors(base: type[ProtocolError]) -> Iterator[type[ProtocolError]]:
    for error in base.__subclasses__():
        yield error
        yield from all_errors(error)


def solidity_errors() -> dict[str, list[str]]:
    entries = [entry for name in contracts.CONTRACTS for entry in contracts.abi(name)]
    return {
        entry["name"]: [item["name"] for item in entry["inputs"]]
        for entry in entries
        if entry["type"] == "error" and "_" in entry["name"]
    }


def test_the_classes_are_those_of_the_contracts() -> None:
    assert SOLIDITY_ERRORS.keys() == solidity_errors().keys()


def test_the_values_are_those_of_the_contracts() -> None:
    for name, inputs in solidity_errors().items():
        error = error_from_solidity(name, dict.fromkeys(inputs, 0))
        assert error is not None
        assert len(error.values()) == len(inputs), name


def test_a_revert_becomes_the_same_error() -> None:
    solidity_errors()
    signature = b"AgreementRegistry_NotParty(bytes32,address)"
    values = encode(["bytes32", "address"], [b"\x01" * 32, "0x" + "02" * 20])
    error = contracts.error_of_revert(keccak256(signature)[:4] + values)
    assert isinstance(error, NotParty)
    assert error.agreement_id == b"\x01" * 32
    assert error.organisation == b"\x02" * 20


def test_another_revert_becomes_none() -> None:
    solidity_errors()
    assert contracts.error_of_revert("0x08c379a0") is None
    assert contracts.error_of_revert(b"") is None
    assert contracts.error_of_revert("nothing") is None
    assert error_from_solidity("Elsewhere_Failed", {}) is None


def test_names_shared_by_two_contracts_stay_apart() -> None:
    assert SOLIDITY_ERRORS["AgreementRegistry_NotParty"] is NotParty
    assert SOLIDITY_ERRORS["UsageSettlement_NotParty"] is ConsumerNotParty


NAMELESS = 1 << 20
"""A number for which there is no word."""


@pytest.mark.parametrize("error", sorted(all_errors(ProtocolError), key=str))
def test_every_error_is_a_sentence_with_its_values_and_a_remedy(error: Any) -> None:
    if "__dataclass_fields__" not in error.__dict__:
        assert error.__doc__
        return
    names = [field.name for field in fields(error)]
    given = {name: NAMELESS if name in error.in_words else f"<{name}>" for name in names}
    instance = error(**given)
    assert all(str(value) in str(instance) for value in given.values())
    assert error.remedy != ProtocolError.remedy
    assert str(instance).endswith(error.remedy)


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(StopTooLong(requested_seconds=3, allowed_seconds=2)))
    assert (error.requested_seconds, error.allowed_seconds) == (3, 2)
