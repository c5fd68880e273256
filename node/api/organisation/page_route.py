"""Answers a problem on one of these pages as a page in words."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from node.api import page_route
from node.api.context import context_of
from node.api.organisation.rendering import address_of, show
from node.api.organisation.session_cookie import forget_session
from node.api.page_rendering import language_of, texts_of
from node.bearer_links import SIGN_IN
from node.problems import Problem

SEE_OTHER = 303


class PageRoute(page_route.PageRoute):
    """The route of a page. Whoever is signed in no longer is led to where one signs in."""

    def is_read(self, request: Request) -> bool:
        """These pages are for people alone."""
        return True

    def page_of(self, request: Request, problem: Problem) -> Response:
        """In these pages' own words where they have any."""
        context = context_of(request)
        if problem.slug == "session-ended":
            had_one = "cookie" in request.headers
            gone = see_other(request, SIGN_IN, ended=1 if had_one else None)
            forget_session(gone, context.settings)
            return gone
        own_words = texts_of(language_of(request))["organisation"]["problems"]
        values = {"problem": problem, "is_ours": problem.slug in own_words}
        answer = show(request, context, None, "problem.html", values, problem.status)
        answer.headers.update(problem.headers)
        return answer


def see_other(request: Request, path: str, **query: Any) -> RedirectResponse:
    """What a form that has written answers, so that to load the page again writes nothing."""
    return RedirectResponse(address_of(request, path, **query), SEE_OTHER)
