"""An organisation's own wallet signs a voucher and makes a deposit, on the organisation's pages."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from node.api.organisation.session_cookie import NAME
from protocol.types import to_hex
from tests.e2e.browser_wallet import BrowserWallet, SendingWallet, WalletError, numbering_from_zero
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS
from tests.organisation.test_money_pages import Bought, give_tokens
from tests.organisation.visits import visit
from tests.stage import World


@pytest.fixture(scope="module")
def bought(world: World) -> Bought:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secrets.token_bytes(32), agreement_id=agreement)
    return Bought(agreement, world.use(record, 2)["voucher"]["period"])


@pytest.fixture
def consumer(chromium: Browser, world: World, built_pages: None) -> Iterator[BrowserContext]:
    """The browser of one of the consumer's people."""
    token = visit(world, "operator", of=world.consumer.client).token
    context = chromium.new_context(base_url=world.node.url)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    yield context
    context.close()


@pytest.fixture
def keeper(chromium: Browser, world: World, built_pages: None) -> Iterator[BrowserContext]:
    """The browser of one who may change the consumer's accounts."""
    token = visit(world, "admin", of=world.consumer.client).token
    context = chromium.new_context(base_url=world.node.url)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    yield context
    context.close()


def use(page: Page) -> None:
    page.get_by_role("button", name="Use Test Wallet").click()


def test_the_wallet_signs_a_voucher_and_makes_a_deposit(
    world: World, consumer: BrowserContext, bought: Bought
) -> None:
    wallet = SendingWallet(world.consumer.wallet)
    wallet.mood = numbering_from_zero
    wallet.install(consumer)
    page = consumer.new_page()
    page.goto(f"/organisation/usage/{to_hex(bought.agreement)}/{bought.month}")
    page.get_by_role("link", name="Sign a voucher for this month").click()
    use(page)
    expect(page.get_by_text("Not submitted")).to_be_visible()
    page.get_by_role("button", name="Bring it to the ledger").click()
    expect(page.get_by_role("list", name="How far it is")).to_be_visible()

    give_tokens(world, 250_000)
    page.goto(f"/organisation{bought.deposit}")
    page.get_by_label("Amount in euros of use").fill("0.25")
    page.get_by_role("button", name="Go on to the wallet").click()
    use(page)
    expect(page.get_by_role("status")).to_have_text(
        "Done: this node has read it.", timeout=LEDGER_TIMEOUT_MS
    )
    expect(page.locator("[data-step=seen][aria-current=step]")).to_have_count(2)
    assert wallet.asked.count("eth_sendTransaction") == 2
    page.get_by_role("link", name="See what came of it").click()
    expect(page.get_by_role("heading", level=1, name="Money")).to_be_visible()


@pytest.mark.deep
def test_what_the_wallet_may_not_or_will_not_do_changes_nothing(
    world: World, consumer: BrowserContext, bought: Bought
) -> None:
    wallet = SendingWallet(world.consumer.wallet)
    wallet.install(consumer)
    page = consumer.new_page()
    page.goto(f"/organisation{bought.deposit}")
    page.get_by_label("Amount in euros of use").fill("0.25")
    page.get_by_role("button", name="Go on to the wallet").click()
    alert = page.get_by_role("alert")
    wallet.mood = declining_to_send
    use(page)
    expect(alert).to_contain_text("You declined in your wallet.")
    wallet.mood = on_another_network
    use(page)
    expect(alert).to_contain_text("it is not set to network")
    wallet.mood = with_another_account
    use(page)
    expect(alert).to_contain_text("may not do this for your organisation")
    assert page.locator("[data-step=sent][aria-current]").count() == 0


@pytest.mark.deep
def test_a_new_account_signs_and_the_managing_one_binds_it(
    world: World, keeper: BrowserContext
) -> None:
    new = BrowserWallet("New Wallet")
    for wallet in (new, SendingWallet(world.consumer.wallet)):
        wallet.install(keeper)
    page = keeper.new_page()
    page.goto("/organisation/accounts")
    page.get_by_role("link", name="Bind a further account").click()
    page.get_by_label("Account", exact=True).fill(new.account.address)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("Something in the request")
    expect(page.get_by_label("Account", exact=True)).to_have_value(new.account.address)
    page.get_by_label("sign vouchers").check()
    page.get_by_role("button", name="Go on").click()
    use(page)
    expect(page.get_by_role("alert")).to_contain_text("may not do this for your organisation")
    page.get_by_role("button", name="Use New Wallet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bind the account with your wallet")
    assert new.signed[-1]["primaryType"] == "AccountBinding"
    use(page)
    expect(page.get_by_role("status")).to_have_text(
        "Done: this node has read it.", timeout=LEDGER_TIMEOUT_MS
    )
    page.get_by_role("link", name="See what came of it").click()
    row = page.get_by_role("row", name=new.account.address.lower())
    expect(row).to_contain_text("sign vouchers")
    expect(row).to_contain_text("In service")


def declining_to_send(wallet: BrowserWallet, method: str, parameters: list[object]) -> object:
    if method == "eth_sendTransaction":
        raise WalletError(4001, "User rejected the request.")
    return wallet.answer(method, parameters)


def on_another_network(wallet: BrowserWallet, method: str, parameters: list[object]) -> object:
    if method == "eth_chainId":
        return "0x1"
    if method == "wallet_switchEthereumChain":
        raise WalletError(4902, "Unrecognized chain ID")
    assert method != "eth_sendTransaction", "never on another network"
    return wallet.answer(method, parameters)


def with_another_account(wallet: BrowserWallet, method: str, parameters: list[object]) -> object:
    if method == "eth_requestAccounts":
        return [BrowserWallet().account.address]
    return wallet.answer(method, parameters)
