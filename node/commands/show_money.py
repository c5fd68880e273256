"""What an organisation has: tokens of its accounts, what it can claim, and the deposits under its
agreements with what they have still to pay."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.accounts import deposits_under, list_balances_of
from indexer.queries.agreements import agreement_ids_of, price_lines_of
from indexer.queries.settlements import settled_units_under
from node.commands.list_vouchers import signed_units
from node.commands.show_uses import recorded_units
from node.db import query
from protocol.agreement import PriceLine
from protocol.commission import gross
from protocol.postings import balance_of
from protocol.types import (
    AccountAddress,
    AgreementId,
    AmountMinor,
    OrganisationId,
    Period,
    Units,
)

AGREEMENTS_MAX = 500
HOLDING = "holding:0x"
Metered = dict[tuple[AgreementId, OrganisationId, Period], Units]


@dataclass(frozen=True, slots=True)
class Deposit:
    """What a consumer has under an agreement, and what is used and not settled yet: of own use all
    that is recorded, of another's use what it has signed."""

    agreement_id: AgreementId
    consumer: OrganisationId
    amount_minor: AmountMinor
    due_minor: AmountMinor

    @property
    def short_minor(self) -> AmountMinor:
        """What is missing to settle all of it; 0 where the deposit covers it."""
        return AmountMinor(max(0, self.due_minor - self.amount_minor))


@dataclass(frozen=True, slots=True)
class Money:
    """All amounts in base units."""

    holdings: dict[AccountAddress, AmountMinor]
    claimable_minor: AmountMinor
    deposits: list[Deposit]


async def read_money(
    connection: AsyncConnection, organisation: OrganisationId, block_number: int
) -> Money:
    """As of a block that the index has read, of the current organisation."""
    agreements = [
        AgreementId(each)
        for each in await query(connection, agreement_ids_of, organisation, b"", AGREEMENTS_MAX)
    ]
    accounts = await query(
        connection, list_balances_of, organisation, block_number, "", 2 * AGREEMENTS_MAX
    )
    amounts = {each.account: each.balance_minor for each in accounts}
    deposits = await query(connection, deposits_under, agreements, block_number)
    due = await _due(connection, organisation, agreements)
    return Money(
        holdings={
            AccountAddress(bytes.fromhex(name.removeprefix(HOLDING))): amount
            for name, amount in amounts.items()
            if name.startswith(HOLDING)
        },
        claimable_minor=amounts.get(balance_of(organisation), AmountMinor(0)),
        deposits=[
            Deposit(*key, deposits.get(key, AmountMinor(0)), due.get(key, AmountMinor(0)))
            for key in sorted({*deposits, *due}, key=lambda key: (key[1] != organisation, key))
        ],
    )


async def _due(
    connection: AsyncConnection, organisation: OrganisationId, agreements: list[AgreementId]
) -> dict[tuple[AgreementId, OrganisationId], AmountMinor]:
    """Gross of what is metered and not settled, by agreement and consumer."""
    metered: Metered = {
        **await signed_units(connection),
        **await recorded_units(connection, organisation),
    }
    settled = await query(connection, settled_units_under, agreements)
    lines: dict[AgreementId, tuple[PriceLine, ...]] = {}
    for agreement in {agreement for agreement, _, _ in metered}:
        found = await query(connection, price_lines_of, agreement)
        lines[agreement] = found or ()
    due: dict[tuple[AgreementId, OrganisationId], AmountMinor] = {}
    for (agreement, consumer, period), units in metered.items():
        done = settled.get((agreement, consumer, period), Units(0))
        if units > done:
            costs = sum(gross(units, line) - gross(done, line) for line in lines[agreement])
            due[agreement, consumer] = AmountMinor(due.get((agreement, consumer), 0) + costs)
    return due
