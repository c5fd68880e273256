"""What goes wrong on the learner's page is told in words, and nothing is left half-done."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from protocol.types import to_hex
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card, grant, sign_in, withdraw


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
    page.route("**/v1/me/consents", lambda route: route.fulfill(**answer))
    sign_in(page)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("99 s ago")
    expect(problem).to_contain_text("What you can do: Ask again")
    page.unroute("**/v1/me/consents")
    page.get_by_role("button", name="Look again").click()
    expect(card(page, "Too old an index")).to_be_visible()
    expect(problem).to_have_count(0)


def test_a_session_that_the_node_lost_is_begun_again(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Lost session")
    lost = {"type": "/problems/session-refused", "title": "No valid learner session"}
    answers = [{"status": 401, "body": json.dumps(lost)}]

    def lose_once(route: Route) -> None:
        route.fulfill(**answers.pop()) if answers else route.continue_()

    page.route("**/v1/me/consents", lose_once)
    sign_in(page)
    expect(card(page, "Lost session")).to_be_visible()
    assert answers == []


@pytest.mark.parametrize("damage", ["entry", "leaf", "holder"])
def test_an_entry_that_does_not_fit_is_neither_shown_nor_signed(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet, damage: str
) -> None:
    """A node cannot make the page sign for another leaf than that of the entry it shows."""
    leaf = grant(learner_node, wallet, 0, "The one shown")
    grant(learner_node, wallet, 1, "Another")
    foreign = learner_node.grant(BrowserWallet().account.key, "Somebody else's")

    def forge(route: Route) -> None:
        answer = route.fetch().json()
        [shown] = [held for held in answer["consents"] if held["status"]["leaf"] == to_hex(leaf)]
        if damage == "entry":
            shown["entry"] = shown["entry"][:-2] + f"{int(shown['entry'][-2:], 16) ^ 1:02x}"
        elif damage == "leaf":
            shown["status"]["leaf"] = to_hex(foreign)
        else:
            shown["entry"] = (
                to_hex(bytes.fromhex(shown["entry"][2:])[:54] + bytes(20))
                + (shown["entry"][2 + 2 * 74 :])
            )
        route.fulfill(json=answer)

    page.route("**/v1/me/consents", forge)
    sign_in(page)
    expect(card(page, "Another")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("does not fit its entry")
    expect(card(page, "The one shown")).to_have_count(0)
