"""Whoever holds a slip withdraws by it, without wallet, passkey or account."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from node.intake.records import signed_slip
from protocol.entries import leaf_of
from protocol.slip import encode_slip
from protocol.types import Leaf, to_hex
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS
from tests.stage import World


@dataclass(frozen=True, slots=True)
class Held:
    """A consent, and the slip to withdraw it."""

    leaf: Leaf
    slip: bytes


@pytest.fixture
def held(world: World) -> Held:
    secret = secrets.token_bytes(32)
    record = world.make_record(secret)
    world.grant(record)
    return Held(leaf_of(record.entry), encode_slip(signed_slip(record, secret)))


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """The page for slips; fails if the console says anything bad."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/withdraw")
    yield page
    assert [text for text in said if not text.startswith("Failed to load resource")] == []


def hand_over(page: Page, text: str) -> None:
    page.get_by_label("Or its text").fill(text)
    page.get_by_role("button", name="See what it would do").click()


def test_a_slip_from_a_file_is_shown_first_and_then_withdraws_for_good(
    page: Page, world: World, learner_node: LearnerNode, held: Held, tmp_path: Path
) -> None:
    learner_node.wait_until(held.leaf, "active")
    file = tmp_path / "consent.slip"
    file.write_text(to_hex(held.slip) + "\n")
    page.get_by_label("The slip as a file").set_input_files(file)
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("heading", name="Withdraw this consent?")).to_be_focused()
    main = page.get_by_role("main")
    for words in (world.provider.did, to_hex(held.leaf), "This cannot be undone"):
        expect(main).to_contain_text(words)
    assert learner_node.state_of(held.leaf)["active"]

    with learner_node.sender_held():
        page.get_by_role("button", name="Withdraw for good").dblclick()
        expect(main).to_contain_text("The gate is closed now")
        assert learner_node.state_of(held.leaf)["state"] == "withdrawal-pending"
        expect(page.get_by_role("button", name="Save the receipt")).to_have_count(0)
    expect(main).to_contain_text("It allows nothing any more.", timeout=LEDGER_TIMEOUT_MS)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the receipt").click()
    receipt = json.loads(Path(saving.value.path()).read_text())
    assert (receipt["leaf"], receipt["endedBy"]) == (to_hex(held.leaf), "holder")
    chain = world.web3.eth.get_transaction_receipt(receipt["transactionHash"])
    assert chain["blockNumber"] == receipt["blockNumber"]
    assert learner_node.wait_until(held.leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
def test_keeping_the_consent_sends_nothing(
    page: Page, learner_node: LearnerNode, held: Held
) -> None:
    learner_node.wait_until(held.leaf, "active")
    hand_over(page, to_hex(held.slip))
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", name="Your slip")).to_be_focused()
    expect(page.get_by_label("Or its text")).to_have_value("")
    assert learner_node.state_of(held.leaf)["active"]


@pytest.mark.deep
def test_a_slip_that_was_used_shows_where_its_withdrawal_stands(
    page: Page, learner_node: LearnerNode, held: Held
) -> None:
    hand_over(page, "\n".join(to_hex(held.slip)[at : at + 64] for at in range(0, 442, 64)))
    page.get_by_role("button", name="Withdraw for good").click()
    expect(page.get_by_role("heading", name="Withdrawn")).to_be_visible(timeout=LEDGER_TIMEOUT_MS)
    page.get_by_role("button", name="Another slip").click()
    hand_over(page, to_hex(held.slip))
    expect(page.get_by_role("main")).to_contain_text("It allows nothing any more.")
    expect(page.get_by_role("button", name="Withdraw for good")).to_have_count(0)


def flipped(place: int) -> Callable[[bytes], str]:
    return lambda slip: to_hex(bytes(b ^ (at == place) for at, b in enumerate(slip)))


@pytest.mark.deep
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda slip: "", "There is no slip yet."),
        (lambda slip: to_hex(slip)[:-2], "This is not a withdrawal slip"),
        (lambda slip: "a story", "This is not a withdrawal slip"),
        (flipped(0), "This is not a withdrawal slip"),
        (flipped(11), "The slip is for another ledger"),
        (flipped(31), "The slip is for another ledger"),
        (flipped(150), "its signature does not fit"),
        (flipped(200), "its signature does not fit"),
    ],
)
def test_what_is_no_whole_slip_is_told_and_sent_nowhere(
    page: Page, held: Held, damage: Callable[[bytes], str], words: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    hand_over(page, damage(held.slip))
    expect(page.get_by_role("alert")).to_contain_text(words)
    assert sent == []


def test_what_the_node_refuses_is_told_in_the_pages_language(page: Page, world: World) -> None:
    secret = secrets.token_bytes(32)
    unknown = world.make_record(secret)  # granted nowhere
    page.goto("/withdraw?lang=fr")
    page.locator("main textarea").fill(to_hex(encode_slip(signed_slip(unknown, secret))))
    page.locator("main form button[type=submit]").click()
    page.get_by_role("button", name="Retirer définitivement").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text(
        f"Aucun consentement n'a la feuille {to_hex(leaf_of(unknown.entry))}, ni au registre ni"
        " en attente ici."
    )
    expect(told).to_contain_text("un consentement jamais ancré n'a pas besoin de retrait.")


@pytest.mark.deep
def test_a_node_that_does_not_answer_is_asked_again_without_harm(
    page: Page, learner_node: LearnerNode, held: Held
) -> None:
    hand_over(page, to_hex(held.slip))
    page.route("**/v1/withdrawals", lambda route: route.abort())
    page.get_by_role("button", name="Withdraw for good").click()
    expect(page.get_by_role("alert")).to_contain_text("it is not certain")
    page.unroute("**/v1/withdrawals")
    page.get_by_role("button", name="Withdraw for good").click()
    expect(page.get_by_role("heading", name="Withdrawn")).to_be_visible(timeout=LEDGER_TIMEOUT_MS)
    assert learner_node.wait_until(held.leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
def test_the_learners_page_leads_to_it(page: Page) -> None:
    page.goto("/me?lang=fr")
    page.get_by_role("main").get_by_role("link", name="Retirer avec un bon").click()
    expect(page.get_by_role("heading", name="Votre bon")).to_be_visible()
