"""A chain in memory whose blocks a test writes, and takes back, one by one.

It has what the indexer rests on: parents, times, bloom filters, receipts with their root, and the
contracts' own numbers, which come from the rules' fold of the same events.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from eth_abi.abi import decode, encode

from indexer.chain import Log, Receipt, WholeHeader
from indexer.headers import header_hash
from indexer.receipts import bloom_mask, receipts_root
from node.contracts import ALL_CONTRACTS
from protocol import ledger
from protocol.events import Event, Origin
from protocol.hashing import keccak256, sha256
from protocol.ledger_state import LedgerState
from protocol.postings import holding_of
from protocol.types import Hash32, UnixSeconds, to_hex
from tests.indexer.event_logs import EncodedLog, encode_event
from tests.protocol.ledger_story import BEGIN, DEPLOYMENT

CHAIN_ID = DEPLOYMENT.chain_id
WINDOW_BLOCKS = 128
"""How many blocks its indexes may take back."""
ADDRESSES: dict[str, bytes] = {
    **{name: bytes([0xC0 + index]) * 20 for index, name in enumerate(ALL_CONTRACTS)},
    "AgreementRegistry": DEPLOYMENT.agreement_registry,
    "ConsentRegistry": DEPLOYMENT.consent_registry,
    "UsageSettlement": DEPLOYMENT.usage_settlement,
    "CommonsTreasury": DEPLOYMENT.commons_treasury,
}
STRANGER = b"\xee" * 20

Transaction = Sequence[Event | EncodedLog]
"""The events of one transaction; a log that is encoded already is not told to the rules."""


@dataclass(slots=True)
class Block:
    """A block, its receipts, and what the rules know after it."""

    number: int
    hash: str
    parent_hash: str
    time: int
    receipts: list[Receipt]
    state: LedgerState
    fields: dict[str, str]
    events: list[tuple[Event, Origin]] = field(default_factory=list)

    @property
    def logs(self) -> list[Log]:
        return [log for receipt in self.receipts for log in receipt.logs]

    def header(self) -> dict[str, Any]:
        hashes = [receipt.transaction_hash for receipt in self.receipts]
        return {**self.fields, "hash": self.hash, "transactions": hashes}


class ScriptedChain:
    """Its genesis is block 0; blocks are added with `mine` and dropped with `take_back`."""

    def __init__(self, salt: int = 0) -> None:
        self._salt = salt
        self._lock = threading.RLock()
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": self._chain_id,
            "eth_getBlockByNumber": self._header,
            "eth_getLogs": self._logs,
            "eth_getBlockReceipts": self._receipts_of_block,
            "eth_getTransactionReceipt": self._receipt,
            "eth_call": self._call,
        }
        fields = _header_fields(0, to_hex(bytes(32)), BEGIN, [], salt)
        self.blocks = [
            Block(0, _hash_of(fields), to_hex(bytes(32)), BEGIN, [], _no_ledger(), fields)
        ]

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    @property
    def events(self) -> list[tuple[Event, Origin]]:
        return [told for block in self.blocks for told in block.events]

    def mine(self, *transactions: Transaction, seconds: int = 1) -> Block:
        """One more block with these transactions."""
        with self._lock:
            parent, number = self.head, self.head.number + 1
            time = parent.time + seconds
            # The receipts' root, which the hash covers, does not know of the hash in the logs.
            unnamed = Block(number, "0x", parent.hash, time, [], parent.state, {})
            self._execute_all(unnamed, transactions)
            fields = _header_fields(number, parent.hash, time, unnamed.receipts, self._salt)
            block = Block(number, _hash_of(fields), parent.hash, time, [], parent.state, fields)
            self._execute_all(block, transactions)
            block.state = ledger.fold(parent.state, block.events)
            self.blocks.append(block)
            return block

    def take_back(self, depth: int) -> list[Block]:
        """Drops blocks from the head; those mined from now on are others."""
        with self._lock:
            self._salt += 1
            dropped = self.blocks[len(self.blocks) - depth :]
            del self.blocks[len(self.blocks) - depth :]
            return dropped

    def _execute_all(self, block: Block, transactions: Sequence[Transaction]) -> None:
        index = 0
        for transaction in transactions:
            index = self._execute(block, transaction, index)

    def _execute(self, block: Block, transaction: Transaction, index: int) -> int:
        # The same acts have the same hash, whichever block they get into.
        digest = sha256(f"{len(block.receipts)} {transaction!r}".encode())
        logs = []
        for each in transaction:
            encoded = each if isinstance(each, EncodedLog) else encode_event(each)
            address = ADDRESSES.get(encoded.contract, STRANGER)
            place = (hex(block.number), block.hash, to_hex(digest), hex(index))
            logs.append(Log(to_hex(address), encoded.topics, encoded.data, *place))
            if not isinstance(each, EncodedLog):
                origin = Origin(
                    block.number,
                    Hash32(bytes.fromhex(block.hash[2:])),
                    UnixSeconds(block.time),
                    digest,
                    index,
                )
                block.events.append((each, origin))
            index += 1
        gas = hex(21_000 * (len(block.receipts) + 1))
        block.receipts.append(
            Receipt(to_hex(digest), block.hash, gas, to_hex(bytes(256)), logs, status="0x1")
        )
        return index

    # -- what a node answers -----------------------------------------------------------------------

    def answer(self, method: str, parameters: list[Any]) -> Any:
        """The result of a JSON-RPC call, as JSON has it."""
        with self._lock:
            return self._methods[method](*parameters)

    def _chain_id(self) -> str:
        return hex(CHAIN_ID)

    def _header(self, tag: str, _full: bool) -> Any:
        block = self._block(tag)
        return block and block.header()

    def _logs(self, query: dict[str, Any]) -> list[Any]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        return [
            _to_json(log)
            for block in self.blocks[first : last + 1]
            for log in block.logs
            if log.address in query["address"]
        ]

    def _receipts_of_block(self, tag: str) -> Any:
        block = self._block(tag)
        return block and [_receipt_json(receipt) for receipt in block.receipts]

    def _receipt(self, digest: str) -> Any:
        found = (r for block in self.blocks for r in block.receipts if r.transaction_hash == digest)
        return next((_receipt_json(receipt) for receipt in found), None)

    def _call(self, call: dict[str, str], at: str | dict[str, str]) -> str:
        block = self._block_at(at)
        if block is None:
            raise LookupError("header not found")
        data = bytes.fromhex(call["data"][2:])
        return to_hex(encode(["uint256"], [_VIEWS[data[:4]](block.state, data[4:])]))

    def _block_at(self, at: str | dict[str, str]) -> Block | None:
        if isinstance(at, str):
            return self._block(at)
        return next((block for block in self.blocks if block.hash == at["blockHash"]), None)

    def _block(self, tag: str) -> Block | None:
        number = self.head.number if tag == "latest" else int(tag, 16)
        return self.blocks[number] if number < len(self.blocks) else None


def _header_fields(
    number: int, parent_hash: str, time: int, receipts: Sequence[Receipt], salt: int
) -> dict[str, str]:
    bloom = 0
    for receipt in receipts:
        for log in receipt.logs:
            for value in (log.address, *log.topics):
                bloom |= bloom_mask(bytes.fromhex(value[2:]))
    return {
        "number": hex(number),
        "parentHash": parent_hash,
        "timestamp": hex(time),
        "receiptsRoot": to_hex(receipts_root(receipts)),
        "logsBloom": to_hex(bloom.to_bytes(256)),
        "extraData": to_hex(salt.to_bytes(8)),
    }


def _hash_of(fields: dict[str, str]) -> str:
    header = msgspec.convert({**fields, "hash": to_hex(bytes(32))}, WholeHeader)
    return to_hex(header_hash(header, bytes.fromhex(header.extra_data[2:])))


def _no_ledger() -> LedgerState:
    return ledger.new_ledger(DEPLOYMENT)


def _to_json(log: Log) -> dict[str, Any]:
    return {
        "address": log.address,
        "topics": log.topics,
        "data": log.data,
        "blockNumber": log.block_number,
        "blockHash": log.block_hash,
        "transactionHash": log.transaction_hash,
        "logIndex": log.log_index,
        "removed": False,
    }


def _receipt_json(receipt: Receipt) -> dict[str, Any]:
    return {
        "transactionHash": receipt.transaction_hash,
        "blockHash": receipt.block_hash,
        "cumulativeGasUsed": receipt.cumulative_gas_used,
        "logsBloom": receipt.logs_bloom,
        "logs": [_to_json(log) for log in receipt.logs],
        "status": receipt.status,
        "type": receipt.type,
    }


# -- the contracts' numbers ------------------------------------------------------------------------


def _view(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def _held(state: LedgerState, arguments: bytes) -> int:
    """Tokens and claims have the same view: an organisation's id is no account's address."""
    [text] = decode(["address"], arguments)
    address = bytes.fromhex(text[2:])
    if address in state.participants:
        return ledger.balance(state, address)
    settlement, treasury = DEPLOYMENT.usage_settlement, DEPLOYMENT.commons_treasury
    if address == settlement:
        return sum(
            amount
            for account, amount in state.money.items()
            if account in ("transit", "commission") or account.startswith(("deposit", "balance"))
        )
    return state.money.get(holding_of(address, settlement, treasury), 0)


def _deposit(state: LedgerState, arguments: bytes) -> int:
    agreement_id, consumer = decode(["bytes32", "address"], arguments)
    return ledger.deposit(state, agreement_id, bytes.fromhex(consumer[2:]))


_VIEWS: dict[bytes, Callable[[LedgerState, bytes], int]] = {
    _view("logSize()"): lambda state, _: state.log_size,
    _view("totalSupply()"): lambda state, _: ledger.supply(state),
    _view("commissionOwed()"): lambda state, _: ledger.commission_owed(state),
    _view("balanceOf(address)"): _held,
    _view("depositOf(bytes32,address)"): _deposit,
}
