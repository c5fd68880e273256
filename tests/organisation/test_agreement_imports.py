"""A file of the contract manager or the catalogue becomes a form; nothing is written by it."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.organisation.test_agreement_drafts import hidden_in
from tests.organisation.visits import OWN_PAGE, Visit, visit
from tests.refusals import nothing_written
from tests.stage import EXAMPLES, World

FOLDER = EXAMPLES / "prometheus-x"


def upload(somebody: Visit, content: bytes, headers: Any = OWN_PAGE) -> httpx.Response:
    files = {"file": ("contract.json", content, "application/json")}
    path = "/organisation/agreements/import"
    return somebody.http.post(path, files=files, headers=headers)


def test_a_contract_is_shown_as_understood_and_leads_to_a_form_that_is_filled_in(
    world: World,
) -> None:
    somebody = visit(world)
    assert "Read the file" in somebody.page("/agreements/import")
    contract = (FOLDER / "bilateral-contract.json").read_bytes()
    with nothing_written(world):
        understood = upload(somebody, contract).text
        carried = hidden_in(understood)
        form = somebody.post("/agreements/new", **carried, step="change").text
        checked = somebody.post("/agreements/new", **carried, step="check")
    for words in (
        *("Contract between two", world.provider.did, world.consumer.did),
        *("Signatures: there they are words", "Prices and free units", "Nothing is written yet."),
    ):
        assert words in understood, words
    assert json.loads(carried["document"]) == json.loads(contract)
    assert f'value="{world.consumer.did}"' in form
    assert "are those of the contract" in form
    assert checked.status_code == 200, "the parties are participants, so nothing is missing"


def test_who_is_no_participant_is_said_to_be_none(world: World) -> None:
    entry = json.loads((FOLDER / "catalog.consumer.json").read_text())
    text = upload(visit(world, language="fr"), json.dumps({**entry, "_id": "nobody"}).encode()).text
    assert "aucun participant du registre" in text
    assert hidden_in(text)["party-1"] == ""
    assert "document" not in hidden_in(text)


def test_a_file_that_is_none_of_these_is_refused_in_words(world: World) -> None:
    somebody = visit(world)
    for content in (b"", b"no JSON", b"{}", b'{"dataProvider": 3}', b"[" * 100 + b"]" * 100):
        with nothing_written(world):
            answer = upload(somebody, content)
        assert answer.status_code == 422
        assert "The file was not understood." in answer.text


def test_only_who_may_propose_an_agreement_imports_one(world: World) -> None:
    contract = (FOLDER / "bilateral-contract.json").read_bytes()
    assert upload(visit(world, "operator"), contract).status_code == 403
    assert upload(visit(world), contract, headers={}).status_code == 403
