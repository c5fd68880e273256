"""The learner's page in a real browser, on a real node: find one's consents and withdraw them."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from protocol.assurance import Assurance
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, SIGNATURE, card, grant, sign_in, withdraw


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
    for words in (
        "Active",
        "Lycée des Tilleuls",
        "Boussole Orientation",
        "Diploma, Skills",
        "A key made on your device signed it.",
    ):
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
    expect(card(page, "Followed")).to_contain_text("Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS)


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
    expect(page.get_by_role("heading", name="How do you want to sign?")).to_be_visible()
    expect(card(page, "Nothing kept")).to_have_count(0)


@pytest.mark.deep
def test_closing_forgets_the_keys(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "Forgotten")
    sign_in(page)
    expect(card(page, "Forgotten")).to_be_visible()
    page.get_by_role("button", name="Close and forget my keys").click()
    expect(card(page, "Forgotten")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("Your keys are forgotten. You can start again.")
    sign_in(page)
    expect(card(page, "Forgotten")).to_be_visible()


@pytest.mark.deep
def test_after_thirty_minutes_the_page_has_forgotten_the_keys(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    page.clock.install()
    page.reload()
    grant(learner_node, wallet, 0, "For half an hour")
    sign_in(page)
    expect(card(page, "For half an hour")).to_be_visible()
    page.clock.fast_forward(30 * 60 * 1000 + 1)
    expect(card(page, "For half an hour")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("30 minutes are over")
