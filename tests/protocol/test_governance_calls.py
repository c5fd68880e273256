"""A call in the timelock is read back as it was written, and nothing in it stops a reader."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from protocol import contracts
from protocol.contracts import canonical_type
from protocol.governance_calls import GOVERNED, GovernanceCall, read_call
from protocol.hashing import keccak256

FUNCTIONS = [
    (contract, entry)
    for contract in GOVERNED
    for entry in contracts.abi(contract)
    if entry["type"] == "function"
]


def selector_of(entry: dict[str, object]) -> bytes:
    inputs = entry["inputs"]
    assert isinstance(inputs, list)
    signature = f"{entry['name']}({','.join(map(canonical_type, inputs))})"
    return keccak256(signature.encode())[:4]


def test_a_rate_is_read_back() -> None:
    selector = keccak256(b"setRate(uint16,uint32,uint16)")[:4]
    data = selector + encode(["uint16", "uint32", "uint16"], [2, 684, 250])
    call = read_call("CommissionPolicy", data)
    arguments = (("category", 2), ("fromPeriod", 684), ("rateBps", 250))
    assert call == GovernanceCall("CommissionPolicy", "setRate", arguments)
    assert str(call) == "CommissionPolicy.setRate(category=2, fromPeriod=684, rateBps=250)"
    assert read_call("CommonsTreasury", data) is None
    assert read_call("CommissionPolicy", data[:-1]) is None


@pytest.mark.parametrize("contract", GOVERNED)
@given(data=st.data())
def test_whatever_a_proposal_holds_can_be_told(contract: str, data: st.DataObject) -> None:
    selectors = [selector_of(entry) for name, entry in FUNCTIONS if name == contract]
    selector = data.draw(st.sampled_from(selectors))
    words = data.draw(st.lists(st.sampled_from((0, 32, 64, 2**160 - 1, 2**256 - 1)), max_size=9))
    rest = b"".join(word.to_bytes(32) for word in words) + data.draw(st.binary(max_size=70))
    call = read_call(contract, selector + rest)
    assert call is None or str(call).startswith(f"{contract}.{call.function}(")
