"""What accounts of the books held after a block of the past, and which block that is for a time.

Read several of these in one REPEATABLE READ transaction, so that they agree with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    literal,
    select,
    text,
    union_all,
)

from indexer import tables
from indexer.cursor import BlockRef
from protocol.postings import LedgerAccount, balance_of, deposit_of
from protocol.types import AgreementId, AmountMinor, OrganisationId, to_hex

_LAST_KNOWN = text(
    "SELECT block_number, block_hash, block_time FROM ("
    " (SELECT block_number, block_hash, block_time FROM ledger.blocks WHERE block_time <= :time"
    "  ORDER BY block_time DESC, block_number DESC LIMIT 1)"
    " UNION ALL SELECT block_number, block_hash, block_time FROM indexing.recent_blocks"
    " WHERE block_time <= :time"
    " UNION ALL SELECT block_number, block_hash, block_time FROM indexing.cursor"
    " WHERE block_time <= :time"
    ") AS known ORDER BY block_number DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What an account held, in base units, and of how many postings that is the sum."""

    account: LedgerAccount
    balance_minor: AmountMinor
    postings: int


def block_at(connection: Connection, time: int) -> BlockRef | None:
    """The last block that is known to be at or before a time, in Unix seconds; None before the
    first.

    The index knows the blocks with events and the newest ones: between this block and the time
    there may be others, in which nothing of ours happened.
    """
    row = connection.execute(_LAST_KNOWN, {"time": time}).one_or_none()
    return None if row is None else BlockRef(*row)


def balance_at(
    connection: Connection, account: LedgerAccount, block_number_max: int
) -> AccountBalance:
    """What an account held after a block; nothing if it had never moved."""
    [found] = _balances(connection, [account], block_number_max) or [
        AccountBalance(account, AmountMinor(0), 0)
    ]
    return found


def list_balances(
    connection: Connection, block_number_max: int, after: str, limit: int
) -> list[AccountBalance]:
    """The accounts that had moved up to a block, by name, those after a given one."""
    names = connection.scalars(_names_after(after, block_number_max).limit(limit)).all()
    return _balances(connection, names, block_number_max)


def list_balances_of(
    connection: Connection, organisation: bytes, block_number_max: int, after: str, limit: int
) -> list[AccountBalance]:
    """The same of one organisation: its tokens by account, its deposits, and what it can claim."""
    names = account_names_of(connection, organisation)
    return _balances(connection, names, block_number_max, after, limit)


def deposits_under(
    connection: Connection, agreements: Sequence[bytes], block_number_max: int
) -> dict[tuple[AgreementId, OrganisationId], AmountMinor]:
    """What the parties of these agreements had deposited under each, by agreement and party; who
    never deposited is absent."""
    parties = tables.agreement_parties
    statement = select(parties.c.agreement_id, parties.c.organisation).where(
        parties.c.agreement_id.in_(agreements)
    )
    named = {
        deposit_of(agreement, party): (AgreementId(agreement), OrganisationId(party))
        for agreement, party in connection.execute(statement)
    }
    return {
        named[found.account]: found.balance_minor
        for found in _balances(connection, list(named), block_number_max)
    }


def _names_after(after: str, block_number_max: int) -> Select[Any]:
    """From name to name by the indexes of both columns: what a page has, and no more is read."""
    postings = tables.postings.c

    def next_name(name: Any) -> ColumnElement[Any]:
        return func.least(
            *(
                select(func.min(column))
                .where(column > name, postings.block_number <= block_number_max)
                .scalar_subquery()
                for column in (postings.source, postings.target)
            )
        )

    names = select(next_name(literal(after)).label("account")).cte(recursive=True)
    following = select(next_name(names.c.account)).where(names.c.account.is_not(None))
    names = names.union_all(following)
    return select(names.c.account).where(names.c.account.is_not(None))


def account_names_of(connection: Connection, organisation: bytes) -> list[LedgerAccount]:
    """An organisation's accounts, moved or not: what it can claim, the tokens of each account that
    acts for it, its deposit under each agreement."""
    accounts, parties = tables.accounts, tables.agreement_parties
    bound = select(accounts.c.account).where(accounts.c.organisation == organisation)
    agreed = select(parties.c.agreement_id).where(parties.c.organisation == organisation)
    own = OrganisationId(organisation)
    return [
        balance_of(own),
        *(LedgerAccount(f"holding:{to_hex(each)}") for each in connection.scalars(bound)),
        *(deposit_of(AgreementId(each), own) for each in connection.scalars(agreed)),
    ]


def _balances(
    connection: Connection,
    names: Sequence[str],
    block_number_max: int,
    after: str = "",
    limit: int | None = None,
) -> list[AccountBalance]:
    postings = tables.postings.c
    sides = union_all(
        *(
            select(account.label("account"), (postings.amount_minor * sign).label("change")).where(
                account.in_(names), postings.block_number <= block_number_max
            )
            for account, sign in ((postings.target, literal(1)), (postings.source, literal(-1)))
        )
    ).subquery()
    statement = (
        select(sides.c.account, func.sum(sides.c.change), func.count())
        .where(sides.c.account > after)
        .group_by(sides.c.account)
        .order_by(sides.c.account)
        .limit(limit)
    )
    return [
        AccountBalance(account, AmountMinor(int(change)), count)
        for account, change, count in connection.execute(statement)
    ]
