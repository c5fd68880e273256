"""What an agreement's policy asks of consents holds for each that is granted under it."""

from __future__ import annotations

import pytest

from protocol.record import to_json
from tests.demanding import asking_for, attested, conclude_with
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import World

PATH = "/v1/consents"


@pytest.mark.parametrize("keeper", ["provider", "consumer"])
def test_a_consent_with_less_than_the_policy_asks_for_is_refused(
    world: World, secret: bytes, keeper: str
) -> None:
    """Whichever party keeps the document on this node; the provider is the issuer."""
    document, changes = asking_for(world, "signed")
    agreement = conclude_with(world, world.provider, document, world.make_terms(**changes))
    world.node.sql(
        "UPDATE node.agreement_documents SET organisation_id = :keeper WHERE agreement_id = :id",
        keeper=world.story.parties[keeper].id,
        id=agreement,
    )
    signed = world.make_record(secret, agreement_id=agreement)
    records = [to_json(signed), to_json(attested(world, agreement))]
    with nothing_written(world):
        answer = send(world.provider.client, "POST", PATH, {"records": records})
        field = "records.1.document.assurance"
        problem = assert_problem(answer, 422, "assurance-too-weak", field)
    assert "attested" in problem["detail"]
    assert "signed" in problem["detail"]
    world.grant(signed)
    world.wait_for_state(signed, "active")


def test_paper_suffices_where_nothing_is_asked_for(world: World) -> None:
    record = attested(world, world.agreement)
    world.grant(record)
    assert world.wait_for_state(record, "active")["active"]


def test_a_policy_that_cannot_be_read_lets_nothing_pass(world: World, secret: bytes) -> None:
    document, changes = asking_for(world, "certain")
    agreement = conclude_with(world, world.provider, document, world.make_terms(**changes))
    record = world.make_record(secret, agreement_id=agreement)
    with nothing_written(world):
        answer = send(world.provider.client, "POST", PATH, {"records": [to_json(record)]})
        assert_problem(answer, 422, "document-unreadable", None)
