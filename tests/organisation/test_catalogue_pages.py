"""The catalogue: offers are shown before they are kept, listed, found, drafted from and removed."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import httpx
import pytest

from node.api.organisation import catalogue
from node.commands.keep_offers import hash_offer_id
from protocol.types import to_hex
from tests.node.test_contract_import import OFFERING
from tests.organisation.test_agreement_drafts import hidden_in
from tests.organisation.visits import OWN_PAGE, Visit, visit
from tests.refusals import nothing_written
from tests.stage import World

ROW = re.compile(r'<a href="/organisation/catalogue/(0x[0-9a-f]{64})">([^<]+)</a></th>')
RULE = {"policy": {"permission": [{"action": "use", "target": "@{target}", "constraint": []}]}}


def entry_of(world: World, name: str, **changes: Any) -> dict[str, Any]:
    """An offer of the consumer's, who is the provider's partner."""
    partner = world.consumer.did.rpartition(":")[2]
    made = {**OFFERING, "_id": secrets.token_hex(12), "name": name, "policy": [RULE]}
    return {**made, "providedBy": f"https://catalogue.example/{partner}", **changes}


def upload(somebody: Visit, value: Any, headers: Any = OWN_PAGE) -> httpx.Response:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    files = {"file": ("offers.json", content, "application/json")}
    return somebody.http.post("/organisation/catalogue/import", files=files, headers=headers)


def keep(somebody: Visit, value: Any) -> httpx.Response:
    return somebody.post("/catalogue", entries=json.dumps(value))


def path_of(entry: dict[str, Any]) -> str:
    return f"/catalogue/{to_hex(hash_offer_id(entry['_id']))}"


def listed(somebody: Visit, **query: str) -> list[str]:
    return [name for _, name in ROW.findall(somebody.page("/catalogue", **query))]


def test_offers_are_shown_as_understood_and_then_kept(world: World) -> None:
    somebody, name = visit(world), f"skills {secrets.token_hex(4)}"
    own = world.provider.did.rpartition(":")[2]
    entries = [
        entry_of(world, f"{name} a <b>", description="What they <can> do"),
        entry_of(world, f"{name} c", providedBy=own, currency="USD"),
        entry_of(world, f"{name} B", providedBy="nobody", costPerAPICall=0),
    ]
    with nothing_written(world):
        understood = upload(somebody, entries)
    assert understood.status_code == 200, understood.text
    for words in (
        *("Nothing is kept yet.", f"{name} a &lt;b&gt;", "What they &lt;can&gt; do", "€0.05"),
        *(world.consumer.did, f"{world.provider.did}</span> (you)", "0.05 USD"),
        *("<code>nobody</code> – no participant", "Allowed:", "@{target}"),
    ):
        assert words in understood.text, words
    kept = somebody.post("/catalogue", **hidden_in(understood.text))
    assert kept.headers["location"] == "/organisation/catalogue?kept=3"
    assert "3 offers are kept" in somebody.page("/catalogue", kept=3)
    in_order = [f"{name} a &lt;b&gt;", f"{name} B", f"{name} c"]
    assert listed(somebody, name=name.upper()) == in_order
    assert "No offer has this" in somebody.page("/catalogue", name=f"{name}%")


def test_an_offer_leads_to_the_form_of_an_agreement(world: World) -> None:
    somebody, entry = visit(world), entry_of(world, "guidance")
    answer = keep(somebody, entry)
    assert answer.headers["location"] == f"/organisation{path_of(entry)}?kept=1"
    page = somebody.page(path_of(entry))
    for words in ("guidance", world.consumer.did, "€0.05", "Allowed:", "The purpose: the file"):
        assert words in page, words
    assert "an offer names only" not in page, "whose partner's it is names the other party"
    carried = hidden_in(page)
    with nothing_written(world):
        form = somebody.post("/agreements/new", **carried, step="change").text
    assert f'value="{world.consumer.did}"' in form
    assert (carried["line-1-payee"], carried["line-1-price"]) == (world.consumer.did, "0.05")
    assert json.loads(carried["document"]) == entry
    chosen = {**carried, "line-1-category": "2"}
    checked = somebody.post("/agreements/new", **chosen, step="check")
    assert checked.status_code == 200, re.findall(r'class="wrong"[^>]*>([^<]+)', checked.text)
    french = visit(world, language="fr").page(path_of(entry))
    for words in ("Proposée par", "0,05\u00a0€", "Permis\u00a0:"):
        assert words in french, words


def test_of_an_own_offer_the_other_party_is_still_to_be_named(world: World) -> None:
    somebody = visit(world)
    for provider in (world.provider.did.rpartition(":")[2], "nobody"):
        entry = entry_of(world, "ours", providedBy=provider)
        keep(somebody, entry)
        page = somebody.page(path_of(entry))
        assert "an offer names only who offers" in page
        assert hidden_in(page)["party-1"] == ""


def test_an_offer_of_an_agreements_file_is_kept_too(world: World) -> None:
    somebody, entry = visit(world), entry_of(world, "follow-up")
    files = {"file": ("offer.json", json.dumps(entry).encode(), "application/json")}
    path = "/organisation/agreements/import"
    understood = somebody.http.post(path, files=files, headers=OWN_PAGE).text
    assert "Keep in the catalogue" in understood
    kept = somebody.post("/catalogue", entries=hidden_in(understood)["entries"])
    assert kept.headers["location"] == f"/organisation{path_of(entry)}?kept=1"


def test_what_is_kept_again_takes_the_place_of_what_was(world: World) -> None:
    somebody, entry = visit(world), entry_of(world, f"first {secrets.token_hex(4)}")
    keep(somebody, entry)
    newer = {**entry, "name": f"second {secrets.token_hex(4)}", "costPerAPICall": 0.125}
    assert "This one takes its place." in upload(somebody, [newer]).text
    keep(somebody, newer)
    assert "€0.125" in somebody.page(path_of(entry))
    assert listed(somebody, name=entry["name"]) == []
    assert listed(somebody, name=newer["name"]) == [newer["name"]]


def test_an_offer_is_removed(world: World) -> None:
    somebody, entry = visit(world), entry_of(world, "gone")
    keep(somebody, entry)
    assert "Remove from the catalogue…" in somebody.page(path_of(entry))
    removed = somebody.post(f"{path_of(entry)}/remove")
    assert removed.headers["location"] == "/organisation/catalogue?removed=1"
    assert "was removed" in somebody.page("/catalogue", removed=1)
    missing = visit(world, language="fr").get(path_of(entry))
    assert missing.status_code == 404
    assert "Cette offre n&#39;existe pas" in missing.text
    assert somebody.post(f"{path_of(entry)}/remove").status_code == 404


def test_pages_of_the_catalogue_follow_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody, name = visit(world), f"same {secrets.token_hex(4)}"
    entries = [entry_of(world, name) for _ in range(catalogue.SHOWN + 3)]
    keep(somebody, entries)
    first = somebody.page("/catalogue", name=name)
    following = re.search(r'rel="next" href="/organisation([^"]+)"', first)
    assert following is not None
    second = somebody.page(following[1].replace("&amp;", "&"))
    pages = [[found for found, _ in ROW.findall(text)] for text in (first, second)]
    assert [len(page) for page in pages] == [catalogue.SHOWN, 3]
    assert len({*pages[0], *pages[1]}) == len(entries)
    assert 'rel="next"' not in second


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"[" * 100 + b"]" * 100, b'{"@type": "Participant"}'),
        json.dumps({**OFFERING, "name": "\ud800"}).encode(),
        json.dumps({**OFFERING, "name": "\0"}).encode(),
    ],
)
def test_what_offers_nothing_is_refused_in_words(world: World, content: bytes) -> None:
    somebody = visit(world)
    with nothing_written(world):
        answer = upload(somebody, content)
        sent = somebody.post("/catalogue", entries=content.decode())
    assert answer.status_code == sent.status_code == 422
    assert "The file was not understood." in answer.text


def test_a_catalogue_is_its_organisations_own(world: World) -> None:
    somebody, entry = visit(world), entry_of(world, f"ours {secrets.token_hex(4)}")
    keep(somebody, entry)
    other = visit(world, of=world.consumer.client)
    assert listed(other, name=entry["name"]) == []
    assert other.get(path_of(entry)).status_code == 404
    assert other.post(f"{path_of(entry)}/remove").status_code == 404
    keep(other, {**entry, "name": "theirs"})
    assert entry["name"] in somebody.page(path_of(entry))


def test_only_who_may_propose_agreements_changes_the_catalogue(world: World) -> None:
    writer, reader = visit(world), visit(world, "operator")
    entry = entry_of(world, "read only")
    keep(writer, entry)
    page = reader.page(path_of(entry))
    assert "Draft an agreement" not in page
    assert "/remove" not in page
    assert "/catalogue/import" not in reader.page("/catalogue")
    with nothing_written(world):
        assert upload(reader, entry).status_code == 403
        assert upload(writer, entry, headers={}).status_code == 403
        for path in ("/catalogue", f"{path_of(entry)}/remove"):
            assert reader.post(path, entries="[]").status_code == 403
            assert writer.post(path, headers={}, entries="[]").status_code == 403
    stranger = visit(world, areas=["consents"])
    assert stranger.get("/catalogue").status_code == 403
    assert 'href="/organisation/catalogue"' not in stranger.page("")
