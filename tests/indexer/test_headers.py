"""A header's hash is that of its fields, whichever consensus sealed it."""

from __future__ import annotations

import msgspec
import pytest
import rlp

from indexer.chain import WholeHeader
from indexer.headers import header_hash, is_own_hash
from protocol.types import to_hex
from tests.own_chain import OwnChain

VALIDATORS = [bytes([each]) * 20 for each in (1, 2, 3, 4)]
SEALS = [bytes([each]) * 65 for each in (5, 6, 7)]
EMPTY_TRIE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
MAINNET_GENESIS = {
    "number": "0x0",
    "hash": "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    "parentHash": "0x" + "00" * 32,
    "sha3Uncles": EMPTY_UNCLES,
    "miner": "0x" + "00" * 20,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": EMPTY_TRIE,
    "receiptsRoot": EMPTY_TRIE,
    "difficulty": "0x400000000",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": "0x" + "00" * 32,
    "nonce": "0x0000000000000042",
}
"""The first block of Ethereum, whose hash everybody knows."""


def header(**changes: str) -> WholeHeader:
    return msgspec.convert({**MAINNET_GENESIS, **changes}, WholeHeader)


def test_the_first_block_of_ethereum_has_its_own_hash() -> None:
    assert is_own_hash(header())


@pytest.mark.parametrize("name", [name for name in MAINNET_GENESIS if name != "hash"])
def test_another_value_of_any_field_is_another_hash(name: str) -> None:
    value = MAINNET_GENESIS[name]
    assert not is_own_hash(header(**{name: value[:-1] + ("1" if value[-1] != "1" else "2")}))


@pytest.mark.parametrize(
    "later",
    [
        {"baseFeePerGas": "0x0"},
        {"baseFeePerGas": "0x7", "withdrawalsRoot": EMPTY_TRIE},
        {"baseFeePerGas": "0x7", "withdrawalsRoot": EMPTY_TRIE, "blobGasUsed": "0x0"},
    ],
    ids=["London", "Shanghai", "Cancun"],
)
def test_the_fields_of_later_forks_count(later: dict[str, str]) -> None:
    assert not is_own_hash(header(**later))
    bare = header(**later)
    named = to_hex(header_hash(bare, bytes.fromhex(bare.extra_data[2:])))
    assert is_own_hash(header(**later, hash=named))


@pytest.mark.parametrize("round_number", [b"", b"\x03"])
@pytest.mark.parametrize("consensus", ["ibft2", "qbft"])
def test_seals_and_round_are_not_part_of_the_hash(consensus: str, round_number: bytes) -> None:
    vote: list[bytes] = []
    told = [bytes(32), VALIDATORS, vote]
    hashed = rlp.encode(told if consensus == "ibft2" else [*told, b"", []])
    sealed = to_hex(rlp.encode([*told, round_number, SEALS]))
    named = to_hex(header_hash(header(), hashed))
    assert is_own_hash(header(extraData=sealed, hash=named))
    others = to_hex(rlp.encode([bytes(32), VALIDATORS[:3], vote, round_number, SEALS]))
    assert not is_own_hash(header(extraData=others, hash=named))


@pytest.mark.parametrize(
    "damage", [{"miner": "0xzz"}, {"gasLimit": "0x"}, {"extraData": "0xc1"}, {"nonce": "none"}]
)
def test_what_is_no_header_has_no_hash(damage: dict[str, str]) -> None:
    assert not is_own_hash(header(**damage))


def test_a_real_chain_hashes_to_its_headers(own_chain: OwnChain) -> None:
    own_chain.mine(2)
    chain = own_chain.source().chain
    headers = chain.whole_headers(range(1, chain.head().block_number + 1))
    assert any(header is not None and header.transactions for header in headers)
    for header in headers:
        assert header is not None
        assert is_own_hash(header), header
