"""Answers a problem on one of these pages as a page in words."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from node.api.body_limits import BodyRefused
from node.api.context import context_of
from node.api.organisation.rendering import address_of, show
from node.api.organisation.session_cookie import forget_session
from node.api.page_rendering import language_of, texts_of
from node.api.problem_documents import invalid
from node.problems import Problem, refused
from protocol.errors import ProtocolError

SIGN_IN = "/organisation/sign-in"
SEE_OTHER = 303


class PageRoute(APIRoute):
    """The route of a page. Whoever is signed in no longer is led to where one signs in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's, and problems as pages."""
        answer = super().get_route_handler()

        async def answer_in_words(request: Request) -> Response:
            try:
                return await answer(request)
            except Problem as problem:
                return _page_of(request, problem)
            except ProtocolError as error:
                return _page_of(request, refused(error))
            except RequestValidationError as error:
                return _page_of(request, invalid(error, request))
            except BodyRefused as error:
                return _page_of(request, error.problem)
            except (OperationalError, PoolTimeout):
                return _page_of(request, Problem.of("database-unavailable"))

        return answer_in_words


def see_other(request: Request, path: str, **query: Any) -> RedirectResponse:
    """What a form that has written answers, so that to load the page again writes nothing."""
    return RedirectResponse(address_of(request, path, **query), SEE_OTHER)


def _page_of(request: Request, problem: Problem) -> Response:
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
