"""Signs for a nonce, offers the bytes to the chain's nodes, and remembers what they said."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from node.process_metrics import FILLED, OFFERS_REFUSED
from node.sending.answers import Answer
from node.sending.chain import Request, SenderChain
from node.sending.clock import Clock
from node.sending.failures import Failure
from node.sending.fees import first_price, raised_price
from node.sending.journal import Journal
from node.sending.rules import Offered
from node.sending.signed import Attempt, OpenTransaction
from node.signers import LegacyTransaction, Signer

FILLER_GAS = 21_000

log = structlog.get_logger("sender")


class Offering:
    """Of one key. What it remembers is lost with the process: then everything is offered again."""

    def __init__(
        self,
        chain: SenderChain,
        signer: Signer,
        journal: Journal,
        clock: Clock,
        price_max_wei: int,
    ) -> None:
        self._chain = chain
        self._signer = signer
        self._journal = journal
        self._clock = clock
        self._price_max_wei = price_max_wei
        self._offered: dict[int, Offered] = {}

    def price(self) -> int:
        """What a new transaction offers, in wei for a unit of gas."""
        limit = self._price_max_wei
        return first_price(self._chain.suggested_price(), limit) if limit else 0

    def sign(self, nonce: int, request: Request, gas: int, price_wei: int) -> Attempt:
        """Bytes that must be in the journal before they are offered. Raises SignerUnreachable."""
        signed = self._signer.sign(
            LegacyTransaction(
                nonce=nonce,
                gas_price_wei=price_wei,
                gas=gas,
                to=request.to,
                value_wei=0,
                data=request.data,
            )
        )
        return Attempt(signed.hash, signed.raw, price_wei, is_filler=False)

    def last(self, transaction: OpenTransaction) -> Offered | None:
        """When this process offered it last; None if it has not."""
        return self._offered.get(transaction.transaction_id)

    def looked_into(self, transaction: OpenTransaction, head: int) -> None:
        """It need not be looked into again for a while."""
        self._offered[transaction.transaction_id] = Offered(head, self._clock.monotonic())

    def forget(self, transaction_ids: Collection[int]) -> None:
        """They are in blocks for ever, or out of them again."""
        for transaction_id in transaction_ids:
            self._offered.pop(transaction_id, None)

    def forget_all(self) -> None:
        """As after a start."""
        self._offered = {}

    def offer(self, transaction: OpenTransaction, head: int, everywhere: bool = False) -> None:
        """Sends the newest bytes, to the first node or to all."""
        attempt = transaction.attempts[-1]
        before = self._offered.get(transaction.transaction_id)
        offered = Offered(head, self._clock.monotonic(), 1 + (before.times if before else 0))
        answer, said = self._chain.broadcast(attempt.raw, everywhere)
        offered.is_underpriced = answer is Answer.UNDERPRICED
        if answer is Answer.INVALID and not attempt.is_filler:
            offered.is_invalid, offered.said = True, said
            offered.refusals = (before.refusals if before else 0) + everywhere
        self._offered[transaction.transaction_id] = offered
        if answer is Answer.TAKEN:
            log.debug("offered", nonce=transaction.nonce, hash="0x" + attempt.hash.hex())
        else:
            OFFERS_REFUSED.labels(answer.value).inc()
            log.warning("not_taken", nonce=transaction.nonce, means=answer.value, said=said[:300])

    def raised_price(self, transaction: OpenTransaction) -> int | None:
        """What it may offer more, in wei for a unit of gas; None where that is not allowed, or
        nobody has refused or delayed it yet."""
        limit, offered = self._price_max_wei, self.last(transaction)
        if not limit or offered is None or not (offered.is_underpriced or offered.times > 1):
            return None
        highest = max(attempt.gas_price_wei for attempt in transaction.attempts)
        return raised_price(highest, self._chain.suggested_price(), limit)

    def raise_price(self, transaction: OpenTransaction, price_wei: int, head: int) -> None:
        """The same nonce and the same call at a higher price."""
        is_filler = transaction.attempts[-1].is_filler
        request, gas = transaction.request, transaction.gas
        if is_filler:
            request, gas = self._nothing(), FILLER_GAS
        raised = self.sign(transaction.nonce, request, gas, price_wei)
        self._try(transaction, raised._replace(is_filler=is_filler), head)

    def fill(self, transaction: OpenTransaction, head: int, failure: Failure | None) -> None:
        """A transaction that does nothing, in place of one that no node takes or that must never be
        in a block; `failure` is why, for the acts that it carried."""
        FILLED.inc()
        log.error("filled", nonce=transaction.nonce, reason=failure and failure["name"])
        price = max(attempt.gas_price_wei for attempt in transaction.attempts)
        filler = self.sign(transaction.nonce, self._nothing(), FILLER_GAS, price)
        self._try(transaction, filler._replace(is_filler=True), head, failure)

    def fill_gap(self, nonce: int, head: int) -> None:
        """A transaction that does nothing, for a nonce below ours that nobody uses any more."""
        FILLED.inc()
        log.error("gap_filled", nonce=nonce)
        filler = self.sign(nonce, self._nothing(), FILLER_GAS, self.price())
        filler = filler._replace(is_filler=True)
        reserved = self._journal.reserve([], nonce, self._nothing(), FILLER_GAS, head, filler)
        self.offer(reserved, head)

    def _nothing(self) -> Request:
        return Request(self._signer.address, b"")

    def _try(
        self,
        transaction: OpenTransaction,
        attempt: Attempt,
        head: int,
        failure: Failure | None = None,
    ) -> None:
        changed = self._journal.add_attempt(transaction, attempt, failure)
        self.offer(changed, head, everywhere=True)
