"""What is one organisation's, no other sees, changes or finds: every operation of the description
with the owner's own request, sent by every role of others.

Requests and objects come from `valid_requests`, so a new route is tried without a word here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import text

from node.client import NodeClient
from node.tables import OWNED_BY_ORGANISATIONS, metadata
from tests.access.callers import ROLES, make_key
from tests.access.signing import HTTP, new_account, session_of
from tests.boundaries.scene import Scene
from tests.boundaries.valid_requests import (
    CONSUMERS,
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
    ("get", "/v1/vouchers"): ("items", []),
}
"""Who asks for what is not there gets nothing of it, and no hint that another has it."""
ON_CHAIN = {
    ("get", "/v1/agreements/{agreement_id}"),
    ("get", "/v1/agreements/{agreement_id}/acceptance"),
    ("get", "/v1/usages/{agreement_id}/{month}"),
}
"""Facts that every participant of the chain reads: of use only the prices, and what is its own."""
BY_SIGNATURE = {
    ("post", "/v1/agreements/{agreement_id}/signatures"),
    ("post", "/v1/settlements"),
}
"""What was signed is valid whoever brings it, to this node as to the chain."""
CHANGES = ("document", "suspend", "resume", "terminate")
OF_THE_PARTIES = {
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
    if "Caller" in schemes_of(described) and operation not in OPERATORS | CONSUMERS | PERSONS
]
"""Without those of the operator and of consumers, who are among the others here."""
OF_LEARNERS = [
    pytest.param(operation, described, id=" ".join(operation))
    for operation, described in operations()
    if "LearnerSession" in schemes_of(described)
]


@dataclass(slots=True)
class Other:
    """An organisation that is not the owner: its callers' tokens, and all that it has said."""

    tokens: dict[str, str]
    is_party: bool
    said: str = ""

    def leaks(self, scene: Scene, answer: httpx.Response) -> list[str]:
        """What the answer tells of the owner that this organisation had not said itself."""
        told = f"{answer.text} {answer.headers}"
        return [secret for secret in scene.told if secret in told and secret not in self.said]


@pytest.fixture(scope="module")
def others(scene: Scene) -> list[Other]:
    world, stranger = scene.world, scene.stranger()
    invited = stranger.post("/v1/people", {"label": "of the stranger", "role": "admin"})
    _, person = session_of(world, new_account(), invitation=invited["invitation"])

    def by_role(name: str, maker: NodeClient) -> dict[str, str]:
        return {f"{name}'s {role}": make_key(maker, role)["apiKey"] for role in ROLES}

    person_of_stranger = {"stranger's person": token_of_client(person)}
    return [
        Other({**by_role("stranger", stranger), **person_of_stranger}, is_party=False),
        Other(by_role("operator", world.operator), is_party=False),
        Other(by_role("consumer", world.consumer.client), is_party=True),
    ]


@pytest.fixture(scope="module")
def other_learner(scene: Scene) -> str:
    """A session over a key that has no consent."""
    return token_of_client(learner_session(scene.world, secrets.token_bytes(32)))


OF_PROCESSES = {
    "outbox": "state,transaction_id,attempts,not_before,failure",
    "webhooks": "position,attempts,failing_since,next_attempt_at,last_failure",
}


def rows_of_owner(scene: Scene) -> dict[str, str]:
    """A digest of what the provider has, table by table, but for what the node's own processes
    change of it meanwhile."""
    each = " UNION ALL ".join(
        f"SELECT '{table.name}', md5(string_agg(kept::text, '|' ORDER BY kept::text)) FROM (SELECT"
        f" to_jsonb(t) - '{{{OF_PROCESSES.get(table.name, '')}}}'::text[] AS kept"
        f" FROM {table.fullname} t WHERE organisation_id = :owner) AS rows"
        for table in OWNED_BY_ORGANISATIONS
    )
    with scene.world.node.engine.connect() as connection:
        found = connection.execute(text(each), {"owner": scene.world.provider.id})
        return {row[0]: row[1] for row in found}


def assert_refused(operation: Operation, asked: Asked, answer: httpx.Response) -> None:
    """What is named by its address is not there for this caller; what is asked for by a value is
    answered as if nobody had it."""
    if answer.status_code == 403:
        return
    if operation in EMPTY:
        found = answer.json()
        field, nothing = EMPTY[operation]
        assert found[field] == nothing
    elif asked.path:
        assert answer.status_code == 404, answer.text


# -- one organisation's objects --------------------------------------------------------------------


def test_what_belongs_to_an_organisation_is_looked_at() -> None:
    with_owner = {table.name for table in metadata.tables.values() if "organisation_id" in table.c}
    assert with_owner - NOT_OF_AN_ORGANISATION == {table.name for table in OWNED_BY_ORGANISATIONS}


@pytest.mark.parametrize(("operation", "described"), OF_CALLERS)
def test_the_owners_request_gives_nobody_else_anything(
    scene: Scene, others: list[Other], operation: Operation, described: Json
) -> None:
    asked = valid_request(scene, operation, described)
    wait_until_settled(scene)
    before = rows_of_owner(scene)
    for other in others:
        other.said += asked.text
        may_see = operation in ON_CHAIN or (other.is_party and operation in OF_THE_PARTIES)
        for name, token in other.tokens.items():
            answer = asked.send(scene.world.node.url, token)
            assert answer.status_code < 500
            assert other.leaks(scene, answer) == [], (name, answer.text)
            if operation not in BY_SIGNATURE and not may_see:
                assert_refused(operation, asked, answer)
    if operation not in BY_SIGNATURE:
        assert rows_of_owner(scene) == before
    own = asked.send(scene.world.node.url, asked.token)
    assert own.is_success or operation in BY_SIGNATURE, f"so nothing was shown: {own.text}"


def wait_until_settled(scene: Scene) -> None:
    """Nothing is on its way, so what changes was changed by a caller."""
    url = f"{scene.world.node.url}/readyz"
    wait_until(lambda: HTTP.get(url).json().get("outboxOpen") == 0, "an empty outbox")


def test_a_leak_is_heard(scene: Scene) -> None:
    """The owner's own answer has what the tests above look for."""
    reader = Other({}, is_party=False)
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
    scene: Scene, operation: Operation, described: Json
) -> None:
    """An organisation's key where a learner's session or a node's token is due, and the other way
    round."""
    asked = earlier_request(scene, operation, described)
    wait_until_settled(scene)
    before, url = rows_of_owner(scene), scene.world.node.url
    learner = Other({}, is_party=False, said=asked.text)
    kinds = {
        "Caller": token_of_client(scene.provider),
        "LearnerSession": scene.learner,
        "NodeToken": delivery_token(scene, asked.content or b""),
    }
    wrong = {None, *(token for kind, token in kinds.items() if kind not in schemes_of(described))}
    assert len(wrong) == len(kinds)
    for token in wrong:
        answer = asked.send(url, token)
        assert answer.status_code == 401, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert learner.leaks(scene, answer) == []
    assert rows_of_owner(scene) == before


@pytest.mark.parametrize(("operation", "described"), OF_LEARNERS)
def test_a_learner_sees_nothing_of_another(
    scene: Scene, other_learner: str, operation: Operation, described: Json
) -> None:
    asked = valid_request(scene, operation, described)
    before = rows_of_owner(scene)
    answer = asked.send(scene.world.node.url, other_learner)
    assert Other({}, is_party=False, said=asked.text).leaks(scene, answer) == []
    if asked.body is not None:
        assert answer.status_code in (401, 404, 422), answer.text
    assert rows_of_owner(scene) == before
    own = asked.send(scene.world.node.url, asked.token)
    assert own.is_success
    if operation == ("get", "/v1/me/export"):
        assert Other({}, is_party=False).leaks(scene, own), "the owner sees it"
