"""The offers of an organisation's catalogue, as the API lists them."""

from __future__ import annotations

import secrets

from node.commands.keep_offers import hash_offer_id
from protocol.types import to_hex
from tests.organisation.test_catalogue_pages import entry_of, keep
from tests.organisation.visits import visit
from tests.refusals import assert_problem, send
from tests.stage import World

PATH = "/v1/catalogue/offers"


def test_offers_are_listed_by_their_names_page_by_page(world: World) -> None:
    name = f"listed {secrets.token_hex(4)}"
    entries = [entry_of(world, f"{name} {letter}") for letter in "aBc"]
    keep(visit(world), entries[::-1])
    client = world.provider.client
    first = client.get(PATH, name=name, limit=2)
    assert [each["entry"] for each in first["items"]] == entries[:2]
    [last] = client.get(PATH, name=name, limit=2, after=first["next"])["items"]
    assert last.pop("keptAt") > 0
    assert last == {
        "offerHash": to_hex(hash_offer_id(entries[2]["_id"])),
        "offerId": entries[2]["_id"],
        "kind": "ServiceOffering",
        "name": f"{name} c",
        "providerId": world.consumer.did.rpartition(":")[2],
        "entry": entries[2],
    }
    assert client.get(PATH, name=name)["next"] is None
    assert world.consumer.client.get(PATH, name=name)["items"] == []


def test_a_name_that_is_none_is_refused(world: World) -> None:
    for wrong in ("", "n" * 301):
        refused = send(world.provider.client, "GET", f"{PATH}?name={wrong}")
        assert_problem(refused, 422, "request-invalid", "name")
