"""The pages that everybody may read: axe finds nothing, in both languages, by day and by night."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from protocol.types import to_hex
from tests.e2e.reader import Reader
from tests.stage import World

PAGES = {
    "governance": "/governance?category=1&rate=250",
    "governance-refused": "/governance?category=1&rate=1001",
    "events": "/governance/events?kind=leaves",
    "settlements": "/governance/settlements?from=2020-01&until={month}",
    "events-of-one": "/governance/events?kind=participants&organisation={school}",
    "participants": "/participants",
    "participants-served": "/participants?operator={operator}",
    "participant": "/participants/{school}",
    "participant-operator": "/participants/{operator}",
    "styleguide": "/styleguide",
    "problems": "/problems",
    "problem": "/problems/index-stale",
    "unavailable": "/governance?until=9000-01",
    "nothing-there": "/nothing-here",
}
pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def month(world: World, built_pages: None) -> str:
    """A month of use, with something settled in it."""
    record = world.grant_active(secrets.token_bytes(32))
    settled = world.use(record, 3)
    world.settle(settled)
    period: str = settled["voucher"]["period"]
    return period


@pytest.fixture(params=["en", "fr"])
def reader(request: pytest.FixtureRequest, chromium: Browser, world: World) -> Iterator[Reader]:
    context = chromium.new_context(base_url=world.node.url)
    yield Reader(context.new_page(), request.param)
    context.close()


@pytest.mark.parametrize("state", PAGES)
def test_axe_finds_nothing_on_what_everybody_may_read(
    reader: Reader, world: World, month: str, state: str
) -> None:
    operator, school = to_hex(world.story.stage.operator_id), to_hex(world.provider.id)
    reader.go(PAGES[state].format(month=month, operator=operator, school=school))
    reader.check(state)
