"""What may go wrong on the way from yes to a consent, or from “withdraw” to withdrawn: each leaves
one consent or none, never two, and the page says what happened."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from protocol.types import from_hex
from tests.e2e.browser_wallet import BrowserWallet, OnAnotherNetwork
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import (
    LEDGER_TIMEOUT_MS,
    SIGNATURE,
    card,
    connect,
    grant,
    sign_in,
    withdraw,
)
from tests.e2e.request_steps import expect_granted, open_request, say_yes, sign_first_time
from tests.requests.asking import PURPOSES, ask, shown
from tests.stage import Json, World, wait_until

CAREER, STATISTICS = PURPOSES
GRANT = "**/v1/requests/by-token/grant"
ANSWERED = "This request was answered before"
COUNT_STEPS = """
addEventListener("click", ({ isTrusted, target }) => {
  if (isTrusted && target.closest("button, input, a")) window.stepped();
}, true);
"""


def consents_of(world: World, made: Json) -> int:
    """How many consents a request became, by the organisation's own list; no other leaf has come of
    it, as each is bound to the request's group."""
    request = shown(world, made["requestId"])
    granted = [each["leaf"] for each in request["purposes"] if each["leaf"]]
    assert (request["state"] == "granted") == bool(granted)
    return len(granted)


@pytest.mark.deep
def test_on_another_network_the_wallet_is_asked_to_change_it(
    page: Page, world: World, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    wallet.mood = OnAnotherNetwork(knows_network=False)
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text(
        f"it is not set to network {learner_node.chain_id}"
    )
    assert consents_of(world, made) == 0
    wallet.mood = OnAnotherNetwork(knows_network=True)
    page.get_by_role("button", name="Sign with Test Wallet").click()
    page.get_by_role("button", name="Sign again with Test Wallet").click()
    expect_granted(page, 1)
    assert consents_of(world, made) == 1


@pytest.mark.deep
def test_without_a_wallet_other_ways_stay_open(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    open_request(page, ask(world))
    say_yes(page, CAREER)
    expect(page.get_by_text("There is no wallet in this browser.")).to_be_visible()
    expect(page.get_by_text("Make a recovery file")).to_be_visible()
    expect(page.get_by_role("heading", name="On paper")).to_be_visible()


@pytest.mark.deep
def test_offline_in_the_middle_one_consent_is_given_once_the_connection_is_back(
    page: Page, context: BrowserContext, world: World
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    connect(page)
    context.set_offline(True)
    page.get_by_role("button", name="Sign with Test Wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("The node does not answer.")
    context.set_offline(False)
    page.get_by_role("button", name="Sign with Test Wallet").click()
    page.route(GRANT, lambda route: route.abort("internetdisconnected"))
    page.get_by_role("button", name="Sign again with Test Wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("it is not certain that yours arrived")
    assert consents_of(world, made) == 0
    page.unroute(GRANT)
    page.get_by_role("button", name="Send again").click()
    expect_granted(page, 1)
    assert consents_of(world, made) == 1


@pytest.mark.deep
def test_double_clicks_all_the_way_give_one_consent(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    made = ask(world)
    open_request(page, made)
    page.get_by_role("checkbox", name=CAREER).check()
    for name in ("Yes, to what I ticked", "Yes, go on to sign", "Connect Test Wallet"):
        page.get_by_role("button", name=name).dblclick()
    for name in ("Sign with Test Wallet", "Sign again with Test Wallet"):
        page.get_by_role("button", name=name, exact=True).dblclick()
    expect_granted(page, 1)
    assert consents_of(world, made) == 1
    assert wallet.asked.count(SIGNATURE) == 2


@pytest.mark.deep
def test_of_two_tabs_that_sign_at_once_one_gives_the_consent(
    page: Page, context: BrowserContext, world: World
) -> None:
    made = ask(world)
    other = context.new_page()
    for tab, purpose in ((page, CAREER), (other, STATISTICS)):
        open_request(tab, made)
        say_yes(tab, purpose)
        sign_in(tab)
        expect(tab.get_by_role("heading", name="Sign a second time")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(GRANT, hold)
    with page.expect_request(GRANT):
        page.get_by_role("button", name="Sign again with Test Wallet").click()
    other.get_by_role("button", name="Sign again with Test Wallet").click()
    expect(other.get_by_role("status")).to_contain_text("answers goes first")
    [route] = held
    route.continue_()
    headings = page.get_by_role("heading"), other.get_by_role("heading")
    over = [each.filter(has_text=ANSWERED) for each in headings]
    given = [each.filter(has_text="You have given 1 consent") for each in headings]
    expect(over[0].or_(given[0])).to_be_visible()
    expect(over[1].or_(given[1])).to_be_visible()
    assert sum(each.count() for each in given) == 1
    assert consents_of(world, made) == 1


def reload(page: Page) -> None:
    page.reload()


def go_back_and_forward(page: Page) -> None:
    page.go_back()
    page.go_forward()


@pytest.mark.deep
@pytest.mark.parametrize("leave", [reload, go_back_and_forward])
def test_who_leaves_while_the_answer_is_on_its_way_has_given_it_once(
    page: Page, world: World, leave: Callable[[Page], None]
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)

    def answer_too_late(route: Route) -> None:
        route.fetch()

    page.route(GRANT, answer_too_late)
    sign_first_time(page)
    expect(page.get_by_role("heading", name="Your consents are signed")).to_be_focused()
    wait_until(lambda: page.evaluate("1") and consents_of(world, made), "the consent")
    leave(page)
    expect(page.get_by_role("heading", name=ANSWERED)).to_be_focused()
    assert consents_of(world, made) == 1


@pytest.mark.deep
def test_on_a_slow_chain_what_was_given_is_on_its_way_and_said_to_be(
    page: Page, world: World, learner_node: LearnerNode
) -> None:
    made = ask(world)
    with learner_node.sender_held():
        open_request(page, made)
        say_yes(page, CAREER)
        sign_first_time(page)
        expect_granted(page, 1)
        expect(page.get_by_text("It will be on the ledger in a moment.")).to_be_visible()
        page.get_by_role("main").get_by_role("link", name="Your consents").click()
        sign_in(page)
        expect(card(page, CAREER)).to_contain_text("On its way")
    expect(card(page, CAREER)).to_contain_text("Active", timeout=LEDGER_TIMEOUT_MS)
    assert consents_of(world, made) == 1


@pytest.mark.deep
def test_offline_in_the_middle_of_a_withdrawal_it_is_sent_again(
    page: Page, context: BrowserContext, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    leaf = grant(learner_node, wallet, 0, "Offline")
    learner_node.wait_until(leaf, "active")
    sign_in(page)
    expect(card(page, "Offline")).to_be_visible()
    context.set_offline(True)
    withdraw(page, "Offline")
    problem = card(page, "Offline").get_by_role("alert")
    expect(problem).to_contain_text("it is not certain that your withdrawal arrived")
    assert learner_node.state_of(leaf)["active"]
    context.set_offline(False)
    withdraw(page, "Offline")
    expect(card(page, "Offline")).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    expect(problem).to_have_count(0)


@pytest.mark.deep
def test_two_tabs_withdraw_the_same_consent_once(
    page: Page, context: BrowserContext, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    leaf = grant(learner_node, wallet, 0, "Twice")
    learner_node.wait_until(leaf, "active")
    other = context.new_page()
    other.goto("/me")
    for tab in (page, other):
        sign_in(tab)
        expect(card(tab, "Twice")).to_contain_text("Active")
    for tab in (page, other):
        withdraw(tab, "Twice")
    for tab in (page, other):
        expect(card(tab, "Twice")).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
        expect(card(tab, "Twice").get_by_role("alert")).to_have_count(0)
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
def test_with_a_wallet_withdrawing_takes_at_most_as_many_steps_as_granting(
    page: Page,
    context: BrowserContext,
    world: World,
    learner_node: LearnerNode,
    wallet: BrowserWallet,
) -> None:
    """Presses in the page and questions of the wallet; the grant is not a first one, which takes
    one step of each more."""
    steps: list[None] = []
    context.expose_function("stepped", lambda: steps.append(None))
    context.add_init_script(COUNT_STEPS)
    grant(learner_node, wallet, 0, "An earlier one")
    made = ask(world)
    open_request(page, made)
    steps.clear()
    wallet.asked.clear()
    say_yes(page, CAREER)
    sign_in(page)
    expect_granted(page, 1)
    granting = len(steps) + len(wallet.asked)
    [leaf] = [each["leaf"] for each in shown(world, made["requestId"])["purposes"] if each["leaf"]]
    learner_node.wait_until(from_hex(leaf), "active")
    page.goto("/me")
    steps.clear()
    wallet.asked.clear()
    sign_in(page)
    withdraw(page, CAREER)
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    assert 0 < len(steps) + len(wallet.asked) <= granting
