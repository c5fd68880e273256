"""`/v1/accounts`: what the accounts of the books hold, and held."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from indexer.queries.accounts import balance_at, list_balances, list_balances_of
from node.api.as_of import AtTime, block_asked
from node.api.context import NodeContext, require_fresh
from node.api.schemas.accounts import AccountName, AccountStanding, Balance, Balances
from node.api.schemas.base import Address, AsOf, Block
from node.db import query, snapshots
from protocol.postings import parse_account
from protocol.types import ContractAddress

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

BEFORE_ALL = -1


@router.get("", response_model=Balances)
async def list_all(
    context: NodeContext,
    organisation: Address | None = None,
    at: AtTime = None,
    after: AccountName | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Balances:
    """The books' accounts that ever moved, by name, each with its balance; or those alone of an
    organisation: its tokens, its deposits, what it can claim. With `at`, what they held at that
    time, so that all pages are of one moment. Public, as the chain is."""
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        block = await block_asked(connection, at, freshness)
        last = BEFORE_ALL if block is None else block.block_number
        page = (last, after or "", limit + 1)
        if organisation is None:
            rows = await query(connection, list_balances, *page)
        else:
            rows = await query(connection, list_balances_of, organisation, *page)
    return Balances(
        as_of=AsOf.of(freshness),
        at=at,
        proven_by=None if block is None else Block.of(block),
        items=[Balance.of(row) for row in rows[:limit]],
        next=rows[limit - 1].account if len(rows) > limit else None,
    )


@router.get("/{account}", response_model=AccountStanding)
async def show(context: NodeContext, account: AccountName, at: AtTime = None) -> AccountStanding:
    """What one account holds; with `at`, what it held at that time, and the block that proves it.
    0 for one that never moved. Public, as the chain is."""
    deployment = context.deployment
    contracts = (deployment.address_bytes(n) for n in ("UsageSettlement", "CommonsTreasury"))
    name = parse_account(account, *map(ContractAddress, contracts))
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        block = await block_asked(connection, at, freshness)
        last = BEFORE_ALL if block is None else block.block_number
        found = await query(connection, balance_at, name, last)
    return AccountStanding(
        as_of=AsOf.of(freshness),
        at=at,
        proven_by=None if block is None else Block.of(block),
        account=found.account,
        balance_minor=found.balance_minor,
        postings=found.postings,
    )
