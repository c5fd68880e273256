"""A problem as a page in words, for whoever reads HTML."""

from __future__ import annotations

from fastapi import Request, Response

from node.api.context import context_of
from node.api.media_types import prefers_html
from node.api.page_rendering import render
from node.problems import Problem


def reads_pages(request: Request) -> bool:
    """Whether a person reads the answer; a program is told as by the API."""
    return prefers_html(request.headers.get("accept", ""))


def problem_page(request: Request, problem: Problem) -> Response:
    """What went wrong, and what to do."""
    settings = context_of(request).settings
    values = {"operator_did": settings.operator_did, "problem": problem}
    page = render(request, "refused.html", values)
    page.status_code = problem.status
    page.headers.update({**problem.headers, "Vary": "Accept, Accept-Language"})
    return page
