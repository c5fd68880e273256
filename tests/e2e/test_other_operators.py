"""What one operator keeps is found and withdrawn from another's page, and without the first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from node.intake.records import signed_slip
from protocol.holder_keys import address_of, derive_holder_key, passkey_salt, session_digest
from protocol.identifiers import organisation_id
from protocol.signatures import sign_digest
from protocol.slip import encode_slip
from protocol.types import to_hex
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import (
    LEDGER_TIMEOUT_MS,
    SIGNATURE,
    card,
    grant,
    sign_in,
    withdraw,
)
from tests.e2e.passkeys import Authenticator
from tests.e2e.second_operator import PASSKEY_DOMAIN, SecondOperator, open_second_operator
from tests.e2e.test_accessibility import Reader
from tests.stage import World

SEED_OF_NEW_PASSKEY = """
async ([rpId, salt]) => {
  const random = () => crypto.getRandomValues(new Uint8Array(32));
  await navigator.credentials.create({ publicKey: {
    challenge: random(), rp: { id: rpId, name: rpId },
    user: { id: random(), name: "learner", displayName: "learner" },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }],
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    extensions: { prf: {} },
  } });
  const extensions = { prf: { eval: { first: Uint8Array.from(salt) } } };
  const asked = { challenge: random(), rpId, userVerification: "required", extensions };
  const found = await navigator.credentials.get({ publicKey: asked });
  return [...new Uint8Array(found.getClientExtensionResults().prf.results.first)];
}
"""


@pytest.fixture(scope="module")
def second(
    built_pages: None, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecondOperator]:
    with open_second_operator(tmp_path_factory.mktemp("second"), world) as opened:
        yield opened


@pytest.fixture
def context(chromium: Browser, second: SecondOperator) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=second.base_url)
    context.set_default_timeout(10_000)
    yield context
    context.close()


DOORS = (
    ("POST", "/v1/me/session"),
    ("GET", "/v1/me/consents"),
    ("POST", "/v1/me/erasures"),
    ("POST", "/v1/withdrawals"),
    ("GET", "/v1/withdrawals/0x" + "00" * 32),
    ("GET", "/v1/ledger"),
)
OTHER_PATHS = ("/v1/session", "/v1/consents", "/v1/sign-in/nonce", "/metrics", "/v1/me/a/b")


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


@pytest.mark.deep
def test_an_operators_page_may_ask_at_the_learners_doors_alone(
    second: SecondOperator, world: World
) -> None:
    origin = second.base_url
    strangers = "https://evil.example", "null", origin.upper(), f"{origin}.evil.example"
    with httpx.Client(base_url=world.node.url) as node:

        def preflight(of: str, method: str, path: str) -> httpx.Response:
            asked = {"Origin": of, "Access-Control-Request-Method": method}
            return node.options(path, headers=asked)

        for method, path in DOORS:
            answer = preflight(origin, method, path)
            assert answer.status_code == 204, path
            assert answer.headers["access-control-allow-origin"] == origin
            assert "authorization" in answer.headers["access-control-allow-headers"]
            assert method in answer.headers["access-control-allow-methods"]
            told = node.request(method, path, headers={"Origin": origin})
            assert cors_of(told) == {"access-control-allow-origin": origin}, path
            assert "Origin" in told.headers["vary"]
            for stranger in strangers:
                assert preflight(stranger, method, path).status_code == 405
                assert cors_of(node.request(method, path, headers={"Origin": stranger})) == {}
        for path in OTHER_PATHS:
            assert preflight(origin, "GET", path).status_code in (404, 405)
            assert cors_of(node.get(path, headers={"Origin": origin})) == {}


@pytest.mark.deep
def test_a_page_asks_the_operators_nodes_and_no_other(second: SecondOperator, world: World) -> None:
    """Each page names the others' addresses in its policy, and links to their pages."""
    for url, other in ((world.node.url, second.base_url), (second.node.url, world.node.url)):
        answer = httpx.get(f"{url}/me")
        assert f"connect-src 'self' {other};" in answer.headers["content-security-policy"]
        assert f'href="{other}/me?lang=en"' in answer.text


def choose(page: Page, node: LearnerNode) -> None:
    """The operator of the session's node, on the page of the other."""
    page.get_by_role("button", name=node.operator_did).click()
    expect(page.get_by_role("status")).to_contain_text(f"keys with {node.operator_did}")


@pytest.mark.deep
def test_a_record_of_one_operator_is_found_and_withdrawn_from_anothers_page(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    leaf = grant(learner_node, wallet, 0, "Kept elsewhere")
    learner_node.wait_until(leaf, "active")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    choose(page, learner_node)
    expect(page.locator("#keys-of")).to_contain_text(learner_node.operator_did)
    assert wallet.signed == []
    sign_in(page)
    [message] = wallet.signed
    assert message["message"]["operator"] == learner_node.operator_did
    consent = card(page, "Kept elsewhere")
    expect(consent).to_contain_text(f"Kept by{learner_node.operator_did}")
    withdraw(page, "Kept elsewhere")
    expect(consent).to_contain_text("Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS)
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"
    told = [url for url in asked if "/v1/" in url]
    assert told
    assert all(url.startswith(learner_node.base_url) for url in told)
    assert wallet.asked.count(SIGNATURE) == 1


@pytest.mark.deep
def test_a_passkey_of_one_operator_makes_the_same_keys_on_anothers_page(
    context: BrowserContext, learner_node: LearnerNode
) -> None:
    """Both are under one domain of passkeys."""
    page = context.new_page()
    Authenticator(page)
    page.goto(f"http://first.{PASSKEY_DOMAIN}:{urlsplit(learner_node.base_url).port}/me")
    salt = passkey_salt(learner_node.chain_id, organisation_id(learner_node.operator_did))
    seed = bytes(page.evaluate(SEED_OF_NEW_PASSKEY, [PASSKEY_DOMAIN, [*salt]]))
    leaf = learner_node.grant(derive_holder_key(seed, 0), "By passkey")
    learner_node.wait_until(leaf, "active")
    page.goto("/me")
    choose(page, learner_node)
    page.get_by_role("button", name="Use my passkey").click()
    withdraw(page, "By passkey")
    expect(card(page, "By passkey")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
def test_what_several_operators_keep_is_in_one_list(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    grant(learner_node, wallet, 0, "At the first")
    sign_in(page)
    page.get_by_role("button", name="Sign again with Test Wallet").click()
    expect(page.locator("#nothing-here")).to_be_visible()
    page.get_by_role("button", name="Look at another operator").click()
    choose(page, learner_node)
    sign_in(page)
    expect(card(page, "At the first")).to_be_visible()
    expect(page.locator("#nothing-here")).to_be_hidden()
    for did in ("did:web:second.localhost", learner_node.operator_did):
        expect(page.get_by_role("region", name=did)).to_contain_text("As the ledger stood at")
    assert wallet.asked.count(SIGNATURE) == 3
    page.get_by_role("button", name="Close and forget my keys").click()
    expect(page.locator("#consent-list > li")).to_have_count(0)
    expect(page.locator("#keepers")).to_be_empty()


@pytest.mark.deep
def test_an_operator_that_does_not_answer_is_told_before_anything_is_asked(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    page.route(f"{learner_node.base_url}/**", lambda route: route.abort())
    page.get_by_role("button", name=learner_node.operator_did).click()
    expect(page.get_by_role("heading", name="does not answer")).to_be_focused()
    main = page.get_by_role("main")
    expect(main).to_contain_text("you can still withdraw them")
    expect(
        page.get_by_role("main").get_by_role("link", name="Withdraw with a slip")
    ).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="does not answer")).to_be_visible()
    page.unroute(f"{learner_node.base_url}/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="How do you want to sign?")).to_be_focused()
    assert wallet.asked == []


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_where_an_operator_is_chosen_or_gone(
    context: BrowserContext, learner_node: LearnerNode, wallet: BrowserWallet, language: str
) -> None:
    wallet.install(context)
    reader = Reader(context.new_page(), language)
    page = reader.page
    grant(learner_node, wallet, 0, "Kept elsewhere")
    reader.go("/me")
    page.get_by_role("button", name=learner_node.operator_did).click()
    expect(page.get_by_role("status")).to_contain_text(learner_node.operator_did)
    reader.check("operators")
    page.get_by_role("button", name="Test Wallet").click()
    page.locator("#sign-button").click()
    expect(page.locator("#consent-list > li")).to_have_count(1)
    reader.check("elsewhere")
    page.locator("#elsewhere-button").click()
    page.route(f"{learner_node.base_url}/**", lambda route: route.abort())
    page.get_by_role("button", name=learner_node.operator_did).click()
    expect(page.locator("#title-away")).to_be_focused()
    reader.check("away")


@pytest.mark.deep
def test_a_slip_of_what_was_withdrawn_at_another_node_says_so(
    page: Page, world: World, secret: bytes, second: SecondOperator
) -> None:
    record = world.make_record(secret)
    world.grant(record)
    world.wait_for_state(record, "active")
    slip = {"slip": to_hex(encode_slip(signed_slip(record, secret)))}
    httpx.post(f"{second.node.url}/v1/withdrawals", json=slip).raise_for_status()
    world.wait_for_state(record, "withdrawn")
    page.goto(f"{world.node.url}/withdraw")
    page.get_by_label("Or its text").fill(slip["slip"])
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("heading", name="Withdrawn")).to_be_focused()
    expect(page.get_by_role("main")).to_contain_text("It allows nothing any more.")
    expect(page.get_by_role("button", name="Withdraw for good")).to_have_count(0)


@pytest.mark.deep
def test_with_the_operator_gone_this_pages_node_is_asked_with_the_same_keys(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet, second: SecondOperator
) -> None:
    page.route(f"{learner_node.base_url}/**", lambda route: route.abort())
    page.get_by_role("button", name=learner_node.operator_did).click()
    page.get_by_role("button", name="Ask this page's node instead").click()
    with page.expect_request(f"{second.base_url}/v1/me/holders") as asking:
        sign_in(page)
    expect(page.get_by_role("heading", name="Sign a second time")).to_be_visible()
    [message] = wallet.signed
    assert message["message"]["operator"] == learner_node.operator_did
    first, *_ = json.loads(asking.value.post_data or "")["holders"]
    secret = wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, 0)
    assert first["holder"] == to_hex(address_of(secret))


@pytest.mark.deep
def test_with_the_operator_gone_its_exported_file_withdraws_here(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet, tmp_path: Path
) -> None:
    leaf = grant(learner_node, wallet, 0, "From the file")
    learner_node.wait_until(leaf, "active")
    file = tmp_path / "export.json"
    file.write_text(json.dumps(_export(learner_node, wallet)))
    page.route(f"{learner_node.base_url}/**", lambda route: route.abort())
    page.get_by_text("Open an exported file").click()
    page.get_by_label("Your exported file").set_input_files(file)
    page.get_by_role("button", name="Open the file").click()
    expect(page.get_by_role("status")).to_contain_text("The file has 1 consent kept by")
    sign_in(page)
    withdraw(page, "From the file")
    expect(card(page, "From the file")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
def test_an_operator_that_falls_silent_does_not_hold_a_withdrawal_back(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    leaf = grant(learner_node, wallet, 0, "Silent since")
    learner_node.wait_until(leaf, "active")
    choose(page, learner_node)
    sign_in(page)
    expect(card(page, "Silent since")).to_be_visible()
    page.route(f"{learner_node.base_url}/**", lambda route: route.abort())
    withdraw(page, "Silent since")
    expect(page.get_by_role("status")).to_contain_text("this page's node has accepted")
    expect(card(page, "Silent since")).to_contain_text(
        "Withdrawn by you on", timeout=LEDGER_TIMEOUT_MS
    )
    assert learner_node.wait_until(leaf, "withdrawn")["endedBy"] == "holder"


@pytest.mark.deep
@pytest.mark.parametrize("change", [{"operatorDid": "did:web:evil"}, {"chainId": 1}])
def test_what_answers_as_another_node_is_not_asked(
    page: Page, learner_node: LearnerNode, wallet: BrowserWallet, change: dict[str, Any]
) -> None:
    answer = httpx.get(f"{learner_node.base_url}/v1/ledger").json()
    headers = {"Access-Control-Allow-Origin": "*"}
    page.route(
        f"{learner_node.base_url}/v1/ledger",
        lambda route: route.fulfill(json={**answer, **change}, headers=headers),
    )
    page.get_by_role("button", name=learner_node.operator_did).click()
    expect(page.get_by_role("alert")).to_contain_text("is not its node on this ledger")
    expect(page.locator("#keys-of")).to_contain_text("did:web:second.localhost")
    assert wallet.asked == []


def _export(node: LearnerNode, wallet: BrowserWallet) -> Any:
    """What the first operator's node gives for the learner's first key."""
    client = httpx.Client(base_url=node.base_url)
    session = client.post("/v1/me/session").raise_for_status().json()
    secret = wallet.holder_secret(node.operator_did, node.chain_id, 0)
    digest = session_digest(node.chain_id, bytes.fromhex(session["nonce"][2:]))
    proof = {
        "holder": to_hex(address_of(secret)),
        "signature": to_hex(sign_digest(secret, digest)),
    }
    headers = {"Authorization": f"Bearer {session['token']}"}
    client.post("/v1/me/holders", json={"holders": [proof]}, headers=headers).raise_for_status()
    return client.get("/v1/me/export", headers=headers).raise_for_status().json()
