"""Hexadecimal text, checksummed addresses (EIP-55), the bits of scopes and roles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import HexInvalid
from protocol.types import Role, Scope, from_hex, to_checksum_address, to_hex


@given(st.binary(max_size=70))
def test_hexadecimal_text_reads_back(value: bytes) -> None:
    assert from_hex(to_hex(value), len(value)) == value


@pytest.mark.parametrize(
    "text", ["", "00", "0x0", "0xzz", "0X00", "0x 0", "0x0g", " 0x00", "0x00\n"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(HexInvalid):
        from_hex(text)


def test_another_length_is_refused_with_the_expected_one() -> None:
    with pytest.raises(HexInvalid) as caught:
        from_hex("0x0011", 3)
    assert caught.value.length == 3
    assert "3 bytes" in str(caught.value)


def test_checksums_are_those_of_eip_55(samples: Path) -> None:
    for address in json.loads((samples / "eip" / "eip55.json").read_text())["checksummed"]:
        assert to_checksum_address(from_hex(address)) == address


def test_an_address_of_another_length_has_no_checksum() -> None:
    with pytest.raises(HexInvalid):
        to_checksum_address(bytes(19))


def test_bits_are_those_of_the_contracts() -> None:
    assert [scope.value for scope in Scope] == [1, 2, 4, 8, 16]
    assert [role.value for role in Role] == [1, 2, 4, 8]
