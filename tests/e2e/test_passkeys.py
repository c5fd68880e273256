"""A learner without a wallet: a passkey makes the keys, or a recovery file where it cannot."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from protocol.holder_keys import address_of
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card, withdraw
from tests.e2e.passkeys import Authenticator, by_name
from tests.e2e.request_steps import expect_granted, open_request, saved_slip, say_yes
from tests.requests.asking import PURPOSES, ask, shown
from tests.stage import World

CAREER, STATISTICS = PURPOSES
PASSPHRASE = "quatre mots pris au hasard é"
COUNT_PRESSES = """
addEventListener("click", ({ isTrusted, target }) => {
  if (isTrusted && target.closest("button, input, a")) window.pressed();
}, true);
"""

EVALUATES_LATER_AND_ON_A_PRESS = """
const { create, get } = CredentialsContainer.prototype;
let presses = 0;
navigator.credentials.create = async (options) => {
  const made = await create.call(navigator.credentials, options);
  made.getClientExtensionResults = () => ({ prf: { enabled: true } });
  return made;
};
navigator.credentials.get = async (options) => {
  presses += 1;
  if (presses === 1) throw new DOMException("Another press is needed.", "NotAllowedError");
  return get.call(navigator.credentials, options);
};
"""


@pytest.fixture
def pressed() -> list[None]:
    """One for each press of the learner on a page."""
    return []


@pytest.fixture
def page(chromium: Browser, learner_node: LearnerNode, pressed: list[None]) -> Iterator[Page]:
    """A browser without a wallet, at an address for which there are passkeys."""
    context = chromium.new_context(base_url=by_name(learner_node.base_url))
    context.set_default_timeout(10_000)
    context.expose_function("pressed", lambda: pressed.append(None))
    context.add_init_script(COUNT_PRESSES)
    yield context.new_page()
    context.close()


def use_passkey(page: Page) -> None:
    page.goto("/me")
    page.get_by_role("button", name="Use my passkey").click()


def make_file(page: Page, passphrase: str = PASSPHRASE) -> Path:
    page.get_by_text("Make a recovery file").click()
    page.locator("#file-make").get_by_label("New passphrase").fill(passphrase)
    with page.expect_download(timeout=30_000) as saving:
        page.get_by_role("button", name="Save the file").click()
    return Path(saving.value.path())


def open_file(page: Page, file: Path, passphrase: str = PASSPHRASE) -> None:
    form = page.locator("#file-form")
    if not form.is_visible():
        page.get_by_text("Open a recovery file").click()
    form.get_by_label("Recovery file").set_input_files(file)
    form.get_by_label("Its passphrase").fill(passphrase)
    form.get_by_role("button", name="Open and sign").click()


def test_a_passkey_made_at_grant_finds_and_withdraws_in_fewer_steps(
    page: Page, world: World, learner_node: LearnerNode, pressed: list[None]
) -> None:
    authenticator = Authenticator(page)
    open_request(page, ask(world))
    say_yes(page, CAREER)
    page.get_by_role("button", name="Make a passkey").click()
    expect_granted(page, 1)
    steps_of_grant = len(pressed)
    leaf, slip, _ = saved_slip(page, CAREER)
    assert slip.entry.holder == address_of(authenticator.holder_secret(learner_node, 0))
    learner_node.wait_until(leaf, "active")

    pressed.clear()
    use_passkey(page)
    withdraw(page, CAREER)
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    assert len(pressed) <= steps_of_grant
    assert learner_node.state_of(leaf)["endedBy"] == "holder"
    [credential] = authenticator.credentials
    assert credential["isResidentCredential"]


@pytest.mark.deep
def test_the_same_passkey_signs_again_with_the_next_key(
    page: Page, world: World, learner_node: LearnerNode
) -> None:
    authenticator = Authenticator(page)
    open_request(page, ask(world))
    say_yes(page, CAREER)
    page.get_by_role("button", name="Make a passkey").click()
    expect_granted(page, 1)
    open_request(page, ask(world))
    say_yes(page, STATISTICS)
    page.get_by_role("button", name="Use my passkey").click()
    expect_granted(page, 1)
    _, slip, _ = saved_slip(page, STATISTICS)
    assert slip.entry.holder == address_of(authenticator.holder_secret(learner_node, 1))
    use_passkey(page)
    expect(page.get_by_role("status")).to_have_text("2 consents found.")


@pytest.mark.deep
def test_a_passkey_that_evaluates_only_on_another_press_is_made_once(
    page: Page, world: World, learner_node: LearnerNode
) -> None:
    authenticator = Authenticator(page)
    page.add_init_script(EVALUATES_LATER_AND_ON_A_PRESS)
    open_request(page, ask(world))
    say_yes(page, CAREER)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Press “Use my passkey”")
    page.get_by_role("button", name="Use my passkey").click()
    expect_granted(page, 1)
    _, slip, _ = saved_slip(page, CAREER)
    assert slip.entry.holder == address_of(authenticator.holder_secret(learner_node, 0))
    assert len(authenticator.credentials) == 1


def test_nothing_secret_of_a_passkey_leaves_the_page_or_stays_in_it(
    page: Page, world: World, learner_node: LearnerNode
) -> None:
    authenticator = Authenticator(page)
    sent: list[str] = []
    page.on(
        "request",
        lambda request: sent.append(f"{request.url} {request.headers} {request.post_data or ''}"),
    )
    open_request(page, ask(world))
    say_yes(page, CAREER)
    page.get_by_role("button", name="Make a passkey").click()
    expect_granted(page, 1)
    _, slip, _ = saved_slip(page, CAREER)
    everything = " ".join(sent).lower()
    assert slip.entry.holder.hex() in everything
    [credential] = authenticator.credentials
    identifier = base64.b64decode(credential["credentialId"])
    for secret in (
        authenticator.seed(learner_node).hex(),
        authenticator.holder_secret(learner_node, 0).hex(),
        slip.signature.hex(),
        identifier.hex(),
        base64.urlsafe_b64encode(identifier).decode().rstrip("=").lower(),
    ):
        assert secret not in everything
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert page.evaluate(stored) == '[{},{},""]'
    assert page.evaluate("indexedDB.databases()") == []


@pytest.mark.deep
def test_a_passkey_that_is_refused_gives_nothing(page: Page, world: World) -> None:
    authenticator = Authenticator(page)
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    authenticator.verify_user(succeeds=False)
    for name in ("Make a passkey", "Use my passkey"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    assert authenticator.credentials == []
    assert shown(world, made["requestId"])["state"] == "sent"


def test_without_prf_a_recovery_file_grants_finds_and_withdraws(
    page: Page, world: World, learner_node: LearnerNode
) -> None:
    Authenticator(page, hasPrf=False)
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    page.get_by_role("button", name="Make a passkey").click()
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("This passkey cannot make keys")
    expect(problem).to_contain_text("take a recovery file or the paper way")
    file = make_file(page)
    assert PASSPHRASE not in file.read_text()
    assert shown(world, made["requestId"])["state"] == "sent"
    open_file(page, file)
    expect_granted(page, 1)
    leaf, _, _ = saved_slip(page, CAREER)

    page.goto("/me")
    open_file(page, file)
    withdraw(page, CAREER)
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    assert learner_node.state_of(leaf)["state"] == "withdrawn"
    [_, other] = shown(world, made["requestId"])["purposes"]
    assert other["leaf"] is None


@pytest.mark.deep
def test_a_file_that_does_not_open_is_told_and_gives_nothing(
    page: Page, world: World, tmp_path: Path
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    problem = page.get_by_role("alert")
    page.get_by_text("Make a recovery file").click()
    page.locator("#file-make").get_by_label("New passphrase").fill("too short")
    page.get_by_role("button", name="Save the file").click()
    expect(problem).to_contain_text("Choose at least 12 characters.")
    page.get_by_text("Make a recovery file").click()
    file = make_file(page)
    open_file(page, file, PASSPHRASE.upper())
    expect(problem).to_contain_text("The passphrase does not open this file.", timeout=30_000)
    for text, words in (
        (file.read_text().replace("did:web:", "did:web:another."), "is for another operator"),
        (file.read_text()[:-9], "This is not a recovery file."),
        ("{}", "This is not a recovery file."),
    ):
        damaged = tmp_path / "file.json"
        damaged.write_text(text)
        open_file(page, damaged)
        expect(problem).to_contain_text(words)
    assert shown(world, made["requestId"])["state"] == "sent"


@pytest.mark.deep
def test_at_an_address_without_passkeys_the_page_says_so(
    chromium: Browser, learner_node: LearnerNode
) -> None:
    context = chromium.new_context(base_url=learner_node.base_url)
    page = context.new_page()
    page.goto("/me")
    expect(page.get_by_text("This browser has no passkeys at this address.")).to_be_visible()
    expect(page.get_by_role("button", name="Use my passkey")).to_have_count(0)
    context.close()
