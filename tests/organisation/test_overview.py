"""The first page: who one is, how the node does, and what has failed."""

from __future__ import annotations

import json
import re
import secrets

import httpx

from protocol.types import to_hex
from tests.access.signing import session_of
from tests.organisation.visits import Visit, visit
from tests.stage import World, hash_of, wait_until

FAILURE = {"name": "X", "detail": "The issuer <is> suspended.", "remedy": "Ask the association."}


def assert_locked(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<style| style=| on[a-z]+=|javascript:|https?://", answer.text)


def test_it_says_who_one_is_and_how_the_node_does(world: World) -> None:
    answer = visit(world, "operator", areas=["consents", "events"]).get("")
    assert_locked(answer)
    for words in (
        *("Zoë", world.provider.did, "Operator: the daily work", "consents, events"),
        *("Up to date", "Newest block", "Acts on their way to the ledger", "Acts that failed"),
    ):
        assert words in answer.text, words


def test_it_speaks_french_and_keeps_to_it_where_the_address_asks_for_it(world: World) -> None:
    preferred = visit(world, "auditor", "fr").page("")
    assert "Audit\xa0: tout voir, ne rien modifier" in preferred
    assert 'action="/organisation/sign-out"' in preferred
    asked = visit(world, "auditor").page("", lang="fr")
    assert 'action="/organisation/sign-out?lang=fr"' in asked


def test_an_account_that_manages_the_organisation_is_its_administrator(world: World) -> None:
    opened, _ = session_of(world, world.provider.wallet.account)
    text = Visit(world, opened["token"]).page("")
    assert "Administrator: everything" in text
    assert world.provider.wallet.address.lower() in text


def test_a_failed_act_is_shown_with_its_reason_and_remedy(world: World) -> None:
    [row] = world.node.sql(
        "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, state,"
        " failure) VALUES (:own, 'anchor', :leaf, :leaf, '{}', 'failed', CAST(:why AS jsonb))"
        " RETURNING outbox_id",
        own=world.provider.id,
        leaf=b"\xab" * 32,
        why=json.dumps(FAILURE),
    )
    try:
        text = visit(world).page("")
        assert "The issuer &lt;is&gt; suspended." in text
        assert "Ask the association." in text
        assert f"0x{'ab' * 6}…" in text
        limited = visit(world, "operator", areas=["consents"]).page("")
        assert "Ask the association." not in limited, "without the right to see what is promised"
    finally:
        world.node.sql("DELETE FROM node.outbox WHERE outbox_id = :id", id=row.outbox_id)


def test_an_index_that_is_too_old_is_said_not_hidden(world: World) -> None:
    somebody = visit(world)
    with world.node.held("indexer"):
        world.node.sql("UPDATE indexing.heartbeat SET head_read_at = now() - interval '1 hour'")
        assert "Too old to answer." in somebody.page("")
    ready = f"{world.node.url}/readyz"
    wait_until(lambda: httpx.get(ready).status_code == 200, "a fresh index")


WAITING = re.compile(
    r'href="/organisation/agreements\?state=to-sign">(\d+) agreements? waits? for your'
)


def waiting_in(text: str) -> int:
    found = WAITING.search(text)
    return int(found[1]) if found else 0


def test_it_counts_the_agreements_that_wait_for_a_signature_and_leads_to_them(
    world: World,
) -> None:
    somebody = visit(world)
    before = waiting_in(somebody.page(""))
    proposed = world.propose(world.make_terms(salt=hash_of(secrets.randbits(200))))
    assert waiting_in(somebody.page("")) == before + 1
    assert to_hex(proposed) in somebody.page("/agreements", state="to-sign")
    with world.node.held("sender"):
        signature = world.signature_of(world.provider, proposed)
        world.provider.client.post(f"/v1/agreements/{to_hex(proposed)}/signatures", signature)
        assert waiting_in(somebody.page("")) == before, "promised is as good as signed"
    wait_until(lambda: world.show_agreement(proposed)["signatures"], "the signature")
    assert waiting_in(somebody.page("")) == before
    consumer = visit(world, of=world.consumer.client)
    waits_there = waiting_in(consumer.page(""))
    assert waits_there > 0, "the other party has not signed"
    world.provider.client.post(f"/v1/agreements/{to_hex(proposed)}/terminate", {})
    wait_until(lambda: world.show_agreement(proposed)["status"] == "terminated", "the end")
    assert waiting_in(consumer.page("")) == waits_there - 1
    assert waiting_in(somebody.page("")) == before
    french = visit(world, "auditor", "fr").page("")
    assert "Ce qui vous attend" in french
    blind = visit(world, "operator", areas=["consents"]).page("")
    assert "What waits for you" not in blind, "without the right to see agreements"
