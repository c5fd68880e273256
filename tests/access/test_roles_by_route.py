"""Every operation of the API's description, tried by every role and by whoever has no right.

The list of operations and the right that each needs come from the description, so a new route is
tried without a word here; one that forgets to say what it needs fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from node.api.app import create_app
from node.client import NodeClient
from tests.access.callers import AREAS, ROLES, client_of, invalid_clients
from tests.access.test_permissions import RIGHTS
from tests.refusals import assert_problem, nothing_written
from tests.stage import Json, World

FOR_ANY_CALLER = {("get", "/v1/session"), ("delete", "/v1/session")}
"""About the caller alone."""
PLACES = {"month": "2026-11", "act_id": "1", "account": "issued"}
LENGTHS = {
    "organisation_id": 20,
    **dict.fromkeys(("webhook_id", "key_id", "person_id", "session_id"), 16),
    **dict.fromkeys(("request_id", "rights_request_id"), 16),
}

DESCRIPTION: Json = create_app().openapi()


def operations() -> Iterator[tuple[str, str, str | None, Json]]:
    """Method, path, the right it needs, and the operation, of all that need a caller."""
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            [*rights] = [
                each["Caller"] for each in operation.get("security", ()) if "Caller" in each
            ]
            if rights:
                [[*asked]] = rights
                yield method, path, asked[0] if asked else None, operation


NEEDING = [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in operations()]


def call(client: NodeClient, method: str, path: str, operation: Json) -> httpx.Response:
    """The operation on things that do not exist, with an empty body where there is one."""

    def place(match: re.Match[str]) -> str:
        name = match[1]
        return PLACES.get(name) or "0x" + "00" * LENGTHS.get(name, 32)

    target = re.sub(r"\{(\w+)\}", place, path)
    query = {
        each["name"]: "0x" + "00" * 32
        for each in operation.get("parameters", ())
        if each["in"] == "query" and each.get("required")
    }
    body = {} if "requestBody" in operation else None
    return client._http.request(method, target, params=query, json=body)


@pytest.fixture(scope="module")
def by_role(world: World) -> dict[str, NodeClient]:
    return {role: client_of(world.provider.client, role) for role in ROLES}


@pytest.fixture(scope="module")
def by_missing_area(world: World) -> dict[str, NodeClient]:
    """Admins of all areas but one."""
    return {
        area: client_of(
            world.provider.client, "admin", areas=[other for other in AREAS if other != area]
        )
        for area in AREAS
    }


@pytest.fixture(scope="module")
def without_right(world: World) -> dict[str, NodeClient]:
    return invalid_clients(world, world.provider.client)


ASKED_BY_POST = {
    "/v1/consents/status",
    "/v1/consent-requests/search",
    "/v1/consent-requests/export",
}


def test_every_operation_with_a_caller_says_what_it_needs() -> None:
    found = list(operations())
    assert len(found) > 30
    silent = {(method, path) for method, path, right, _ in found if right is None}
    assert silent == FOR_ANY_CALLER
    assert {right for *_, right, _ in found if right} <= RIGHTS["admin"]
    reading = {path for method, path, right, _ in found if method == "get" and right}
    assert all(
        right.endswith(":read") == (method == "get" or path in ASKED_BY_POST)
        for method, path, right, _ in found
        if right
    ), "what is read needs a right to read, what is written one to write"
    assert len(reading) > 10


def test_nothing_of_an_organisation_is_open_to_everybody() -> None:
    """Public operations are those that are meant to be; a new one is added here on purpose."""
    public = {
        path
        for path, methods in DESCRIPTION["paths"].items()
        for operation in methods.values()
        if "security" not in operation and path.startswith("/v1/")
    }
    assert public == {
        *("/v1/accounts", "/v1/accounts/{account}", "/v1/ledger", "/v1/me/session"),
        *("/v1/did-documents/{organisation_id}", "/v1/requests/by-token"),
        *("/v1/requests/by-token/grant", "/v1/requests/by-token/refuse"),
        *("/v1/organisations/{organisation_id}/rights-requests", "/v1/rights-requests/by-token"),
        *("/v1/participants", "/v1/participants/{organisation_id}", "/v1/rates"),
        *("/v1/sign-in/ethereum", "/v1/sign-in/ethereum/nonce", "/v1/sign-in/passkey"),
        *("/v1/sign-in/passkey/challenge", "/v1/sign-in/passkey/registration"),
        *("/v1/sign-in/passkey/registration-challenge", "/v1/statements/{month}"),
        *("/v1/withdrawals", "/v1/withdrawals/{leaf}"),
    }


@pytest.mark.parametrize(("method", "path", "right", "operation"), NEEDING)
def test_a_role_without_the_right_is_refused_and_one_with_it_is_not(
    world: World,
    by_role: dict[str, NodeClient],
    by_missing_area: dict[str, NodeClient],
    method: str,
    path: str,
    right: str | None,
    operation: Json,
) -> None:
    for role, client in by_role.items():
        if right is None or right in RIGHTS[role]:
            answer = call(client, method, path, operation)
            assert answer.status_code not in (401,), (role, answer.text)
            assert "role-missing" not in answer.text, role
        else:
            with nothing_written(world):
                answer = call(client, method, path, operation)
            problem = assert_problem(answer, 403, "role-missing", None)
            assert right in problem["detail"]
            assert role in problem["detail"]
    if right is not None:
        assert "403" in operation["responses"]
        limited = call(by_missing_area[right.partition(":")[0]], method, path, operation)
        assert_problem(limited, 403, "role-missing", None)


@pytest.mark.parametrize(("method", "path", "right", "operation"), NEEDING)
def test_whoever_has_no_valid_credentials_is_not_known(
    world: World,
    without_right: dict[str, NodeClient],
    method: str,
    path: str,
    right: str | None,
    operation: Json,
) -> None:
    assert len(without_right) > 6
    for name, client in without_right.items():
        with nothing_written(world):
            answer = call(client, method, path, operation)
        slug = "session-ended" if name == "invented session" else "key-invalid"
        assert_problem(answer, 401, slug, None)
        assert answer.headers["www-authenticate"] == "Bearer"
