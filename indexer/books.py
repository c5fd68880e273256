"""Checks the books against the chain, independently of the events: by reading the contracts.

Every account of the books has a balance on chain; both must agree to the last base unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from sqlalchemy import Connection

from indexer.chain import Chain
from indexer.cursor import read_cursor
from indexer.queries.books import balances
from protocol.postings import COMMISSION, ISSUED, TRANSIT, TREASURY, LedgerAccount
from protocol.types import AmountMinor


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


def check_books(
    connection: Connection, chain: Chain, addresses: Mapping[str, bytes]
) -> list[AccountCheck]:
    """Every account, read from the chain at the cursor's block."""
    cursor = read_cursor(connection)
    if cursor is None:
        return []
    reader = _BalanceReader(chain, addresses, cursor.at.block_number)
    booked = balances(connection)
    for account in (ISSUED, TREASURY, COMMISSION):
        booked.setdefault(account, AmountMinor(0))
    claims = sum(
        amount
        for account, amount in booked.items()
        if account == COMMISSION or account.startswith(("deposit:", "balance:"))
    )
    return [
        AccountCheck(account, amount, reader.read(account, AmountMinor(claims)))
        for account, amount in sorted(booked.items())
    ]


class _BalanceReader:
    def __init__(self, chain: Chain, addresses: Mapping[str, bytes], block: int) -> None:
        self._chain = chain
        self._addresses = addresses
        self._block = block

    def read(self, account: LedgerAccount, claims: AmountMinor) -> AmountMinor:
        """`claims`: what the settlement contract owes by the books; the rest of its tokens is
        transit."""
        kind, _, rest = account.partition(":")
        names = [bytes.fromhex(part[2:]) for part in rest.split(":") if part]
        if account == ISSUED:
            return AmountMinor(-self._call("UsageToken", "totalSupply()", [], []))
        if account == TREASURY:
            return self._holding(self._addresses["CommonsTreasury"])
        if account == COMMISSION:
            return self._call("UsageSettlement", "commissionOwed()", [], [])
        if account == TRANSIT:
            return AmountMinor(self._holding(self._addresses["UsageSettlement"]) - claims)
        if kind == "holding":
            return self._holding(names[0])
        if kind == "balance":
            return self._call("UsageSettlement", "balanceOf(address)", ["address"], names)
        if kind == "deposit":
            signature = "depositOf(bytes32,address)"
            return self._call("UsageSettlement", signature, ["bytes32", "address"], names)
        raise AssertionError(f"the books hold an account of unknown kind: {account}")

    def _holding(self, address: bytes) -> AmountMinor:
        return self._call("UsageToken", "balanceOf(address)", ["address"], [address])

    def _call(
        self, contract: str, signature: str, types: list[str], values: list[bytes]
    ) -> AmountMinor:
        data = keccak(signature.encode())[:4] + encode(types, values)
        to = "0x" + self._addresses[contract].hex()
        return AmountMinor(decode(["uint256"], self._chain.call(to, data, self._block))[0])
