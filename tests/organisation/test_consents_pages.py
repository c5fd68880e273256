"""Consents on the organisation's pages: by agreement and state, page by page, as a file, one."""

from __future__ import annotations

import csv
import re
import secrets
from io import StringIO
from types import SimpleNamespace

import pytest

from node.api.organisation import consents as consents_pages
from node.commands import list_consents
from protocol.entries import leaf_of
from protocol.record import Record
from protocol.types import to_hex
from tests.organisation.visits import Visit, visit
from tests.stage import World, wait_until

LEAF = re.compile(r"/organisation/consents/(0x[0-9a-f]{64})")


def leaf(record: Record) -> str:
    return to_hex(leaf_of(record.entry))


def agreement_of(record: Record) -> str:
    return to_hex(record.entry.agreement_id)


@pytest.fixture(scope="module")
def held(world: World) -> list[Record]:
    """Three consents under an agreement of their own; the first is withdrawn."""
    agreement = world.conclude()
    made = [(each, world.make_record(each, agreement_id=agreement)) for each in keys(3)]
    world.grant(*(record for _, record in made))
    (key, first), *others = made
    for _, record in others:
        world.wait_for_state(record, "active")
    world.withdraw(first, key)
    world.wait_for_state(first, "withdrawn")
    return [record for _, record in made]


def keys(count: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(count)]


def listed(somebody: Visit, **query: str) -> list[str]:
    return LEAF.findall(somebody.page("/consents", **query))


def test_they_are_listed_by_agreement_and_by_state(world: World, held: list[Record]) -> None:
    somebody, agreement = visit(world, "operator"), agreement_of(held[0])
    assert listed(somebody, agreement=agreement, state="") == sorted(map(leaf, held))
    assert listed(somebody, agreement=agreement, state="withdrawn") == [leaf(held[0])]
    assert listed(somebody, agreement=agreement, state="expired") == []
    assert "No consent fits." in somebody.page("/consents", agreement=agreement, state="expired")
    assert set(map(leaf, held)) <= set(whole_list(somebody))
    first, *others = sorted(map(leaf, held))
    assert listed(somebody, agreement=agreement, after=first) == others


def whole_list(somebody: Visit) -> list[str]:
    """Every leaf, from page to page."""
    found, path = [], "/consents"
    while True:
        text = somebody.page(path)
        found += LEAF.findall(text)
        link = re.search(r'rel="next" href="/organisation([^"]+)"', text)
        if link is None:
            return found
        path = link[1].replace("&amp;", "&")


def test_a_search_for_a_leaf_leads_to_the_consent(world: World, held: list[Record]) -> None:
    somebody = visit(world)
    answer = somebody.get("/consents", leaf=f" {leaf(held[1])} ", lang="fr")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/organisation/consents/{leaf(held[1])}?lang=fr"
    for wrong, status, words in (
        ("0x" + "00" * 32, 404, "There is no such consent"),
        ("0x12", 422, "64 hexadecimal digits"),
    ):
        refused = somebody.get(f"/consents/{wrong}")
        assert refused.status_code == status
        assert words in refused.text


def test_one_is_shown_with_what_proves_it(world: World, held: list[Record]) -> None:
    text = visit(world, "auditor", "fr").page(f"/consents/{leaf(held[0])}")
    told = world.provider.client.get(f"/v1/consents/{leaf(held[0])}")
    for words in (
        *("Retiré par la personne", "career guidance", "Le document ne va à aucun autre nœud."),
        told["provenBy"]["blockHash"],
        told["anchoring"]["transactionHash"],
        to_hex(held[0].entry.holder),
        *("ConsentEnded", "Ancrage de feuilles"),
    ):
        assert words in text, words


def test_the_proof_file_is_saved_from_the_page(world: World, held: list[Record]) -> None:
    path = f"/consents/{leaf(held[1])}"
    for role in ("operator", "auditor"):
        somebody = visit(world, role)
        assert f'href="/organisation{path}/proof"' in somebody.page(path)
        answer = somebody.get(f"{path}/proof")
        disposition = answer.headers["content-disposition"]
        assert re.fullmatch(r'attachment; filename="consent-[0-9a-f]{16}.proof.json"', disposition)
        assert answer.headers["cache-control"] == "no-store"
    bundle = answer.json()
    assert (bundle["format"], bundle["leaf"]) == ("ptx-proof-bundle", leaf(held[1]))
    assert bundle["endings"]["withdrawnAt"] is None
    unknown = somebody.get(f"/consents/0x{'12' * 32}/proof")
    assert (unknown.status_code, "There is no such consent" in unknown.text) == (404, True)
    assert visit(world, areas=["usage"]).get(f"{path}/proof").status_code == 403


def test_a_file_has_all_that_fit(
    world: World, held: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = visit(world).get("/consents.csv", agreement=agreement_of(held[0]))
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert {row["leaf"]: row["state"] for row in rows} == {
        leaf(held[0]): "withdrawn",
        leaf(held[1]): "active",
        leaf(held[2]): "active",
    }
    assert tuple(rows[0]) == consents_pages.COLUMNS


def test_who_may_not_see_consents_sees_none(world: World, held: list[Record]) -> None:
    stranger = visit(world, areas=["events"])
    for path in ("/consents", "/consents.csv", f"/consents/{leaf(held[0])}"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "Your role does not allow that" in answer.text
    assert 'href="/organisation/consents"' not in stranger.page("")


def test_an_index_that_is_too_old_lists_nothing(world: World, held: list[Record]) -> None:
    somebody = visit(world)
    with world.node.held("indexer"):
        world.node.sql("UPDATE indexing.heartbeat SET head_read_at = now() - interval '1 hour'")
        for path in ("/consents", "/consents.csv", f"/consents/{leaf(held[0])}"):
            answer = somebody.get(path)
            assert answer.status_code == 503
            assert "The index of the ledger is too old to answer" in answer.text
    wait_until(lambda: somebody.get("/consents").status_code == 200, "a fresh index")


async def test_a_rare_state_is_looked_for_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of the pages, each consent is looked at once."""
    leaves = [number.to_bytes(32) for number in range(1, 24)]

    async def read(*arguments: object) -> list[SimpleNamespace]:
        limit, after = arguments[3], arguments[5]
        left = [each for each in leaves if after is None or each > after]
        return [
            SimpleNamespace(leaf=each, answer=SimpleNamespace(state=f"{each[-1] % 7}"))
            for each in left[:limit]
        ]

    monkeypatch.setattr(list_consents, "_read", read)
    monkeypatch.setattr(list_consents, "CHUNK", 3)
    monkeypatch.setattr(list_consents, "LOOKED_AT_MAX", 6)
    for state, limit in ((None, 5), (None, 23), ("0", 1), ("0", 2), ("3", 50), ("none", 2)):
        found, looked_at, after = [], 0, None
        while True:
            page = await list_consents.list_consents(None, None, None, limit, None, state, after)
            found += [each.leaf for each in page.consents]
            looked_at += page.looked_at
            assert len(page.consents) <= limit
            assert page.looked_at <= max(6, limit)
            if page.next is None:
                break
            after = page.next
        wanted = [each for each in leaves if state is None or f"{each[-1] % 7}" == state]
        assert (found, looked_at) == (wanted, 23), (state, limit)


def test_true_counts_are_told_by_agreement(world: World, held: list[Record]) -> None:
    somebody, agreement = visit(world, "auditor"), agreement_of(held[0])
    rows = list(csv.reader(StringIO(somebody.page("/counts.csv"))))
    assert rows[0] == ["agreementId", "agreement", "consents", "ended"]
    [own] = [row for row in rows if row[0] == agreement]
    assert own[2:] == ["3", "1"]
    anchored = world.node.sql("SELECT sum(size) FROM ledger.batches")[0][0]
    assert sum(int(row[2]) for row in rows[1:]) < anchored
    page = somebody.page("/counts")
    assert own[1] in page
    assert f"agreement={agreement}" in page
