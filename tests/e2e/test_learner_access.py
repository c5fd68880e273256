"""The learner's page for everybody: keyboard, telephone, dark mode, without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card, grant, sign_in

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


def test_without_scripts_the_page_says_what_to_do(
    chromium: Browser, learner_node: LearnerNode
) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=learner_node.base_url)
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_text("needs JavaScript for that")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()


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


@pytest.mark.deep
def test_it_fits_a_telephone_and_a_desk_by_day_and_by_night(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "A-purpose-without-a-single-space-" * 4)
    sign_in(page)
    expect(page.get_by_role("status")).to_have_text("1 consent found.")
    page.get_by_text("For checking").click()
    page.get_by_text("About this page").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(LOWEST_CONTRAST) >= 4.5, scheme
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        "[...document.querySelectorAll('button')].filter((each) => each.offsetParent)"
        ".map((each) => each.offsetHeight)"
    )
    assert min(sizes) >= 44
