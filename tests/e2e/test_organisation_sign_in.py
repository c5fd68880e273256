"""An organisation's people come in by a browser: with a wallet, with a passkey, by invitation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from node.api.organisation.session_cookie import NAME
from tests.access.signing import new_account, session_of
from tests.access.test_people import invite
from tests.e2e.browser_wallet import BrowserWallet, WalletError
from tests.e2e.organisation_door import open_door
from tests.stage import World


@pytest.fixture(scope="module")
def door(built_pages: None, world: World) -> Iterator[str]:
    with open_door(world) as address:
        yield address


@pytest.fixture
def visitor(chromium: Browser, door: str, wallet: BrowserWallet) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=door)
    context.set_default_timeout(10_000)
    wallet.install(context)
    yield context
    context.close()


def sign_in_page(visitor: BrowserContext, invitation: str = "") -> Page:
    page = visitor.new_page()
    page.goto(f"/organisation/sign-in#{invitation}")
    return page


def add_authenticator(page: Page) -> None:
    """One that is built in, and whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_who_is_invited_joins_with_a_wallet_and_comes_back_with_it(
    world: World, visitor: BrowserContext
) -> None:
    invited = invite(world.provider.client, "auditor")
    page = sign_in_page(visitor, invited["invitation"])
    expect(page.get_by_text("the invitation serves once")).to_be_visible()
    assert invited["invitation"] not in page.url
    page.get_by_role("button", name="Join with Test Wallet").click()
    expect(page.get_by_text("Auditor: reads everything")).to_be_visible()
    [cookie] = visitor.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (NAME, True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    assert visitor.cookies() == []
    page.get_by_role("button", name="Sign in with Test Wallet").click()
    expect(page.get_by_text("Auditor: reads everything")).to_be_visible()


@pytest.mark.deep
def test_who_is_invited_joins_with_a_passkey_and_comes_back_with_it(
    world: World, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    add_authenticator(page)
    invited = invite(world.provider.client, "operator")
    page.goto(f"/organisation/sign-in?lang=fr#{invited['invitation']}")
    page.get_by_role("button", name="Rejoindre avec une nouvelle clé d'accès").click()
    expect(page.get_by_text("Gestion : le travail quotidien")).to_be_visible()
    page.get_by_role("button", name="Se déconnecter").click()
    page.get_by_role("button", name="Se connecter avec une clé d'accès").click()
    expect(page.get_by_text("Gestion : le travail quotidien")).to_be_visible()
    assert page.url.endswith("/organisation?lang=fr")


@pytest.mark.deep
def test_once_signed_in_the_pages_work_without_scripts(
    world: World, chromium: Browser, door: str
) -> None:
    invited = invite(world.provider.client, "operator")
    opened, _ = session_of(world, new_account(), invitation=invited["invitation"])
    context = chromium.new_context(java_script_enabled=False, base_url=door)
    context.add_cookies([{"name": NAME, "value": opened["token"], "url": door}])
    page = context.new_page()
    page.goto("/organisation")
    expect(page.get_by_text("Up to date")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Signing in needs JavaScript")).to_be_visible()
    context.close()


@pytest.mark.deep
def test_who_declines_or_is_not_known_is_told_what_to_do(
    visitor: BrowserContext, wallet: BrowserWallet
) -> None:
    def declining(asked: BrowserWallet, method: str, parameters: list[object]) -> object:
        if method == "personal_sign":
            raise WalletError(4001, "User rejected the request.")
        return asked.answer(method, parameters)

    page = sign_in_page(visitor)
    wallet.mood = declining
    page.get_by_role("button", name="Sign in with Test Wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("You declined")
    wallet.mood = None
    page.get_by_role("button", name="Sign in with Test Wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("Let an admin of the organisation invite you")


@pytest.mark.deep
def test_who_works_for_two_organisations_says_for_which(
    world: World, visitor: BrowserContext, wallet: BrowserWallet
) -> None:
    for party in (world.provider, world.consumer):
        session_of(world, wallet.account, invitation=invite(party.client)["invitation"])
    page = sign_in_page(visitor)
    page.get_by_role("button", name="Sign in with Test Wallet").click()
    expect(page.get_by_role("heading", name="For which organisation?")).to_be_focused()
    page.get_by_role("button", name=f"0x{world.consumer.id.hex()}").click()
    expect(page.get_by_text(world.consumer.did)).to_be_visible()
