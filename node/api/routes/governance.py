"""`/governance`: what the ledger carries and brings, for everybody, and the events behind it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from indexer.queries.events import Place
from indexer.queries.participants import find_dids
from indexer.queries.settlements import LinePlace, lines_of_use
from node.api.context import Context, NodeContext, require_fresh
from node.api.governance import listings, sections
from node.api.governance.figures import Asked, Figures, Proposal, read_figures
from node.api.governance.page import page_values
from node.api.governance.rendering import next_page, show_page
from node.api.governance.tables import to_csv
from node.api.page_rendering import FORM_HEADERS, SECURITY_HEADERS, language_of
from node.api.page_route import PageRoute
from node.api.schemas.base import Address, PeriodLabel
from node.api.wording import wording_of
from node.db import query, snapshots
from node.problems import Problem, not_found
from protocol.commission import HARD_CAP_BPS
from protocol.periods import PERIOD_MAX, parse_period, period_of
from protocol.types import UINT16_MAX, Category, Period, RateBps, UnixSeconds

router = APIRouter(prefix="/governance", include_in_schema=False, route_class=PageRoute)

EventPlace = Annotated[str, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,9}$")]
LineKey = Annotated[str, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,9}-[0-9]{1,4}$")]


@router.get("")
async def show(
    request: Request,
    context: NodeContext,
    until: PeriodLabel | None = None,
    category: str = "",
    rate: str = "",
) -> HTMLResponse:
    """Twelve months, up to the current one or another, and what another rate would have brought."""
    proposal = read_proposal(category, rate)
    figures = await read(context, until, proposal)
    values = page_values(figures, wording_of(language_of(request)))
    refused = (category or rate) and proposal is None
    asked = {"until": values["until"], "category": category, "rate": rate}
    suffix = urlencode({name: value for name, value in asked.items() if value})
    values["download"] = lambda name: f"/governance/{name}.csv?{suffix}"
    values |= {"rate_cap": HARD_CAP_BPS, "refused": refused}
    values["rate_given"] = rate if rate.isascii() and rate.isdigit() else ""
    return show_page(request, context, "governance.html", values, FORM_HEADERS)


@router.get("/{name}.csv")
async def download(
    context: NodeContext,
    name: str,
    until: PeriodLabel | None = None,
    category: str = "",
    rate: str = "",
) -> Response:
    """One table of the page, for programs."""
    if name not in sections.TABLES:
        raise not_found("table", name, f"There are {', '.join(sections.TABLES)}.")
    figures = await read(context, until, read_proposal(category, rate))
    file = f"ptx-ledger-{name}-block-{figures.block.block_number}.csv"
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{file}"'}
    return Response(to_csv(sections.TABLES[name](figures)), 200, headers, "text/csv")


@router.get("/events")
async def list_events(
    request: Request,
    context: NodeContext,
    kind: str,
    month: PeriodLabel | None = None,
    organisation: Address | None = None,
    after: EventPlace = "0-0",
) -> HTMLResponse:
    """Events of one kind in the order of the chain, of some kinds those of one organisation."""
    if kind not in listings.KINDS:
        raise not_found("event-kind", kind, f"There are {', '.join(listings.KINDS)}.")
    if organisation is not None and kind not in listings.BY_ORGANISATION:
        raise Problem.of(
            "request-invalid",
            f"Events of the kind {kind} are not listed by organisation.",
            f"Leave it out, or ask for one of {', '.join(listings.BY_ORGANISATION)}.",
        ).about("organisation")
    period = None if month is None else _period(month)
    wanted = listings.Wanted(kind, period, organisation)
    place = Place(*map(int, after.split("-")))
    async with snapshots(context.database).connect() as connection:
        block = (await require_fresh(context, connection)).block
        page = await query(connection, listings.list_events, wanted, place, block.block_number)
    values = {
        "block": block,
        "names": listings.KINDS[kind],
        "wanted": wanted,
        "page": page,
        "next": next_page(request, _key(page.next)),
    }
    return show_page(request, context, "governance_events.html", values)


@router.get("/settlements")
async def list_settlements(
    request: Request,
    context: NodeContext,
    until: PeriodLabel,
    begin: Annotated[PeriodLabel, Query(alias="from")],
    category: Annotated[int | None, Query(ge=0, le=UINT16_MAX)] = None,
    after: LineKey | None = None,
) -> HTMLResponse:
    """Settled lines of some months of use in the order of the chain."""
    place = None if after is None else LinePlace(*map(int, after.split("-")))
    months = (_period(begin), _period(until))
    rows = listings.PAGE_ROWS
    async with snapshots(context.database).connect() as connection:
        block = (await require_fresh(context, connection)).block
        lines = await query(connection, lines_of_use, *months, category, place, rows + 1)
        named = {each for line in lines for each in (line.consumer, line.payee)}
        dids = await query(connection, find_dids, named)
    values = {
        "block": block,
        "first": months[0],
        "last": months[1],
        "category": category,
        "lines": lines[:rows],
        "dids": dids,
        "next": next_page(request, _key(lines[rows - 1].place if len(lines) > rows else None)),
    }
    return show_page(request, context, "governance_settlements.html", values)


def read_proposal(category: str, rate: str) -> Proposal | None:
    """What somebody typed; None for what no vote could set."""
    if not (category.isascii() and category.isdigit() and rate.isascii() and rate.isdigit()):
        return None
    if len(category + rate) > 9 or int(category) > UINT16_MAX or int(rate) > HARD_CAP_BPS:
        return None
    return Proposal(Category(int(category)), RateBps(int(rate)))


async def read(context: Context, until: str | None, proposal: Proposal | None) -> Figures:
    """The figures up to a month, which is not in the future."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
    current = period_of(UnixSeconds(freshness.now))
    last = current if until is None else _period(until)
    if last > current:
        raise Problem.of(
            "request-invalid", f"{until} has not begun.", "Ask for a month that has begun."
        ).about("until")

    asked = Asked(last, proposal)
    deployment = context.deployment
    contracts = {deployment.address_bytes(name): name for name in deployment.addresses}

    async def read_now() -> Figures:
        async with snapshots(context.database).connect() as connection:
            return await query(connection, read_figures, asked, contracts)

    return await context.figures.get(asked, read_now)


def _period(label: str) -> Period:
    """A month whose end calendars know, too."""
    return Period(min(parse_period(label), PERIOD_MAX - 1))


def _key(place: tuple[int, ...] | None) -> str | None:
    """A place of the chain as an address has it."""
    return None if place is None else "-".join(map(str, place))
