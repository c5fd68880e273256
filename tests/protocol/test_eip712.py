"""Typed data (EIP-712): the published example, the wallet library's encoder, the golden vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from protocol.eip712 import (
    Domain,
    digest_of_typed_data,
    domain_separator,
    encode_type,
    hash_struct,
    type_hash,
    typed_data,
    types_of_typed_data,
)
from protocol.errors import TypedDataInvalid
from protocol.hashing import keccak256
from protocol.types import from_hex, to_hex

TYPES = (
    (
        "Basket",
        (
            ("owner", "address"),
            ("items", "Item[]"),
            ("numbers", "uint64[2]"),
            ("note", "string"),
            ("open", "bool"),
        ),
    ),
    ("Item", (("name", "bytes"), ("tag", "bytes4"), ("count", "uint16"))),
)
hex_of = {n: st.binary(min_size=n, max_size=n).map(to_hex) for n in (4, 20)}
items = st.fixed_dictionaries(
    {
        "name": st.binary(max_size=40).map(to_hex),
        "tag": hex_of[4],
        "count": st.integers(0, 2**16 - 1),
    }
)
baskets = st.fixed_dictionaries(
    {
        "owner": hex_of[20],
        "items": st.lists(items, max_size=3),
        "numbers": st.lists(st.integers(0, 2**64 - 1).map(str), min_size=2, max_size=2),
        "note": st.text(st.characters(exclude_categories=["Cs"])),
        "open": st.booleans(),
    }
)
DOMAIN = Domain("Test", "1", 1, bytes(20))


def digest_by_wallet_library(data: dict[str, Any]) -> bytes:
    message = encode_typed_data(full_message=data)
    return keccak256(b"\x19" + message.version + message.header + message.body)


@given(baskets, st.integers(0, 2**53), st.none() | st.binary(min_size=20, max_size=20))
def test_digests_equal_those_of_the_wallet_library(
    basket: dict[str, Any], chain_id: int, contract: bytes | None
) -> None:
    data = typed_data(Domain("Test", "1", chain_id, contract), TYPES, basket)
    assert digest_of_typed_data(data) == digest_by_wallet_library(data)


def test_the_example_of_the_standard(samples: Path) -> None:
    sample = json.loads((samples / "eip" / "eip712-mail.json").read_text())
    data = sample["typedData"]
    types = types_of_typed_data(data)
    assert to_hex(type_hash(types, "Mail")) == sample["mailTypeHash"]
    assert to_hex(hash_struct(types, "Mail", data["message"])) == sample["structHash"]
    separator = hash_struct(types, "EIP712Domain", data["domain"])
    assert to_hex(separator) == sample["domainSeparator"]
    assert to_hex(digest_of_typed_data(data)) == sample["digest"]


def test_types_that_a_type_refers_to_follow_in_alphabetical_order() -> None:
    types = (
        ("Mail", (("to", "Person"), ("via", "Agent[]"))),
        ("Person", (("name", "string"),)),
        ("Agent", (("who", "Person"),)),
    )
    assert encode_type(types, "Mail") == (
        "Mail(Person to,Agent[] via)Agent(Person who)Person(string name)"
    )


def test_the_domain_counts() -> None:
    separators = {
        domain_separator(DOMAIN),
        domain_separator(Domain("Test", "2", 1, bytes(20))),
        domain_separator(Domain("Test", "1", 2, bytes(20))),
        domain_separator(Domain("Test", "1", 1, b"\x01" * 20)),
        domain_separator(Domain("Test", "1", 1)),
    }
    assert len(separators) == 5


def test_vectors_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("eip712").values():
        data = case["typedData"]
        types = types_of_typed_data(data)
        assert to_hex(type_hash(types, data["primaryType"])) == case["typeHash"]
        assert to_hex(digest_of_typed_data(data)) == case["digest"]
        assert digest_by_wallet_library(data) == from_hex(case["digest"])


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "0x00"},
        {"owner": "nobody"},
        {"numbers": ["1"]},
        {"numbers": ["1", str(2**64)]},
        {"numbers": ["1", "-1"]},
        {"items": [{"name": "0x", "tag": "0x000000", "count": 1}]},
        {"items": [{"name": "0x", "tag": "0x00000000"}]},
        {"extra": 1},
    ],
)
def test_messages_that_do_not_fit_their_types_are_refused(changes: dict[str, Any]) -> None:
    basket = {
        "owner": "0x" + "00" * 20,
        "items": [],
        "numbers": ["1", "2"],
        "note": "",
        "open": True,
    }
    with pytest.raises(TypedDataInvalid):
        digest_of_typed_data(typed_data(DOMAIN, TYPES, basket | changes))
