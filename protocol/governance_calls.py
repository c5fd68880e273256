"""What a call in the timelock would do: the contract's function, by its ABI, and the arguments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from protocol import contracts
from protocol.contracts import SELECTOR_LENGTH
from protocol.hashing import keccak256
from protocol.types import to_hex

GOVERNED = (*contracts.CONTRACTS, "AccessManager", "TimelockController")
"""The contracts that have functions for the timelock."""


@dataclass(frozen=True, slots=True)
class GovernanceCall:
    """A call of a contract's function; `arguments` by name, in their order, structs as tuples."""

    contract: str
    function: str
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        """As a developer writes it: `CommissionPolicy.setRate(category=1, …)`."""
        told = ", ".join(f"{name}={_plain(value)}" for name, value in self.arguments)
        return f"{self.contract}.{self.function}({told})"


def read_call(contract: str, data: bytes) -> GovernanceCall | None:
    """The call that `data` makes of one of GOVERNED; None if no function of it explains them."""
    known = _functions(contract).get(data[:SELECTOR_LENGTH])
    if known is None:
        return None
    name, inputs = known
    try:
        values = decode([kind for _, kind in inputs], data[SELECTOR_LENGTH:])
    except (DecodingError, OverflowError, UnicodeDecodeError):  # offsets may be of any size
        return None
    arguments = tuple((each, value) for (each, _), value in zip(inputs, values, strict=True))
    return GovernanceCall(contract, name, arguments)


@cache
def _functions(contract: str) -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    """From a selector to the function's name, and its arguments' names and types."""
    found = {}
    for entry in contracts.abi(contract):
        if entry["type"] == "function":
            inputs = tuple(
                (item["name"], contracts.canonical_type(item)) for item in entry["inputs"]
            )
            signature = f"{entry['name']}({','.join(kind for _, kind in inputs)})"
            found[keccak256(signature.encode())[:SELECTOR_LENGTH]] = (entry["name"], inputs)
    return found


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return str(value)
