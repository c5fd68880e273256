"""Whatever else is asked for under `/organisation`: there is no such page, said in words."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from node.api.organisation.page_route import PageRoute, see_other
from node.problems import Problem

pages = APIRouter(prefix="/organisation", route_class=PageRoute)
"""The last of the pages, as it has every address."""


@pages.get("/{path:path}")
async def nothing_here(request: Request, path: str) -> Response:
    """A 404 problem; with nothing but a stroke behind it, it is the overview that is meant."""
    if not path:
        return see_other(request, "/organisation")
    raise Problem.of("not-found", f"There is nothing at {request.url.path}.")
