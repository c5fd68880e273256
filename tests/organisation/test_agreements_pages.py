"""Agreements on the organisation's pages: which there are, what one says, and what may be done."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import httpx
import pytest

from node.api.schemas.agreements import TermsShape
from protocol.agreement import Terms
from protocol.types import AgreementId, Hash32, to_hex
from tests.access.signing import new_account, session_of
from tests.access.test_people import invite
from tests.demanding import asking_for, conclude_with
from tests.organisation.visits import OWN_PAGE, Visit, visit
from tests.refusals import nothing_written
from tests.stage import World, hash_of, wait_until

ROW = re.compile(r'<a href="/organisation/agreements/(0x[0-9a-f]{64})">([^<]+)</a>\s*</th>')


def new_terms(world: World, **changes: Any) -> Terms:
    return world.make_terms(salt=hash_of(secrets.randbits(200)), **changes)


def path_of(agreement: bytes) -> str:
    return f"/agreements/{to_hex(agreement)}"


def listed(somebody: Visit, **query: str) -> dict[str, str]:
    """Ids with names, as far as the first page goes."""
    return dict(ROW.findall(somebody.page("/agreements", **query)))


@pytest.fixture(scope="module")
def proposed(world: World) -> AgreementId:
    return world.propose(new_terms(world))


def wait_for_status(world: World, agreement: bytes, status: str) -> None:
    wait_until(
        lambda: world.show_agreement(AgreementId(agreement))["status"] == status, f"to be {status}"
    )


def test_they_are_listed_by_state_with_a_name(world: World, proposed: AgreementId) -> None:
    somebody, proposed_id = visit(world, "auditor"), to_hex(proposed)
    everything = listed(somebody)
    assert next(iter(everything)) == proposed_id, "the newest comes first"
    name = everything[proposed_id]
    assert world.consumer.did.rpartition(":")[2][-12:] in name, "the other party"
    assert f"({proposed_id[:10]})" in name
    assert proposed_id in listed(somebody, state="to-sign")
    assert proposed_id not in listed(somebody, state="proposed")
    assert to_hex(world.agreement) in listed(somebody, state="active")
    assert "No agreement fits." in somebody.page("/agreements", state="expired")
    assert somebody.get("/agreements", state="lost").status_code == 422


def test_what_is_on_its_way_is_listed_and_shown_before_it_is_on_the_chain(world: World) -> None:
    somebody, terms = visit(world), new_terms(world)
    agreement = world.id_of(terms)
    with world.node.held("sender"):
        body = {"terms": TermsShape.of(terms).to_json()}
        world.provider.client.post("/v1/agreements", body)
        assert "Proposals on their way" in somebody.page("/agreements")
        shown = somebody.page(path_of(agreement))
    assert "On its way" in shown
    assert world.consumer.did in shown
    wait_until(lambda: "history" in world.show_agreement(agreement), "the proposal")
    assert "Proposals on their way" not in somebody.page("/agreements")


def test_one_says_who_has_agreed_on_what(world: World) -> None:
    document, changes = asking_for(world, "signed")
    terms = new_terms(world, rulebook=Hash32(b"\x5a" * 32), **changes)
    agreement = conclude_with(world, world.provider, document, terms)
    text = visit(world, "auditor").page(path_of(agreement))
    for words in (
        *(world.provider.did, world.consumer.did, "consumer", "Active", "Signed by all parties"),
        *("€0.012345", "€0.050000", "1 use a month"),
        *(to_hex(terms.document_hash), to_hex(terms.policy_hash), "0x" + "5a" * 32),
        *("signed: by the person", "assurance of the consent", "at least", "The whole document"),
    ):
        assert words in text, words
    assert "What you may do" not in text, "an auditor changes nothing"
    french = visit(world, "auditor", "fr").page(path_of(agreement))
    for words in ("En vigueur", "0,012345\u00a0€", "Signé par toutes les parties"):
        assert words in french, words


def test_nothing_is_told_of_a_document_that_another_keeps(world: World) -> None:
    document, changes = asking_for(world, "signed")
    terms = new_terms(world, **changes)
    agreement = conclude_with(world, world.provider, document, terms)
    invited = visit_of_consumer(world)
    text = invited.page(path_of(agreement))
    assert "does not keep the contract" in text
    assert to_hex(terms.document_hash) in text


def test_a_party_compares_the_document_that_it_was_sent_and_keeps_it(world: World) -> None:
    document, changes = asking_for(world, "identified")
    terms = new_terms(world, **changes)
    body = {"terms": TermsShape.of(terms).to_json(), "document": document}
    agreement = world.id_of(terms)
    world.provider.client.post("/v1/agreements", body)
    wait_until(lambda: "history" in world.show_agreement(agreement), "the proposal")
    sent = visit(world).get(f"{path_of(agreement)}/document.json")
    assert "attachment" in sent.headers["content-disposition"]
    assert sent.json() == document
    somebody = visit_of_consumer(world)
    assert somebody.get(f"{path_of(agreement)}/document.json").status_code == 404
    for wrong in (b"", b"[]", b'{"policy": []}', json.dumps({**document, "x": 1}).encode()):
        with nothing_written(world):
            refused = upload(somebody, agreement, wrong)
        assert refused.status_code == 422
    assert "another document than the one" in refused.text
    kept = upload(somebody, agreement, sent.content)
    assert kept.headers["location"].endswith("?done=document")
    text = somebody.page(path_of(agreement))
    assert "does not keep the contract" not in text
    assert "identified: by a verified identity, too" in text
    for party in (world.provider, world.consumer):
        path = f"/v1{path_of(agreement)}/signatures"
        party.client.post(path, world.signature_of(party, agreement))
    wait_for_status(world, agreement, "active")
    assert upload(somebody, agreement, sent.content).status_code == 409


def upload(somebody: Visit, agreement: bytes, content: bytes) -> httpx.Response:
    path = f"/organisation{path_of(agreement)}/document"
    files = {"file": ("contract.json", content, "application/json")}
    return somebody.http.post(path, files=files, headers=OWN_PAGE)


def visit_of_consumer(world: World) -> Visit:
    opened, _ = session_of(world, world.consumer.wallet.account)
    return Visit(world, opened["token"])


def test_one_is_suspended_resumed_and_terminated(world: World) -> None:
    somebody, agreement = visit(world), world.conclude()
    for act, status in (("suspend", "suspended"), ("resume", "active")):
        answer = somebody.post(f"{path_of(agreement)}/{act}")
        assert answer.headers["location"] == f"/organisation{path_of(agreement)}?done={act}"
        assert "is on its way to the ledger" in somebody.page(path_of(agreement), done=act)
        wait_for_status(world, agreement, status)
    warned = somebody.page(path_of(agreement))
    assert "This cannot be undone" in warned
    with nothing_written(world):
        refused = somebody.post(f"{path_of(agreement)}/terminate")
    assert refused.status_code == 422
    answer = somebody.post(f"{path_of(agreement)}/terminate", understood="yes")
    assert answer.status_code == 303
    wait_for_status(world, agreement, "terminated")
    assert "/terminate" not in somebody.page(path_of(agreement))


def test_a_change_that_the_state_does_not_allow_changes_nothing(
    world: World, proposed: AgreementId
) -> None:
    somebody = visit(world)
    with nothing_written(world):
        answer = somebody.post(f"{path_of(proposed)}/suspend")
    assert answer.status_code == 409
    assert "state does not allow that" in answer.text
    unknown = somebody.get(path_of(b"\x01" * 32))
    assert unknown.status_code == 404
    assert "There is no such agreement" in unknown.text


def test_a_party_signs_with_its_wallet(world: World, proposed: AgreementId) -> None:
    somebody = visit(world)
    page = somebody.page(path_of(proposed))
    assert "AgreementRegistry" in page, "what the wallet shows"
    assert "readable by every participant" in page
    assert "sign-by-node" not in page, "only the operator's own key is the node's"
    assert somebody.post(f"{path_of(proposed)}/sign-by-node").status_code == 403
    signed = world.signature_of(world.provider, proposed)
    wrong = world.signature_of(world.provider, proposed, accepted_for=world.consumer.id)
    with nothing_written(world):
        refused = somebody.post(
            f"{path_of(proposed)}/sign", signer=wrong["signer"], signature=wrong["signature"]
        )
    assert refused.status_code == 422
    answer = somebody.post(
        f"{path_of(proposed)}/sign", signer=signed["signer"], signature=signed["signature"]
    )
    assert answer.headers["location"].endswith("?done=sign")
    wait_until(lambda: world.show_agreement(proposed)["signatures"], "the signature")
    assert "data-message" not in somebody.page(path_of(proposed))
    assert to_hex(proposed) not in listed(somebody, state="to-sign")
    assert to_hex(proposed) in listed(visit_of_consumer(world), state="to-sign")


def test_the_operator_signs_with_the_nodes_key(world: World) -> None:
    operator = world.story.stage.operator_id
    parties = tuple(sorted((operator, world.provider.id)))
    agreement = world.propose(new_terms(world, parties=parties))
    invited = invite(world.operator, "admin")
    opened, _ = session_of(world, new_account(), invitation=invited["invitation"])
    somebody = Visit(world, opened["token"])
    assert "Sign with the node" in somebody.page(path_of(agreement))
    answer = somebody.post(f"{path_of(agreement)}/sign-by-node")
    assert answer.headers["location"].endswith("?done=sign")
    signatures = wait_until(lambda: world.show_agreement(agreement)["signatures"], "the signature")
    assert [each["organisation"] for each in signatures] == [to_hex(operator)]
    assert "sign-by-node" not in somebody.page(path_of(agreement))


def test_who_may_not_see_agreements_sees_none(world: World, proposed: AgreementId) -> None:
    stranger = visit(world, areas=["consents"])
    for path in ("/agreements", path_of(proposed)):
        assert stranger.get(path).status_code == 403
    assert 'href="/organisation/agreements"' not in stranger.page("")
    reader, writer = visit(world, "operator"), visit(world)
    for act in ("suspend", "resume", "terminate", "sign"):
        with nothing_written(world):
            assert reader.post(f"{path_of(proposed)}/{act}").status_code == 403
            forged = writer.post(f"{path_of(proposed)}/{act}", headers={})
            assert forged.status_code == 403
