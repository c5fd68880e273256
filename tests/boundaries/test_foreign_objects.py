"""What is one organisation's, no other sees, changes or finds: every operation of the description
with the owner's own request, sent by everybody who can call for others: keys of every role, people
and machines with a JWT.

Requests and objects come from `valid_requests`, so a new route is tried without a word here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import text

from node.tables import OWNED_BY_ORGANISATIONS, metadata
from protocol.types import to_hex
from tests.access.callers import ROLES
from tests.access.signing import HTTP
from tests.boundaries.parties import (
    Callers,
    Machine,
    Party,
    callers_of,
    machine_of,
    operators_machine,
    person_of,
)
from tests.boundaries.scene import Scene
from tests.boundaries.valid_requests import (
    CONSUMERS,
    LISTED,
    OPERATORS,
    PERSONS,
    Asked,
    Operation,
    delivery_token,
    earlier_request,
    operations,
    schemes_of,
    token_of_client,
    valid_request,
)
from tests.requests.learner_session import session_of as learner_session
from tests.stage import Json, wait_until

EMPTY = {
    ("post", "/v1/consent-requests/search"): ("items", []),
    ("post", "/v1/consent-requests/export"): ("requests", []),
    ("post", "/v1/consent-requests/erasure"): ("erased", 0),
    ("get", "/v1/catalogue/offers"): ("items", []),
    ("get", "/v1/usages"): ("items", []),
    ("get", "/v1/vouchers"): ("items", []),
}
"""Who asks for what is not there gets nothing of it, and no hint that another has it."""
MONTH_OF_USE = ("get", "/v1/usages/{agreement_id}/{month}")
ON_CHAIN = {
    ("get", "/v1/agreements/{agreement_id}"),
    ("get", "/v1/agreements/{agreement_id}/acceptance"),
    MONTH_OF_USE,
}
"""Facts that every participant of the chain reads: of use only the prices, and what is its own."""
BY_SIGNATURE = {
    ("post", "/v1/agreements/{agreement_id}/signatures"),
    ("post", "/v1/settlements"),
    ("post", "/v1/vouchers"),
}
"""What was signed is valid whoever brings it, to this node as to the chain."""
CHANGES = ("document", "suspend", "resume", "terminate")
OF_THE_PARTIES = {
    ("get", "/v1/vouchers"),
    ("get", "/v1/settlements/{settlement_id}"),
    *(("post", f"/v1/agreements/{{agreement_id}}/{act}") for act in CHANGES),
}
"""What a party reads too, or asks for in its own name."""
NOT_OF_AN_ORGANISATION = {"withdrawals", "challenges", "used_tokens", "process_metrics"}
SECURED = [
    pytest.param(operation, described, id=" ".join(operation))
    for operation, described in operations()
    if schemes_of(described)
]
OF_CALLERS = [
    pytest.param(operation, described, id=" ".join(operation))
    for operation, described in operations()
    if "Caller" in schemes_of(described) and operation not in PERSONS
]
OF_LEARNERS = [
    pytest.param(operation, described, id=" ".join(operation))
    for operation, described in operations()
    if "LearnerSession" in schemes_of(described)
]


OF_NODES = [
    pytest.param(operation, described, id=" ".join(operation))
    for operation, described in operations()
    if "NodeToken" in schemes_of(described)
]
PARTIES = {"provider", "consumer"}
"""Those of every agreement here."""


def owner_of(operation: Operation) -> str:
    """Whose request it is."""
    if operation in CONSUMERS:
        return "consumer"
    return "operator" if operation in OPERATORS else "provider"


@dataclass(slots=True)
class Other:
    """An organisation: its id, its callers, and all that it has said to who owns something."""

    id: bytes
    callers: Callers
    said: str = ""

    def leaks(self, scene: Scene, answer: httpx.Response) -> list[str]:
        """What the answer tells of the provider that this organisation had not said itself."""
        told = f"{answer.text} {answer.headers}"
        return [secret for secret in scene.told if secret in told and secret not in self.said]


@pytest.fixture(scope="module")
def stranger(scene: Scene) -> Party:
    return scene.stranger()


@pytest.fixture(scope="module")
def machines(scene: Scene, stranger: Party) -> Iterator[dict[str, Machine]]:
    """One of each organisation."""
    world = scene.world
    parties = [
        stranger,
        *(Party(each.role, each.did, each.client, each.wallet)
          for each in (world.provider, world.consumer)),
    ]  # fmt: skip
    with ExitStack() as published:
        made = {each.name: published.enter_context(machine_of(world, each)) for each in parties}
        yield {**made, "operator": operators_machine(world)}


@pytest.fixture(scope="module")
def organisations(scene: Scene, stranger: Party, machines: dict[str, Machine]) -> dict[str, Other]:
    world = scene.world
    known = {
        "stranger": (stranger.id, stranger.client),
        "operator": (world.story.stage.operator_id, world.operator),
        "consumer": (world.consumer.id, world.consumer.client),
        "provider": (world.provider.id, world.provider.client),
    }
    return {
        name: Other(own, callers_of(world, name, client, machines[name]))
        for name, (own, client) in known.items()
    }


@pytest.fixture(scope="module")
def other_learner(scene: Scene) -> str:
    """A session over a key that has no consent."""
    return token_of_client(learner_session(scene.world, secrets.token_bytes(32)))


@pytest.fixture(scope="module")
def person(scene: Scene) -> str:
    """The session of one of the provider's people."""
    return scene.person_session()


OF_PROCESSES = {
    "outbox": "state,transaction_id,attempts,not_before,failure",
    "webhooks": "position,attempts,failing_since,next_attempt_at,last_failure",
}


def rows_of(scene: Scene, organisation: bytes) -> dict[str, str]:
    """A digest of what an organisation has, table by table, but for what the node's own processes
    change of it meanwhile."""
    each = " UNION ALL ".join(
        f"SELECT '{table.name}', md5(string_agg(kept::text, '|' ORDER BY kept::text)) FROM (SELECT"
        f" to_jsonb(t) - '{{{OF_PROCESSES.get(table.name, '')}}}'::text[] AS kept"
        f" FROM {table.fullname} t WHERE organisation_id = :owner) AS rows"
        for table in OWNED_BY_ORGANISATIONS
    )
    with scene.world.node.engine.connect() as connection:
        found = connection.execute(text(each), {"owner": organisation})
        return {row[0]: row[1] for row in found}


def assert_refused(operation: Operation, asked: Asked, answer: httpx.Response) -> None:
    """What is named by its address is not there for this caller; what is asked for by a value is
    answered as if nobody had it; nobody else does what the operator or a consumer may."""
    if answer.status_code == 403:
        return
    if operation in EMPTY:
        found = answer.json()
        field, nothing = EMPTY[operation]
        assert found[field] == nothing
    elif asked.path:
        assert answer.status_code == 404, answer.text
    elif operation in OPERATORS | CONSUMERS:
        assert answer.status_code in (404, 409, 422), answer.text


# -- one organisation's objects --------------------------------------------------------------------


def test_what_belongs_to_an_organisation_is_looked_at() -> None:
    with_owner = {table.name for table in metadata.tables.values() if "organisation_id" in table.c}
    assert with_owner - NOT_OF_AN_ORGANISATION == {table.name for table in OWNED_BY_ORGANISATIONS}


@pytest.mark.parametrize(("operation", "described"), OF_CALLERS)
def test_the_owners_request_gives_nobody_else_anything(
    scene: Scene, organisations: dict[str, Other], operation: Operation, described: Json
) -> None:
    asked, owner = valid_request(scene, operation, described), owner_of(operation)
    wait_until_settled(scene)
    own_id, url = organisations[owner].id, scene.world.node.url
    before = rows_of(scene, own_id)
    for name, other in organisations.items():
        if name == owner:
            continue
        other.said += asked.text
        is_party = {name, owner} <= PARTIES
        may_see = operation in ON_CHAIN or (is_party and operation in OF_THE_PARTIES)
        for who, token in other.callers.items():
            answer = asked.send(url, token())
            assert answer.status_code < 500
            assert answer.status_code != 401, f"{who} is nobody here: {answer.text}"
            assert name == "provider" or other.leaks(scene, answer) == [], (who, answer.text)
            if operation not in BY_SIGNATURE and not may_see:
                assert_refused(operation, asked, answer)
            if operation == MONTH_OF_USE and answer.is_success:
                seen = answer.json()
                assert (seen["uses"]["units"], seen["voucher"]) == (0, None), who
    if operation not in BY_SIGNATURE:
        assert rows_of(scene, own_id) == before
    own = asked.send(url, asked.token)
    assert own.is_success or operation in BY_SIGNATURE, f"so nothing was shown: {own.text}"
    if operation in LISTED:
        assert Other(b"", {}).leaks(scene, own), "so the list had nothing to give away"
    if operation == MONTH_OF_USE:
        assert own.json()["uses"]["units"] > 0, "so there was nothing to show"


def test_everybody_who_can_call_is_among_the_others(organisations: dict[str, Other]) -> None:
    assert organisations.keys() == {"stranger", "operator", "consumer", "provider"}
    for name, each in organisations.items():
        keys = {f"key of {name}, {role}" for role in ROLES}
        assert each.callers.keys() == {*keys, f"person of {name}", f"JWT of {name}"}
    tried = {each.values[0] for each in (*OF_CALLERS, *OF_LEARNERS, *OF_NODES)}
    assert tried | PERSONS == {each.values[0] for each in SECURED}


def test_who_signs_out_ends_no_session_of_another(
    scene: Scene, organisations: dict[str, Other], stranger: Party
) -> None:
    """The one operation that concerns its caller alone, and names nothing of anybody's."""
    world = scene.world
    session, url = scene.person_session(), f"{world.node.url}/v1/session"
    before = rows_of(scene, world.provider.id)
    for name, client in (("stranger", stranger.client), ("consumer", world.consumer.client)):
        machines = [token for who, token in organisations[name].callers.items()
                    if not who.startswith("person")]  # fmt: skip
        tokens = [*(token() for token in machines), person_of(world, client)]
        answers = [
            HTTP.delete(url, headers={"Authorization": f"Bearer {token}"}) for token in tokens
        ]
        assert [each.status_code for each in answers] == [409] * len(machines) + [204]
    assert rows_of(scene, world.provider.id) == before
    assert HTTP.get(url, headers={"Authorization": f"Bearer {session}"}).is_success


@pytest.mark.parametrize(("operation", "described"), OF_NODES)
def test_another_organisations_node_delivers_and_erases_nothing_of_the_issuers(
    scene: Scene, machines: dict[str, Machine], operation: Operation, described: Json
) -> None:
    """The recipient is hosted here, so that only who sends decides."""
    asked, recipient = valid_request(scene, operation, described), scene.world.consumer.id
    assert asked.body["recipient"] == to_hex(recipient)
    before = rows_of(scene, recipient)
    for name in ("stranger", "consumer"):
        answer = asked.send(scene.world.node.url, machines[name].sender(asked.content or b""))
        assert [each["outcome"] for each in answer.json()["results"]] == ["refused"], answer.text
    assert rows_of(scene, recipient) == before
    own = asked.send(scene.world.node.url, asked.token)
    assert [each["outcome"] for each in own.json()["results"]] != ["refused"], own.text


def wait_until_settled(scene: Scene) -> None:
    """Nothing is on its way, so what changes was changed by a caller."""
    wait_until(lambda: scene.world.node.open_acts() == 0, "an empty outbox")


def test_a_leak_is_heard(scene: Scene) -> None:
    """The owner's own answer has what the tests above look for."""
    reader = Other(b"", {})
    scene.webhook()
    answer = HTTP.get(
        f"{scene.world.node.url}/v1/webhooks",
        headers={"Authorization": f"Bearer {token_of_client(scene.provider)}"},
    )
    found = reader.leaks(scene, answer)
    assert len(found) == 2, "its id and the mark in its address"
    reader.said = answer.text
    assert reader.leaks(scene, answer) == []


# -- one kind of credentials where another is due --------------------------------------------------


@pytest.mark.parametrize(("operation", "described"), SECURED)
def test_no_credentials_and_those_of_another_kind_open_nothing(
    scene: Scene, person: str, machines: dict[str, Machine], operation: Operation, described: Json
) -> None:
    """An organisation's key, person or JWT where a learner's session or a node's token is due, and
    the other way round."""
    asked = earlier_request(scene, operation, described)
    wait_until_settled(scene)
    owner = scene.world.provider.id
    before, url = rows_of(scene, owner), scene.world.node.url
    learner = Other(b"", {}, said=asked.text)
    kinds = {
        "Caller": [
            token_of_client(scene.provider),
            person,
            machines["provider"].caller(),
        ],
        "LearnerSession": [scene.learner],
        "NodeToken": [delivery_token(scene, asked.content or b"")],
    }
    assert schemes_of(described) < kinds.keys()
    wrong = [each for kind, tokens in kinds.items() if kind not in schemes_of(described)
             for each in tokens]  # fmt: skip
    for token in (None, *wrong):
        answer = asked.send(url, token)
        assert answer.status_code == 401, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert learner.leaks(scene, answer) == []
    assert rows_of(scene, owner) == before


@pytest.mark.parametrize(("operation", "described"), OF_LEARNERS)
def test_a_learner_sees_nothing_of_another(
    scene: Scene, other_learner: str, operation: Operation, described: Json
) -> None:
    asked, owner = valid_request(scene, operation, described), scene.world.provider.id
    before = rows_of(scene, owner)
    answer = asked.send(scene.world.node.url, other_learner)
    assert Other(b"", {}, said=asked.text).leaks(scene, answer) == []
    if asked.body is not None:
        assert answer.status_code in (401, 404, 422), answer.text
    assert rows_of(scene, owner) == before
    own = asked.send(scene.world.node.url, asked.token)
    assert own.is_success
    if operation == ("get", "/v1/me/export"):
        assert Other(b"", {}).leaks(scene, own), "the owner sees it"
