"""`/problems`: what each kind of problem means and what to do, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from node.api.context import NodeContext
from node.api.media_types import prefers_html
from node.api.page_rendering import SECURITY_HEADERS, render
from node.api.page_route import PageRoute
from node.problem_kinds import Kind
from node.problems import Problem, catalogue

router = APIRouter(prefix="/problems", include_in_schema=False, route_class=PageRoute)

HEADERS = {**SECURITY_HEADERS, "Vary": "Accept"}


@router.get("")
async def list_all(request: Request, context: NodeContext) -> Response:
    """Every kind of problem that the node can answer."""
    kinds = list(catalogue().values())
    if prefers_html(request.headers.get("accept", "")):
        return _page(request, context, "problems.html", kinds)
    return JSONResponse({"items": [shape_of(kind) for kind in kinds]}, headers=HEADERS)


@router.get("/{slug}")
async def show(request: Request, context: NodeContext, slug: str) -> Response:
    """One kind: the page that the `type` of a problem document leads to."""
    kind = catalogue().get(slug)
    if kind is None:
        raise Problem.of("problem-not-found", f"There is no kind of problem {slug}.")
    if prefers_html(request.headers.get("accept", "")):
        return _page(request, context, "problem.html", [kind])
    return JSONResponse(shape_of(kind), headers=HEADERS)


def shape_of(kind: Kind) -> dict[str, str | int]:
    """A kind as JSON."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "meaning": kind.meaning,
        "remedy": kind.remedy,
    }


def _page(request: Request, context: NodeContext, template: str, kinds: Sequence[Kind]) -> Response:
    values = {"operator_did": context.settings.operator_did, "kinds": kinds}
    return render(request, template, values, {"Vary": "Accept, Accept-Language"})
