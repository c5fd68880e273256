"""Other ways to sign a request: with a proven identity, with a guardian, with a wallet's own
address; each leads to a consent that can be withdrawn."""

from __future__ import annotations

import io
import json
import secrets
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from protocol.holder_keys import (
    address_of,
    derive_guardian_key,
    holder_seed_message,
    seed_from_signature,
)
from protocol.record import check_record, from_json
from protocol.types import HolderAddress, to_hex
from tests.e2e.browser_wallet import BrowserWallet, WalletError
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, SIGNATURE, card, connect, withdraw
from tests.e2e.request_steps import (
    expect_granted,
    open_request,
    saved_slip,
    say_yes,
    sign_first_time,
)
from tests.protocol.consent_examples import (
    base64url,
    credential_of,
    did_key_of,
    jwk_of,
    private_key,
)
from tests.requests.asking import PURPOSES, ask, shown
from tests.stage import Json, World

CAREER, STATISTICS = PURPOSES
IDENTITY = "Show who you are"
PASSPHRASE = "quatre mots pris au hasard é"
TRANSACTION = "eth_sendTransaction"


def record_of(world: World, made: Json, place: int = 0) -> Json:
    """The record that the consumer received of what a request became."""
    leaf = shown(world, made["requestId"])["purposes"][place]["leaf"]
    record: Json = world.consumer.client.get(f"/v1/consents/{leaf}")["record"]
    return record


def key_file(folder: Path, label: str, curve: str = "P-256") -> Path:
    """A private JSON Web Key."""
    key = private_key(label, curve)
    secret = key.private_numbers().private_value.to_bytes(32)
    path = folder / f"{label}.jwk"
    path.write_text(json.dumps({**jwk_of(key, curve), "d": base64url(secret)}))
    return path


def credential_file(folder: Path, subject: str, issuer: str | None = None) -> Path:
    university = private_key("university")
    token = credential_of(university, issuer or did_key_of(university), subject)
    path = folder / f"{secrets.token_hex(4)}.jwt"
    path.write_text(f"{token}\n")
    return path


def show_identity(page: Page, identity: Path, credential: Path, passphrase: str = "") -> None:
    form = page.locator("#identity-form")
    form.get_by_label("Identity file").set_input_files(identity)
    form.get_by_label("Its passphrase").fill(passphrase)
    form.get_by_label("Credential about it").set_input_files(credential)
    form.get_by_role("button", name="Open and go on").click()


def test_a_proven_identity_signs_besides(
    page: Page, world: World, learner_node: LearnerNode, tmp_path: Path
) -> None:
    made = ask(world, minimumAssurance="identified")
    open_request(page, made)
    expect(page.locator("#identity-needed")).to_be_visible()
    say_yes(page, CAREER, then=IDENTITY)
    did = did_key_of(private_key("learner"))
    show_identity(page, key_file(tmp_path, "learner"), credential_file(tmp_path, did))
    expect(page.get_by_role("heading", name="How do you want to sign?")).to_be_focused()
    sign_first_time(page)
    expect_granted(page, 1)
    record = record_of(world, made)
    assert record["holderBinding"]["did"] == did
    assert check_record(from_json(record)).assurance == "identified"
    leaf, _, _ = saved_slip(page, CAREER)
    assert learner_node.wait_until(leaf, "active")["assurance"] == "identified"


def test_a_guardian_signs_along_with_keys_of_their_own(
    page: Page,
    context: BrowserContext,
    world: World,
    learner_node: LearnerNode,
    wallet: BrowserWallet,
) -> None:
    parent = BrowserWallet("Parent Wallet")
    parent.install(context)
    made = ask(world, guardianSigns=True)
    open_request(page, made)
    expect(page.get_by_role("checkbox", name="a parent or guardian signs with me")).to_be_checked()
    expect(page.get_by_role("checkbox", name="a parent or guardian signs with me")).to_be_disabled()
    say_yes(page, CAREER, then="First, how does the learner sign?")
    sign_first_time(page)
    second = page.get_by_role("heading", name="Now, how does the parent or guardian sign?")
    expect(second).to_be_focused()
    sign_first_time(page)
    expect(page.get_by_role("alert")).to_contain_text("These are the learner's own keys.")
    assert shown(world, made["requestId"])["state"] == "sent"
    page.locator("[data-step=repeat]").get_by_role("button", name="Start over").click()
    expect(second).to_be_focused()
    sign_first_time(page, "Parent Wallet")
    expect_granted(page, 1)
    expect(page.get_by_role("main").get_by_role("link", name="Coming of age")).to_be_visible()

    _, slip, _ = saved_slip(page, CAREER)
    holder = address_of(wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, 0))
    assert slip.entry.holder == holder
    message = holder_seed_message(learner_node.operator_did, learner_node.chain_id)
    guardian = derive_guardian_key(seed_from_signature(parent.sign(message)), HolderAddress(holder))
    record = record_of(world, made)
    assert record["document"]["guardian"] == to_hex(address_of(guardian))
    check_record(from_json(record))


def use_own_address(page: Page, sends: bool = False) -> None:
    connect(page)
    page.get_by_text("Use the wallet's own address instead").click()
    expect(page.get_by_text("With your wallet's own address anybody can")).to_be_visible()
    if sends:
        page.get_by_role("checkbox", name="by a transaction of the wallet itself").check()
    page.get_by_role("button", name="Use this address").click()


@pytest.mark.deep
def test_the_wallets_own_address_holds_and_withdraws_by_its_own_transaction(
    page: Page, world: World, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    wallet.chain = world.web3
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    use_own_address(page)
    expect_granted(page, 1)
    expect(page.get_by_text("so there is no slip")).to_be_visible()
    expect(page.get_by_role("button", name="Print all")).to_have_count(0)
    assert [each["primaryType"] for each in wallet.signed] == ["ConsentGrant"]
    leaf = bytes.fromhex(shown(world, made["requestId"])["purposes"][0]["leaf"][2:])
    learner_node.wait_until(leaf, "active")

    page.goto("/me")
    use_own_address(page, sends=True)
    page.get_by_role("button", name="Look again").click()
    withdraw(page, CAREER)
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    assert [each["primaryType"] for each in wallet.signed] == ["ConsentGrant", "HolderSession"]
    assert wallet.asked.count(TRANSACTION) == 1
    registry = world.contract("ConsentRegistry").functions
    assert registry.revocations(wallet.account.address, leaf).call() > 0
    assert learner_node.state_of(leaf)["endedBy"] == "holder"


def sending(error: WalletError) -> object:
    """A wallet that answers a transaction with an error, and signs as always."""

    def mood(wallet: BrowserWallet, method: str, parameters: list[object]) -> object:
        if method == TRANSACTION:
            raise error
        return wallet.answer(method, parameters)

    return mood


@pytest.mark.deep
def test_where_the_wallet_may_not_send_it_signs_and_who_declines_keeps_the_consent(
    page: Page, world: World, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    wallet.chain = world.web3
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    use_own_address(page)
    expect_granted(page, 1)
    leaf = bytes.fromhex(shown(world, made["requestId"])["purposes"][0]["leaf"][2:])
    learner_node.wait_until(leaf, "active")
    page.goto("/me")
    use_own_address(page, sends=True)
    wallet.mood = sending(WalletError(4001, "User rejected the request."))
    withdraw(page, CAREER)
    expect(card(page, CAREER).get_by_role("alert")).to_contain_text("You declined in your wallet.")
    assert learner_node.state_of(leaf)["active"]
    wallet.mood = sending(WalletError(-32000, "sender is not permitted"))
    withdraw(page, CAREER)
    expect(card(page, CAREER)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)
    assert wallet.signed[-1]["primaryType"] == "ConsentWithdrawal"
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
def test_the_wallets_own_address_signs_for_one_purpose_and_only_if_the_wallet_does(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, *PURPOSES)
    use_own_address(page)
    expect(page.get_by_role("alert")).to_contain_text("for one purpose of a request only")
    page.locator("[data-step=sign]").get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Go back").click()
    page.get_by_role("checkbox", name=STATISTICS).uncheck()
    say_yes(page)
    wallet.mood = refusing_to_sign
    use_own_address(page)
    expect(page.get_by_role("alert")).to_contain_text("You declined in your wallet.")
    assert shown(world, made["requestId"])["state"] == "sent"
    wallet.mood = None
    page.get_by_role("button", name="Use this address").click()
    expect_granted(page, 1)
    assert wallet.asked.count(SIGNATURE) == 2


def refusing_to_sign(wallet: BrowserWallet, method: str, parameters: list[object]) -> object:
    if method == SIGNATURE:
        raise WalletError(4001, "User rejected the request.")
    return wallet.answer(method, parameters)


@pytest.mark.deep
def test_an_identity_that_proves_nothing_is_told_before_anything_is_signed(
    page: Page, world: World, wallet: BrowserWallet, tmp_path: Path
) -> None:
    made = ask(world, minimumAssurance="identified")
    open_request(page, made)
    say_yes(page, CAREER, then=IDENTITY)
    did = did_key_of(private_key("learner"))
    key = key_file(tmp_path, "learner")
    problem = page.get_by_role("alert")
    page.get_by_role("button", name="Open and go on").click()
    expect(problem).to_contain_text("A file is missing.")
    nothing = tmp_path / "nothing.json"
    nothing.write_text('{"kty": "EC", "crv": "P-256"}')
    for identity, credential, words in (
        (key, credential_file(tmp_path, "did:key:zother"), "is about another identity"),
        (key, credential_file(tmp_path, did, world.provider.did), "by the organisation that asks"),
        (key, credential_file(tmp_path, did, "did:web:town.example"), "cannot check who signed"),
        (key, nothing, "no verifiable credential"),
        (nothing, credential_file(tmp_path, did), "This is no identity file"),
    ):
        show_identity(page, identity, credential)
        expect(problem).to_contain_text(words)
    assert wallet.asked == []
    assert shown(world, made["requestId"])["state"] == "sent"


@pytest.mark.deep
def test_an_identity_file_is_made_credentialed_and_opened(
    page: Page, world: World, tmp_path: Path
) -> None:
    made = ask(world, minimumAssurance="identified")
    open_request(page, made)
    say_yes(page, CAREER, then=IDENTITY)
    page.get_by_text("I have no identity file yet").click()
    page.get_by_label("New passphrase").first.fill(PASSPHRASE)
    with page.expect_download(timeout=30_000) as saving:
        page.get_by_role("button", name="Save a new identity file").click()
    file = Path(saving.value.path())
    did = page.locator("#identity-did").inner_text()
    held = json.loads(file.read_text())
    assert held["did"] == did
    assert '"d"' not in file.read_text()

    page.goto("/me")
    open_request(page, made)
    say_yes(page, CAREER, then=IDENTITY)
    credential = credential_file(tmp_path, did)
    show_identity(page, file, credential, PASSPHRASE.upper())
    expect(page.get_by_role("alert")).to_contain_text("does not open this file", timeout=30_000)
    show_identity(page, file, credential, PASSPHRASE)
    expect(page.get_by_role("heading", name="How do you want to sign?")).to_be_focused(
        timeout=30_000
    )
    sign_first_time(page)
    expect_granted(page, 1)
    assert record_of(world, made)["holderBinding"]["did"] == did


FAR_SCRIPT = """
export default async ({ projectId, chainId, onUri }) => {
  onUri(`wc:${projectId}@2?chain=${chainId}`);
  await new Promise((resolve) => { window.scanned = resolve; });
  const request = async ({ method, params }) => {
    const answer = JSON.parse(await window.askFarWallet(method, JSON.stringify(params)));
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result;
  };
  return { request };
};
"""


@pytest.mark.deep
def test_a_wallet_on_another_device_signs_once_the_code_is_scanned(
    page: Page, context: BrowserContext, world: World
) -> None:
    """With a script of the operator's; the page is the one that a node with the settings serves."""
    far = BrowserWallet("Far Wallet")
    context.expose_function("askFarWallet", far._answer)
    project = "0a" * 16
    loaded: list[str] = []

    def as_set_up(route: Route) -> None:
        served = route.fetch()
        place = f'<div id="learner" data-walletconnect-project="{project}"'
        place += ' data-walletconnect-script="/wallets/walletconnect.js"'
        route.fulfill(response=served, body=served.text().replace('<div id="learner"', place))

    def script(route: Route) -> None:
        loaded.append(route.request.url)
        route.fulfill(content_type="text/javascript", body=FAR_SCRIPT)

    page.route("**/requests", as_set_up)
    page.route("**/wallets/walletconnect.js", script)
    open_request(page, ask(world))
    say_yes(page, CAREER)
    assert loaded == []
    page.get_by_role("button", name="Connect a wallet on another device").click()
    code = page.get_by_role("img", name="QR code by which a wallet connects")
    expect(code).to_be_visible()
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(code.screenshot())))
    assert found.text.startswith(f"wc:{project}@2?chain=")
    page.evaluate("window.scanned()")
    expect(page.get_by_role("heading", name="Sign once")).to_be_focused()
    page.get_by_role("button", name="Sign with your wallet").click()
    page.get_by_role("button", name="Sign again with your wallet").click()
    expect_granted(page, 1)
    assert far.asked.count(SIGNATURE) == 2
