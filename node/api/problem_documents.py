"""Answers every error of the application as a problem document (RFC 9457)."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from node.problems import FieldProblem, Problem, kebab_case, refused
from protocol.errors import ProtocolError

MEDIA_TYPE = "application/problem+json"
BODY_BYTES_MAX = 32 * 1024 * 1024

logger = structlog.get_logger("api")


class BodyTooLarge(HTTPException):
    """The body went over the limit while it was read; the framework lets no other error through."""

    def __init__(self) -> None:
        super().__init__(413)


def answer(problem: Problem, request: Request) -> JSONResponse:
    """The response for a problem."""
    document = problem.document(request.url.path)
    return JSONResponse(document, problem.status, problem.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem document."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> JSONResponse:
        return answer(problem, request)

    @app.exception_handler(ProtocolError)
    async def on_broken_rule(request: Request, error: ProtocolError) -> JSONResponse:
        return answer(refused(error), request)

    @app.exception_handler(RequestValidationError)
    async def on_bad_request(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(_invalid(error), request)

    @app.exception_handler(BodyTooLarge)
    async def on_large_body(request: Request, error: BodyTooLarge) -> JSONResponse:
        return answer(too_large(f"more than {BODY_BYTES_MAX}"), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # the framework's own: it could not read the body
            return answer(_malformed("It is not UTF-8, or nested too deep."), request)
        remedy = (
            "See /docs for the routes and methods." if error.status_code < 500 else "Try again."
        )
        title = str(error.detail)
        problem = Problem(error.status_code, kebab_case(title), title, title + ".", remedy)
        problem.headers = dict(error.headers or {})
        return answer(problem, request)

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    async def on_database(request: Request, error: Exception) -> JSONResponse:
        problem = Problem(
            503,
            "database-unavailable",
            "The database does not answer",
            "Nothing was written.",
            "Send the same request again, with the same Idempotency-Key.",
            headers={"Retry-After": "2"},
        )
        return answer(problem, request)

    @app.exception_handler(Exception)
    async def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        logger.error("request_failed", route=route_of(request), exc_info=error)
        problem = Problem(
            500,
            "unexpected",
            "The node failed",
            "Something went wrong here; nothing was written.",
            "Send the same request again, with the same Idempotency-Key; tell the operator.",
        )
        return answer(problem, request)


def too_large(length: str) -> Problem:
    """413 for a body over the limit."""
    return Problem(
        413,
        "body-too-large",
        "The body is too large",
        f"{length} bytes; the limit is {BODY_BYTES_MAX}.",
        "Send fewer items a request.",
    )


def route_of(request: Request) -> str:
    """The route's template: its name carries no leaf, key or person."""
    return str(getattr(request.scope.get("route"), "path", "unmatched"))


def _invalid(error: RequestValidationError) -> Problem:
    errors = []
    for item in error.errors():
        if item["type"] == "json_invalid":
            return _malformed(f"{item['ctx']['error']}, at character {item['loc'][-1]}.")
        place = [str(part) for part in item["loc"]]
        path = ".".join(place[1:]) or place[0]
        errors.append(FieldProblem(path, item["msg"], _remedy(item["type"])))
    detail, remedy = f"{errors[0].field}: {errors[0].detail}", errors[0].remedy
    return Problem(422, "request-invalid", "The request does not fit", detail, remedy, errors)


def _malformed(detail: str) -> Problem:
    remedy = "Send one JSON value, UTF-8, as RFC 8259 describes."
    return Problem(400, "json-malformed", "The body is not JSON", detail, remedy).about("body")


def _remedy(kind: str) -> str:
    match kind:
        case "extra_forbidden":
            return "Remove the field; /docs lists the known ones."
        case "missing":
            return "Add the field."
        case _:
            return "Send a value as /docs describes."
