"""Wallets of all sorts on the learner's page: which are used, which are refused, and how."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser_wallet import (
    BrowserWallet,
    OnAnotherNetwork,
    declining,
    signing_at_length,
    signing_by_owner,
    signing_differently,
    signing_with_high_s,
)
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import SIGNATURE, card, connect, grant, sign_in


def test_a_first_visit_signs_twice_and_a_later_consent_is_found(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    sign_in(page)
    expect(page.get_by_role("heading", name="Sign a second time")).to_be_visible()
    page.get_by_role("button", name="Sign again with Test Wallet").click()
    expect(page.get_by_role("status")).to_contain_text("Both signatures are the same")
    expect(page.locator("#nothing-here")).to_contain_text("This node holds no consent")
    grant(learner_node, wallet, 0, "A later one")
    page.get_by_role("button", name="Look again").click()
    expect(card(page, "A later one")).to_be_visible()
    expect(page.locator("#nothing-here")).to_be_hidden()
    assert wallet.asked.count(SIGNATURE) == 2


def test_a_wallet_that_signs_differently_each_time_is_refused(
    page: Page, wallet: BrowserWallet
) -> None:
    wallet.mood = signing_differently
    sign_in(page)
    page.get_by_role("button", name="Sign again with Test Wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("differently the second time")
    expect(page.get_by_role("heading", name="How do you want to sign?")).to_be_visible()


def test_a_contract_wallet_is_refused_before_anything_is_sent(
    page: Page, wallet: BrowserWallet
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    connect(page)
    for mood in (signing_by_owner, signing_at_length, signing_with_high_s):
        wallet.mood = mood
        page.get_by_role("button", name="Sign with Test Wallet").click()
        problem = page.get_by_role("alert")
        expect(problem).to_contain_text("is a contract wallet, or signs in a form")
        expect(problem).to_contain_text("Nothing was sent.")
        wallet.mood = declining
        page.get_by_role("button", name="Sign with Test Wallet").click()
        expect(problem).to_contain_text("You declined")
    assert sent == []


@pytest.mark.deep
def test_who_declines_loses_nothing_and_may_try_again(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "After a no")
    wallet.mood = declining
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("You declined in your wallet.")
    wallet.mood = None
    page.get_by_role("button", name="Sign with Test Wallet").click()
    expect(card(page, "After a no")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.deep
def test_a_wallet_on_another_network_is_asked_to_change_it(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Over there")
    wallet.mood = OnAnotherNetwork(knows_network=False)
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text(
        f"it is not set to network {learner_node.chain_id}"
    )
    wallet.mood = OnAnotherNetwork(knows_network=True)
    page.get_by_role("button", name="Sign with Test Wallet").click()
    expect(card(page, "Over there")).to_be_visible()


@pytest.mark.deep
def test_without_a_wallet_the_page_says_what_to_do(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_text("There is no wallet in this browser.")).to_be_visible()
    expect(page.get_by_text("With a withdrawal slip you need no wallet")).to_be_visible()


@pytest.mark.deep
def test_two_wallets_are_offered_by_name(context: BrowserContext, wallet: BrowserWallet) -> None:
    wallet.install(context)
    other = BrowserWallet("Other & <b>Wallet</b>")
    other.install(context)
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_role("button", name="Connect")).to_have_count(2)
    page.get_by_role("button", name="Connect Other & <b>Wallet</b>").click()
    expect(page.get_by_role("status")).to_contain_text(other.account.address[:6])
    assert wallet.asked == []
