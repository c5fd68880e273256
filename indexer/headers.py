"""A block's hash from its header: what ties receipts, time and parent to it.

The hash is keccak-256 of the header's fields as RLP, in the order in which the forks added them
(Ethereum yellow paper, 4.4.3; EIP-1559, EIP-4895, EIP-4844, EIP-4788, EIP-7685). Besu's IBFT 2.0
and QBFT leave the commit seals and the round out of `extraData` before they hash, since the hash
must be known before anybody seals it.
"""

from __future__ import annotations

from collections.abc import Iterator

import rlp
from eth_hash.auto import keccak

from indexer.chain import WholeHeader

BFT_VANITY_BYTES = 32


def is_own_hash(header: WholeHeader) -> bool:
    """Whether a header's hash is that of its fields, in one of the ways of the chains known.

    False also for what is no hexadecimal text.
    """
    try:
        forms = _forms_of(_bytes(header.extra_data))
        return any(header_hash(header, extra) == header.block_hash for extra in forms)
    except (ValueError, rlp.exceptions.RLPException):
        return False


def header_hash(header: WholeHeader, extra: bytes) -> bytes:
    """The hash of a header's fields, with its `extraData` in the form that is hashed."""
    later = [
        (header.base_fee_per_gas, _number),
        (header.withdrawals_root, _bytes),
        (header.blob_gas_used, _number),
        (header.excess_blob_gas, _number),
        (header.parent_beacon_block_root, _bytes),
        (header.requests_hash, _bytes),
    ]
    fields = [
        _bytes(header.parent_hash),
        _bytes(header.sha3_uncles),
        _bytes(header.miner),
        _bytes(header.state_root),
        _bytes(header.transactions_root),
        _bytes(header.receipts_root),
        _bytes(header.logs_bloom),
        _number(header.difficulty),
        _number(header.number),
        _number(header.gas_limit),
        _number(header.gas_used),
        _number(header.timestamp),
        extra,
        _bytes(header.mix_hash),
        _bytes(header.nonce),
        *(encode(value) for value, encode in later if value is not None),
    ]
    digest: bytes = keccak(rlp.encode(fields, infer_serializer=False))  # all of it is bytes
    return digest


def _forms_of(extra: bytes) -> Iterator[bytes]:
    """`extraData` as it may have been hashed: whole; as IBFT 2.0 does, without round and seals; as
    QBFT does, with round zero and no seals."""
    yield extra
    try:
        parts = rlp.decode(extra)
    except rlp.exceptions.RLPException:
        return
    if isinstance(parts, list) and len(parts) == 5 and len(parts[0]) == BFT_VANITY_BYTES:
        yield rlp.encode(parts[:3])
        yield rlp.encode([*parts[:3], b"", []])


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _number(value: str) -> bytes:
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
