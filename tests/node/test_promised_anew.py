"""Consents whose anchor the contract refused may be granted again, until they are erased."""

from __future__ import annotations

from protocol.entries import leaf_of
from protocol.record import to_json
from protocol.types import Leaf, OrganisationId, to_hex
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


def test_what_is_erased_is_not_tried_again(at_rest: World, secret: bytes) -> None:
    """Else a consent would be active of which nobody could show what it says."""
    record = at_rest.make_record(secret)
    leaf = leaf_of(record.entry)
    client = at_rest.provider.client
    with at_rest.node.held("sender"):
        at_rest.grant(record)
        fail_anchor(at_rest, leaf)
        assert client.post(f"{PATH}/{to_hex(leaf)}/erasure", None)["erasure"]["state"] == "erased"
        [act] = client.get("/v1/outbox?limit=1")["items"]
        assert (act["subject"], act["state"]) == (to_hex(leaf), "failed")
        with nothing_written(at_rest):
            answer = send(client, "POST", f"/v1/outbox/{act['actId']}/retry")
            problem = assert_problem(answer, 409, "act-not-retried", None)
        assert problem["detail"] == f"The record of the consent {to_hex(leaf)} is erased."


def test_what_may_still_come_to_the_chain_is_not_erased(at_rest: World, secret: bytes) -> None:
    """A refusal whose block is taken back is none: the same bytes are under way again."""
    record = at_rest.make_record(secret)
    leaf = leaf_of(record.entry)
    client, path = at_rest.provider.client, f"{PATH}/{to_hex(leaf)}/erasure"
    carried = (
        "UPDATE node.outbox SET transaction_id ="
        " (SELECT max(transaction_id) FROM node.transactions) WHERE subject = :leaf"
    )
    opened = (
        "UPDATE node.transactions SET is_open = :is_open WHERE transaction_id ="
        " (SELECT transaction_id FROM node.outbox WHERE subject = :leaf)"
    )
    with at_rest.node.held("sender"):
        at_rest.grant(record)
        fail_anchor(at_rest, leaf)
        at_rest.node.sql(carried, leaf=leaf)
        at_rest.node.sql(opened, leaf=leaf, is_open=True)
        try:
            with nothing_written(at_rest):
                assert_problem(send(client, "POST", path), 409, "consent-not-over", None)
        finally:
            at_rest.node.sql(opened, leaf=leaf, is_open=False)
        assert client.post(path, None)["erasure"]["state"] == "erased"


def fail_anchor(world: World, leaf: Leaf) -> None:
    """As if the contract had refused it."""
    world.node.sql("UPDATE node.outbox SET state = 'failed' WHERE subject = :leaf", leaf=leaf)
