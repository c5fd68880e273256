"""What a learner sees of each consent, takes along, and asks of the organisation."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from protocol.slip import verify_slip
from protocol.types import to_hex
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, card, grant, sign_in
from tests.e2e.request_steps import saved_slip
from tests.stage import Json, World


def asked_of_provider(world: World, leaf: bytes) -> list[Json]:
    items = world.provider.client.get("/v1/rights-requests")["items"]
    return [each for each in items if each["leaf"] == to_hex(leaf)]


def test_uses_are_shown_and_everything_is_taken_along(
    page: Page, world: World, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    leaf = grant(learner_node, wallet, 0, "Used twice")
    learner_node.wait_until(leaf, "active")
    used = {"agreementId": to_hex(world.agreement), "consents": [to_hex(leaf)] * 2}
    world.consumer.client.post("/v1/usages", used)
    sign_in(page)
    consent = card(page, "Used twice")
    consent.get_by_text("Used 2 times").click()
    table = consent.get_by_role("table", name="Uses under “Used twice”")
    expect(table.get_by_role("rowheader", name=world.consumer.did)).to_have_count(2)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save everything (data file)").click()
    assert saving.value.suggested_filename.startswith("consents-did-web-operator.localhost-")
    exported = json.loads(Path(saving.value.path()).read_text())
    [kept] = exported["consents"]
    assert (kept["status"]["leaf"], len(exported["uses"])) == (to_hex(leaf), 2)
    assert kept["record"]["entry"]


@pytest.mark.deep
def test_everything_is_taken_along_to_read(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "On paper")
    sign_in(page)
    with page.expect_download(timeout=30_000) as saving:
        page.get_by_role("button", name="Save everything (PDF)").click()
    assert Path(saving.value.path()).read_bytes().startswith(b"%PDF-")
    expect(page.get_by_role("status").first).to_contain_text("Your copy is saved.")
    page.route("**/v1/me/export*", lambda route: route.abort())
    page.get_by_role("button", name="Save everything (PDF)").click()
    expect(page.get_by_role("alert")).to_contain_text("The node does not answer.")


@pytest.mark.deep
@pytest.mark.parametrize(
    ("button", "kind"), [("Ask for the erasure of", "erasure"), ("Object to the use", "objection")]
)
def test_the_organisation_is_asked_and_its_answer_is_seen(
    page: Page,
    world: World,
    learner_node: LearnerNode,
    wallet: BrowserWallet,
    button: str,
    kind: str,
) -> None:
    leaf = grant(learner_node, wallet, 0, "My right")
    sign_in(page)
    consent = card(page, "My right")
    consent.get_by_text("Erasure, objection").click()
    consent.get_by_role("button", name=button).click()
    page.get_by_role("dialog").get_by_role("button", name="Do not send").click()
    assert asked_of_provider(world, leaf) == []
    consent.get_by_role("button", name=button).click()
    page.get_by_label("Why (you need not say)").fill("I have moved.")
    page.get_by_role("dialog").get_by_role("button", name="Send it").click()
    expect(page.get_by_role("status")).to_contain_text("The answer is due before")
    keeper = page.get_by_role("region", name=learner_node.operator_did)
    expect(keeper).to_contain_text("My right")
    expect(keeper).to_contain_text(world.provider.did)
    expect(keeper).to_contain_text("The answer is due before")
    [asked] = asked_of_provider(world, leaf)
    assert (asked["kind"], asked["message"]) == (kind, "I have moved.")
    answer = {"decision": "refused", "reason": "It is still in force."}
    world.provider.client.post(f"/v1/rights-requests/{asked['rightsRequestId']}/answer", answer)
    page.get_by_role("button", name="Look again").click()
    expect(keeper).to_contain_text("It is still in force.")
    expect(keeper).to_contain_text("Refused on")


@pytest.mark.deep
def test_a_slip_is_taken_again_and_withdraws(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    leaf = grant(learner_node, wallet, 0, "Slip lost")
    learner_node.wait_until(leaf, "active")
    sign_in(page)
    consent = page.locator(f'[data-leaf="{to_hex(leaf)}"]')
    consent.get_by_text("Withdrawal slip", exact=True).click()
    expect(consent.get_by_role("img", name="QR code of the withdrawal slip")).to_be_visible()
    found, slip, path = saved_slip(page, "Slip lost")
    assert found == leaf == verify_slip(slip)
    body = {"slip": path.read_text().strip()}
    httpx.post(f"{learner_node.base_url}/v1/withdrawals", json=body).raise_for_status()
    page.get_by_role("button", name="Look again").click()
    expect(consent).to_contain_text("Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS)
    expect(consent.get_by_text("Withdrawal slip", exact=True)).to_have_count(0)


@pytest.mark.deep
def test_who_has_lost_every_key_asks_and_follows_the_request_by_its_link(
    page: Page, world: World
) -> None:
    page.goto("/me")
    page.get_by_role("main").get_by_role("link", name="I have lost my keys").click()
    name = world.provider.entry.name
    expect(page.locator(f'#organisations option[value="{name}"]')).to_have_count(1)
    page.get_by_label("Organisation", exact=True).fill(name)
    page.get_by_label("What you ask for").select_option("withdrawal")
    page.get_by_label("Your request", exact=True).fill("The consent of September, please.")
    page.get_by_label("How the organisation reaches you", exact=True).fill("anna@example.org")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="What became of your request")).to_be_focused()
    main = page.get_by_role("main")
    expect(main).to_contain_text("The answer is due before")
    expect(main).to_contain_text(world.provider.did)
    link = page.locator("#rights-link").get_attribute("href") or ""
    items = world.provider.client.get("/v1/rights-requests")["items"]
    [asked] = [each for each in items if each["message"] == "The consent of September, please."]
    assert asked["contact"] == "anna@example.org"
    path = f"/v1/rights-requests/{asked['rightsRequestId']}/answer"
    world.provider.client.post(path, {"decision": "done"})
    page.goto("/me")
    page.goto(link)
    expect(main).to_contain_text("Withdrawal of consent")
    expect(main).to_contain_text("Done on")


@pytest.mark.deep
def test_an_organisation_of_another_node_is_asked_there(page: Page, world: World) -> None:
    answer = {"serviceAddress": "https://elsewhere.example/"}
    page.route("**/v1/participants/0x*", lambda route: route.fulfill(json=answer))
    page.goto("/rights")
    page.get_by_label("Organisation", exact=True).fill("did:web:nobody.example")
    page.get_by_label("Your request", exact=True).fill("Who are you?")
    page.get_by_label("How the organisation reaches you", exact=True).fill("anna@example.org")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("alert")).to_contain_text("did:web:nobody.example is not asked on")
    link = page.get_by_role("link", name="https://elsewhere.example/rights")
    expect(link).to_have_attribute("href", "https://elsewhere.example/rights")
    page.unroute("**/v1/participants/0x*")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("alert")).to_contain_text("no organisation “did:web:nobody.example”")
    expect(link).to_have_count(0)
