"""Every state of the learner's pages: axe finds nothing, in both languages, by day and by night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS
from tests.e2e.passkeys import Authenticator, by_name
from tests.e2e.reader import Reader
from tests.e2e.test_check_page import guarded_bundle
from tests.e2e.test_ways_to_sign import credential_file, key_file
from tests.protocol.consent_examples import did_key_of, private_key
from tests.requests.asking import PURPOSES, ask, token_of
from tests.stage import World, write_json


@pytest.fixture(params=["fr", pytest.param("en", marks=pytest.mark.deep)])
def reader(
    request: pytest.FixtureRequest, chromium: Browser, learner_node: LearnerNode
) -> Iterator[Reader]:
    context = chromium.new_context(base_url=by_name(learner_node.base_url))
    context.set_default_timeout(10_000)
    page = context.new_page()
    Authenticator(page)
    yield Reader(page, request.param)
    context.close()


def test_axe_finds_nothing_on_the_way_of_a_consent(reader: Reader, world: World) -> None:
    page, texts = reader.page, reader.texts
    yes, passkey = texts["requests"]["yes"], texts["passkey"]
    reader.go(f"/requests#{token_of(ask(world))}")
    expect(page.locator("#title-question")).to_be_visible()
    reader.check("question")
    reader.press(yes["button"])
    expect(page.get_by_role("alert")).to_be_visible()
    reader.check("nothing-chosen")
    for checkbox in page.locator("#purposes input").all():
        checkbox.check()
    reader.press(yes["button"])
    reader.check("yes-dialog")
    reader.press(yes["confirm"])
    expect(page.locator("#title-keys")).to_be_visible()
    reader.check("request-keys")
    reader.press(passkey["make"])
    expect(page.locator("#slips > li")).to_have_count(len(PURPOSES))
    reader.check("granted")

    with page.expect_download() as saving:
        page.locator("#slips button").first.click()
    slip = Path(saving.value.path())
    reader.go("/me")
    reader.check("keys")
    reader.press(passkey["use"])
    expect(page.locator("#consent-list > li")).to_have_count(len(PURPOSES))
    expect(page.locator("#consent-list > [data-state=active]")).to_have_count(
        len(PURPOSES), timeout=LEDGER_TIMEOUT_MS
    )
    for each in page.locator("#consent-list .slip-again summary").all():
        each.click()
    expect(page.locator("#consent-list .qr")).to_have_count(len(PURPOSES))
    reader.check("consents")
    page.locator("#consent-list .rights button").first.click()
    reader.check("rights-dialog")
    reader.press(texts["rights"]["confirm"])
    expect(page.locator("#keepers .asked > li")).to_have_count(1)
    reader.check("asked")
    page.locator("#consent-list .body > button").first.click()
    reader.check("withdraw-dialog")

    reader.go("/withdraw")
    reader.check("slip")
    page.locator("#slip-file").set_input_files(slip)
    reader.press(texts["withdrawal"]["look"])
    expect(page.locator("#title-check")).to_be_visible()
    reader.check("slip-checked")
    reader.press(texts["withdraw"]["confirm"])
    expect(page.locator("#receipt")).to_be_visible(timeout=LEDGER_TIMEOUT_MS)
    reader.check("slip-withdrawn")


@pytest.mark.deep
def test_axe_finds_nothing_where_nothing_is_granted(reader: Reader, world: World) -> None:
    page, texts = reader.page, reader.texts
    no = texts["requests"]["no"]
    path = f"/requests#{token_of(ask(world))}"
    reader.go(path)
    reader.press(no["button"])
    reader.check("no-dialog")
    reader.press(no["confirm"])
    expect(page.locator("#title-refused")).to_be_visible()
    reader.check("refused")
    states: dict[str, Callable[[], None]] = {
        "answered": lambda: reader.go(path),
        "unknown": lambda: reader.go("/requests#cut"),
    }
    for state, show in states.items():
        show()
        closed = texts["requests"]["closed"][state]
        expect(page.get_by_role("heading", name=closed["title"])).to_be_visible()
        reader.check(state)


@pytest.mark.deep
def test_axe_finds_nothing_where_somebody_asks_or_checks_without_keys(
    reader: Reader, world: World, secret: bytes, tmp_path: Path
) -> None:
    page, texts = reader.page, reader.texts
    reader.go("/rights")
    reader.check("rights")
    page.locator("#rights-organisation").fill(world.provider.did)
    page.locator("#rights-message").fill("…")
    page.locator("#rights-contact").fill("anna@example.org")
    reader.press(texts["lost"]["send"])
    expect(page.locator("#title-state")).to_be_visible()
    reader.check("rights-state")
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    bundle = world.provider.client.get(f"/v1/proofs/{leaf}")
    refuted = {**bundle, "leaf": to_hex(secret)}
    files = {"checked": bundle, "checked-of-a-minor": guarded_bundle(), "refuted": refuted}
    for state, shown in files.items():
        reader.go("/check")
        page.locator("#proof-file").set_input_files(write_json(tmp_path / "proof.json", shown))
        reader.press(texts["check"]["look"])
        expect(page.locator("#title-checked")).to_be_visible()
        reader.check(state)
    kept = {"status": {"leaf": leaf}, "issuerDid": None, "record": bundle["record"]}
    place = {name: bundle[name] for name in ("asOf", "chainId", "registry")}
    copy = {"operatorDid": "did:web:operator.example", **place, "consents": [kept]}
    for state, shown, at in (
        ("checked-copy", copy, "#title-copy"),
        ("no-proof-file", [1, 2], "#problem .what"),
    ):
        reader.go("/check")
        page.locator("#proof-file").set_input_files(write_json(tmp_path / "file.json", shown))
        reader.press(texts["check"]["look"])
        expect(page.locator(at)).to_be_visible()
        reader.check(state)


@pytest.mark.deep
def test_axe_finds_nothing_on_other_ways_to_sign(
    reader: Reader, world: World, tmp_path: Path
) -> None:
    page, texts = reader.page, reader.texts
    BrowserWallet("W").install(page.context)
    reader.go(
        f"/requests#{token_of(ask(world, minimumAssurance='identified', guardianSigns=True))}"
    )
    page.get_by_role("checkbox", name=PURPOSES[0]).check()
    reader.check("question-of-a-minor")
    reader.press(texts["requests"]["yes"]["button"])
    reader.press(texts["requests"]["yes"]["confirm"])
    expect(page.locator("#title-identity")).to_be_focused()
    reader.check("identity")
    page.locator("#identity-file").set_input_files(key_file(tmp_path, "learner"))
    did = did_key_of(private_key("learner"))
    page.locator("#identity-credential").set_input_files(credential_file(tmp_path, did))
    reader.press(texts["identity"]["use"])
    expect(page.locator("#title-keys")).to_be_focused()
    reader.check("keys-of-a-minor")
    page.locator("#wallet-list button").click()
    expect(page.locator("#title-sign")).to_be_focused()
    reader.check("own-address")
    reader.go("/handover")
    reader.check("handover")
