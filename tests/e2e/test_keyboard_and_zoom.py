"""Without a mouse a request is answered and the consent withdrawn; at 200 % nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from protocol.types import from_hex
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card
from tests.e2e.request_steps import expect_granted, open_request
from tests.requests.asking import PURPOSES, ask, shown
from tests.stage import World

CAREER = PURPOSES[0]
TABS_MAX = 25
FOCUSED = """
(() => {
  const { activeElement: each } = document;
  return (each.ariaLabel ?? each.labels?.[0]?.textContent ?? each.textContent).trim();
})()
"""
SHOWS_FOCUS = """
(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
})()
"""
CUT = """
() => [...document.querySelectorAll("main *, header *, dialog *")]
  .filter((each) => each.offsetParent && each.tagName !== "INPUT")
  .filter((each) => {
    const style = getComputedStyle(each);
    const { left, right } = each.getBoundingClientRect();
    const isHidden = style.overflowX === "hidden" && each.scrollWidth > each.clientWidth + 1;
    const isOut = style.position !== "absolute" && (left < -1 || right > innerWidth + 1);
    return isHidden || isOut;
  })
  .map((each) => each.outerHTML.slice(0, 120))
"""


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Goes on by Tab to what is called so, which shows that it has the focus, and presses a key."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            assert page.evaluate(SHOWS_FOCUS), name
            page.keyboard.press(key)
            return
    pytest.fail(f"Tab does not reach “{name}”")


@pytest.mark.deep
def test_a_guardian_and_a_wallets_own_address_work_with_the_keyboard_until_withdrawn(
    page: Page,
    context: BrowserContext,
    world: World,
    learner_node: LearnerNode,
    wallet: BrowserWallet,
) -> None:
    BrowserWallet("Parent Wallet").install(context)
    wallet.chain = world.web3
    made = ask(world)
    open_request(page, made)
    press(page, CAREER, "Space")
    press(page, "I am a minor: a parent or guardian signs with me", "Space")
    press(page, "Yes, to what I ticked")
    press(page, "Yes, go on to sign")
    expect(page.get_by_role("heading", name="First, how does the learner sign?")).to_be_focused()
    press(page, "Connect Test Wallet")
    expect(page.get_by_role("heading", name="Sign once")).to_be_focused()
    press(page, "Use the wallet's own address instead")
    press(page, "Use this address")
    expect(page.get_by_role("heading", name="Now, how does the parent")).to_be_focused()
    press(page, "Connect Parent Wallet")
    expect(page.get_by_role("heading", name="Sign once")).to_be_focused()
    press(page, "Sign with Parent Wallet")
    expect(page.get_by_role("heading", name="Sign a second time")).to_be_focused()
    press(page, "Sign again with Parent Wallet")
    expect_granted(page, 1)
    [leaf] = [each["leaf"] for each in shown(world, made["requestId"])["purposes"] if each["leaf"]]
    learner_node.wait_until(from_hex(leaf), "active")

    press(page, "Your consents")
    expect(page.get_by_role("button", name="Connect Test Wallet")).to_be_visible()
    press(page, "Connect Test Wallet")
    expect(page.get_by_role("heading", name="Sign once")).to_be_focused()
    press(page, "Use the wallet's own address instead")
    press(page, "Use this address")
    expect(card(page, CAREER)).to_be_visible()
    press(page, f"Withdraw “{CAREER}”")
    press(page, "Withdraw for good")
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    assert wallet.signed[-1]["primaryType"] == "ConsentWithdrawal"


@pytest.fixture(params=["en", "fr"])
def enlarged(
    request: pytest.FixtureRequest, chromium: Browser, learner_node: LearnerNode
) -> Iterator[Page]:
    """A window of 1,280 by 900 at 200 %, as a browser enlarges: half as many points of twice the
    size."""
    context = chromium.new_context(
        base_url=learner_node.base_url,
        viewport={"width": 640, "height": 450},
        device_scale_factor=2,
        locale=request.param,
    )
    BrowserWallet().install(context)
    yield context.new_page()
    context.close()


@pytest.mark.deep
def test_at_200_percent_nothing_is_cut(enlarged: Page, world: World) -> None:
    def look(where: str) -> None:
        enlarged.evaluate(
            "document.querySelectorAll('details').forEach((each) => each.open = true)"
        )
        assert enlarged.evaluate("document.documentElement.scrollWidth") <= 640, where
        assert enlarged.evaluate(CUT) == [], where

    for path in ("/me", "/withdraw", "/handover"):
        enlarged.goto(path)
        look(path)
    made = ask(world, minimumAssurance="identified", guardianSigns=True)
    enlarged.goto(f"/requests#{made['link'].partition('#')[2]}")
    expect(enlarged.locator("#title-question")).to_be_focused()
    look("question")
    enlarged.locator("#purposes input").first.check()
    enlarged.locator("#accept-button").click()
    look("dialogue")
    assert enlarged.locator("#accept-confirm").evaluate(
        "(each) => each.getBoundingClientRect().bottom <= innerHeight"
    )
    enlarged.locator("#accept-confirm").click()
    expect(enlarged.locator("#title-identity")).to_be_focused()
    look("identity")
    made = ask(world)
    enlarged.goto("about:blank")
    enlarged.goto(f"/requests#{made['link'].partition('#')[2]}")
    enlarged.locator("#purposes input").first.check()
    enlarged.locator("#accept-button").click()
    enlarged.locator("#accept-confirm").click()
    expect(enlarged.locator("#title-keys")).to_be_focused()
    look("keys")
    enlarged.locator("#wallet-list button").click()
    expect(enlarged.locator("#title-sign")).to_be_focused()
    look("sign")
    enlarged.locator("#sign-button").click()
    enlarged.locator("#repeat-button").click()
    expect(enlarged.locator("#title-granted")).to_be_focused()
    look("granted")
