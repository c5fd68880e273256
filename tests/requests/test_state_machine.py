"""Whatever is done to requests, in whatever order: the node says what a plain model says."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.refusals import send
from tests.requests.asking import (
    PURPOSES,
    answered,
    ask,
    compose,
    decline,
    expire,
    opened,
    token_of,
)
from tests.stage import Json, World

ROUTE = "/v1/consent-requests"


@dataclass(slots=True)
class Modelled:
    """A request as the words have it: the first answer in time counts, and nothing after it."""

    request_id: str
    token: str
    minimum: str
    subject: str
    seen: Json
    state: str = "sent"
    granted: int = 0
    sent: list[Json] = field(default_factory=list)

    def status(self, *, repeats: bool) -> int:
        """What an answer gets: 202 as long as nobody answered, or again for the same one."""
        if self.state == "erased":
            return 404
        if self.state == "sent" or repeats:
            return 202
        return 410 if self.state == "expired" else 409


class Requests(RuleBasedStateMachine):
    """Requests of one person, and what was done to them."""

    world: ClassVar[World]
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Modelled] = []
        self.subject = f"model-{secrets.token_hex(8)}"

    @rule(target=requests, minimum=st.sampled_from(["attested", "signed"]))
    def ask(self, minimum: str) -> Modelled:
        made = ask(self.world, subjectReference=self.subject, minimumAssurance=minimum)
        token = token_of(made)
        seen = opened(self.world, token)
        kept = Modelled(made["requestId"], token, minimum, self.subject, seen)
        self.known.append(kept)
        return kept

    @rule(request=requests, places=st.sampled_from([(0,), (1,), (0, 1), (1, 0)]))
    def grant(self, request: Modelled, places: tuple[int, ...]) -> None:
        records = [compose(request.seen, each, secrets.token_bytes(32)) for each in places]
        status = request.status(repeats=False)
        assert answered(self.world, request.token, records).status_code == status
        if status == 202:
            request.state, request.granted, request.sent = "granted", len(places), records

    @rule(request=requests)
    def grant_again(self, request: Modelled) -> None:
        if request.sent:
            status = request.status(repeats=request.state == "granted")
            assert answered(self.world, request.token, request.sent).status_code == status

    @rule(request=requests)
    def refuse(self, request: Modelled) -> None:
        answer = decline(self.world, request.token)
        status = request.status(repeats=request.state == "refused")
        assert answer.status_code == (200 if status == 202 else status)
        if request.state == "sent":
            request.state = "refused"

    @rule(request=requests)
    def attest(self, request: Modelled) -> None:
        path = f"{ROUTE}/{request.request_id}/attest"
        answer = send(self.world.provider.client, "POST", path)
        status = request.status(repeats=False)
        if status == 202 and request.minimum == "signed":
            status = 422
        assert answer.status_code == status
        if status == 202:
            request.state, request.granted = "granted", len(PURPOSES)

    @rule(request=requests)
    def let_time_pass(self, request: Modelled) -> None:
        expire(self.world, request.request_id)
        if request.state == "sent":
            request.state = "expired"

    @rule()
    def erase(self) -> None:
        subject = {"subjectReference": self.subject}
        answer: Any = self.world.provider.client.post(f"{ROUTE}/erasure", subject)
        there = [each for each in self.known if each.state != "erased"]
        assert answer == {"erased": len(there)}
        for each in there:
            each.state = "erased"

    @invariant()
    def says_what_the_model_says(self) -> None:
        body = {"subjectReference": self.subject, "limit": 100}
        items = self.world.provider.client.post(f"{ROUTE}/search", body)["items"]
        there = [each for each in self.known if each.state != "erased"]
        assert {item["requestId"]: item["state"] for item in items} == {
            each.request_id: each.state for each in there
        }
        granted = {
            item["requestId"]: sum(bool(purpose["leaf"]) for purpose in item["purposes"])
            for item in items
        }
        assert granted == {each.request_id: each.granted for each in there}
        links = {item["requestId"] for item in items if item["link"]}
        assert links == {each.request_id for each in there if each.state == "sent"}


@pytest.mark.parametrize("examples", [12])
def test_the_node_says_what_a_plain_model_says(world: World, examples: int) -> None:
    run_state_machine_as_test(
        type("OfThisWorld", (Requests,), {"world": world}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
