"""What became of what was sent: blocks, blocks taken back, and what is in no block at all."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from node.process_metrics import CHAIN_HEAD, NONCE_GAP, NONCE_ON_CHAIN, UNDER_WAY
from node.refusals import refusal_of_revert
from node.sending.chain import Mined, SenderChain, Sighting
from node.sending.clock import Clock
from node.sending.failures import (
    MINED_IN_VAIN,
    NEVER_VALID,
    Failure,
    failure_of,
    node_says,
    refused_withdrawals,
)
from node.sending.journal import Journal
from node.sending.offering import Offering
from node.sending.rhythm import Rhythm
from node.sending.rules import Move, Offered, Patience, can_never_be_valid, next_move
from node.sending.signed import NONCE_MAX, READ_MAX, OpenTransaction

LOST_AFTER_SECONDS = 5.0
SHORTER_MAX = 1_000
"""Blocks that a chain may have lost since a transaction was signed."""

log = structlog.get_logger("sender")


class Settling:
    """Of one key."""

    def __init__(
        self,
        sender: bytes,
        chain: SenderChain,
        journal: Journal,
        offering: Offering,
        clock: Clock,
        patience: Patience,
        finality_blocks: int,
        head_poll_seconds: float,
    ) -> None:
        self._sender = sender
        self._chain = chain
        self._journal = journal
        self._offering = offering
        self._clock = clock
        self._patience = patience
        self._finality_blocks = finality_blocks
        self._head_poll_seconds = head_poll_seconds
        self.rhythm = Rhythm()
        self._settled_head: bytes | None = None
        self._look_again_at = 0.0
        self._lost_since: float | None = None
        self._highest = 0
        self._highest_seen_at = 0.0

    def doubt_everything(self) -> None:
        """Looks again, even if the head has not moved."""
        self._settled_head = None

    def note_head(self, seen: Sighting) -> None:
        """Whoever looks says so: an idle sender has not looked for a while when it has to send."""
        now = self._clock.monotonic()
        self.rhythm.saw(seen.newest_block, now)
        if seen.newest_block >= self._highest or now - self._highest_seen_at >= LOST_AFTER_SECONDS:
            self._highest, self._highest_seen_at = seen.newest_block, now

    def knows_all_up_to(self, head: int) -> bool:
        """Whether who names this head knows all blocks that there are: nobody has named a later
        one in a while, and nothing that was in a block is missing."""
        return head >= self._highest and self._lost_since is None

    def settle(self) -> tuple[bool, int]:
        """Looks at what is in no block, and at the newest that is, whose block holds the others;
        whether anything moved, and how many are under way."""
        sent = self._journal.under_way()
        if not (sent or self._head_has_moved()):
            return False, 0
        hashes = [attempt.hash for each in sent for attempt in each.attempts]
        newest, closed = self._journal.newest_in_blocks(1), self._journal.newest_closed(1)
        seen = self._chain.look_up(
            self._sender, [*hashes, *(each.hash for each in (*newest, *closed))]
        )
        self.note_head(seen)
        _show(sent, seen)
        has_moved = False
        self._watch_for_loss(closed, seen)
        if newest and not _is_in_same_block(newest[0], seen):
            self._look_again()
            has_moved = True
        elif newest and self._lost_since is None:  # else the loss would hide behind these
            self._finalise(seen.head.number - self._finality_blocks)
        for transaction in sent:
            has_moved |= self._settle_sent(transaction, seen)
        under_way = len(sent)
        if has_moved:
            under_way = len(self._journal.under_way())
        is_settled = not (under_way or has_moved or self._lost_since is not None)
        self._settled_head = seen.head.block_hash if is_settled else None
        return has_moved, under_way

    def _head_has_moved(self) -> bool:
        """An idle sender looks at the head every `head_poll_seconds` only."""
        now = self._clock.monotonic()
        if self._settled_head is not None and now < self._look_again_at:
            return False
        self._look_again_at = now + self._head_poll_seconds
        head = self._chain.head()
        self.rhythm.saw(head.number, now)
        return self._settled_head != head.block_hash

    def _finalise(self, final_block: int) -> None:
        """What the newest block still holds, its ancestors hold, too."""
        while final := self._journal.in_blocks_up_to(final_block):
            for transaction in final:
                if transaction.state == "spent" or _is_filler(transaction):
                    self._release(transaction)
            transaction_ids = [each.transaction_id for each in final]
            self._journal.finalise(transaction_ids)
            self._offering.forget(transaction_ids)

    def _look_again(self) -> None:
        """The newest block is not what it was: where are those in it, and the others down to one
        whose block is the same? The lowest are written first: were the newest right after a death,
        they would speak for all."""
        looked_up: list[tuple[list[OpenTransaction], Sighting]] = []
        below = NONCE_MAX
        while some := self._journal.newest_in_blocks(READ_MAX, below):
            hashes = [attempt.hash for each in some for attempt in each.attempts]
            seen = self._chain.look_up(self._sender, hashes)
            looked_up.append((some, seen))
            if _is_in_same_block(some[0], seen):
                break
            below = some[0].nonce
        for some, seen in reversed(looked_up):
            self._follow(some, seen)

    def _follow(self, in_blocks: list[OpenTransaction], seen: Sighting) -> None:
        """Into the blocks that they are in now, or out of them."""
        gone = [
            each.transaction_id
            for each in in_blocks
            if not any(attempt.hash in seen.mined for attempt in each.attempts)
        ]
        for transaction in in_blocks:
            if transaction.transaction_id not in gone and not _is_in_same_block(transaction, seen):
                self._record(transaction, seen)
        if gone:
            log.warning("taken_back", transactions=len(gone))
            self._journal.reopen(gone)
            self._offering.forget(gone)

    def _watch_for_loss(self, closed: list[OpenTransaction], seen: Sighting) -> None:
        """A chain may come back without blocks that were final, as an embedded one that is killed.
        A node that lags is given time."""
        lowest = self._journal.first_open_nonce()
        if lowest is None:
            lowest = self._journal.next_nonce(0)
        is_whole = all(_is_in_same_block(each, seen) for each in closed)
        if is_whole and seen.nonce >= lowest:
            self._lost_since = None
            return
        now = self._clock.monotonic()
        if self._lost_since is None:
            self._lost_since = now
        elif now - self._lost_since >= LOST_AFTER_SECONDS:
            self._lost_since = None
            self._make_up_for_loss(lowest, seen.head.number)

    def _make_up_for_loss(self, lowest: int, head: int) -> None:
        """Nothing gets into a block before the nonces below it: what was in blocks that are gone
        goes out again, and a nonce there that was somebody else's is used up."""
        closed = self._journal.newest_closed(READ_MAX)
        seen = self._chain.look_up(self._sender, [each.hash for each in closed])
        lost = [each.transaction_id for each in closed if not _is_in_same_block(each, seen)]
        lost += self._journal.void_from(seen.nonce)
        if lost:
            log.error("final_blocks_lost", transactions=len(lost), nonce=seen.nonce)
            self._journal.reopen(lost)
            self._offering.forget(lost)
        for nonce in self._journal.unknown_nonces(seen.nonce, lowest):
            self._offering.fill_gap(nonce, head)

    def _settle_sent(self, transaction: OpenTransaction, seen: Sighting) -> bool:
        """Whether it moved."""
        if any(attempt.hash in seen.mined for attempt in transaction.attempts):
            self._record(transaction, seen)
            return True
        head, price = seen.head.number, self._offering.raised_price(transaction)
        offered = self._offering.last(transaction)
        if transaction.state == "void" and not transaction.attempts[-1].is_filler:
            self._offering.fill(transaction, head, None)  # its acts went elsewhere long ago
            return False
        move = next_move(
            nonce=transaction.nonce,
            nonce_on_chain=seen.nonce,
            offered=offered,
            head=head,
            now=self._clock.monotonic(),
            patience=self._patience,
            may_raise=price is not None,
        )
        match move:
            case Move.BROADCAST:
                self._offering.offer(transaction, head)
            case Move.SPREAD:
                self._offering.offer(transaction, head, everywhere=True)
            case Move.RAISE:
                assert price is not None
                self._offering.raise_price(transaction, price, head)
            case Move.FILL:
                assert offered is not None
                self._offering.fill(transaction, head, _why_refused(transaction, offered, seen))
            case Move.INVESTIGATE:
                return self._investigate(transaction, head)
        return False

    def _investigate(self, transaction: OpenTransaction, head: int) -> bool:
        """Its nonce is used, by what? Whether it was given up."""
        self._offering.looked_into(transaction, head)
        signed_at = transaction.signed_at_block
        used = self._who_used(transaction, signed_at, head)
        if used is None:  # a chain that came back shorter has it further down
            used = self._who_used(transaction, max(1, signed_at - SHORTER_MAX), signed_at - 1)
        if used is None:  # the node that answered does not have the block yet
            return False
        used_by, block_number = used
        if any(attempt.hash == used_by for attempt in transaction.attempts):
            log.warning("receipt_missing", hash="0x" + used_by.hex(), block=block_number)
            return False
        log.error("nonce_used_elsewhere", nonce=transaction.nonce, by="0x" + used_by.hex())
        if block_number > head - self._finality_blocks:
            return False
        self._release(transaction)
        return True

    def _release(self, transaction: OpenTransaction) -> None:
        """Its nonce is used for ever by something that is none of its acts."""
        self._journal.release(transaction, self._clock.now())

    def _who_used(
        self, transaction: OpenTransaction, first: int, last: int
    ) -> tuple[bytes, int] | None:
        return self._chain.who_used(self._sender, transaction.nonce, first, last)

    def _record(self, transaction: OpenTransaction, seen: Sighting) -> None:
        """The first receipt of any of its attempts counts: there can be one only."""
        attempt = next(each for each in transaction.attempts if each.hash in seen.mined)
        mined = seen.mined[attempt.hash]
        failure = None if mined.succeeded else self._why_in_vain(transaction, mined)
        refused = {} if failure or attempt.is_filler else refused_withdrawals(mined)
        self._journal.record(transaction, attempt, mined, failure, refused)
        log.info(
            "mined" if failure is None else "mined_in_vain",
            nonce=transaction.nonce,
            hash="0x" + attempt.hash.hex(),
            block=mined.block_number,
            gas=mined.gas_used,
        )

    def _why_in_vain(self, transaction: OpenTransaction, mined: Mined) -> Failure:
        """The contract's reason, as of the state before the block. Without one it ran out of gas,
        which costs more on another state, or others in its block came first."""
        reverted = self._chain.refusal(self._sender, transaction.request, mined.block_number)
        if reverted is None:
            return MINED_IN_VAIN
        return failure_of(refusal_of_revert(reverted.said, reverted.data))


def _why_refused(transaction: OpenTransaction, offered: Offered, seen: Sighting) -> Failure:
    """Nodes' words alone are no evidence against an act: it is what nobody can take that is."""
    data, gas = transaction.request.data, transaction.gas
    if can_never_be_valid(data, gas, seen.block_gas_max):
        return NEVER_VALID
    return node_says(offered.said)


def _show(sent: Sequence[OpenTransaction], seen: Sighting) -> None:
    CHAIN_HEAD.set(seen.head.number)
    NONCE_ON_CHAIN.set(seen.nonce)
    UNDER_WAY.set(len(sent))
    NONCE_GAP.set(max(sent[0].nonce - seen.nonce, 0) if sent else 0)


def _is_in_same_block(transaction: OpenTransaction, seen: Sighting) -> bool:
    mined = seen.mined.get(transaction.hash)
    return mined is not None and mined.block_hash == transaction.block_hash


def _is_filler(transaction: OpenTransaction) -> bool:
    return any(each.is_filler and each.hash == transaction.hash for each in transaction.attempts)
