"""The learner's page in a real browser, on a real node: find one's consents and withdraw them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from protocol.assurance import Assurance
from protocol.types import to_hex
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

LEDGER_TIMEOUT_MS = 15_000
SIGNATURE = "eth_signTypedData_v4"
Visit = Callable[..., Page]


@pytest.fixture
def wallet() -> BrowserWallet:
    return BrowserWallet()


@pytest.fixture
def context(chromium: Browser, learner_node: LearnerNode) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=learner_node.base_url)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, wallet: BrowserWallet) -> Iterator[Page]:
    """The learner's page with the wallet in it; fails if the console says anything bad."""
    wallet.install(context)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/me")
    yield page
    expected = ("Failed to load resource",)
    assert [text for text in said if not text.startswith(expected)] == []


def connect(page: Page, name: str = "Test Wallet") -> None:
    page.get_by_role("button", name=f"Connect {name}").click()
    expect(page.get_by_role("heading", name="Sign once")).to_be_visible()


def sign_in(page: Page) -> None:
    connect(page)
    page.get_by_role("button", name="Sign with Test Wallet").click()


def card(page: Page, purpose: str) -> Locator:
    return page.get_by_role("listitem", name=purpose)


def withdraw(page: Page, purpose: str) -> None:
    page.get_by_role("button", name=f"Withdraw “{purpose}”").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw for good").click()


def grant(
    node: LearnerNode,
    wallet: BrowserWallet,
    index: int,
    purpose: str,
    assurance: Assurance = Assurance.SIGNED,
) -> bytes:
    secret = wallet.holder_secret(node.operator_did, node.chain_id, index)
    return node.grant(secret, purpose, assurance)


def test_a_learner_finds_all_consents_and_withdraws_one_for_good(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    kept = [
        grant(learner_node, wallet, 0, "Share the diploma"),
        grant(learner_node, wallet, 20, "Far away in the sequence", Assurance.ATTESTED),
    ]
    leaf = grant(learner_node, wallet, 3, "Match skills with offers")
    for each in (*kept, leaf):
        learner_node.wait_until(each, "active")
    sign_in(page)
    expect(page.get_by_role("status")).to_have_text("3 consents found.")
    assert wallet.asked.count(SIGNATURE) == 1
    consent = card(page, "Match skills with offers")
    for words in ("Active", "Atelier Dupont", "A key made on your device signed it."):
        expect(consent).to_contain_text(words)
    expect(card(page, "Far away")).to_contain_text("No key of yours signed")

    consent.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This cannot be undone")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert learner_node.state_of(leaf)["active"]

    consent.get_by_role("button").click()
    dialog.get_by_role("button", name="Withdraw for good").dblclick()
    expect(consent).to_contain_text("Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS)
    expect(consent.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("The ledger confirms it: withdrawn.")
    consent.get_by_text("For checking").click()
    expect(consent).to_contain_text("Transaction")
    assert wallet.asked.count(SIGNATURE) == 1
    status = learner_node.state_of(leaf)
    assert (status["state"], status["endedBy"]) == ("withdrawn", "holder")
    assert [learner_node.state_of(each)["state"] for each in kept] == ["active", "active"]


def test_a_consent_still_in_the_outbox_is_shown_and_can_be_withdrawn(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    with learner_node.sender_held():
        leaf = grant(learner_node, wallet, 0, "Granted a second ago")
        later = grant(learner_node, wallet, 1, "Kept")
        sign_in(page)
        consent = card(page, "Granted a second ago")
        expect(consent).to_contain_text("It will be on the ledger in a moment.")
        withdraw(page, "Granted a second ago")
        expect(consent).to_contain_text("The gate is closed now")
        expect(consent.get_by_role("heading")).to_be_focused()
        assert learner_node.state_of(leaf)["state"] == "withdrawal-pending"
    expect(consent).to_contain_text("Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS)
    expect(card(page, "Kept")).to_contain_text("Active", timeout=LEDGER_TIMEOUT_MS)
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"
    assert learner_node.state_of(later)["active"]


def test_a_withdrawal_on_its_way_is_followed_after_a_reload(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    with learner_node.sender_held():
        grant(learner_node, wallet, 0, "Followed")
        sign_in(page)
        withdraw(page, "Followed")
        expect(card(page, "Followed")).to_contain_text("The gate is closed now")
        page.reload()
        sign_in(page)
        expect(card(page, "Followed")).to_contain_text("Withdrawal pending")
    expect(card(page, "Followed")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )


def test_nothing_secret_is_kept_or_leaves_the_page(
    page: Page, context: BrowserContext, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    sent: list[str] = []
    page.on(
        "request",
        lambda request: sent.append(f"{request.url} {request.headers} {request.post_data or ''}"),
    )
    grant(learner_node, wallet, 0, "Nothing kept")
    sign_in(page)
    withdraw(page, "Nothing kept")
    expect(card(page, "Nothing kept")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )
    [seed_message] = wallet.signed
    assert seed_message["primaryType"] == "HolderSeed"
    signature = wallet.sign(seed_message)
    secret = wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, 0)
    address = wallet.account.address[2:].lower()
    secrets = (signature[:32].hex(), signature[32:64].hex(), secret.hex(), address)
    everything = " ".join(sent).lower()
    assert not any(each in everything for each in secrets)
    assert all(line.startswith(learner_node.base_url) for line in sent)
    assert not any("0x" in line.split()[0].split("/v1/withdrawals/")[0] for line in sent)
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert page.evaluate(stored) == '[{},{},""]'
    assert page.evaluate("indexedDB.databases()") == []
    assert context.cookies() == []
    page.reload()
    expect(page.get_by_role("heading", name="Choose your wallet")).to_be_visible()
    expect(card(page, "Nothing kept")).to_have_count(0)


def test_closing_forgets_the_keys(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Forgotten")
    sign_in(page)
    expect(card(page, "Forgotten")).to_be_visible()
    page.get_by_role("button", name="Close and forget my keys").click()
    expect(card(page, "Forgotten")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text(
        "Your keys are forgotten. You can start again."
    )
    sign_in(page)
    expect(card(page, "Forgotten")).to_be_visible()


def test_a_first_visit_signs_twice_and_a_later_consent_is_found(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    sign_in(page)
    expect(page.get_by_role("heading", name="Sign a second time")).to_be_visible()
    page.get_by_role("button", name="Sign again with Test Wallet").click()
    expect(page.get_by_role("status")).to_contain_text("Both signatures are the same")
    expect(page.get_by_text("This node holds no consent for this account.")).to_be_visible()
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
    expect(page.get_by_role("heading", name="Choose your wallet")).to_be_visible()


@pytest.mark.parametrize("mood", [signing_by_owner, signing_at_length, signing_with_high_s])
def test_a_contract_wallet_is_refused_before_anything_is_sent(
    page: Page, wallet: BrowserWallet, mood: Any
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    wallet.mood = mood
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("is a contract wallet, or signs in a form")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    assert sent == []


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


def test_without_a_wallet_the_page_says_what_to_do(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_text("There is no wallet in this browser.")).to_be_visible()
    expect(page.get_by_text("With a withdrawal slip you need no wallet")).to_be_visible()


def test_without_scripts_the_page_says_what_to_do(
    chromium: Browser, learner_node: LearnerNode
) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=learner_node.base_url)
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_text("needs JavaScript for that")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()


def test_two_wallets_are_offered_by_name(context: BrowserContext, wallet: BrowserWallet) -> None:
    wallet.install(context)
    other = BrowserWallet("Other & <b>Wallet</b>")
    context.expose_function("askOtherWallet", other._answer)
    context.add_init_script(other.announcement().replace("askTestWallet", "askOtherWallet"))
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_role("button", name="Connect")).to_have_count(2)
    page.get_by_role("button", name="Connect Other & <b>Wallet</b>").click()
    expect(page.get_by_role("status")).to_contain_text(other.account.address[:6])
    assert wallet.asked == []


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
    expect(card(page, "Silence")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )
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
            shown["entry"] = to_hex(bytes.fromhex(shown["entry"][2:])[:54] + bytes(20)) + (
                shown["entry"][2 + 2 * 74 :]
            )
        route.fulfill(json=answer)

    page.route("**/v1/me/consents", forge)
    sign_in(page)
    expect(card(page, "Another")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("does not fit its entry")
    expect(card(page, "The one shown")).to_have_count(0)


def test_the_whole_way_works_with_the_keyboard(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Keys only")

    def press_until(name: str) -> None:
        for _ in range(12):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "document.activeElement.ariaLabel ?? document.activeElement.textContent"
            )
            if focused.strip() == name:
                page.keyboard.press("Enter")
                return
        pytest.fail(f"Tab does not reach “{name}”")

    expect(page.get_by_role("button", name="Connect Test Wallet")).to_be_visible()
    press_until("Connect Test Wallet")
    expect(page.get_by_role("heading", name="Sign once")).to_be_focused()
    press_until("Sign with Test Wallet")
    expect(card(page, "Keys only")).to_be_visible()
    press_until("Withdraw “Keys only”")
    press_until("Withdraw for good")
    expect(card(page, "Keys only").get_by_role("heading")).to_be_focused()
    expect(card(page, "Keys only")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_a_telephone_and_a_desk(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet, width: int, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    grant(learner_node, wallet, 0, "A-purpose-without-a-single-space-" * 4)
    sign_in(page)
    expect(page.get_by_role("status")).to_have_text("1 consent found.")
    page.get_by_text("For checking").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(LOWEST_CONTRAST) >= 4.5
    sizes = page.evaluate(
        "[...document.querySelectorAll('button')].filter((each) => each.offsetParent)"
        ".map((each) => each.offsetHeight)"
    )
    assert min(sizes) >= 44


LOWEST_CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const colour = rgb(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = (node) => {
    const [a, b] = [rgb(getComputedStyle(node).color), ground(node)].map(light);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const texts = [...document.querySelectorAll("body *")].filter(
    (node) => node.offsetParent &&
      [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()),
  );
  return Math.min(...texts.map(contrast));
}
"""
