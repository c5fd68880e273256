"""The books beside the contracts: what each account holds, read from the chain and not from events.

Every account of the books has a balance on chain; both must agree to the last base unit. So must
the number of leaves in the index and the size of the log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_hash.auto import keccak
from sqlalchemy import Connection

from indexer.chain import Chain, ChainUnreachable
from indexer.cursor import BlockRef, read_cursor
from indexer.queries.books import balances
from indexer.queries.consents import count_leaves
from protocol.postings import COMMISSION, ISSUED, TRANSIT, TREASURY, LedgerAccount
from protocol.types import AmountMinor

ALWAYS = (ISSUED, TREASURY, COMMISSION)
"""Accounts that are there before anything moves."""
WORD_BYTES = 32

ContractCall = tuple[str, bytes]
"""A contract's address and what it is asked."""


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """One account in the books and on the chain, in base units."""

    account: LedgerAccount
    books_minor: AmountMinor
    chain_minor: AmountMinor

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.books_minor == self.chain_minor


@dataclass(frozen=True, slots=True)
class Comparison:
    """Accounts, and the leaves of the log, as the index and the contracts have them at a block."""

    at: BlockRef
    accounts: Sequence[AccountCheck]
    leaves_in_index: int
    leaves_on_chain: int

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        same_leaves = self.leaves_in_index == self.leaves_on_chain
        return same_leaves and all(check.agrees for check in self.accounts)


def check_books(
    connection: Connection, chain: Chain, addresses: Mapping[str, bytes]
) -> Comparison | None:
    """Every account, read from the chain at the cursor's block; None before the first block.

    Raises ChainError, also where the node does not have the state of that block any more.
    """
    cursor = read_cursor(connection)
    if cursor is None:
        return None
    booked = balances(connection)
    return compare(chain, addresses, booked, booked, count_leaves(connection), cursor.at)


def compare(
    chain: Chain,
    addresses: Mapping[str, bytes],
    booked: Mapping[LedgerAccount, AmountMinor],
    accounts: Collection[LedgerAccount],
    leaves: int,
    at: BlockRef,
) -> Comparison:
    """Some accounts, and always those that are there before anything moves; `booked` has all."""
    asked = sorted({*accounts, *ALWAYS})
    calls = [_call_of(account, addresses) for account in asked]
    log_size = _call(addresses["ConsentRegistry"], "logSize()")
    *words, size = [
        _number(answer, chain) for answer in chain.call_all([*calls, log_size], at.block_hash)
    ]
    owed = sum(
        amount
        for account, amount in booked.items()
        if account == COMMISSION or account.startswith(("deposit:", "balance:"))
    )
    checks = []
    for account, word in zip(asked, words, strict=True):
        held = -word if account == ISSUED else word - owed if account == TRANSIT else word
        books = booked.get(account, AmountMinor(0))
        checks.append(AccountCheck(account, books, AmountMinor(held)))
    return Comparison(at, checks, leaves, size)


def _call_of(account: LedgerAccount, addresses: Mapping[str, bytes]) -> ContractCall:
    """What is asked for an account. `issued` is the supply below zero; `transit` what is left of
    the settlement contract's tokens when all that it owes is taken off."""
    token, settlement = addresses["UsageToken"], addresses["UsageSettlement"]
    kind, _, rest = account.partition(":")
    names = [bytes.fromhex(part[2:]) for part in rest.split(":") if part]
    match kind:
        case "issued":
            return _call(token, "totalSupply()")
        case "treasury":
            return _call(token, "balanceOf(address)", addresses["CommonsTreasury"])
        case "transit":
            return _call(token, "balanceOf(address)", settlement)
        case "holding":
            return _call(token, "balanceOf(address)", *names)
        case "commission":
            return _call(settlement, "commissionOwed()")
        case "balance":
            return _call(settlement, "balanceOf(address)", *names)
        case "deposit":
            return _call(settlement, "depositOf(bytes32,address)", *names)
    raise AssertionError(f"the books hold an account of unknown kind: {account}")


def _call(contract: bytes, signature: str, *values: bytes) -> ContractCall:
    kinds = [kind for kind in signature.partition("(")[2][:-1].split(",") if kind]
    return "0x" + contract.hex(), keccak(signature.encode())[:4] + encode(kinds, values)


def _number(answer: bytes, chain: Chain) -> int:
    """Nothing where the contract is not there yet: its deployment takes several blocks."""
    if len(answer) not in (0, WORD_BYTES):
        raise ChainUnreachable(f"{chain.name} answered a call with {len(answer)} bytes, not 32")
    return int.from_bytes(answer)
