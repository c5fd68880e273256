"""`/organisation/counts`: how many consents there are really, which the ledger tells nobody."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.page_route import PageRoute
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.commands.count_consents import ConsentCount, count_consents
from node.commands.name_agreements import name_agreements
from node.db import act_as, snapshots
from node.permissions import Area
from protocol.types import ContractAddress, OrganisationId, to_hex

pages = APIRouter(prefix="/organisation/counts", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.CONSENTS)]
COLUMNS = ("agreementId", "agreement", "consents", "ended")


@pages.get("")
async def show_counts(request: Request, context: NodeContext, visitor: Reader) -> HTMLResponse:
    """By agreement, and all together."""
    counts, names = await _read(context, visitor)
    values = {
        "counts": counts,
        "names": names,
        "held": sum(each.held for each in counts),
        "ended": sum(each.ended for each in counts),
    }
    return show(request, context, visitor, "counts.html", values)


@pages.get(".csv")
async def export(context: NodeContext, visitor: Reader) -> Response:
    """The same for programs."""
    counts, names = await _read(context, visitor)
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in counts:
        of_agreement = (to_hex(each.agreement_id), names[each.agreement_id])
        writer.writerow((*of_agreement, each.held, each.ended))
    name = {"Content-Disposition": 'attachment; filename="consent-counts.csv"'}
    return Response(text.getvalue(), media_type="text/csv", headers=name)


async def _read(
    context: Context, visitor: Principal
) -> tuple[list[ConsentCount], dict[bytes, str]]:
    organisation = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, organisation)
        await require_fresh(context, connection)
        counts = await count_consents(connection, ContractAddress(context.consent_registry))
        agreements = [each.agreement_id for each in counts]
        return counts, await name_agreements(connection, organisation, agreements)
