"""Consents whose anchor the contract refused may be granted again, until they are erased."""

from __future__ import annotations

from protocol.entries import leaf_of
from protocol.record import to_json
from protocol.types import Leaf, OrganisationId
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import World

PATH = "/v1/consents"


def order_erasure(world: World, leaf: Leaf, issuer: OrganisationId) -> None:
    """What the provider's node does at the order of whoever speaks for this issuer."""
    world.node.sql(
        "SELECT set_config('ptx.organisation', :provider, true), node.erase_record(:leaf, :issuer)",
        provider=world.provider.id.hex(),
        leaf=leaf,
        issuer=issuer,
    )


def test_an_erasure_by_another_issuer_does_not_stop_a_new_promise(
    at_rest: World, secret: bytes
) -> None:
    record = at_rest.make_record(secret)
    body, leaf = {"records": [to_json(record)]}, leaf_of(record.entry)
    client = at_rest.provider.client
    refuse = "UPDATE node.outbox SET state = 'failed' WHERE subject = :leaf"
    with at_rest.node.held("sender"):
        at_rest.grant(record)
        at_rest.node.sql(refuse, leaf=leaf)
        order_erasure(at_rest, leaf, at_rest.consumer.id)
        assert send(client, "POST", PATH, body).status_code == 202
        at_rest.node.sql(refuse, leaf=leaf)
        order_erasure(at_rest, leaf, at_rest.provider.id)
        with nothing_written(at_rest):
            answer = send(client, "POST", PATH, body)
            assert_problem(answer, 409, "consent-already-granted", "records.0")
