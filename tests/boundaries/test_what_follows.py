"""From answer to next request, as the description links them, in any order: what was made is there,
until it is removed, and every answer on the way is one that is described."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.transport import Response
from schemathesis.generation.stateful.state_machine import APIStateMachine, StepInput, StepOutput

from node.api.operation_links import LINKS
from tests.boundaries.scene import Scene
from tests.boundaries.test_whatever_is_sent import (
    CONFORMANCE,
    described_as,
    description_to_send_by,
)
from tests.boundaries.valid_requests import Operation, earlier_request, valid_request

STORIES = 8
STORIES_DEEP = 60
STEPS = 8
INVOLVED = {*LINKS} | {target for _, _, targets in LINKS.values() for target in targets}

linked = schemathesis.openapi.from_dict(description_to_send_by()).include(
    lambda context: (context.operation.method.lower(), context.operation.path) in INVOLVED
)
linked.config.phases.stateful.inference.algorithms = []  # those alone that are described
Machine: type[APIStateMachine] = linked.as_state_machine()


ENDING = {("post", "/v1/api-keys/{key_id}/rotate")}
"""Beside what deletes: without an overlap the key that is exchanged is gone at once."""


class Stories(Machine):  # type: ignore[misc, valid-type]  # made from the description
    """Each step has a body and a caller with which it succeeds, as long as its object is there."""

    scene: ClassVar[Scene]
    followed: ClassVar[set[str]]

    def setup(self) -> None:
        self.scene.world.node.sql("DELETE FROM node.webhooks")  # there is a limit
        self.removed: set[str] = set()

    def step(self, input: StepInput) -> StepOutput:
        case, linked_names = input.case, {name for _, name in input.applied_parameters}
        operation = (case.operation.method.lower(), case.operation.path)
        made = valid_request if operation in LINKS else earlier_request
        real = made(self.scene, operation, described_as[operation])
        from_earlier = {
            place: {name: value for name, value in (given or {}).items() if name in linked_names}
            for place, given in (("path", case.path_parameters), ("headers", case.headers))
        }
        asked = replace(
            real,
            path={**real.path, **from_earlier["path"]},
            headers={**real.headers, **from_earlier["headers"]},
        )
        answer = asked.send(self.scene.world.node.url, real.token)
        case.validate_response(answer, checks=CONFORMANCE)
        self.judge(operation, answer.status_code, {*asked.path.values()}, input)
        return StepOutput(Response.from_any(answer), case)

    def judge(self, operation: Operation, status: int, named: set[str], input: StepInput) -> None:
        """What makes something succeeds; what an earlier answer named is there until it is removed,
        though it may have been answered or used up."""
        if operation in LINKS:
            assert status < 400, (operation, status)
        elif input.applied_parameters and not named & self.removed:
            assert status not in (401, 403, 404), (operation, status)
        if operation[0] == "delete" or operation in ENDING:
            self.removed |= named
        if input.transition is not None and input.applied_parameters:
            self.followed.add(" ".join(operation))


def follow(scene: Scene, stories: int) -> set[str]:
    """The operations to which links led."""
    Stories.scene, Stories.followed = scene, set()
    for operation in INVOLVED - {*LINKS}:  # else an object made on the way displaces another
        earlier_request(scene, operation, described_as[operation])
    chosen: Any = settings(
        max_examples=stories,
        stateful_step_count=STEPS,
        derandomize=stories < STORIES_DEEP,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    Stories.run(settings=chosen)
    return Stories.followed


def test_what_an_answer_leads_to_is_there(scene: Scene) -> None:
    assert len(follow(scene, STORIES)) > 3


@pytest.mark.deep
def test_deep_what_an_answer_leads_to_is_there(scene: Scene) -> None:
    targets = {" ".join(target) for _, _, targets in LINKS.values() for target in targets}
    assert follow(scene, STORIES_DEEP) == targets
