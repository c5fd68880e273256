"""`/v1/webhooks`: registered, seen and deleted by their organisation alone; the node delivers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from node.commands import keep_webhooks
from tests.refusals import assert_problem, refused, send
from tests.stage import Json, World, wait_until
from tests.webhook_receiver import Receiver, open_receiver

PATH = "/v1/webhooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@pytest.fixture
def organisation(world: World) -> Iterator[World]:
    """A world without webhooks, before (any request that suits the interface may have made some)
    and after."""
    world.node.sql("DELETE FROM node.webhooks")
    yield world
    world.node.sql("DELETE FROM node.webhooks")


def register(world: World, url: str, **asked: Any) -> Json:
    answer: Json = world.consumer.client.post(PATH, {"url": url, **asked})
    return answer


def own(world: World) -> list[Json]:
    items: list[Json] = world.consumer.client.get(PATH)["items"]
    return items


def test_a_running_node_delivers(organisation: World, receiver: Receiver, secret: bytes) -> None:
    registered = register(organisation, receiver.url, names=["LeavesAnchored"])
    assert registered["secret"].startswith("whsec_")
    organisation.grant_active(secret)
    wait_until(lambda: receiver.requests, "a delivery")
    delivered = receiver.verified(registered["secret"])
    assert {(body["name"], body["final"]) for body in delivered} == {("LeavesAnchored", True)}
    # What other consents wait for may follow at once: the position is that of the last delivery.
    wait_until(
        lambda: (
            own(organisation)[0]["position"]
            == receiver.verified(registered["secret"])[-1]["position"]
        ),
        "the new position",
    )


def test_a_running_node_delivers_again_when_asked(
    organisation: World, receiver: Receiver, secret: bytes
) -> None:
    receiver.answer = lambda count: 410 if count == 1 else 200
    registered = register(organisation, receiver.url, names=["LeavesAnchored"])
    organisation.grant_active(secret)
    wait_until(lambda: own(organisation)[0]["disabledReason"], "the end of deliveries")
    path = f"{PATH}/{registered['webhookId']}/redeliver"
    again = organisation.consumer.client.post(path, {"after": registered["position"]})
    assert (again["disabledReason"], again["attempts"]) == (None, 0)
    wait_until(lambda: len(receiver.requests) == 2, "the delivery again")
    assert receiver.ids()[0] == receiver.ids()[1]
    organisation.consumer.client.post(path, {"after": "0-0-0"})
    wait_until(lambda: len(receiver.requests) > 3, "everything again")


def test_the_secret_is_shown_once_and_sealed(organisation: World) -> None:
    registered = register(organisation, "https://127.0.0.1:1/")
    [shown] = own(organisation)
    assert shown == {name: value for name, value in registered.items() if name != "secret"}
    [row] = organisation.node.sql("SELECT webhooks::text AS everything FROM node.webhooks")
    assert registered["secret"] not in row.everything
    assert registered["secret"].removeprefix("whsec_").encode().hex() not in row.everything


def test_a_webhook_is_its_organisations_alone(organisation: World) -> None:
    registered = register(organisation, "https://127.0.0.1:1/")
    path = f"{PATH}/{registered['webhookId']}"
    for stranger in (organisation.provider.client, organisation.operator):
        assert stranger.get(PATH) == {"items": []}
        answer = send(stranger, "DELETE", path)
        assert_problem(answer, 404, "webhook-not-found", None)
        answer = send(stranger, "POST", f"{path}/redeliver", {"after": "0-0-0"})
        assert_problem(answer, 404, "webhook-not-found", None)
    assert len(own(organisation)) == 1
    assert send(organisation.consumer.client, "DELETE", path).status_code == 204
    assert own(organisation) == []
    assert_problem(
        send(organisation.consumer.client, "DELETE", path), 404, "webhook-not-found", None
    )


@pytest.mark.parametrize(
    ("body", "slug", "field"),
    [
        ({"url": "http://93.184.216.34/"}, "webhook-url-refused", "url"),
        ({"url": "https://user@127.0.0.1/"}, "webhook-url-refused", "url"),
        ({"url": "https://nowhere.invalid/"}, "webhook-url-refused", "url"),
        ({"url": "nonsense"}, "webhook-url-refused", "url"),
        ({"url": "https://127.0.0.1/", "names": ["Nothing"]}, "request-invalid", "names"),
        ({"url": "https://127.0.0.1/", "more": 1}, "request-invalid", "more"),
        ({}, "request-invalid", "url"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    at_rest: World, body: Json, slug: str, field: str
) -> None:
    refused(at_rest, at_rest.consumer.client, PATH, body, 422, slug, field)


def test_an_organisation_has_a_limited_number(organisation: World) -> None:
    for _ in range(keep_webhooks.WEBHOOKS_MAX):
        register(organisation, "https://127.0.0.1:1/", names=["RateSet"])
    body = {"url": "https://127.0.0.1:1/"}
    answer = send(organisation.consumer.client, "POST", PATH, body)
    assert_problem(answer, 409, "webhook-limit", None)
    organisation.provider.client.post(PATH, body)


def test_nobody_goes_back_to_a_position_of_the_future(organisation: World) -> None:
    registered = register(organisation, "https://127.0.0.1:1/")
    path = f"{PATH}/{registered['webhookId']}/redeliver"
    for after, slug in (("9-0-0", "position-unknown"), ("soon", "request-invalid")):
        answer = send(organisation.consumer.client, "POST", path, {"after": after})
        assert_problem(answer, 422, slug, "after")
