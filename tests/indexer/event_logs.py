"""Events to logs, by the contracts' ABIs: the way back from what the decoder does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from eth_abi.abi import encode

from indexer.decode import CONTRACT_EVENTS
from protocol import contracts
from protocol.events import Event
from protocol.hashing import keccak256
from protocol.types import to_hex


@dataclass(frozen=True, slots=True)
class EncodedLog:
    """What a contract writes: its name, topics and data as the wire has them."""

    contract: str
    topics: tuple[str, ...]
    data: str


def abi_of(contract: str, name: str) -> dict[str, Any]:
    [found] = [
        entry
        for entry in contracts.abi(contract)
        if entry["type"] == "event" and entry["name"] == name
    ]
    return found


def type_of(item: dict[str, Any]) -> str:
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(component) for component in item["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def encode_values(contract: str, event: dict[str, Any], values: Sequence[Any]) -> EncodedLog:
    signature = f"{event['name']}({','.join(type_of(item) for item in event['inputs'])})"
    pairs = list(zip(event["inputs"], values, strict=True))
    topics = [encode([type_of(item)], [value]) for item, value in pairs if item["indexed"]]
    plain = [(type_of(item), value) for item, value in pairs if not item["indexed"]]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    hashed = keccak256(signature.encode())
    return EncodedLog(contract, tuple(to_hex(each) for each in (hashed, *topics)), to_hex(data))


def encode_event(event: Event) -> EncodedLog:
    """The log of an event, by the first of our contracts that reports it."""
    name = type(event).__name__
    contract = next(each for each, names in CONTRACT_EVENTS.items() if name in names)
    values = [_abi_value(getattr(event, field.name)) for field in fields(event)]
    return encode_values(contract, _abi_of(contract, name), values)


_abi_of = cache(abi_of)


def _abi_value(value: Any) -> Any:
    """Structs as tuples, all the way down."""
    if is_dataclass(value):
        return tuple(_abi_value(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple):
        return tuple(_abi_value(each) for each in value)
    return value
