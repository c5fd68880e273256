"""The least that an act can cost on any chain with these prices: what it must send, read, write,
log, hash and recover, each counted once. What a contract computes in between is left out.

Prices are those of the Berlin and London forks (EIP-2028, 2929, 3529), for storage that nothing
touched before in the transaction. Counts are stated per act below; bytes come from the contracts'
own ABIs, filled with stand-ins that have no zero byte where a hash, an address or a signature goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from web3 import Web3

from protocol import contracts as artifacts

BASE = 21_000
ZERO_BYTE, OTHER_BYTE = 4, 16
CONTRACT = 2_600
READ, CHANGE, FILL = 2_100, 5_000, 22_100
"""A slot read; a slot that held something, read and written; an empty slot, filled."""
LOG, TOPIC, LOG_BYTE = 375, 375, 8
KECCAK, KECCAK_WORD = 30, 6
SHA256_NODE = 100 + 60 + 3 * 12
"""The precompile called on 65 bytes: a warm call, and three words."""
RECOVER = 100 + 3_000
"""The precompile ecrecover, called warm."""

PLACE = 64
"""Bytes hashed to find a value in a mapping."""
TYPED_DATA = 66
"""Bytes of the last hash of EIP-712."""

HASH = b"\x5a" * 32
ADDRESS = Web3.to_checksum_address(b"\x5a" * 20)
SIGNATURE = b"\x5a" * 65
TIME, PERIOD, UNITS = 1_796_083_200, 683, 2_000
LINE = (ADDRESS, 1, 10_001, 10)


@dataclass(frozen=True, slots=True)
class Log:
    """One event: its topics, and its data in bytes."""

    topics: int
    data: int

    @property
    def gas(self) -> int:
        """What emitting it costs."""
        return LOG + TOPIC * self.topics + LOG_BYTE * self.data


@dataclass(frozen=True, slots=True)
class Work:
    """What one transaction must do at least.

    `contracts` are called besides the first, `reads` are slots only read, `changes` slots that held
    something, `fills` slots that were empty; `hashed` are the lengths of what keccak hashes.
    `count`: the acts in it, among which its cost is divided.
    """

    calldata: bytes
    contracts: int = 0
    reads: int = 0
    changes: int = 0
    fills: int = 0
    logs: tuple[Log, ...] = ()
    hashed: tuple[int, ...] = ()
    sha256_nodes: int = 0
    recoveries: int = 0
    count: int = 1

    def parts(self) -> Iterator[tuple[str, int]]:
        """What it is made of: each part with its count, and its gas for the whole transaction."""
        zeros = self.calldata.count(0)
        others = len(self.calldata) - zeros
        words = sum(_words(length) for length in self.hashed)
        yield "base", BASE
        yield f"calldata ({zeros:,} zero, {others:,} other bytes)", _calldata_gas(self.calldata)
        yield f"contracts called ({self.contracts})", CONTRACT * self.contracts
        yield f"slots read ({self.reads})", READ * self.reads
        yield f"slots changed ({self.changes})", CHANGE * self.changes
        yield f"slots filled ({self.fills})", FILL * self.fills
        topics, data = sum(log.topics for log in self.logs), sum(log.data for log in self.logs)
        name = f"events ({len(self.logs)}; {topics} topics, {data:,} bytes)"
        yield name, sum(log.gas for log in self.logs)
        name = f"keccak ({len(self.hashed):,}; {words:,} words)"
        yield name, KECCAK * len(self.hashed) + KECCAK_WORD * words
        yield f"SHA-256 ({self.sha256_nodes:,} nodes)", SHA256_NODE * self.sha256_nodes
        yield f"ecrecover ({self.recoveries})", RECOVER * self.recoveries

    @property
    def floor(self) -> float:
        """The least gas of one of its acts."""
        return sum(gas for _, gas in self.parts()) / self.count


def floors() -> dict[str, Work]:
    """The main acts, by the names that they have in `ACTS`."""
    return {
        "anchor 1": _anchor(1),
        "anchor 8": _anchor(8),
        "anchor 1000, each": _anchor(1_000),
        "withdraw": Work(
            _call("ConsentRegistry", "withdraw", HASH),
            fills=1,  # the ending
            logs=(_log("ConsentRegistry", "ConsentEnded"),),
            hashed=(PLACE,) * 2,
        ),
        "withdraw by signature": _withdrawals(1),
        "withdraw 100 by signature, each": _withdrawals(100),
        "sign": _signature(last=False),
        "activate, 2 parties": _signature(last=True),
        "settle 2 lines, first in a period": _settlement(first=True),
        "settle 2 lines, next": _settlement(first=False),
        "settle 2 lines, 50 in a batch, each": _settlements(50),
    }


def _anchor(size: int) -> Work:
    leaves = [HASH] * size
    return Work(
        _call("ConsentRegistry", "anchor", ADDRESS, leaves),
        contracts=1,  # participants
        reads=3,  # the account, its organisation's status, the stop
        changes=1,  # the log's size
        fills=1,  # the batch
        logs=(_log("ConsentRegistry", "LeavesAnchored", 1_000_000, leaves),),
        hashed=(PLACE,) * 4,  # account, organisation; issuer and root
        sha256_nodes=size - 1,
        count=size if size > 100 else 1,
    )


def _withdrawals(count: int) -> Work:
    one = (ADDRESS, HASH, HASH, HASH, 27)
    calldata = (
        _call("ConsentRegistry", "withdrawBySignature", one)
        if count == 1
        else _call("ConsentRegistry", "withdrawManyBySignature", [one] * count)
    )
    return Work(
        calldata,
        fills=count,  # the ending
        logs=(_log("ConsentRegistry", "ConsentEnded"),) * count,
        hashed=(64, TYPED_DATA, PLACE, PLACE) * count,  # ConsentWithdrawal has two words
        recoveries=count,
        count=count,
    )


def _signature(last: bool) -> Work:
    signed = _log("AgreementRegistry", "AgreementSigned", ADDRESS)
    activated = _log("AgreementRegistry", "AgreementActivated")
    return Work(
        _call("AgreementRegistry", "sign", HASH, ADDRESS, ADDRESS, SIGNATURE),
        contracts=1,  # participants
        reads=3,  # the account, its organisation's status, the stop
        changes=2,  # the agreement with its number of signatures, the party
        logs=(signed, activated) if last else (signed,),
        # The id; the acceptance, three words, and what is signed; agreement, party (two), account,
        # organisation.
        hashed=(TYPED_DATA, 96, TYPED_DATA, *(PLACE,) * 5),
        recoveries=1,
    )


TERMS = ([ADDRESS] * 3, TIME, TIME, HASH, HASH, bytes(32), bytes(32), HASH, [LINE] * 2)
VOUCHER = (HASH, ADDRESS, PERIOD, UNITS, HASH)
SETTLED_HASHES = (
    *(160, 160, 64),  # two price lines of five words, and both together
    *(96, 320, TYPED_DATA),  # three parties; the terms, ten words; the agreement's id
    *(192, TYPED_DATA),  # the voucher, six words, and what is signed
    *(PLACE,) * 6,  # the agreement; its consumer's units of the period (three) and deposit (two)
)
SHARED_PLACES = (PLACE,) * 5
"""The account, two rates, two balances."""


def _settlement(first: bool) -> Work:
    return Work(
        _call("UsageSettlement", "settle", TERMS, VOUCHER, UNITS, ADDRESS, SIGNATURE),
        contracts=3,  # participants, agreements, rates
        reads=4,  # the account, the agreement, two rates
        changes=4 if first else 5,  # units (new in a period), deposit, two balances, commission
        fills=1 if first else 0,
        logs=(_settled(),),
        hashed=SETTLED_HASHES + SHARED_PLACES,
        recoveries=1,
    )


def _settlements(count: int) -> Work:
    """Agreements of the same parties: accounts, rates and balances are touched once for all."""
    one = (TERMS, VOUCHER, UNITS, ADDRESS, SIGNATURE)
    return Work(
        _call("UsageSettlement", "settleMany", [one] * count),
        contracts=3,
        reads=3 + count,  # the account, two rates; each agreement
        changes=3 + 2 * count,  # two balances, commission; each agreement's units and deposit
        logs=(_settled(),) * count,
        hashed=SETTLED_HASHES * count + SHARED_PLACES,
        recoveries=count,
        count=count,
    )


def _settled() -> Log:
    amounts = [(1, 1)] * 2
    return _log("UsageSettlement", "UsageSettled", 0, UNITS, HASH, amounts)


def _call(contract: str, function: str, *arguments: Any) -> bytes:
    """The calldata of a call."""
    encoded = Web3().eth.contract(abi=artifacts.abi(contract)).encode_abi(function, [*arguments])
    return bytes.fromhex(encoded[2:])


def _log(contract: str, event: str, *data: Any) -> Log:
    """The event with the values that are not indexed."""
    [found] = [each for each in artifacts.abi(contract) if each.get("name") == event]
    plain = [collapse_if_tuple(item) for item in found["inputs"] if not item["indexed"]]
    indexed = len(found["inputs"]) - len(plain)
    return Log(1 + indexed, len(encode(plain, data)))


def _calldata_gas(calldata: bytes) -> int:
    zeros = calldata.count(0)
    return ZERO_BYTE * zeros + OTHER_BYTE * (len(calldata) - zeros)


def _words(length: int) -> int:
    return (length + 31) // 32
