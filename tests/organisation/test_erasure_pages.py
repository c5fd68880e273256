"""Erasure and persons' requests on the pages: what cannot be undone is said before."""

from __future__ import annotations

import html
import re
import secrets

import httpx

from protocol.entries import leaf_of
from protocol.record import Record
from protocol.types import to_hex
from tests.organisation.test_requests_pages import line, make
from tests.organisation.visits import Visit, visit
from tests.refusals import nothing_written
from tests.stage import Json, World, wait_until


def path_of(record: Record) -> str:
    return f"/consents/{to_hex(leaf_of(record.entry))}/erasure"


def test_a_record_is_erased_after_a_warning_and_once_it_is_over(
    world: World, secret: bytes
) -> None:
    somebody = visit(world, "operator")
    record = world.grant_active(secret)
    path = path_of(record)
    link = f'href="/organisation{path}"'
    for seen in (path, path.removesuffix("/erasure")):
        page = somebody.page(seen)
        assert "The record can be erased once the consent is over" in page
        assert link not in page
        assert "Erase it for good" not in page, "nothing is offered that would be refused"
    with nothing_written(world):
        refused = somebody.post(path)
    assert refused.status_code == 409
    assert "The consent is not over" in refused.text
    world.withdraw(record, secret)
    world.wait_for_state(record, "withdrawn")
    assert link in somebody.page(path.removesuffix("/erasure"))
    page = somebody.page(path)
    assert "This cannot be undone." in page
    assert "Erase it for good" in page
    done = somebody.post(path)
    assert (done.status_code, done.headers["location"]) == (303, f"/organisation{path}")
    wait_until(lambda: 'data-state="final">Erased' in somebody.page(path), "the confirmation")
    assert somebody.get(path.removesuffix("/erasure")).status_code in (200, 410)
    again = somebody.post(path)
    assert again.status_code in (303, 404)


def test_only_the_issuer_erases_and_only_who_may_write(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    path, recipient = path_of(record), visit(world, "operator", of=world.consumer.client)
    assert "Only the organisation that issued the consent" in recipient.page(path)
    with nothing_written(world):
        assert recipient.post(path).status_code == 404
    auditor = visit(world, "auditor")
    assert auditor.get(path).status_code == 403
    assert "Erase the record" not in auditor.page(path.removesuffix("/erasure"))


def test_all_that_was_asked_of_a_person_is_deleted_after_a_warning(world: World) -> None:
    somebody = visit(world, "operator")
    fields = line(world)
    reference = fields["subjectReference"]
    make(world, somebody, subjectReference=reference)
    found = somebody.post("/requests/search", subjectReference=reference)
    assert 'action="/organisation/requests/erasure"' in found.text
    with nothing_written(world):
        asked = somebody.post("/requests/erasure", subjectReference=reference)
    assert "This cannot be undone." in asked.text
    assert "1 request" in asked.text
    assert reference in html.unescape(asked.text)
    done = somebody.post("/requests/erasure/confirmed", subjectReference=reference)
    assert "1 request was deleted." in done.text
    assert "No request fits." in somebody.post("/requests/search", subjectReference=reference).text
    assert somebody.post("/requests/erasure", subjectReference="").status_code == 422


def ask_right(world: World, kind: str = "access") -> Json:
    """Somebody who has lost every key asks the provider."""
    url = f"{world.node.url}/v1/organisations/{to_hex(world.provider.id)}/rights-requests"
    body = {"kind": kind, "message": f"<i>{secrets.token_hex(8)}", "contact": "anna@example.org"}
    answer = httpx.post(url, json=body)
    assert answer.status_code == 201, answer.text
    return {**body, **answer.json()}


def seen(world: World, asked: Json) -> Json:
    headers = {"Reference-Token": asked["token"]}
    found: Json = httpx.get(f"{world.node.url}/v1/rights-requests/by-token", headers=headers).json()
    return found


def answer_path(asked: Json) -> str:
    return f"/rights/{asked['request']['rightsRequestId']}/answer"


def waiting(somebody: Visit, asked: Json) -> str | None:
    """The card of a request on the first page that has it."""
    page = somebody.page("/rights")
    while True:
        for card in page.split("<section")[1:]:
            if html.escape(asked["message"]) in card:
                return card
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            return None
        page = somebody.http.get(html.unescape(following[1])).text


def test_a_persons_request_is_extended_and_answered(world: World) -> None:
    somebody, asked = visit(world, "operator"), ask_right(world)
    card = waiting(somebody, asked)
    assert card is not None
    for words in ("Access to the data", "anna@example.org", "it cannot be taken back", "no key"):
        assert words in card
    path = answer_path(asked)
    with nothing_written(world):
        assert somebody.post(path, decision="refused", reason="").status_code == 422
        assert somebody.post(path, decision="", reason="why").status_code == 422
    due = seen(world, asked)["dueAt"]
    assert somebody.post(path, decision="extended", reason="Many ask.").status_code == 303
    later = seen(world, asked)
    assert (later["extensionReason"], later["dueAt"] > due) == ("Many ask.", True)
    again = waiting(somebody, asked)
    assert again is not None
    assert 'value="extended"' not in again
    answered = somebody.post(path, decision="done", reason="")
    assert answered.headers["location"] == "/organisation/rights?answered=1"
    assert seen(world, asked)["state"] == "done"
    assert waiting(somebody, asked) is None
    assert html.escape(asked["message"]) in somebody.page("/rights", state="done")
    closed = somebody.post(path, decision="done")
    assert closed.status_code == 409
    assert "The request is answered, or cannot be extended" in closed.text


def test_an_auditor_reads_what_persons_ask_and_answers_none(world: World) -> None:
    auditor, asked = visit(world, "auditor", "fr"), ask_right(world, "erasure")
    card = waiting(auditor, asked)
    assert card is not None
    assert "Effacement" in card
    assert "<form" not in card
    with nothing_written(world):
        assert auditor.post(answer_path(asked), decision="done").status_code == 403


def test_an_unknown_address_is_answered_in_words(world: World) -> None:
    somebody = visit(world, language="fr")
    for path in ("/nothing", "/money/nothing/here", "/access/nothing"):
        answer = somebody.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("text/html")
    assert "Cette page n'existe pas" in html.unescape(somebody.get("/nothing").text)
    assert somebody.get("/").headers["location"] == "/organisation"
    assert somebody.post("/nothing").status_code == 405
