"""Answers every error of the application as a problem document (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from node.api.body_limits import BodyRefused
from node.api.json_depth import JSON_DEPTH_MAX
from node.api.page_rendering import preferred_language
from node.api.problem_pages import problem_page, reads_pages
from node.api.sentences import translate
from node.problems import FieldProblem, Problem, refused
from protocol.errors import ProtocolError

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "ptx.request_id"
"""Where a request's scope has its id."""

logger = structlog.get_logger("api")


class JsonTooDeep(HTTPException):
    """The body came, and is nested deeper than the limit."""

    def __init__(self) -> None:
        super().__init__(400)


class RequestTooSlow(HTTPException):
    """The body did not come in time."""

    def __init__(self) -> None:
        super().__init__(408)


def answer(problem: Problem, request: Request) -> JSONResponse:
    """The response for a problem. Its words are English unless another language is asked for (RFC
    9457, 3.1.3), as the scripts of the pages do."""
    document = problem.document(request.url.path)
    accept = request.headers.get("accept-language")
    language = preferred_language(accept or "")
    headers = {**problem.headers, "Content-Language": language, "Vary": "Accept-Language"}
    if accept is not None:  # a person reads it; programs get times as they send them
        for told in (document, *document.get("errors", ())):
            translate(told, language)
    if REQUEST_ID in request.scope:
        document["requestId"] = request.scope[REQUEST_ID]
    return JSONResponse(document, problem.status, headers, MEDIA_TYPE)


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
        return answer(invalid(error, request), request)

    @app.exception_handler(BodyRefused)
    async def on_refused_body(request: Request, error: BodyRefused) -> JSONResponse:
        return answer(error.problem, request)

    @app.exception_handler(JsonTooDeep)
    async def on_deep_json(request: Request, error: JsonTooDeep) -> JSONResponse:
        detail = f"It is nested deeper than {JSON_DEPTH_MAX}."
        return answer(Problem.of("json-too-deep", detail).about("body"), request)

    @app.exception_handler(RequestTooSlow)
    async def on_slow_request(request: Request, error: RequestTooSlow) -> JSONResponse:
        return answer(too_slow(), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        match error.status_code:
            case 400:  # the framework could not read the body
                problem = _malformed("It is not UTF-8, or nested too deep.")
            case 405:
                allowed = (error.headers or {}).get("Allow", "other methods")
                detail = f"{request.url.path} takes {allowed}, not {request.method}."
                problem = Problem.of("method-not-allowed", detail)
            case status if status < 500:
                problem = Problem.of("not-found", f"There is nothing at {request.url.path}.")
            case _:
                problem = Problem.of("unexpected")
        problem.headers = dict(error.headers or {})
        # No route answers, so none could say that a person may have typed this address.
        if not reads_pages(request):
            return answer(problem, request)
        try:
            return problem_page(request, problem)
        except Problem as unbuilt:
            return answer(unbuilt, request)

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    async def on_database(request: Request, error: Exception) -> JSONResponse:
        return answer(Problem.of("database-unavailable"), request)

    @app.exception_handler(Exception)
    async def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        logger.error("request_failed", route=route_of(request), exc_info=error)
        return answer(Problem.of("unexpected"), request)


def too_slow() -> Problem:
    """408 for a body that did not come in time; what still comes is not read."""
    problem = Problem.of("request-too-slow")
    problem.headers["Connection"] = "close"
    return problem


def route_of(request: Request) -> str:
    """The route's template: its name carries no leaf, key or person."""
    return str(getattr(request.scope.get("route"), "path", "unmatched"))


def invalid(error: RequestValidationError, request: Request) -> Problem:
    """422 for a request whose parts do not have their form; or 415 for one that is no JSON."""
    errors = []
    for fault in error.errors():
        place = [str(part) for part in fault["loc"]]
        if fault["type"] == "json_invalid":
            return _malformed(f"{fault['ctx']['error']}, at character {place[-1]}.")
        if place == ["body"] and isinstance(fault["input"], bytes):
            return _undeclared(request.headers.get("content-type"))
        errors.append(FieldProblem(".".join(place[1:]) or place[0], *in_plain_words(fault)))
    detail = f"{errors[0].field}: {errors[0].detail}"
    problem = Problem.of("request-invalid", detail, errors[0].remedy)
    problem.errors = errors
    return problem


def _malformed(detail: str) -> Problem:
    return Problem.of("json-malformed", detail).about("body")


def _undeclared(content_type: str | None) -> Problem:
    """The framework parses no body that is not declared as JSON, and hands on its bytes."""
    seen = f"is {content_type}" if content_type else "is missing"
    detail = f"The header Content-Type {seen}."
    return Problem.of("content-type-not-json", detail).about("Content-Type")


def in_plain_words(fault: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong with a field, and what to do; the validator's own words are for Python."""
    values = fault.get("ctx", {})
    if "remedy" in values:
        return values["detail"], values["remedy"]
    if fault["type"] == "value_error":
        return _sentence(str(values["error"])), AS_DOCUMENTED
    kind = fault["type"]
    if kind in ("too_short", "too_long") and isinstance(fault["input"], str):
        kind = f"string_{kind}"
    if kind in PLAIN_WORDS:
        detail, remedy = PLAIN_WORDS[kind]
        return detail.format(**values), remedy.format(**values)
    return _sentence(fault["msg"]), AS_DOCUMENTED


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


AS_DOCUMENTED = "Send a value as /docs describes."
NO_OBJECT = ("This is no JSON object.", "Send an object, as /docs describes.")
NO_WHOLE_NUMBER = ("This is no whole number.", "Send a whole number in decimal digits.")
PLAIN_WORDS = {
    "extra_forbidden": ("There is no such field.", "Remove the field; /docs lists the known ones."),
    "missing": ("It is missing.", "Add it, as /docs describes."),
    "model_type": NO_OBJECT,
    "model_attributes_type": NO_OBJECT,
    "dict_type": NO_OBJECT,
    "list_type": ("This is no JSON array.", "Send an array, as /docs describes."),
    "string_type": ("This is no text.", "Send text in double quotes."),
    "string_unicode": ("The text is not Unicode.", "Leave out what is half a character."),
    "int_type": NO_WHOLE_NUMBER,
    "int_parsing": NO_WHOLE_NUMBER,
    "int_parsing_size": NO_WHOLE_NUMBER,
    "int_from_float": NO_WHOLE_NUMBER,
    "finite_number": NO_WHOLE_NUMBER,
    "greater_than_equal": ("The number is too small.", "Send {ge} or more."),
    "less_than_equal": ("The number is too large.", "Send {le} or less."),
    "too_short": ("The list is too short.", "Send {min_length} or more."),
    "too_long": ("The list is too long.", "Send at most {max_length}."),
    "string_too_short": ("The text is too short.", "Its length must be {min_length} or more."),
    "string_pattern_mismatch": ("The text does not have this field's form.", AS_DOCUMENTED),
    "string_too_long": ("The text is too long.", "Its length must be at most {max_length}."),
}
