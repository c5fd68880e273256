"""`/participants`: the organisations of the network as the ledger has them, for everybody."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from indexer.queries.participants import (
    find_dids,
    find_participant,
    list_participants,
    list_served,
)
from node.api.context import NodeContext, require_fresh
from node.api.governance import sections
from node.api.governance.rendering import next_page, show_page
from node.api.page_route import PageRoute
from node.api.schemas.base import Address
from node.db import query, snapshots
from node.hosted_names import names_hosted
from node.problems import Problem, not_found
from protocol.types import Role, to_hex

router = APIRouter(
    prefix=sections.PARTICIPANTS_PATH, include_in_schema=False, route_class=PageRoute
)

PAGE_ROWS = 50


@router.get("")
async def list_all(
    request: Request,
    context: NodeContext,
    operator: Address | None = None,
    after: Address = b"",
) -> HTMLResponse:
    """All organisations in the order of their ids, or those that let an operator act now."""
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        if operator is None:
            rows = await query(connection, list_participants, after, PAGE_ROWS + 1)
            dids = {}
        else:
            served = (operator, freshness.now, after, PAGE_ROWS + 1)
            rows = await query(connection, list_served, *served)
            dids = await query(connection, find_dids, [operator])
            if operator not in dids:
                raise _never_admitted(operator)
        names = await names_hosted(connection, [each.organisation for each in rows])
    last = rows[PAGE_ROWS - 1].organisation if len(rows) > PAGE_ROWS else None
    values = {
        "block": freshness.block,
        "operator": operator,
        "dids": dids,
        "participants": rows[:PAGE_ROWS],
        "names": names,
        "next": next_page(request, None if last is None else to_hex(last)),
    }
    return show_page(request, context, "participants.html", values)


@router.get("/{organisation_id}")
async def show(request: Request, context: NodeContext, organisation_id: Address) -> HTMLResponse:
    """Who an organisation is, who acts for it, and where the events are that say so."""
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        found = await query(connection, find_participant, organisation_id)
        if found is None:
            raise _never_admitted(organisation_id)
        names = await names_hosted(connection, [organisation_id])
        operators = {each.operator for each in found.delegations}
        dids = await query(connection, find_dids, operators)
        served = await query(connection, list_served, organisation_id, freshness.now, b"", 1)
    values = {
        "block": freshness.block,
        "now": freshness.now,
        "participant": found,
        "name": names.get(organisation_id),
        "dids": dids,
        "serves": bool(served) or Role.OPERATOR in found.roles,
        "served_address": sections.served_address(organisation_id),
        "reports": {
            kind: sections.events_address(kind, organisation=organisation_id)
            for kind in ("participants", "use")
        },
    }
    return show_page(request, context, "participant.html", values)


def _never_admitted(organisation: bytes) -> Problem:
    return not_found(
        "participant", to_hex(organisation), "Governance admits organisations; see /participants."
    )
