"""Compares the index with the contracts before it is committed, and halts where they differ.

At the head every reading is compared that moved money or added leaves: the accounts that its
postings touch and those that its events name, so that a posting which was never made shows, too;
and all where the books up to it were not compared yet. Of a back-fill, all accounts are
compared now and then and at its end. The contracts are asked at the block's hash, so that another
block of its height cannot answer.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

import structlog
from sqlalchemy import Connection

from indexer.books import AccountCheck, Comparison, compare
from indexer.chain import Chain, ChainRefused
from indexer.cursor import BlockRef, Halted
from indexer.queries.books import accounts_named, balance_changes, balances
from indexer.queries.consents import count_leaves
from protocol.postings import LedgerAccount
from protocol.types import AmountMinor, ContractAddress

BACK_FILL_BLOCKS = 50_000
"""A back-fill is compared after so many blocks. A node that forgets old states cannot answer; the
head decides then."""

ASK_AGAIN_SECONDS = 0.25
"""A node may answer for its newest block with the state of the next one, which it is just making
(seen of anvil 1.7.1)."""

NOT_WRITTEN = "The range that ends there was not written."
"""In the reason of every halt by which the books are meant, and of no other."""

logger = structlog.get_logger("indexer")


class BooksDiffer(Halted):
    """The index and the contracts do not say the same of one block."""


class Auditor:
    """Remembers every account's balance as of the block up to which it compared the books.

    A roll-back, a rebuild or a write that failed leave the index elsewhere: then the block is not
    the one that comes before the next reading, and all is read and compared anew.

    Unless `is_live`, a chain's last block is one of the past, whose state the node may have
    forgotten.
    """

    def __init__(self, chain: Chain, addresses: Mapping[str, bytes], is_live: bool = True) -> None:
        self._chain = chain
        self._is_live = is_live
        self._addresses = addresses
        self._holders = (
            ContractAddress(addresses["UsageSettlement"]),
            ContractAddress(addresses["CommonsTreasury"]),
        )
        self._compared: BlockRef | None = None
        self._booked: dict[LedgerAccount, AmountMinor] = {}
        self._leaves = 0
        self._asked_at: int | None = None

    @property
    def compared(self) -> BlockRef | None:
        """The block as of which books and contracts said the same last."""
        return self._compared

    def require_equal(
        self, connection: Connection, before: BlockRef, last: BlockRef, is_head: bool
    ) -> None:
        """Compares what the transaction holds of the blocks after `before` up to `last`.

        Raises BooksDiffer, and ChainError where a node does not have the head's state.
        """
        if not (is_head or self._is_due(before, last)):
            return
        leaves = count_leaves(connection)
        accounts: Collection[LedgerAccount]
        if self._compared == before:
            blocks = (before.block_number + 1, last.block_number)
            changes = balance_changes(connection, *blocks)
            booked = self._booked | {
                account: AmountMinor(self._booked.get(account, 0) + change)
                for account, change in changes.items()
            }
            accounts = changes.keys() | accounts_named(connection, *blocks, *self._holders)
            is_touched = bool(accounts) or leaves != self._leaves
        else:
            booked = balances(connection)
            accounts, is_touched = booked, True
        if is_touched and not self._compare(booked, accounts, leaves, last, is_head):
            return
        self._compared, self._booked, self._leaves = last, booked, leaves

    def _is_due(self, before: BlockRef, last: BlockRef) -> bool:
        if self._asked_at is None or self._asked_at > last.block_number:
            self._asked_at = before.block_number
        return last.block_number - self._asked_at >= BACK_FILL_BLOCKS

    def _compare(
        self,
        booked: Mapping[LedgerAccount, AmountMinor],
        accounts: Collection[LedgerAccount],
        leaves: int,
        last: BlockRef,
        is_head: bool,
    ) -> bool:
        """Whether the contracts could be asked. Raises BooksDiffer."""
        self._asked_at = last.block_number
        try:
            comparison = compare(self._chain, self._addresses, booked, accounts, leaves, last)
            if not comparison.agrees:  # what really differs, differs again
                logger.warning("books_compared_again", block=last.block_number)
                time.sleep(ASK_AGAIN_SECONDS)
                comparison = compare(self._chain, self._addresses, booked, accounts, leaves, last)
        except ChainRefused as error:
            if is_head and self._is_live:
                raise
            logger.warning("books_not_compared", block=last.block_number, reason=str(error))
            return False
        if not comparison.agrees:
            raise BooksDiffer(explain(comparison))
        return True


def explain(comparison: Comparison) -> str:
    """What differs, and what to do."""
    wrong = [_of_account(check) for check in comparison.accounts if not check.agrees]
    if comparison.leaves_in_index != comparison.leaves_on_chain:
        wrong.append(_of_leaves(comparison))
    told = wrong[0] if len(wrong) == 1 else f"{wrong[0]} (and {len(wrong) - 1} more)"
    return (
        f"At block {comparison.at.block_number} (0x{comparison.at.block_hash.hex()}) {told}. "
        f"{NOT_WRITTEN} Check that CHAIN_URL is a whole node "
        "of this chain and that the deployment's addresses are right, and start the node again: "
        "it reads the range once more. If it halts again, `ptx-ledger books check` compares every "
        "posting with the chain, and `ptx-ledger index rebuild` puts right what it finds; the "
        "indexer then goes on by itself."
    )


def _of_account(check: AccountCheck) -> str:
    return (
        f"account {check.account} holds {check.books_minor} base units in the books, "
        f"{check.chain_minor} on chain"
    )


def _of_leaves(comparison: Comparison) -> str:
    return (
        f"the index has {comparison.leaves_in_index} leaves, ConsentRegistry "
        f"{comparison.leaves_on_chain}"
    )
