"""The figures of twelve months, all as the index has them at one block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.cursor import BlockRef
from indexer.queries.activity import endings_by_month, leaves_by_issuer, leaves_by_month
from indexer.queries.books import balances_by_kind
from indexer.queries.freshness import read_freshness
from indexer.queries.participants import delegations_given, find_dids
from indexer.queries.proposals import ProposedCallRow, list_proposed_calls
from indexer.queries.rates import RateRow, list_rates, rates_in_force
from indexer.queries.use import (
    AtAnotherRate,
    Use,
    commission_at_another_rate,
    use_by_category,
    use_by_period_and_consumer,
)
from protocol.concentration import operators_of
from protocol.governance_calls import GovernanceCall, read_call
from protocol.periods import period_of
from protocol.types import AmountMinor, Category, OrganisationId, Period, RateBps, UnixSeconds

MONTHS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rate that somebody thinks of for a category of commons."""

    category: Category
    rate_bps: RateBps


@dataclass(frozen=True, slots=True)
class Asked:
    """The last of the months that are shown, and what somebody thinks of changing."""

    until: Period
    proposal: Proposal | None = None

    @property
    def first(self) -> Period:
        """The first of the months that are shown."""
        return Period(max(0, self.until - MONTHS_SHOWN + 1))

    @property
    def months(self) -> list[Period]:
        """All of them."""
        return [Period(number) for number in range(self.first, self.until + 1)]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page shows. What happened is of the months asked for; what is held, who is whose
    operator, which rate is in force and what is proposed are as of the block; `contracts` has their
    names by address."""

    asked: Asked
    block: BlockRef
    leaves: Mapping[Period, int]
    endings: Mapping[Period, int]
    leaves_by_issuer: Mapping[OrganisationId, int]
    use_by_period: Mapping[Period, Use]
    use_by_category: Mapping[Category, Use]
    use_by_consumer: Mapping[OrganisationId, Use]
    operators: Mapping[OrganisationId, OrganisationId]
    dids: Mapping[OrganisationId, str]
    money: Mapping[str, AmountMinor]
    rates: list[RateRow]
    in_force: Mapping[Category, RateBps]
    proposed: Mapping[Period, AtAnotherRate]
    proposed_calls: list[ProposedCallRow]
    contracts: Mapping[bytes, str]

    @property
    def current_period(self) -> Period:
        """The month of the block."""
        return period_of(UnixSeconds(self.block.block_time))

    def read(self, proposed: ProposedCallRow) -> GovernanceCall | None:
        """What a call that waits in the timelock would do; None if no contract explains it."""
        contract = self.contracts.get(proposed.target)
        return None if contract is None else read_call(contract, proposed.data)


def read_figures(connection: Connection, asked: Asked, contracts: Mapping[bytes, str]) -> Figures:
    """Everything, in the connection's one snapshot (REPEATABLE READ)."""
    block = read_freshness(connection).block
    months = (asked.first, asked.until)
    leaves = leaves_by_issuer(connection, *months)
    used = use_by_period_and_consumer(connection, *months)
    operators = operators_of(delegations_given(connection), UnixSeconds(block.block_time))
    named = {*leaves, *used.by_consumer, *operators.values()}
    proposal = asked.proposal
    return Figures(
        asked=asked,
        block=block,
        leaves=leaves_by_month(connection, *months),
        endings=endings_by_month(connection, *months),
        leaves_by_issuer=leaves,
        use_by_period=used.by_period,
        use_by_category=use_by_category(connection, *months),
        use_by_consumer=used.by_consumer,
        operators=operators,
        dids=find_dids(connection, named),
        money=balances_by_kind(connection),
        rates=list_rates(connection),
        in_force=rates_in_force(connection, period_of(UnixSeconds(block.block_time))),
        proposed=commission_at_another_rate(
            connection, proposal.category, proposal.rate_bps, *months
        )
        if proposal
        else {},
        proposed_calls=list_proposed_calls(connection),
        contracts=contracts,
    )
