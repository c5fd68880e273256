"""The compiled contracts that travel with this package: ABI, bytecode, storage layout.

`make setup` compiles the Solidity sources and writes one JSON file a contract into
`protocol/artifacts`. Besides `schemas`, this is the only place that reads package data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from protocol.errors import (
    ArtifactMissing,
    ContractError,
    HexInvalid,
    error_from_solidity,
)
from protocol.hashing import keccak256
from protocol.types import from_hex

CONTRACTS = (
    "ParticipantRegistry",
    "AgreementRegistry",
    "ConsentRegistry",
    "CommissionPolicy",
    "UsageToken",
    "UsageSettlement",
    "CommonsTreasury",
)
"""The ledger's own contracts; AccessManager and TimelockController come beside them."""

SELECTOR_LENGTH = 4


@cache
def load_artifact(name: str) -> dict[str, Any]:
    """The artifact of a contract: abi, bytecode, deployedBytecode, storage, ...

    The caller must not change it. Raises ArtifactMissing.
    """
    file = resources.files("protocol") / "artifacts" / f"{name}.json"
    if not file.is_file():
        raise ArtifactMissing(name=name)
    artifact: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return artifact


def abi(name: str) -> list[dict[str, Any]]:
    """The ABI of a contract, as the compiler wrote it. Raises ArtifactMissing."""
    entries: list[dict[str, Any]] = load_artifact(name)["abi"]
    return entries


def bytecode(name: str) -> bytes:
    """The creation bytecode, without constructor arguments. Raises ArtifactMissing."""
    return from_hex(load_artifact(name)["bytecode"])


def deployed_bytecode(name: str) -> bytes:
    """The bytecode on chain, with zeros where immutables go. Raises ArtifactMissing."""
    return from_hex(load_artifact(name)["deployedBytecode"])


def canonical_type(item: Mapping[str, Any]) -> str:
    """The ABI type of an argument as its signature has it: structs as tuples."""
    kind = str(item["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical_type(component) for component in item["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def error_of_revert(data: bytes | str) -> ContractError | None:
    """The error that a call reverted with, from its revert data; None if it is not ours."""
    raw = _raw(data)
    known = _errors_by_selector().get(raw[:SELECTOR_LENGTH])
    if known is None:
        return None
    name, inputs = known
    try:
        values = decode([kind for _, kind in inputs], raw[SELECTOR_LENGTH:])
    except DecodingError:
        return None
    return error_from_solidity(name, dict(zip((n for n, _ in inputs), values, strict=True)))


@cache
def _errors_by_selector() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    found = {}
    for contract in CONTRACTS:
        for entry in abi(contract):
            if entry["type"] == "error":
                inputs = tuple((item["name"], item["type"]) for item in entry["inputs"])
                signature = f"{entry['name']}({','.join(kind for _, kind in inputs)})"
                selector = keccak256(signature.encode())[:SELECTOR_LENGTH]
                found[selector] = (entry["name"], inputs)
    return found


def _raw(data: bytes | str) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return from_hex(data)
    except HexInvalid:
        return b""
