"""Which addresses on chain a learner's browser is sent to: text that an operator chose freely."""

from __future__ import annotations

import pytest

from node.db import api_engine
from node.known_operators import KEPT_SECONDS, KnownOperators, origin_of
from protocol.identifiers import organisation_id
from tests.stage import World


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://node.example", "https://node.example"),
        ("https://node.example/", "https://node.example"),
        ("https://Node.Example:443", "https://node.example"),
        ("https://node.example:8443", "https://node.example:8443"),
        ("http://node.localhost:8420", "http://node.localhost:8420"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
    ],
)
def test_an_address_is_written_as_browsers_write_it(address: str, origin: str) -> None:
    assert origin_of(address, takes_http=True) == origin


@pytest.mark.parametrize(
    "address",
    [
        *("", None, "node.example", "ftp://node.example", "https://", "https://a..b"),
        *("https://node.example/path", "https://user@node.example", "https://node.example:0"),
        *("https://*", "https://*.example", "https:", "'unsafe-inline'", "https://nœud.example"),
        "https://node.example; script-src 'unsafe-inline'",
        "https://node.example https://evil.example",
        "https://node.example\nhttps://evil.example",
        "https://node.example\n",
    ],
)
def test_what_could_say_more_than_where_is_no_address(address: str | None) -> None:
    assert origin_of(address, takes_http=True) is None


def test_a_page_that_came_by_https_is_sent_nowhere_by_http() -> None:
    assert origin_of("http://node.example", takes_http=False) is None
    assert origin_of("https://node.example", takes_http=False) == "https://node.example"


async def test_this_nodes_own_operator_is_no_other_and_is_asked_for_again_in_time(
    world: World,
) -> None:
    """The session's registry names the one operator."""
    database = api_engine(world.node.running.database_url)
    own = organisation_id(world.node.settings.operator_did)
    now = [0.0]
    known = KnownOperators(database, own, world.node.url, lambda: now[0])
    seen_by_another = KnownOperators(database, world.provider.id, world.node.url)
    assert [each.did for each in await known.others()] == []
    [operator] = await seen_by_another.others()
    assert (operator.organisation, operator.origin) == (own, world.node.url)
    assert await seen_by_another.origins() == {world.node.url}
    await database.dispose()
    resting = database.pool.status()
    now[0] = KEPT_SECONDS - 0.1
    assert await known.others() == ()
    assert database.pool.status() == resting, "what is kept needs no connection"
    now[0] = KEPT_SECONDS
    assert await known.others() == ()
    assert database.pool.status() != resting
    await database.dispose()
