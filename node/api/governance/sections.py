"""Which tables the page has, and where the events are that make each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from indexer.queries.use import Use
from node.api.governance.figures import Figures
from node.api.governance.rates import rates_held
from node.api.governance.tables import Cell, Column, Kind, Table
from node.api.texts import TIME_MAX
from protocol.concentration import by_operator, share_bps_rounded_down
from protocol.periods import period_label
from protocol.postings import COMMISSION, ISSUED, TRANSIT, TREASURY
from protocol.types import AmountMinor, Category, OrganisationId, Period, Units, to_hex

EVENTS_PATH = "/governance/events"
SETTLEMENTS_PATH = "/governance/settlements"
PARTICIPANTS_PATH = "/participants"

MONTH = Column("month", "governance.columns.month", Kind.MONTH)
CATEGORY = Column("category", "governance.columns.category", Kind.CATEGORY)
OPERATOR = Column("operator", "governance.columns.operator", Kind.NAME)
LEAVES = Column("leaves", "governance.columns.leaves", Kind.COUNT)
UNITS = Column("units", "governance.columns.units", Kind.COUNT)
GROSS = Column("gross", "governance.columns.gross", Kind.MONEY)
NET = Column("net", "governance.columns.net", Kind.MONEY)
COMMISSIONS = Column("commission", "governance.columns.commission", Kind.MONEY)
RATE = Column("rate_bps", "governance.columns.rate", Kind.BPS)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "activity": (MONTH, LEAVES, Column("endings", "governance.columns.endings", Kind.COUNT)),
    "use-by-period": (MONTH, UNITS, GROSS, NET, COMMISSIONS),
    "use-by-category": (CATEGORY, UNITS, GROSS, NET, COMMISSIONS, RATE),
    "use-by-operator": (OPERATOR, UNITS, GROSS, NET, COMMISSIONS),
    "operators": (
        OPERATOR,
        Column("organisations", "governance.columns.organisations", Kind.COUNT),
        LEAVES,
        Column("leaves_share_bps", "governance.columns.leavesShare", Kind.BPS),
        UNITS,
        Column("units_share_bps", "governance.columns.unitsShare", Kind.BPS),
    ),
    "money": (
        Column("held_by", "governance.columns.heldBy", Kind.TERM),
        Column("amount", "governance.columns.amount", Kind.MONEY),
    ),
    "rates": (
        CATEGORY,
        Column("from_month", "governance.columns.fromMonth", Kind.MONTH),
        RATE,
        Column("standing", "governance.columns.standing", Kind.TERM),
        Column("set_at", "governance.columns.setAt", Kind.TIME),
    ),
    "proposals": (
        Column("call", "governance.columns.call", Kind.CALL),
        Column("proposed_at", "governance.columns.proposedAt", Kind.TIME),
        Column("executable_at", "governance.columns.executableAt", Kind.TIME),
    ),
    "proposal": (
        *(MONTH, GROSS, COMMISSIONS),
        Column("proposed_commission", "governance.columns.proposed", Kind.MONEY),
        Column("change", "governance.columns.change", Kind.MONEY),
    ),
}
"""Of each table, by the name under which it is downloaded."""

HELD = (
    ("holding", "governance.money.holdings", "holdings"),
    ("deposit", "governance.money.deposits", "deposits"),
    ("balance", "governance.money.balances", "balances"),
    (COMMISSION, "governance.money.commission", "commission"),
    (TREASURY, "governance.money.treasury", "treasury"),
    (TRANSIT, "governance.money.transit", "holdings"),
)
"""Kinds of accounts, what they are called, and the kind of events that move them."""


def events_address(
    kind: str, month: Period | None = None, organisation: bytes | None = None
) -> str:
    """The list of events of a kind, of one month or all, of one organisation or all."""
    query = {"kind": kind}
    if month is not None:
        query["month"] = period_label(month)
    if organisation is not None:
        query["organisation"] = to_hex(organisation)
    return f"{EVENTS_PATH}?{urlencode(query)}"


def settlements_address(first: Period, last: Period, category: Category | None = None) -> str:
    """The list of settled lines of these months of use."""
    query: dict[str, object] = {"from": period_label(first), "until": period_label(last)}
    if category is not None:
        query["category"] = category
    return f"{SETTLEMENTS_PATH}?{urlencode(query)}"


def participant_address(organisation: bytes) -> str:
    """What the ledger has of an organisation."""
    return f"{PARTICIPANTS_PATH}/{to_hex(organisation)}"


def served_address(operator: bytes) -> str:
    """The list of the organisations that let an operator act."""
    return f"{PARTICIPANTS_PATH}?{urlencode({'operator': to_hex(operator)})}"


def activity(figures: Figures) -> Table:
    """Leaves and endings by month."""

    def cell(counts: Mapping[Period, int], kind: str, month: Period) -> Cell:
        count = counts.get(month, 0)
        return Cell(count, events_address(kind, month) if count else None)

    rows = [
        (
            Cell(month),
            cell(figures.leaves, "leaves", month),
            cell(figures.endings, "endings", month),
        )
        for month in figures.asked.months
    ]
    return _table("activity", rows)


def use_by_period(figures: Figures) -> Table:
    """Units and amounts by month of use; months without use are left out."""
    rows = []
    for period, use in figures.use_by_period.items():
        rows.append((Cell(period), *_cells_of(use, settlements_address(period, period))))
    return _table("use-by-period", rows)


def use_by_category(figures: Figures) -> Table:
    """The same by category of commons, with the rate in force."""
    asked, rows = figures.asked, []
    for category, use in figures.use_by_category.items():
        source = settlements_address(asked.first, asked.until, category)
        rate = Cell(figures.in_force.get(category, 0), events_address("rates"))
        rows.append((Cell(category), *_cells_of(use, source), rate))
    return _table("use-by-category", rows)


def use_by_operator(figures: Figures) -> Table:
    """The same by operator of the consumer, the largest first."""
    units, gross, commission = (
        by_operator(
            {each: getattr(use, measure) for each, use in figures.use_by_consumer.items()},
            figures.operators,
        )
        for measure in ("units", "gross_minor", "commission_minor")
    )
    source = settlements_address(figures.asked.first, figures.asked.until)
    rows = []
    for operator in sorted(units, key=lambda operator: (-units[operator], operator)):
        use = Use(
            Units(units[operator]), AmountMinor(gross[operator]), AmountMinor(commission[operator])
        )
        rows.append((_name_of(figures, operator), *_cells_of(use, source)))
    return _table("use-by-operator", rows)


def operators(figures: Figures) -> Table:
    """Shares of what the organisations did whose operator each is, the largest first."""
    leaves = by_operator(figures.leaves_by_issuer, figures.operators)
    units = by_operator(
        {each: use.units for each, use in figures.use_by_consumer.items()}, figures.operators
    )
    asked = figures.asked
    settled = settlements_address(asked.first, asked.until)
    served = organisations_served(figures)
    all_leaves, all_units = sum(leaves.values()), sum(units.values())
    rows = []
    for operator in sorted(served, key=lambda o: (-leaves.get(o, 0), -units.get(o, 0), o)):
        anchored, used = leaves.get(operator, 0), units.get(operator, 0)
        rows.append(
            (
                _name_of(figures, operator),
                Cell(served[operator], served_address(operator)),
                Cell(anchored, events_address("leaves") if anchored else None),
                Cell(share_bps_rounded_down(anchored, all_leaves)),
                Cell(used, settled if used else None),
                Cell(share_bps_rounded_down(used, all_units)),
            )
        )
    return _table("operators", rows)


def organisations_served(figures: Figures) -> dict[OrganisationId, int]:
    """Operator → for how many of the organisations that did anything it acts, itself included."""
    did_something = {*figures.leaves_by_issuer, *figures.use_by_consumer}
    return by_operator(dict.fromkeys(did_something, 1), figures.operators)


def money(figures: Figures) -> Table:
    """Where all tokens are; together they are the supply."""
    rows = [
        (Cell(name), Cell(figures.money.get(kind, AmountMinor(0)), events_address(events)))
        for kind, name, events in HELD
    ]
    supply = AmountMinor(-figures.money.get(ISSUED, AmountMinor(0)))
    rows.append((Cell("governance.money.supply"), Cell(supply, events_address("tokens"))))
    return _table("money", rows)


def rates(figures: Figures) -> Table:
    """Every rate that was set and not replaced before it began, by category."""
    source = events_address("rates")
    rows = [
        (
            Cell(rate.category),
            Cell(rate.begins),
            Cell(rate.rate_bps, source),
            Cell(f"governance.standings.{rate.standing}"),
            Cell(rate.set_at),
        )
        for rate in rates_held(figures.rates, figures.current_period)
    ]
    return _table("rates", rows)


def proposals(figures: Figures) -> Table:
    """What waits in the timelock, the oldest first."""
    source = events_address("proposals")
    rows = []
    for call in figures.proposed_calls:
        read = figures.read(call)
        contract = figures.contracts.get(call.target)
        told = read or f"{contract or to_hex(call.target)} {to_hex(call.data)}"
        executable_at = min(call.executable_at, TIME_MAX)
        rows.append((Cell(told, source), Cell(call.proposed_at), Cell(executable_at)))
    return _table("proposals", rows)


def proposal(figures: Figures) -> Table:
    """What the rate that is asked about would have brought, month by month of use."""
    rows = []
    category = figures.asked.proposal.category if figures.asked.proposal else None
    for period, each in sorted(figures.proposed.items()):
        source = settlements_address(period, period, category)
        change = AmountMinor(each.proposed_minor - each.commission_minor)
        values = (each.gross_minor, each.commission_minor)
        rows.append(
            (
                Cell(period),
                *(Cell(value, source) for value in values),
                Cell(each.proposed_minor),
                Cell(change),
            )
        )
    return _table("proposal", rows)


def _name_of(figures: Figures, organisation: OrganisationId) -> Cell:
    """Its DID, with what the ledger says of it; its id if it was never admitted."""
    did = figures.dids.get(organisation)
    if did is None:
        return Cell(to_hex(organisation))
    return Cell(did, participant_address(organisation))


def _cells_of(use: Use, source: str) -> list[Cell]:
    """Units, gross, net and commission."""
    values = (use.units, use.gross_minor, use.net_minor, use.commission_minor)
    return [Cell(value, source) for value in values]


def _table(name: str, rows: Sequence[Sequence[Cell]]) -> Table:
    return Table(name, COLUMNS[name], rows)


TABLES = {
    "activity": activity,
    "use-by-period": use_by_period,
    "use-by-category": use_by_category,
    "use-by-operator": use_by_operator,
    "operators": operators,
    "money": money,
    "rates": rates,
    "proposals": proposals,
    "proposal": proposal,
}
"""From a table's name to what makes it."""
