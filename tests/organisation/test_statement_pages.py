"""A month's statement on the organisation's pages: its books balance, and each posting has its
event."""

from __future__ import annotations

import csv
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

import pytest

from protocol.booking import CSV_HEADER
from protocol.periods import BOOKING_ZONE
from protocol.postings import balance_of, deposit_of
from protocol.types import AgreementId, to_hex
from tests.organisation.visits import Visit, visit
from tests.stage import World

DEPOSIT, UNITS = 1_000_000, 3
LINE_1, LINE_2 = 3 * 50_000, 2 * 12_345
GROSS = LINE_1 + LINE_2


@dataclass(frozen=True)
class Settled:
    """An agreement of its own, with a deposit and three settled uses."""

    agreement: AgreementId
    month: str


@pytest.fixture(scope="module")
def settled(world: World) -> Settled:
    agreement = world.conclude()
    world.deposit(agreement, DEPOSIT)
    record = world.grant_active(secrets.token_bytes(32), agreement_id=agreement)
    world.settle(world.use(record, UNITS))
    return Settled(agreement, datetime.now(BOOKING_ZONE).strftime("%Y-%m"))


def consumer(world: World) -> Visit:
    return visit(world, "auditor", of=world.consumer.client)


def account_in(page: str, account: str) -> str:
    """The table of one account."""
    found = re.search(f'aria-label="[^"]*{account}".*?</table>', page, re.S)
    assert found is not None, account
    return found[0]


def test_a_deposit_opens_moves_and_closes(world: World, settled: Settled) -> None:
    page = consumer(world).page(f"/statements/{settled.month}")
    table = account_in(page, deposit_of(settled.agreement, world.consumer.id))
    link = f'href="/organisation/agreements/{to_hex(settled.agreement)}"'
    assert page.count(link) >= 3, "in the account's heading, movements and postings"
    amounts = re.findall(r"€([\d.,]+)", table)
    opening, *moved, closing = [round(float(each.replace(",", "")) * 1_000_000) for each in amounts]
    assert (opening, closing) == (0, DEPOSIT - GROSS)
    assert moved[0] == DEPOSIT
    assert sum(moved[1:]) == GROSS
    assert "Commission on use" in table
    assert "Use, to the payees" in table
    assert "Provisional" in page


def test_what_was_settled_adds_up(world: World, settled: Settled) -> None:
    page = visit(world).page(f"/statements/{settled.month}")
    told = world.provider.client.get(
        f"/v1/statements/{settled.month}", organisation=to_hex(world.provider.id)
    )
    assert told["grossMinor"] == told["commissionMinor"] + told["netMinor"] >= GROSS
    figures = re.findall(r'class="figure">€([\d.,]+)', page)
    shown = [round(float(each.replace(",", "")) * 1_000_000) for each in figures]
    assert shown == [told["grossMinor"], told["commissionMinor"], told["netMinor"]]
    assert "Use, from consumers" in account_in(page, balance_of(world.provider.id))


def test_each_posting_leads_to_its_event(world: World, settled: Settled) -> None:
    somebody = consumer(world)
    path = f"/statements/{settled.month}"
    seen: dict[str, str] = {}
    page = somebody.page(path)
    while True:
        for row in page.split("<tr>"):
            link = re.search(r'href="(/governance/events\?[^"]+)"', row)
            if link is not None:
                seen[link[1].replace("&amp;", "&")] = row
        following = re.search(r'rel="next" href="/organisation([^"]+)"', page)
        if following is None:
            break
        page = somebody.http.get(f"/organisation{following[1]}").text
    kinds = {link.partition("kind=")[2].partition("&")[0] for link in seen}
    assert {"use", "deposits", "holdings"} <= kinds
    named = {"use": "UsageSettled", "deposits": "Deposited", "holdings": "Transfer"}
    for kind, name in named.items():
        link = next(each for each in seen if f"kind={kind}&" in each)
        block, log = link.partition("after=")[2].split("-")
        first = re.search(
            r'<ol class="events">\s*<li>(.*?)</li>', somebody.http.get(link).text, re.S
        )
        assert first is not None
        assert f"<code>{name}</code>" in first[1]
        assert f"log {int(log):,}" in first[1]
        assert f"block {int(block):,}" in first[1]


def test_the_file_is_that_of_the_books(world: World, settled: Settled) -> None:
    text = consumer(world).get(f"/statements/{settled.month}.csv").text
    assert text.startswith(CSV_HEADER.strip())
    rows = list(csv.DictReader(StringIO(text)))
    own = deposit_of(settled.agreement, world.consumer.id)
    moved = [each for each in rows if own in (each["source"], each["target"])]
    assert [each["amount"] for each in moved if each["target"] == own] == ["1.000000"]
    paid = [each for each in moved if each["source"] == own]
    assert sum(round(float(each["amount"]) * 1_000_000) for each in paid) == GROSS
    assert {each["category"] for each in paid} == {"1", "2"}


def test_the_months_are_listed(world: World, settled: Settled) -> None:
    somebody = consumer(world)
    assert f'href="/organisation/statements/{settled.month}"' in somebody.page("/statements")
    empty = somebody.page("/statements/1999-12")
    assert "Nothing moved, and there was nothing before." in empty
    assert "never changes again" in empty
    assert somebody.get("/statements/2026-13").status_code == 422
    limited = visit(world, "operator", areas=["consents"])
    for path in ("/statements", f"/statements/{settled.month}"):
        assert limited.get(path).status_code == 403
