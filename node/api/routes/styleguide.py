"""`/styleguide`: the components of which the pages are made, for whoever makes another."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from node.api.context import NodeContext
from node.api.governance.plots import plot_columns
from node.api.page_rendering import FORM_HEADERS, language_of, render
from node.api.wording import wording_of
from protocol.periods import parse_period
from protocol.types import Period

router = APIRouter(include_in_schema=False)

FIRST_MONTH = parse_period("2026-01")
LEAVES = (9, 40, 128, 1_280, 2_048, 1_024, 512, 256, 8_192, 12_288, 6_144, 4_096)
"""Made up: a guide shows no figure of the ledger."""


@router.get("/styleguide")
async def styleguide(request: Request, context: NodeContext) -> HTMLResponse:
    """Every component, in every state, without a script."""
    language = language_of(request)
    wording = wording_of(language)
    months = [Period(FIRST_MONTH + place) for place in range(len(LEAVES))]
    endings = [leaves // 100 for leaves in LEAVES]
    values = {
        "operator_did": context.settings.operator_did,
        "wording": wording,
        "rows": list(zip(months, LEAVES, endings, strict=True))[:3],
        "leaves": sum(LEAVES),
        "endings": sum(endings),
        "drawn": plot_columns(
            wording,
            months,
            [(wording.say("governance.columns.leaves"), list(LEAVES))],
            wording.count,
            wording.short_count,
        ),
    }
    return render(request, "styleguide.html", values, FORM_HEADERS)
