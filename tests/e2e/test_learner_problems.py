"""What goes wrong on the learner's page is told in words, and nothing is left half-done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from protocol.hashing import sha256
from protocol.types import to_hex
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card, grant, sign_in, withdraw


@pytest.mark.deep
def test_a_node_that_does_not_answer_is_told_in_words(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Silence")
    page.route("**/v1/me/holders", lambda route: route.abort())
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("The node does not answer.")
    page.unroute("**/v1/me/holders")
    page.get_by_role("button", name="Sign with Test Wallet").click()
    expect(card(page, "Silence")).to_be_visible()

    page.route("**/v1/withdrawals", lambda route: route.abort())
    withdraw(page, "Silence")
    problem = card(page, "Silence").get_by_role("alert")
    expect(problem).to_contain_text("it is not certain that your withdrawal arrived")
    page.unroute("**/v1/withdrawals")
    withdraw(page, "Silence")
    expect(card(page, "Silence")).to_contain_text("Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS)
    expect(problem).to_have_count(0)


def test_what_the_node_refuses_is_told_with_its_remedy(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Too old an index")
    stale = {
        "type": "/problems/index-stale",
        "title": "The index is too old to answer",
        "status": 503,
        "detail": "The indexer last saw the head of the chain 99 s ago; the limit is 30 s.",
        "remedy": "Ask again; the operator checks the indexer's log.",
    }
    answer = {"status": 503, "content_type": "application/problem+json", "body": json.dumps(stale)}
    page.route("**/v1/me/consents*", lambda route: route.fulfill(**answer))
    sign_in(page)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("99 s ago")
    expect(problem).to_contain_text("What you can do: Ask again")
    page.unroute("**/v1/me/consents*")
    page.get_by_role("button", name="Look again").click()
    expect(card(page, "Too old an index")).to_be_visible()
    expect(problem).to_have_count(0)


@pytest.mark.deep
def test_a_session_that_the_node_lost_is_begun_again(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Lost session")
    lost = {"type": "/problems/session-refused", "title": "No valid learner session"}
    answers = [{"status": 401, "body": json.dumps(lost)}]

    def lose_once(route: Route) -> None:
        route.fulfill(**answers.pop()) if answers else route.continue_()

    page.route("**/v1/me/consents*", lose_once)
    sign_in(page)
    expect(card(page, "Lost session")).to_be_visible()
    assert answers == []


def test_an_entry_that_does_not_fit_is_neither_shown_nor_signed(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    """A node cannot make the page sign for another leaf than that of the entry it shows."""
    damages = (another_commitment, another_leaf, another_holder)
    leaves = [
        to_hex(grant(learner_node, wallet, index, damage.__name__))
        for index, damage in enumerate(damages)
    ]
    grant(learner_node, wallet, 3, "Whole")

    def forge(route: Route) -> None:
        answer = route.fetch().json()
        held = {consent["status"]["leaf"]: consent for consent in answer["consents"]}
        for leaf, damage in zip(leaves, damages, strict=True):
            damage(held[leaf])
        route.fulfill(json=answer)

    page.route("**/v1/me/consents*", forge)
    sign_in(page)
    expect(card(page, "Whole")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("does not fit its entry")
    expect(page.locator("#consent-list").get_by_role("listitem")).to_have_count(1)


def another_commitment(held: dict[str, Any]) -> None:
    held["entry"] = held["entry"][:-2] + f"{int(held['entry'][-2:], 16) ^ 1:02x}"


def another_leaf(held: dict[str, Any]) -> None:
    held["status"]["leaf"] = "0x" + "00" * 32


def another_holder(held: dict[str, Any]) -> None:
    """An entry with its own leaf, but of a key that is not the learner's."""
    entry = bytes.fromhex(held["entry"][2:])
    forged = entry[:54] + bytes(20) + entry[74:]
    held["entry"] = to_hex(forged)
    held["status"]["leaf"] = to_hex(sha256(b"\0" + forged))
