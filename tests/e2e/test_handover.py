"""Coming of age: a child's recovery file gets a passphrase of the young person's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card, withdraw
from tests.e2e.passkeys import Authenticator, by_name
from tests.e2e.request_steps import expect_granted, open_request, say_yes
from tests.e2e.test_passkeys import make_file, open_file
from tests.requests.asking import PURPOSES, ask
from tests.stage import World

CAREER = PURPOSES[0]
PARENTS, OWN = "le chat dort sur le toit", "quatre mots que je suis seul à savoir"
SCRYPT_TIMEOUT_MS = 30_000


@pytest.fixture
def page(chromium: Browser, learner_node: LearnerNode) -> Iterator[Page]:
    """A family's browser, without a wallet."""
    context = chromium.new_context(base_url=by_name(learner_node.base_url))
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def relock(page: Page, file: Path, passphrase: str, new_passphrase: str) -> None:
    page.get_by_label("Recovery file").set_input_files(file)
    page.get_by_label("Its passphrase").fill(passphrase)
    page.get_by_label("New passphrase").fill(new_passphrase)
    page.get_by_role("button", name="Save the file").click()


@pytest.mark.deep
def test_a_childs_file_is_handed_over_and_withdraws_under_the_new_passphrase(
    page: Page, world: World, learner_node: LearnerNode
) -> None:
    Authenticator(page)
    open_request(page, ask(world, guardianSigns=True))
    say_yes(page, CAREER, then="First, how does the learner sign?")
    file = make_file(page, PARENTS)
    open_file(page, file, PARENTS)
    expect(page.get_by_role("heading", name="Now, how does the parent")).to_be_focused(
        timeout=SCRYPT_TIMEOUT_MS
    )
    page.get_by_role("button", name="Make a passkey").click()
    expect_granted(page, 1)

    page.get_by_role("link", name="Coming of age").click()
    problem = page.get_by_role("alert")
    relock(page, file, PARENTS, "too short")
    expect(problem).to_contain_text("Choose at least 12 characters.")
    relock(page, file, OWN, OWN)
    expect(problem).to_contain_text("does not open this file", timeout=SCRYPT_TIMEOUT_MS)
    with page.expect_download(timeout=SCRYPT_TIMEOUT_MS) as saving:
        relock(page, file, PARENTS, OWN)
    taken_over = Path(saving.value.path())
    expect(page.get_by_role("status")).to_contain_text("under your new passphrase")

    page.get_by_role("main").get_by_role("link", name="Your consents").click()
    open_file(page, taken_over, PARENTS)
    expect(problem).to_contain_text("does not open this file", timeout=SCRYPT_TIMEOUT_MS)
    open_file(page, taken_over, OWN)
    expect(card(page, CAREER)).to_contain_text("Signed along by a parent or guardian")
    withdraw(page, CAREER)
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)


@pytest.mark.deep
def test_without_scripts_it_is_read_all_the_same(
    chromium: Browser, learner_node: LearnerNode
) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=learner_node.base_url)
    page = context.new_page()
    page.goto("/handover")
    expect(page.get_by_text("Have the old file and all copies of it destroyed")).to_be_visible()
    expect(page.get_by_text("Without it, keep the file with its old passphrase")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()
