"""The organisation's pages: axe finds nothing, in both languages, by day and by night."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from node.api.organisation.session_cookie import NAME
from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.e2e.browser_wallet import SendingWallet
from tests.e2e.reader import Reader
from tests.organisation.test_erasure_pages import ask_right, path_of
from tests.organisation.test_money_pages import Bought, signed
from tests.organisation.visits import Visit, visit
from tests.requests.asking import ask
from tests.stage import World

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def payer(world: World, built_pages: None) -> Visit:
    return visit(world, "admin", of=world.consumer.client)


@pytest.fixture(scope="module")
def bought(world: World) -> Bought:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secrets.token_bytes(32), agreement_id=agreement)
    return Bought(agreement, world.use(record, 2)["voucher"]["period"])


@pytest.fixture(params=["fr", "en"])
def reader(
    request: pytest.FixtureRequest, chromium: Browser, world: World, payer: Visit
) -> Iterator[Reader]:
    context = chromium.new_context(base_url=world.node.url)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": payer.token, "url": world.node.url}])
    SendingWallet(world.consumer.wallet).install(context)
    yield Reader(context.new_page(), request.param)
    context.close()


@pytest.fixture(scope="module")
def provided(world: World) -> dict[str, str]:
    """Pages of the provider, and of one of its acts, requests and consents."""
    record = world.grant_active(secrets.token_bytes(32))
    ask_right(world, "erasure")
    act = world.provider.client.get("/v1/outbox", limit=1)["items"][0]["actId"]
    request = ask(world)["requestId"]
    return {
        "overview": "",
        "consents-held": "/consents",
        "consent": f"/consents/{to_hex(leaf_of(record.entry))}",
        "counts": "/counts",
        "consent-requests": "/requests",
        "consent-request": f"/requests/{request}",
        "consent-request-new": "/requests/new",
        "consent-request-import": "/requests/import",
        "access": "/access",
        "act": f"/outbox/{act}",
        "rights-requests": "/rights",
        "erasure": path_of(record),
    }


def test_axe_finds_nothing_where_one_signs_in(reader: Reader) -> None:
    reader.page.context.clear_cookies()
    reader.go("/organisation/sign-in")
    reader.check("sign-in")


def test_axe_finds_nothing_where_an_organisation_works(
    world: World, reader: Reader, provided: dict[str, str]
) -> None:
    token = visit(world).token
    reader.page.context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    for state, path in provided.items():
        reader.go(f"/organisation{path}")
        reader.check(state)


def test_axe_finds_nothing_where_a_webhook_is_refused(world: World, reader: Reader) -> None:
    token = visit(world).token
    reader.page.context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    reader.go("/organisation/access")
    access = reader.texts["organisation"]["access"]
    reader.page.get_by_label(access["url"]).fill("ftp://school.example/")
    reader.press(access["register"])
    reader.page.get_by_role("alert").get_by_role("link").click()
    expect(reader.page.get_by_label(access["url"])).to_be_focused()
    reader.check("access-refused")


def test_axe_finds_nothing_where_use_becomes_money(
    world: World, reader: Reader, payer: Visit, bought: Bought
) -> None:
    kept = payer.post(bought.sign, **signed(world, payer.page(bought.sign)))
    assert kept.status_code in (303, 409), "kept, or settled in the other language before"
    pages = {
        "uses": "/usage",
        "month-of-use": f"/usage/{to_hex(bought.agreement)}/{bought.month}",
        "money": "/money",
        "sign": bought.sign,
        "claim": "/money/claim",
        "voucher": kept.headers["location"].removeprefix("/organisation"),
        "acts": "/outbox",
        "accounts": "/accounts",
        "bind-account": "/accounts/bind",
        "unknown": "/nothing",
        "statements": "/statements",
        "statement": f"/statements/{bought.month}",
    }
    for state, path in pages.items():
        reader.go(f"/organisation{path}")
        reader.check(state)
    reader.go(f"/organisation/money/leaving/{to_hex(bought.agreement)}")
    reader.check("leaving")
    reader.go(f"/organisation{bought.deposit}")
    reader.check("deposit")
    money = reader.texts["organisation"]["money"]
    reader.page.get_by_label(money["amount"]).fill("much")
    reader.press(money["prepare"])
    expect(reader.page.get_by_role("alert")).to_be_visible()
    reader.check("deposit-refused")
    reader.page.get_by_role("alert").get_by_role("link").click()
    expect(reader.page.get_by_label(money["amount"])).to_be_focused()
    expect(reader.page.get_by_label(money["amount"])).to_have_value("much")
    reader.page.get_by_label(money["amount"]).fill("0.25")
    reader.press(money["prepare"])
    calls = reader.texts["organisation"]["walletCalls"]
    button = calls["button"].format(name="Test Wallet")
    expect(reader.page.get_by_role("button", name=button)).to_be_visible()
    reader.check("deposit-by-wallet")
