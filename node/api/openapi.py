"""The description of the API says which problems each operation can answer, in one place.

What the description tells by itself is derived: who must sign in can be refused, what has a body
can be malformed. `BESIDES` has the rest, and the tests compare both with what is answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from node.api.body_limits import in_words
from node.api.operation_links import describe_links
from node.api.problem_documents import MEDIA_TYPE
from node.api.recorded_examples import describe_examples
from node.api.rule_schemas import describe_rules
from node.problems import catalogue

BESIDES: dict[tuple[str, str], set[int]] = {
    ("delete", "/v1/session"): {409},
    ("delete", "/v1/api-keys/{key_id}"): {409},
    ("put", "/v1/people/{person_id}/role"): {409},
    ("delete", "/v1/people/{person_id}"): {409},
    ("post", "/v1/sign-in/ethereum"): {401, 409},
    ("post", "/v1/sign-in/passkey"): {401},
    ("post", "/v1/sign-in/passkey/registration-challenge"): {401},
    ("post", "/v1/sign-in/passkey/registration"): {401, 409},
    ("post", "/v1/consents"): {404},
    ("post", "/v1/consent-requests"): {404},
    ("post", "/v1/consent-requests/import"): {404},
    ("post", "/v1/consent-requests/attest"): {404, 410},
    ("post", "/v1/consent-requests/{request_id}/attest"): {410},
    ("get", "/v1/consent-requests/{request_id}/qr.svg"): {409, 410},
    ("get", "/v1/requests/by-token"): {404},
    ("post", "/v1/requests/by-token/grant"): {404, 409, 410},
    ("post", "/v1/requests/by-token/refuse"): {404, 409, 410},
    ("post", "/v1/me/objections"): {404},
    ("post", "/v1/me/erasures"): {404},
    ("get", "/v1/rights-requests/by-token"): {404},
    ("post", "/v1/rights-requests/{rights_request_id}/answer"): {409},
    ("post", "/v1/consents/status"): {404},
    ("post", "/v1/usages"): {404},
    ("post", "/v1/vouchers"): {404},
    ("post", "/v1/settlements"): {404},
    ("post", "/v1/withdrawals"): {404},
    ("get", "/v1/proofs/{leaf}"): {409, 410},
    ("get", "/v1/consents/{leaf}"): {410},
    ("post", "/v1/records"): {404},
    ("post", "/v1/records/erasures"): {404},
    ("post", "/v1/did-documents"): {403},
    ("get", "/.well-known/did.json"): {404},
    ("post", "/v1/outbox/{act_id}/retry"): {409},
}
WITHOUT_DATABASE = {"/healthz", "/v1/ledger", "/v1/me/session"}
KINDS_NAMED_MAX = 10
HEADERS = {
    401: ("WWW-Authenticate", "The scheme: Bearer."),
    415: ("Accept", "The media type that the body must have."),
    429: ("Retry-After", "Seconds until it is worth asking again."),
    503: ("Retry-After", "Seconds until it is worth asking again."),
}
TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What was wrong, where, and what to do about it (RFC 9457).",
    "required": ["type", "title", "status", "detail", "remedy", "instance"],
    "additionalProperties": False,
    "properties": {
        "type": {**TEXT, "description": "The kind, and the address of the page that explains it."},
        "title": {**TEXT, "description": "The kind in words."},
        "status": {"type": "integer"},
        "detail": {**TEXT, "description": "What was wrong this time."},
        "remedy": {**TEXT, "description": "What to do about it."},
        "instance": {**TEXT, "description": "The path that was asked."},
        "requestId": {**TEXT, "description": "The request's id, as in the header X-Request-Id."},
        "errors": {
            "type": "array",
            "description": "Each field that was wrong.",
            "items": {
                "type": "object",
                "required": ["field", "detail", "remedy"],
                "additionalProperties": False,
                "properties": {
                    "field": {**TEXT, "examples": ["consents.0.leaf"]},
                    "detail": TEXT,
                    "remedy": TEXT,
                },
            },
        },
        "values": {"type": "object", "description": "The values of a rule that was broken."},
    },
}


def install(app: FastAPI) -> None:
    """Makes the application describe its problems, what follows from its answers, the rules'
    own documents, and an example of each body."""
    described = app.openapi

    def completed() -> dict[str, Any]:
        document = described()
        if "Problem" not in document["components"]["schemas"]:
            describe_problems(document)
            describe_links(document)
            describe_rules(document)
            describe_examples(document)
        return document

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's way


def describe_problems(document: dict[str, Any]) -> None:
    """Adds the problems of each operation, in place of the framework's own error."""
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        del components["schemas"][name]
    components["schemas"]["Problem"] = PROBLEM
    metrics = document["paths"]["/metrics"]["get"]["responses"]["200"]
    metrics["content"] = {"text/plain": {"schema": TEXT}}
    answered = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                operation["requestBody"]["description"] = in_words(path)
            statuses = sorted(_statuses(path, method, operation))
            answered.update(statuses)
            operation["responses"].pop("422", None)
            for status in statuses:
                operation["responses"][str(status)] = {
                    "$ref": f"#/components/responses/Problem{status}"
                }
    components["responses"] = {f"Problem{status}": _response(status) for status in sorted(answered)}


def _statuses(path: str, method: str, operation: dict[str, Any]) -> Iterator[int]:
    yield from BESIDES.get((method, path), ())
    yield from (429, 431)  # whoever asks, for whatever
    if path not in WITHOUT_DATABASE:
        yield 503
    yield 422  # for a query parameter that nobody knows, wherever there is nothing else to check
    if "requestBody" in operation:
        yield from (400, 408, 413, 415)
    if "security" in operation:
        yield 401
        if any(rights for each in operation["security"] for rights in each.values()):
            yield 403
        if operation["responses"].keys() & {"201", "202"}:  # what promises or creates can conflict
            yield 409
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and _is_identifier(parameter["schema"]):
            yield 404


def _is_identifier(schema: dict[str, Any]) -> bool:
    """Whether it names a thing that may not be there, other than a month or an account."""
    return schema["type"] == "integer" or str(schema["pattern"]).startswith("^0x")


def _response(status: int) -> dict[str, Any]:
    kinds = [f"`{kind.slug}`" for kind in catalogue().values() if kind.status == status]
    named = ", ".join(kinds) if len(kinds) <= KINDS_NAMED_MAX else "a kind that /problems explains"
    response: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {named}.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in HEADERS:
        name, description = HEADERS[status]
        response["headers"] = {name: {"description": description, "schema": TEXT}}
    return response
