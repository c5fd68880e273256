"""Proposing an agreement by hand: step by step, with a look at everything before it is proposed."""

from __future__ import annotations

import html
import json
import re

import pytest

from protocol.terms_json import terms_from_json
from protocol.types import ZERO_HASH, to_hex
from tests.organisation.visits import Visit, visit
from tests.refusals import nothing_written
from tests.stage import World, wait_until

FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
AGREEMENT = re.compile(r"/organisation/agreements/(0x[0-9a-f]{64})\?done=propose")


@pytest.fixture
def fields(world: World) -> dict[str, str]:
    """What a person fills in, and the hidden fields of an empty form."""
    text = visit(world).page("/agreements/new")
    return {
        **hidden_in(text),
        "party-1": world.consumer.did,
        "line-1-payee": world.provider.did,
        "line-1-category": "1",
        "line-1-price": "0,012345",
        "line-1-free": "10",
        "purposes": "career guidance",
        "recipients": "",
        "minimumAssurance": "signed",
        "validFrom": "2026-01-01",
        "validUntil": "2099-12-31",
        "rulebook": "0x" + "5a" * 32,
    }


def hidden_in(text: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in FIELD.findall(text)}


def send(somebody: Visit, fields: dict[str, str], step: str) -> str:
    answer = somebody.post("/agreements/new", **fields, step=step)
    assert answer.status_code == 200, answer.text
    return answer.text


def proposals(world: World) -> int:
    [row] = world.node.sql("SELECT count(*) FROM node.outbox WHERE kind = 'propose'")
    found: int = row[0]
    return found


def test_all_is_shown_before_it_is_proposed_once(world: World, fields: dict[str, str]) -> None:
    somebody = visit(world)
    with nothing_written(world):
        checked = send(somebody, fields, "check")
    for words in (
        *(world.provider.did, world.consumer.did, "career guidance", "€0.012345"),
        *("10 uses a month", "readable by every participant", "0x" + "5a" * 32),
        "Nothing is proposed yet.",
    ):
        assert words in checked, words
    carried = hidden_in(checked)
    assert carried == fields
    before = proposals(world)
    answers = [somebody.post("/agreements/new", **carried, step="propose") for _ in range(2)]
    assert {each.status_code for each in answers} == {303}
    [agreement] = {AGREEMENT.search(each.headers["location"])[1] for each in answers}
    assert proposals(world) == before + 1
    path = f"/v1/agreements/{agreement}"
    shown = wait_until(
        lambda: (found := world.provider.client.get(path)) and "terms" in found and found,
        "the proposal",
    )
    terms = terms_from_json(shown["terms"])
    assert (terms.lines[0].unit_price, terms.lines[0].free_units) == (12_345, 10)
    assert "career guidance" in somebody.page(f"/agreements/{agreement}")


def test_rows_are_added_and_what_was_filled_in_stays(world: World, fields: dict[str, str]) -> None:
    somebody = visit(world)
    more = send(somebody, fields, "more-parties")
    assert 'name="party-2"' in more
    assert 'value="0,012345"' in more
    more = send(somebody, {**fields, "line-2-payee": ""}, "more-lines")
    assert 'name="line-3-price"' in more
    changed = send(somebody, fields, "change")
    assert "career guidance</textarea>" in changed


def test_what_is_wrong_stands_beside_its_field(world: World, fields: dict[str, str]) -> None:
    somebody = visit(world, language="fr")
    wrong = {
        "party-1": {"party-1": "did:web:nobody.example"},
        "line-1-price": {"line-1-price": "cheap"},
        "line-1-category": {"line-1-category": "9"},
        "validUntil": {"validFrom": "2020-01-01", "validUntil": "2021-01-01"},
    }
    for name, changes in wrong.items():
        with nothing_written(world):
            answer = somebody.post("/agreements/new", **{**fields, **changes}, step="check")
        assert answer.status_code == 422
        assert re.findall(r'aria-describedby="wrong-([\w-]+)"', answer.text) == [name]
        assert "career guidance" in answer.text, "what was filled in stays"
        if name == "party-1":
            assert "La partie did:web:nobody.example" in answer.text


def test_a_document_of_ones_own_is_proposed_by_its_hash(
    world: World, fields: dict[str, str]
) -> None:
    source = world.story.documents.contract_source
    files = {"document": ("contract.json", json.dumps(source), "application/json")}
    answer = visit(world).http.post(
        "/organisation/agreements/new",
        data={**fields, "step": "check"},
        files=files,
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 200
    assert to_hex(world.story.documents.contract.document_hash) in answer.text
    assert to_hex(world.story.documents.contract.policy_hash) in answer.text
    assert json.loads(hidden_in(answer.text)["document"]) == source


def test_other_terms_are_proposed_from_an_agreements_own(world: World) -> None:
    somebody = visit(world)
    counter = somebody.page("/agreements/new", like=to_hex(world.agreement))
    assert 'value="0.012345"' in counter
    assert f'value="{world.consumer.did}"' in counter
    assert hidden_in(counter)["parent"] == ""
    supplement = somebody.page("/agreements/new", supplements=to_hex(world.agreement))
    assert "These terms supplement an agreement" in supplement
    assert hidden_in(supplement)["parent"] == to_hex(world.agreement)
    assert somebody.get("/agreements/new", like=to_hex(ZERO_HASH)).status_code == 404


def test_a_supplement_names_the_agreement_that_it_supplements(
    world: World, fields: dict[str, str]
) -> None:
    somebody = visit(world)
    carried = {**fields, "parent": to_hex(world.agreement)}
    answer = somebody.post("/agreements/new", **carried, step="propose")
    agreement = AGREEMENT.search(answer.headers["location"])[1]
    wait_until(
        lambda: "terms" in world.provider.client.get(f"/v1/agreements/{agreement}"), "the proposal"
    )
    parent = f"/agreements/{to_hex(world.agreement)}"
    assert f"/organisation{parent}" in somebody.page(f"/agreements/{agreement}")
    assert agreement in somebody.page(parent), "and that one leads to it"


def test_only_who_may_write_agreements_proposes_one(world: World, fields: dict[str, str]) -> None:
    reader, writer = visit(world, "operator"), visit(world)
    with nothing_written(world):
        assert reader.get("/agreements/new").status_code == 403
        assert reader.post("/agreements/new", **fields, step="propose").status_code == 403
        forged = writer.post("/agreements/new", headers={}, **fields, step="propose")
        assert forged.status_code == 403


def test_versions_of_the_rulebook_are_listed_by_the_agreements_that_name_them(
    world: World, fields: dict[str, str]
) -> None:
    somebody, version = visit(world), "0x" + "7b" * 32
    assert version not in somebody.page("/agreements/rulebooks")
    somebody.post("/agreements/new", **{**fields, "rulebook": version}, step="propose")
    wait_until(lambda: version in somebody.page("/agreements/rulebooks"), "the version")
