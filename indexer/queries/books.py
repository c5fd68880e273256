"""Balances of the books: what has reached an account less what has left it."""

from __future__ import annotations

from sqlalchemy import Connection, text

from protocol.postings import LedgerAccount
from protocol.types import AmountMinor

_BALANCES = text(
    "SELECT account, sum(amount_minor) AS balance FROM ("
    " SELECT target AS account, amount_minor FROM ledger.postings"
    " UNION ALL SELECT source, -amount_minor FROM ledger.postings"
    ") AS sides WHERE CAST(:account AS text) IS NULL OR account = :account"
    " GROUP BY account ORDER BY account"
)


def balances(connection: Connection) -> dict[LedgerAccount, AmountMinor]:
    """Every account that ever moved, by name. The sum over all is zero by construction."""
    rows = connection.execute(_BALANCES, {"account": None})
    return {LedgerAccount(row.account): AmountMinor(int(row.balance)) for row in rows}


def balance(connection: Connection, account: LedgerAccount) -> AmountMinor:
    """One account's balance in base units; 0 for one that never moved."""
    row = connection.execute(_BALANCES, {"account": account}).one_or_none()
    return AmountMinor(int(row.balance) if row else 0)
