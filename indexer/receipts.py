"""What a block's header proves of its logs: the root of its receipts, and their bloom filter.

A header's `receiptsRoot` is the root of the Merkle Patricia trie from rlp(index) to the receipt
(Ethereum yellow paper, 4.4.2; typed receipts: EIP-2718; status: EIP-658). Whoever has all receipts
of a block can compute it again; a node that leaves out or invents a log cannot.
"""

from __future__ import annotations

from collections.abc import Sequence

import rlp
from eth_hash.auto import keccak
from trie.hexary import HexaryTrie

from indexer.chain import ChainUnreachable, Receipt

BLOOM_BITS = 2048


def receipts_root(receipts: Sequence[Receipt]) -> bytes:
    """The root over the receipts of a block, in the order of its transactions.

    Raises ChainUnreachable where one of them is no hexadecimal text.
    """
    trie = HexaryTrie(db={})
    for index, receipt in enumerate(receipts):
        try:
            trie[rlp.encode(index)] = encode_receipt(receipt)
        except ValueError as error:
            raise ChainUnreachable(f"a log of a receipt is not hexadecimal: {error}") from error
    root: bytes = trie.root_hash
    return root


def encode_receipt(receipt: Receipt) -> bytes:
    """A receipt as the trie holds it: RLP, after its type if it has one."""
    outcome = _bytes(receipt.root) if receipt.root is not None else _number(receipt.status or "0x0")
    body: bytes = rlp.encode(
        [
            outcome,
            _number(receipt.cumulative_gas_used),
            _bytes(receipt.logs_bloom),
            [
                [_bytes(log.address), [_bytes(topic) for topic in log.topics], _bytes(log.data)]
                for log in receipt.logs
            ],
        ],
        infer_serializer=False,  # all of it is bytes already
    )
    kind = int(receipt.type, 16)
    return body if kind == 0 else bytes([kind]) + body


def bloom_mask(value: bytes) -> int:
    """The three bits that a value sets in a bloom filter of 2,048."""
    digest = keccak(value)
    mask = 0
    for start in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[start : start + 2]) % BLOOM_BITS)
    return mask


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _number(value: str) -> bytes:
    """A number as RLP has it: big-endian without leading zeros."""
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
