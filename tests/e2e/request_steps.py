"""What a learner does with a consent request, step by step, as the tests say it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from protocol.slip import Slip, decode_slip, verify_slip
from protocol.types import Leaf, from_hex
from tests.e2e.learner_steps import connect
from tests.requests.asking import token_of
from tests.stage import Json

ASKED = "Lycée des Tilleuls asks for your consent"


def open_request(page: Page, made: Json) -> None:
    """Follows the link that the organisation sent."""
    page.goto(f"/requests#{token_of(made)}")
    expect(page.get_by_role("heading", name=ASKED)).to_be_focused()


def say_yes(page: Page, *purposes: str, then: str = "How do you want to sign?") -> None:
    """Ticks the purposes and confirms; what is left is to sign."""
    for purpose in purposes:
        page.get_by_role("checkbox", name=purpose).check()
    page.get_by_role("button", name="Yes, to what I ticked").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, go on to sign").click()
    expect(page.get_by_role("heading", name=then)).to_be_focused()


def say_no(page: Page) -> None:
    page.get_by_role("button", name="No, to all of it").click()
    page.get_by_role("dialog").get_by_role("button", name="No, refuse all").click()


def sign_first_time(page: Page, name: str = "Test Wallet") -> None:
    """With the wallet, which signs twice so that the page can compare."""
    connect(page, name)
    page.get_by_role("button", name=f"Sign with {name}").click()
    page.get_by_role("button", name=f"Sign again with {name}").click()


def expect_granted(page: Page, count: int) -> None:
    text = f"You have given {count} consent{'' if count == 1 else 's'}"
    expect(page.get_by_role("heading", name=text)).to_be_focused()


def saved_slip(page: Page, purpose: str) -> tuple[Leaf, Slip, Path]:
    """The slip in the file that the page gives: what it ends, and where the file is."""
    with page.expect_download() as saving:
        page.get_by_role("button", name=f"the slip for “{purpose}”").click()
    path = Path(saving.value.path())
    slip = decode_slip(from_hex(path.read_text().strip()))
    return verify_slip(slip), slip, path
