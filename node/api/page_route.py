"""Answers a problem on a page as a page in words, to whoever reads HTML."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from node.api.body_limits import BodyRefused
from node.api.problem_documents import invalid
from node.api.problem_pages import problem_page, reads_pages
from node.problems import Problem, refused
from protocol.errors import ProtocolError


class PageRoute(APIRoute):
    """The route of a page for everybody."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's, and problems as pages."""
        answer = super().get_route_handler()

        async def answer_in_words(request: Request) -> Response:
            try:
                return await answer(request)
            except (
                Problem,
                ProtocolError,
                RequestValidationError,
                BodyRefused,
                OperationalError,
                PoolTimeout,
            ) as error:
                if not self.is_read(request):
                    raise
                return self.page_of(request, problem_of(error, request))

        return answer_in_words

    def is_read(self, request: Request) -> bool:
        """Whether a person reads the answer."""
        return reads_pages(request)

    def page_of(self, request: Request, problem: Problem) -> Response:
        """What went wrong, and what to do."""
        return problem_page(request, problem)


def problem_of(error: Exception, request: Request) -> Problem:
    """What went wrong, as a problem."""
    match error:
        case Problem():
            return error
        case ProtocolError():
            return refused(error)
        case RequestValidationError():
            return invalid(error, request)
        case BodyRefused():
            return error.problem
        case _:
            return Problem.of("database-unavailable")
