"""The governance's page in a real browser, on a real node with two organisations."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from node.api.governance import sections
from node.api.governance.page import ROWS_MAX
from node.api.governance.tables import in_words
from node.api.wording import MINUS, Wording, wording_of
from protocol.commission import commission_at_rate
from protocol.identifiers import organisation_id
from protocol.periods import booking_month, parse_period, period_label, period_of
from protocol.types import AmountMinor, BookingMonth, Period, RateBps, UnixSeconds, to_hex
from tests.e2e.governance_steps import (
    balances_by_kind,
    open_up_to_date,
    settled_lines,
    table_of,
    table_of_csv,
)
from tests.e2e.test_learner_access import LOWEST_CONTRAST
from tests.stage import World

NOW = UnixSeconds(int(datetime.now(UTC).timestamp()))
MONTHS = [period_label(BookingMonth(booking_month(NOW) + step)) for step in (-1, 0)]
EN, FR = wording_of("en"), wording_of("fr")
PROPOSED_BPS = 777
PROPOSED_FROM = Period(period_of(NOW) + 9)
DELAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def used(built_pages: None, world: World) -> World:
    """Two consents, of which one is withdrawn, some use that is settled in two steps, and what
    waits in the timelock."""
    kept, ended = secrets.token_bytes(32), secrets.token_bytes(32)
    record = world.grant_active(kept)
    withdrawn = world.grant_active(ended)
    world.withdraw(withdrawn, ended)
    world.wait_for_state(withdrawn, "withdrawn")
    for times in (3, 4):
        world.settle(world.use(record, times))
    propose_rate(world)
    return world


def propose_rate(world: World) -> None:
    """Another rate for category 2, which may not be executed before a day has passed."""
    timelock, proposer = world.contract("TimelockController"), world.story.stage.governance
    policy = world.contract("CommissionPolicy")
    data = policy.encode_abi("setRate", [2, PROPOSED_FROM, PROPOSED_BPS])
    act = (policy.address, 0, data, bytes(32), secrets.token_bytes(32), DELAY_SECONDS)
    receipt = proposer.call(timelock.functions.schedule(*act))
    world.wait_for_block(receipt.block_number)


@pytest.fixture
def governance(chromium: Browser, used: World, at_rest: World) -> Iterator[Page]:
    """The page without JavaScript; fails if the console says anything."""
    context = chromium.new_context(java_script_enabled=False, base_url=used.node.url)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    open_up_to_date(page, used)
    yield page
    context.close()
    assert said == []


@pytest.fixture
def scripted(chromium: Browser, used: World) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=used.node.url)
    yield context
    context.close()


def test_what_was_used_is_what_the_statements_say(governance: Page, used: World) -> None:
    lines = settled_lines(used, MONTHS)
    shown = {row[0]: row[1:] for row in table_of(governance, "use-by-period")}
    for period in {line["period"] for line in lines}:
        own = [line for line in lines if line["period"] == period]
        units = {
            (line["transactionHash"], line["agreementId"], line["consumer"], line["toUnits"]): line[
                "toUnits"
            ]
            - line["fromUnits"]
            for line in own
        }
        amounts = [sum(line[f"{name}Minor"] for line in own) for name in ("gross", "net")]
        commission = sum(line["commissionMinor"] for line in own)
        used_units, *money = shown[EN.month(Period(parse_period(period)))]
        assert number(used_units) == sum(units.values())
        assert [number_of_money(each) for each in money] == [*amounts, commission]
    rows = table_of(governance, "use-by-category")
    assert {row[0]: number_of_money(row[2]) for row in rows} == {
        str(category): sum(line["grossMinor"] for line in lines if line["category"] == category)
        for category in {line["category"] for line in lines}
    }


def test_tokens_are_where_the_accounts_say(governance: Page, used: World) -> None:
    balances = balances_by_kind(used)
    shown = {row[0]: row[1] for row in table_of(governance, "money")}
    for kind, name, _ in sections.HELD:
        assert number_of_money(shown[EN.say(name)]) == balances.get(kind, 0)
    supply = -balances["issued"]
    assert number_of_money(shown[EN.say("governance.money.supply")]) == supply
    assert sum(amount for kind, amount in balances.items() if kind != "issued") == supply


def test_leaves_and_endings_are_those_of_the_index(governance: Page, used: World) -> None:
    [leaves] = used.node.sql("SELECT sum(size) FROM ledger.batches")
    [endings] = used.node.sql("SELECT count(*) FROM ledger.endings")
    rows = table_of(governance, "activity")
    assert len(rows) == 12
    assert rows[-1][0] == EN.month(period_of(NOW))
    assert sum(number(row[1]) for row in rows) == leaves[0]
    assert sum(number(row[2]) for row in rows) == endings[0]
    expect(governance.get_by_text("is an upper bound, not a count of consents")).to_be_visible()


def test_every_operator_has_its_share(governance: Page, used: World) -> None:
    rows = {row[0]: row for row in table_of(governance, "operators")}
    hosted = rows[used.node.settings.operator_did]
    [anchored] = used.node.sql(
        "SELECT coalesce(sum(size), 0) FROM ledger.batches WHERE issuer = :issuer",
        issuer=used.provider.id,
    )
    assert number(hosted[2]) >= anchored[0], "the school delegated to the operator"
    assert used.provider.did not in rows
    lines = settled_lines(used, MONTHS)
    consumers = {line["consumer"] for line in lines}
    assert {organisation_id(did) for did in rows} >= {bytes.fromhex(c[2:]) for c in consumers}
    by_operator = table_of(governance, "use-by-operator")
    gross = sum(number_of_money(row[2]) for row in by_operator)
    assert gross == sum(line["grossMinor"] for line in lines)
    expect(governance.get_by_text("Herfindahl index")).to_have_count(2)


def test_rates_are_the_apis(governance: Page, used: World) -> None:
    told = httpx.get(f"{used.node.url}/v1/rates").json()
    rows = table_of(governance, "rates")
    assert [row[:3] for row in rows] == [
        [
            str(rate["category"]),
            EN.month(Period(parse_period(rate["fromPeriod"]))),
            EN.percent(rate["rateBps"]),
        ]
        for rate in told["history"]
    ]
    current = {int(row[0]): row[2] for row in rows if row[3] == "in force"}
    assert current == {int(c): EN.percent(rate) for c, rate in told["inForce"].items()}


def test_what_waits_in_the_timelock_is_shown_before_it_is_decided(governance: Page) -> None:
    [proposal] = table_of(governance, "proposals")
    assert proposal[0] == f"Category 2: 7.77% from {EN.month(PROPOSED_FROM)} on"
    assert EN.month(PROPOSED_FROM) not in [row[1] for row in table_of(governance, "rates")]
    governance.locator('td a[href*="kind=proposals"], th a[href*="kind=proposals"]').click()
    expect(governance.locator("main")).to_contain_text("CallScheduled")


def test_what_another_rate_would_have_brought(governance: Page, used: World) -> None:
    governance.get_by_label("Category", exact=True).select_option("2")
    governance.get_by_label("Rate in basis points").fill(str(PROPOSED_BPS))
    governance.get_by_role("button", name="Compute").click()
    lines = [line for line in settled_lines(used, MONTHS) if line["category"] == 2]
    brought: dict[tuple[str, ...], int] = {}
    for line in lines:
        key = (line["period"], line["agreementId"], line["consumer"], str(line["unitPriceMinor"]))
        brought[key] = brought.get(key, 0) + line["grossMinor"]
    expected = commission_at_rate(map(AmountMinor, brought.values()), RateBps(PROPOSED_BPS))
    rows = table_of(governance, "proposal")
    assert sum(number_of_money(row[3]) for row in rows) == expected
    paid = sum(line["commissionMinor"] for line in lines)
    assert sum(number_of_money(row[2]) for row in rows) == paid
    said = governance.locator("#proposal [role=status]").inner_text()
    assert EN.money(expected) in said
    assert EN.money(AmountMinor(expected - paid)) in said


def test_a_rate_that_no_vote_can_set_is_refused_in_words(governance: Page) -> None:
    for query in ("category=1&rate=1001", "category=1&rate=", "category=x&rate=3", "rate=²"):
        governance.goto(f"/governance?lang=en&{query}")
        expect(governance.get_by_role("alert")).to_contain_text("from 0 to 1,000 basis points")
        assert table_of(governance, "proposal") == []


@pytest.mark.parametrize(
    ("language", "wording"),
    [pytest.param("en", EN, marks=pytest.mark.deep), ("fr", FR)],
)
def test_the_file_says_what_the_table_says(
    governance: Page, used: World, language: str, wording: Wording
) -> None:
    open_up_to_date(governance, used, f"/governance?lang={language}&category=1&rate=250")
    for name in sections.TABLES:
        link = governance.locator(f'.rests a[href*="/{name}.csv"]').get_attribute("href")
        answer = httpx.get(f"{used.node.url}{link}")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        head, *rows = csv.reader(io.StringIO(answer.text))
        shown = table_of(governance, name)
        assert head == [column.name for column in sections.COLUMNS[name]]
        assert rows, name
        assert shown == in_words(table_of_csv(name, rows).first(ROWS_MAX), wording)


@pytest.mark.deep
def test_every_figure_leads_to_what_makes_it(governance: Page) -> None:
    links = set(
        governance.locator(":is(td, tbody th, .shares) a").evaluate_all(
            "all => all.map(a => a.getAttribute('href'))"
        )
    )
    assert len(links) > 10
    assert all(link.startswith(("/governance/", "/participants")) for link in links)
    for link in sorted(links):
        governance.goto(link)
        assert governance.locator("html").get_attribute("lang") == "en"
        expect(governance.get_by_role("heading", level=1)).to_be_visible()


def test_listed_batches_add_up_to_the_figure(governance: Page) -> None:
    leaves = number(table_of(governance, "activity")[-1][1])
    governance.locator('td a[href*="kind=leaves"]').first.click()
    listed = 0
    while True:
        sizes = governance.locator("dt:has(code:text-is('size')) + dd").all_inner_texts()
        listed += sum(map(int, sizes))
        following = governance.get_by_role("link", name="Next page")
        if not following.count():
            break
        following.click()
    assert listed == leaves


@pytest.mark.deep
def test_earlier_months_are_a_link_away_and_none_comes_before_its_time(
    governance: Page, used: World
) -> None:
    governance.get_by_role("link", name="Twelve months earlier").click()
    assert table_of(governance, "activity")[-1][0] == EN.month(Period(period_of(NOW) - 12))
    governance.get_by_role("link", name="Later months").click()
    assert table_of(governance, "activity")[-1][0] == EN.month(period_of(NOW))
    expect(governance.get_by_role("link", name="Later months")).to_have_count(0)
    later = period_label(Period(period_of(NOW) + 2))
    assert httpx.get(f"{used.node.url}/governance?until={later}").status_code == 422


@pytest.mark.deep
def test_french_is_spoken_throughout(governance: Page, used: World) -> None:
    governance.goto("/governance?lang=fr&category=1&rate=250")
    expect(governance.get_by_role("heading", level=1)).to_have_text("Le registre en chiffres")
    text = governance.locator("main").inner_text()
    assert re.search(r"\d,\d\d\d* €", text.replace("\xa0", " ").replace("\u202f", " "))
    assert not re.search(r"Leaves|Uses|Commission of|Download", text)


@pytest.mark.deep
def test_it_works_with_the_keyboard(scripted: BrowserContext) -> None:
    page = scripted.new_page()
    page.goto("/governance?lang=en")
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "rate":
            break
    page.keyboard.type("250")
    page.keyboard.press("Enter")
    expect(page.locator("#proposal [role=status]")).to_contain_text("At 2.5%")
    assert page.url.endswith("rate=250#proposal")


@pytest.mark.deep
@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.deep), "fr"])
def test_it_fits_a_telephone_and_a_desk_by_day_and_by_night(
    scripted: BrowserContext, used: World, language: str
) -> None:
    page = scripted.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for address in (
        f"/governance?lang={language}&category=1&rate=250",
        f"/governance/events?lang={language}&kind=deposits",
        f"/governance/settlements?lang={language}&from=2020-01&until={MONTHS[1]}",
        f"/participants?lang={language}",
        f"/participants/{to_hex(used.provider.id)}?lang={language}",
    ):
        page.goto(address)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(LOWEST_CONTRAST) >= 4.5, (address, scheme)
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert said == []


def number(shown: str) -> int:
    return int(re.sub(r"\D", "", shown))


def number_of_money(shown: str) -> int:
    """Base units of what English shows as euros."""
    sign = -1 if shown.startswith(MINUS) else 1
    whole, _, part = re.sub(r"[^\d.]", "", shown).partition(".")
    return sign * (int(whole) * 1_000_000 + int(part.ljust(6, "0")))
