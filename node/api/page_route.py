"""Answers a problem on a page as a page in words, to whoever reads HTML."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import URL

from node.api.body_limits import BodyRefused
from node.api.context import context_of
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
            public_address = context_of(request).settings.public_address
            by_name = own_name_of(request.url, public_address) if request.method == "GET" else None
            if by_name is not None:
                return RedirectResponse(by_name)
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


def own_name_of(asked: URL, public_address: str) -> str | None:
    """Where a page stands that is asked for by number on the machine itself, while the node is
    known by a name there: browsers use passkeys, and wallets sign in, under that name alone."""
    own = urlsplit(public_address)
    is_by_number = (own.hostname, asked.hostname) == ("localhost", "127.0.0.1")
    if not is_by_number or own.port != asked.port:
        return None
    return str(asked.replace(hostname=own.hostname))


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
