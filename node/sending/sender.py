"""The sender: brings the outbox to the chain, each act exactly once.

Signed bytes, hash and nonce are committed before they are broadcast; after any doubt the same bytes
go out again. A nonce is given up only when a block that nothing takes back shows that another
transaction used it; what nodes say of bytes ends no act.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from web3.exceptions import Web3Exception

from indexer.rpc import ChainError, ChainRefused
from node.contracts import Deployment
from node.process_metrics import ACTS_REFUSED
from node.refusals import Refusal, refusal_of_revert
from node.sending.acts import WITHDRAWALS_PER_CALL_MAX, Act, choose_next, request_of
from node.sending.answers import is_about_gas
from node.sending.chain import Request, Reverted, SenderChain
from node.sending.clock import Clock
from node.sending.failures import Failure, failure_of, malformed, node_says
from node.sending.fence import Fence, Fenced
from node.sending.holding import Hold, held_key
from node.sending.journal import Journal
from node.sending.offering import Offering
from node.sending.queue import Queue
from node.sending.rules import Patience
from node.sending.settling import Settling
from node.sending.verdicts import Verdicts, first_refused, refused_since
from node.signers import Signer, SignerUnreachable

FAILURE_PAUSE_SECONDS = 1.0
RECEIPT_POLL_SECONDS = 0.02
GAS_MARGIN_PERCENT = 20
DEFER_SECONDS_MAX = 60.0
FORGET_PAUSE_SECONDS = 3_600.0
FORGET_COUNT_MAX = 1_000
FORGET = text("SELECT node.forget_answers(:kept_days, :count_max)")
MALFORMED = (KeyError, ValueError, TypeError, AssertionError, OverflowError, Web3Exception)
"""What comes of a payload that is not as its command wrote it."""
LOGGED_IDS_MAX = 20
PASSING = {"Stopped"}
"""Refusals that time ends: the act waits."""
WAIT_SECONDS_MIN = 1.0
WAIT_SHARE_OF_AGE = 8
"""What waits for another state of the chain is tried again when it has waited an eighth longer."""

log = structlog.get_logger("sender")


class Progress(Enum):
    """What a step did: something; nothing while something is under way; nothing at all."""

    MOVED = "moved"
    UNDER_WAY = "under way"
    IDLE = "idle"


class AnotherChain(ChainError):
    """The node follows another chain than that of the deployment."""


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """How long consents wait for company; how often to look for acts, and at an idle chain; in how
    many blocks a block is final; how many transactions may be in no block yet (Besu's pool refuses
    a nonce five ahead); when to offer one again; for how many blocks a call must be refused
    before its act has failed; the most to pay, in wei for a unit of gas; how
    long answers to an Idempotency-Key are kept."""

    batch_seconds: float
    poll_seconds: float
    finality_blocks: int
    head_poll_seconds: float
    idempotency_days: int
    window: int = 4
    patience_blocks: int = 3
    patience_seconds: float = 5.0
    refusal_finality_blocks: int = 0
    gas_price_max_wei: int = 0


class Sender:
    """Sends for one key on one chain from one database."""

    def __init__(
        self,
        engine: Engine,
        chain: SenderChain,
        signer: Signer,
        deployment: Deployment,
        settings: SenderSettings,
        clock: Clock,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._chain = chain
        self._signer = signer
        self._deployment = deployment
        self._settings = settings
        self._clock = clock
        self._on_turn = on_turn
        self._fence = Fence(engine, signer.address)
        self._queue = Queue(self._fence)
        self._journal = Journal(self._fence)
        self._offering = Offering(chain, signer, self._journal, clock, settings.gas_price_max_wei)
        self._settling = Settling(
            signer.address,
            chain,
            self._journal,
            self._offering,
            clock,
            Patience(settings.patience_blocks, settings.patience_seconds),
            settings.finality_blocks,
            settings.head_poll_seconds,
        )
        self._verdicts = Verdicts(
            signer.address, chain, self._settling, settings.refusal_finality_blocks
        )
        self._is_identified = False
        self._forget_again_at = 0.0

    # -- one holder of the key -------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Runs until told to stop: waits for the key, sends while it holds it, and begins anew
        where it lost it."""
        while not stop.is_set():
            try:
                with held_key(self._engine, self._signer.address, self._clock, stop) as hold:
                    if hold is not None:
                        self.take_over()
                        self._send_while_held(hold, stop)
            except Fenced:
                log.warning("key_taken_over", address="0x" + self._signer.address.hex())
            except DBAPIError as error:
                log.warning("database_not_reachable", reason=str(error.orig)[:300])
                self._clock.pause(stop, FAILURE_PAUSE_SECONDS)

    def take_over(self) -> None:
        """Begins a new term of the key, and doubts everything that was sent before."""
        self._fence.take_over()
        self._offering.forget_all()
        self._settling.doubt_everything()
        self._is_identified = False

    def _send_while_held(self, hold: Hold, stop: threading.Event) -> None:
        while not stop.is_set():
            hold.require()
            self._on_turn()
            self.forget_old_answers()
            try:
                progress = self.step()
            except (ChainError, SignerUnreachable) as error:
                log.warning("not_sent", reason=str(error)[:300])
                self._is_identified = False
                self._clock.pause(stop, FAILURE_PAUSE_SECONDS)
                continue
            if progress is Progress.UNDER_WAY:
                self._clock.pause(stop, RECEIPT_POLL_SECONDS)
            elif progress is Progress.IDLE:
                self._clock.pause(stop, self._settings.poll_seconds)

    def forget_old_answers(self) -> None:
        """Deletes kept answers that are too old: once an hour, a batch a turn while more are left,
        so that no act waits for it."""
        if self._clock.monotonic() < self._forget_again_at:
            return
        values = {"kept_days": self._settings.idempotency_days, "count_max": FORGET_COUNT_MAX}
        with self._engine.begin() as connection:
            forgotten = connection.execute(FORGET, values).scalar_one()
        if forgotten < FORGET_COUNT_MAX:
            self._forget_again_at = self._clock.monotonic() + FORGET_PAUSE_SECONDS

    # -- one step --------------------------------------------------------------------------------

    def step(self) -> Progress:
        """Settles what was sent, then sends as much as the window allows."""
        if not self._is_identified:
            self._require_same_chain()
        has_moved, under_way = self._settling.settle()
        while under_way < self._settings.window:
            acts = self._choose(under_way)
            if not acts:
                break
            self._settling.doubt_everything()
            under_way += self._send(acts)
            has_moved = True
        if has_moved:
            return Progress.MOVED
        return Progress.UNDER_WAY if under_way else Progress.IDLE

    def _choose(self, under_way: int) -> list[Act]:
        """The acts of the next transaction; those whose time is over have expired. The last place
        of the window is the withdrawals', and theirs are spread over a block's time."""
        now = self._clock.now()
        waiting = self._queue.waiting(now)
        expired = [act for act in waiting if act.expires_at is not None and act.expires_at <= now]
        if expired:
            self._queue.expire(expired)
            waiting = [act for act in waiting if act not in expired]
        if not waiting:
            return []
        withdrawals = sum(act.kind == "withdraw" for act in waiting)
        is_last = 0 < under_way == self._settings.window - 1
        return choose_next(
            waiting,
            self._queue.held_keys(now),
            self._settings.batch_seconds,
            others_may=not is_last,
            withdrawals_may=withdrawals >= WITHDRAWALS_PER_CALL_MAX
            or self._settling.rhythm.is_worth_a_place(under_way, self._clock.monotonic()),
        )

    def _require_same_chain(self) -> None:
        chain_id, genesis_hash = self._chain.identity()
        expected = self._deployment.chain_id, self._deployment.genesis_hash
        if (chain_id, "0x" + genesis_hash.hex()) != expected:
            raise AnotherChain(
                f"The node follows chain {chain_id} from 0x{genesis_hash.hex()}, the deployment is "
                f"on chain {expected[0]} from {expected[1]}. Nothing is sent: check CHAIN_URL."
            )
        self._is_identified = True

    # -- sending ---------------------------------------------------------------------------------

    def _send(self, acts: list[Act]) -> int:
        """Signs, commits, broadcasts; how many transactions are under way by it, 0 or 1."""
        payloads = self._queue.payloads(acts)
        try:
            request = request_of(acts, payloads, self._deployment)
        except MALFORMED as error:
            self._refuse_malformed(acts, error)
            return 0
        price = self._offering.price()
        try:
            gas = self._chain.estimate(self._signer.address, request, price)
        except Reverted as error:
            self._refuse(acts, request, refusal_of_revert(error.said, error.data))
            return 0
        except ChainRefused as error:
            self._defer(acts, node_says(error.said), is_too_large=is_about_gas(error.said))
            return 0
        seen = self._chain.look_up(self._signer.address, [])
        self._settling.note_head(seen)
        gas = max(gas, min(gas + gas * GAS_MARGIN_PERCENT // 100, seen.block_gas_max))
        nonce = self._journal.next_nonce(seen.nonce)
        attempt = self._offering.sign(nonce, request, gas, price)
        head = seen.head.number
        reserved = self._journal.reserve(acts, nonce, request, gas, head, attempt)
        log.info("reserved", nonce=nonce, kind=acts[0].kind, acts=ids_of(acts))
        self._offering.offer(reserved, head)
        return 1

    # -- what is not sent ------------------------------------------------------------------------

    def _refuse(self, acts: list[Act], request: Request, reason: Refusal) -> None:
        """Several issuers are tried one by one; what time ends waits, and so does what may be
        refused by a state of the chain that passes; the rest has failed."""
        if acts[0].kind == "anchor" and len({act.organisation_id for act in acts}) > 1:
            self._queue.defer(acts, failure_of(reason), self._clock.now())
            return
        refused = self._verdicts.refused(request)
        if refused is None:
            self._wait(acts, failure_of(reason))
            return
        block_number, reverted = refused
        reason = refusal_of_revert(reverted.said, reverted.data)
        if reason.name in PASSING:
            self._wait(acts, failure_of(reason))
            return
        failed = self._verdicts.for_good(acts, block_number)
        if failed:
            ACTS_REFUSED.labels(acts[0].kind).inc(len(failed))
            log.warning("refused", kind=acts[0].kind, acts=ids_of(failed), reason=reason.name)
            self._queue.fail(failed, failure_of(reason))
        waiting: dict[int, list[Act]] = {}
        for act in acts:
            if act not in failed:
                waiting.setdefault(first_refused(act, block_number), []).append(act)
        for since, some in waiting.items():
            self._wait(some, refused_since(failure_of(reason), since))

    def _wait(self, acts: list[Act], failure: Failure) -> None:
        """Tries the same again later."""
        age = max(act.age_seconds for act in acts)
        pause = min(max(WAIT_SECONDS_MIN, age / WAIT_SHARE_OF_AGE), DEFER_SECONDS_MAX)
        log.info("waits", kind=acts[0].kind, acts=ids_of(acts), reason=failure["name"])
        self._queue.wait(acts, failure, self._clock.now() + pause)

    def _refuse_malformed(self, acts: list[Act], error: Exception) -> None:
        """A payload that no call can be made of: among many, each is tried alone."""
        log.error("malformed", kind=acts[0].kind, acts=ids_of(acts), reason=type(error).__name__)
        failure = malformed(error)
        if len(acts) > 1:
            self._queue.defer(acts, failure, self._clock.now())
        else:
            self._queue.fail(acts, failure)

    def _defer(self, acts: list[Act], failure: Failure, is_too_large: bool = False) -> None:
        """Tries again later, and half as many at once."""
        attempts = max(act.attempts for act in acts)
        pause = 0.0 if is_too_large and len(acts) > 1 else min(2.0**attempts, DEFER_SECONDS_MAX)
        log.warning("deferred", kind=acts[0].kind, acts=ids_of(acts), reason=failure["name"])
        self._queue.defer(acts, failure, self._clock.now() + pause)


def ids_of(acts: Sequence[Act]) -> list[int]:
    """What a line of the log names acts by: `ptx-ledger outbox explain` takes it."""
    return [act.outbox_id for act in acts[:LOGGED_IDS_MAX]]
