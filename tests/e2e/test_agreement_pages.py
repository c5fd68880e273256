"""An agreement in a browser: proposed without scripts, signed with a wallet, ended after a warning;
and its pages read by everybody."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from node.api.organisation.session_cookie import NAME
from protocol.types import AgreementId, to_hex
from tests.access.signing import new_account, session_of
from tests.access.test_people import invite
from tests.e2e.browser_wallet import BrowserWallet, declining
from tests.e2e.reader import Reader
from tests.stage import EXAMPLES, World, hash_of, wait_until


@pytest.fixture(scope="module")
def token(world: World, built_pages: None) -> str:
    invited = invite(world.provider.client, "admin")
    opened, _ = session_of(world, new_account(), invitation=invited["invitation"])
    found: str = opened["token"]
    return found


@pytest.fixture
def wallet(world: World) -> BrowserWallet:
    """Of the provider's own account."""
    return BrowserWallet(secret=bytes(world.provider.wallet.account.key))


@pytest.fixture
def page(chromium: Browser, world: World, token: str, wallet: BrowserWallet) -> Iterator[Page]:
    """Signed in, with the wallet in the browser."""
    context = chromium.new_context(base_url=world.node.url)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    wallet.install(context)
    yield context.new_page()
    context.close()


@pytest.fixture
def proposed(world: World) -> AgreementId:
    return world.propose(world.make_terms(salt=hash_of(secrets.randbits(200))))


def test_an_agreement_is_proposed_without_scripts(
    chromium: Browser, world: World, token: str
) -> None:
    context = chromium.new_context(base_url=world.node.url, java_script_enabled=False)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    page = context.new_page()
    page.goto("/organisation")
    page.get_by_role("link", name="Agreements", exact=True).click()
    page.get_by_role("link", name="Propose an agreement").click()
    page.get_by_label("Other party 1").fill(world.consumer.did)
    page.get_by_label("Price of a use").fill("0.05")
    page.get_by_role("button", name="One more price line").click()
    page.locator("#line-2-payee").fill(world.provider.did)
    page.locator("#line-2-price").fill("1.5")
    page.locator("#line-2-free").fill("3")
    page.get_by_label("Purposes").fill("career guidance\nfollow-up")
    page.locator("#rulebook").press("Enter")
    expect(page.get_by_text("Nothing is proposed yet.")).to_be_visible()
    expect(page.get_by_role("row", name="1.50")).to_contain_text("3 uses a month")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("status")).to_have_text("The proposal is on its way to the ledger.")
    expect(page.get_by_role("heading", level=1)).to_contain_text("career guidance / follow-up")
    context.close()


@pytest.mark.deep
def test_a_wallet_signs_what_the_page_shows(
    world: World, page: Page, wallet: BrowserWallet, proposed: AgreementId
) -> None:
    page.goto(f"/organisation/agreements/{to_hex(proposed)}")
    sign = page.get_by_role("button", name="Sign with Test Wallet")
    wallet.mood = declining
    sign.click()
    expect(page.get_by_role("alert")).to_contain_text("You declined in your wallet.")
    wallet.mood = None
    sign.click()
    expect(page.get_by_text("Your signature is on its way to the ledger.")).to_be_visible()
    [signed] = wallet.signed
    assert signed["primaryType"] == "Acceptance"
    assert signed["message"]["organisation"].lower() == to_hex(world.provider.id)
    wait_until(lambda: world.show_agreement(proposed)["signatures"], "the signature")


@pytest.mark.deep
def test_a_proposal_is_withdrawn_only_after_the_warning_was_read(
    world: World, page: Page, proposed: AgreementId
) -> None:
    page.goto(f"/organisation/agreements/{to_hex(proposed)}")
    page.get_by_text("Withdraw the proposal…").click()
    expect(page.get_by_text("This cannot be undone:")).to_be_visible()
    withdraw = page.get_by_role("button", name="Withdraw the proposal")
    withdraw.click()
    assert "done" not in page.url, "the browser asks for the tick first"
    page.get_by_label("I have read that this cannot be undone").check()
    withdraw.click()
    expect(page.get_by_text("The termination is on its way to the ledger.")).to_be_visible()
    wait_until(lambda: world.show_agreement(proposed)["status"] == "terminated", "the termination")


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_on_the_pages_of_an_agreement(
    world: World, page: Page, proposed: AgreementId, language: str
) -> None:
    concluded = world.conclude()
    fill = {
        "#party-1": world.consumer.did,
        "#line-1-price": "0.05",
        "#purposes": "career guidance",
    }
    reader, pages = Reader(page, language), "/organisation/agreements"
    paths = {
        "agreement-proposed": f"/{to_hex(proposed)}",
        "agreement-in-force": f"/{to_hex(concluded)}",
        "agreements": "",
        "agreement-new": "/new",
        "agreement-import": "/import",
        "rulebooks": "/rulebooks",
    }
    for state, path in paths.items():
        reader.go(f"{pages}{path}")
        reader.check(state)
    reader.go(f"{pages}/import")
    page.locator("#file").set_input_files(EXAMPLES / "prometheus-x" / "bilateral-contract.json")
    page.locator("main button:not(.quiet)").click()
    expect(page.locator("#title-understood")).to_be_visible()
    reader.check("agreement-understood")
    for state, price in (("agreement-refused", "dear"), ("agreement-checked", "0.05")):
        reader.go(f"{pages}/new")
        for name, text in {**fill, "#line-1-price": price}.items():
            page.locator(name).fill(text)
        page.locator(".actions button[value=check]").click()
        reader.check(state)
