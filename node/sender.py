"""The sender: brings the outbox to the chain, one transaction at a time, each exactly once.

Signed bytes, hash and nonce are committed before they are broadcast; after any doubt the same bytes
go out again, never others under a new nonce. One sender a key: an advisory lock keeps a second one
waiting.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from web3 import Web3
from web3.exceptions import TransactionNotFound, Web3RPCError
from web3.types import TxParams, TxReceipt

from node import tables
from node.acts import Act, call_of, choose_next
from node.contracts import Deployment
from node.refusals import Refusal, explain_revert

WAITING_READ_MAX = 20_000
RECEIPT_WAIT_SECONDS = 20.0
RECEIPT_POLL_SECONDS = 0.02
FAILURE_PAUSE_SECONDS = 1.0
GAS_MARGIN_PERCENT = 20
FORGET_PAUSE_SECONDS = 3_600.0
FORGET_COUNT_MAX = 1_000
FORGET = text("SELECT node.forget_answers(:kept_days, :count_max)")
HARMLESS_ANSWERS = ("already known", "already imported", "nonce too low", "known transaction")

# Written into the statements, so that PostgreSQL knows that their partial indexes serve.
WAITING: ColumnElement[str] = literal_column("'waiting'")
MINED: ColumnElement[str] = literal_column("'mined'")
FAILED: ColumnElement[str] = literal_column("'failed'")
FINAL: ColumnElement[str] = literal_column("'final'")

MINED_IN_VAIN = {
    "name": "MinedInVain",
    "detail": "The chain carried the transaction and the contract refused it.",
    "remedy": "Something changed between the check and the block: look at the state and ask anew.",
    "values": {},
}

log = structlog.get_logger("sender")


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """How long consents wait for company, how often to look for acts and at an idle chain, in how
    many blocks a block is final, and how long answers to an Idempotency-Key are kept."""

    batch_seconds: float
    poll_seconds: float
    finality_blocks: int
    head_poll_seconds: float
    idempotency_days: int


class Sender:
    """Sends for one key on one chain from one database."""

    def __init__(
        self,
        engine: Engine,
        web3: Web3,
        account: LocalAccount,
        deployment: Deployment,
        settings: SenderSettings,
    ) -> None:
        self._engine = engine
        self._web3 = web3
        self._account = account
        self._address = bytes.fromhex(account.address[2:])
        self._deployment = deployment
        self._settings = settings
        self._settled_head: HexBytes | None = None
        self._look_again_at = 0.0
        self._forget_again_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Runs until told to stop."""
        with self._engine.connect() as lock_connection:
            lock_connection.detach()  # the lock ends with it, not with the pool
            self._wait_for_lock(lock_connection, stop)
            while not stop.is_set():
                self.forget_old_answers()
                try:
                    busy = self.step()
                except (OSError, Web3RPCError, TimeoutError) as error:
                    log.warning("chain_not_reachable", reason=repr(error)[:300])
                    stop.wait(FAILURE_PAUSE_SECONDS)
                    continue
                if not busy:
                    stop.wait(self._settings.poll_seconds)

    def step(self) -> bool:
        """Settles doubts about what was sent, then sends the next transaction; False if idle."""
        if self._has_doubts() and self._reconcile():
            return True
        with self._engine.connect() as connection:
            acts = choose_next(self._read_waiting(connection), self._settings.batch_seconds)
        if not acts:
            return False
        self._settled_head = None
        self._send(acts)
        return True

    def forget_old_answers(self) -> None:
        """Deletes kept answers that are too old: once an hour, a batch a turn while more are left,
        so that no act waits for it."""
        if time.monotonic() < self._forget_again_at:
            return
        values = {"kept_days": self._settings.idempotency_days, "count_max": FORGET_COUNT_MAX}
        with self._engine.begin() as connection:
            forgotten = connection.execute(FORGET, values).scalar_one()
        if forgotten < FORGET_COUNT_MAX:
            self._forget_again_at = time.monotonic() + FORGET_PAUSE_SECONDS

    def _has_doubts(self) -> bool:
        """Whether anything may have changed for what was sent: not while the head is the same.
        An idle sender looks at the head every `head_poll_seconds` only."""
        now = time.monotonic()
        if self._settled_head is not None and now < self._look_again_at:
            return False
        self._look_again_at = now + self._settings.head_poll_seconds
        return self._settled_head != self._web3.eth.get_block("latest")["hash"]

    # -- sending ---------------------------------------------------------------------------------

    def _read_waiting(self, connection: Connection) -> list[Act]:
        outbox = tables.outbox
        statement = (
            select(
                outbox.c.outbox_id,
                outbox.c.organisation_id,
                outbox.c.kind,
                outbox.c.subject,
                outbox.c.payload,
                func.extract("epoch", func.clock_timestamp() - outbox.c.created_at).label("age"),
            )
            .where(outbox.c.state == WAITING)
            .order_by(outbox.c.outbox_id)
            .limit(WAITING_READ_MAX)
        )
        return [
            Act(row.outbox_id, row.organisation_id, row.kind, row.subject, row.payload, row.age)
            for row in connection.execute(statement)
        ]

    def _send(self, acts: list[Act]) -> None:
        function = call_of(acts, self._web3, self._deployment)
        request: TxParams = {
            "from": self._account.address,
            "to": function.address,
            "data": HexBytes(function._encode_transaction_data()),
            "value": Web3.to_wei(0, "wei"),
            "gasPrice": Web3.to_wei(0, "wei"),
            "chainId": self._deployment.chain_id,
        }
        try:
            gas = self._web3.eth.estimate_gas(request)
        except Exception as error:
            reason = explain_revert(error)
            if reason is None:
                raise
            self._fail(acts, reason)
            return
        request["gas"] = gas + gas * GAS_MARGIN_PERCENT // 100
        raw, transaction_hash = self._prepare(acts, request)
        self._broadcast(raw)
        receipt = self._wait_for_receipt(transaction_hash)
        if receipt is not None:
            self._record_receipt(transaction_hash, receipt)

    def _prepare(self, acts: list[Act], request: TxParams) -> tuple[bytes, bytes]:
        """Signs and commits, before anything leaves this process."""
        on_chain = self._web3.eth.get_transaction_count(self._account.address)
        with self._engine.begin() as connection:
            used = connection.execute(
                select(func.max(tables.transactions.c.nonce)).where(
                    tables.transactions.c.sender == self._address
                )
            ).scalar_one()
            nonce = on_chain if used is None else max(on_chain, used + 1)
            fields: dict[str, Any] = {**request, "nonce": nonce}
            del fields["from"]
            signed = self._account.sign_transaction(fields)
            raw, transaction_hash = bytes(signed.raw_transaction), bytes(signed.hash)
            transaction_id = connection.execute(
                insert(tables.transactions)
                .values(
                    sender=self._address,
                    nonce=nonce,
                    hash=transaction_hash,
                    raw=raw,
                    state="sent",
                )
                .returning(tables.transactions.c.transaction_id)
            ).scalar_one()
            changed = connection.execute(
                update(tables.outbox)
                .where(
                    tables.outbox.c.outbox_id.in_([act.outbox_id for act in acts]),
                    tables.outbox.c.state == "waiting",
                )
                .values(
                    state="sent",
                    transaction_id=transaction_id,
                    attempts=tables.outbox.c.attempts + 1,
                )
            ).rowcount
            if changed != len(acts):
                raise AssertionError("outbox rows changed under the sender's lock; nothing sent")
        return raw, transaction_hash

    def _broadcast(self, raw: bytes) -> None:
        try:
            self._web3.eth.send_raw_transaction(HexBytes(raw))
        except Web3RPCError as error:
            if not any(answer in str(error).lower() for answer in HARMLESS_ANSWERS):
                raise

    def _wait_for_receipt(self, transaction_hash: bytes) -> TxReceipt | None:
        deadline = time.monotonic() + RECEIPT_WAIT_SECONDS
        while time.monotonic() < deadline:
            receipt = self._receipt(transaction_hash)
            if receipt is not None:
                return receipt
            time.sleep(RECEIPT_POLL_SECONDS)
        return None

    def _receipt(self, transaction_hash: bytes) -> TxReceipt | None:
        try:
            return self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
        except TransactionNotFound:
            return None

    # -- what became of it -----------------------------------------------------------------------

    def _reconcile(self) -> bool:
        """Looks at everything sent and not final. True if something is still under way.

        What was mined in vain counts, too: its block may be taken back, and its nonce with it.
        """
        head = self._web3.eth.get_block("latest")
        final_block = head["number"] - self._settings.finality_blocks
        transactions = tables.transactions
        with self._engine.connect() as connection:
            open_rows = connection.execute(
                select(transactions)
                .where(
                    transactions.c.sender == self._address,
                    transactions.c.state != FINAL,
                    (transactions.c.state != FAILED) | (transactions.c.block_number > final_block),
                )
                .order_by(transactions.c.nonce)
            ).all()
        in_blocks = [row for row in open_rows if row.state != "sent"]
        if in_blocks and self._still_canonical(in_blocks[-1]):
            self._finalise(final_block)
            open_rows = [row for row in open_rows if row.state == "sent"]
        under_way = False
        for row in open_rows:
            receipt = self._receipt(row.hash)
            if receipt is not None:
                self._record_receipt(row.hash, receipt)
            else:
                self._send_again(row)
                under_way = True
        self._settled_head = None if under_way else head["hash"]
        return under_way

    def _still_canonical(self, row: Any) -> bool:
        receipt = self._receipt(row.hash)
        return receipt is not None and bytes(receipt["blockHash"]) == row.block_hash

    def _send_again(self, row: Any) -> None:
        """The chain does not have a transaction that was sent: the same bytes go out again."""
        log.warning("sent_again", nonce=row.nonce, hash="0x" + row.hash.hex())
        if row.state != "sent":
            self._mark(row.hash, "sent", block_number=None, block_hash=None, mined_at=None)
        self._broadcast(row.raw)
        receipt = self._wait_for_receipt(row.hash)
        if receipt is not None:
            self._record_receipt(row.hash, receipt)

    def _record_receipt(self, transaction_hash: bytes, receipt: TxReceipt) -> None:
        succeeded = receipt["status"] == 1
        self._mark(
            transaction_hash,
            "mined" if succeeded else "failed",
            block_number=receipt["blockNumber"],
            block_hash=bytes(receipt["blockHash"]),
            gas_used=receipt["gasUsed"],
            mined_at=func.now(),
        )
        log.info(
            "mined" if succeeded else "mined_in_vain",
            hash="0x" + transaction_hash.hex(),
            block=receipt["blockNumber"],
            gas=receipt["gasUsed"],
        )

    def _mark(self, transaction_hash: bytes, state: str, **columns: Any) -> None:
        """Moves a transaction and its acts to a state, together."""
        with self._engine.begin() as connection:
            transaction_id = connection.execute(
                update(tables.transactions)
                .where(tables.transactions.c.hash == transaction_hash)
                .values(state=state, **columns)
                .returning(tables.transactions.c.transaction_id)
            ).scalar_one()
            failure = MINED_IN_VAIN if state == "failed" else None
            connection.execute(
                update(tables.outbox)
                .where(tables.outbox.c.transaction_id == transaction_id)
                .values(state=state, failure=failure)
            )

    def _finalise(self, block_number: int) -> None:
        """Everything mined up to a block is final."""
        transactions = tables.transactions
        with self._engine.begin() as connection:
            final = connection.scalars(
                update(transactions)
                .where(
                    transactions.c.sender == self._address,
                    transactions.c.state == MINED,
                    transactions.c.block_number <= block_number,
                )
                .values(state="final")
                .returning(transactions.c.transaction_id)
            ).all()
            if final:
                connection.execute(
                    update(tables.outbox)
                    .where(tables.outbox.c.transaction_id.in_(final))
                    .values(state="final")
                )

    def _fail(self, acts: list[Act], reason: Refusal) -> None:
        log.warning("refused_by_contract", kind=acts[0].kind, acts=len(acts), reason=reason.message)
        failure = {
            "name": reason.name,
            "detail": reason.sentence,
            "remedy": reason.remedy,
            "values": {name: _json_value(value) for name, value in reason.values.items()},
        }
        with self._engine.begin() as connection:
            connection.execute(
                update(tables.outbox)
                .where(tables.outbox.c.outbox_id.in_([act.outbox_id for act in acts]))
                .values(state="failed", failure=failure)
            )

    def _wait_for_lock(self, connection: Connection, stop: threading.Event) -> None:
        key = int.from_bytes(self._address[:8], "big", signed=True)
        statement = text("SELECT pg_try_advisory_lock(:key)")
        while not stop.is_set():
            if connection.execute(statement, {"key": key}).scalar_one():
                connection.commit()
                return
            connection.commit()
            stop.wait(FAILURE_PAUSE_SECONDS)


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value
