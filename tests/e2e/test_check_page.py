"""Anybody opens a proof file: what holds, what was changed, what the page cannot check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from node.config import PROJECT_ROOT
from protocol.entries import leaf_of
from protocol.record import Record
from protocol.types import to_hex
from tests.e2e.learner_node import LearnerNode
from tests.stage import Json, World


@pytest.fixture
def record(world: World, secret: bytes) -> Record:
    return world.grant_active(secret)


@pytest.fixture
def bundle(world: World, record: Record) -> Json:
    answer: Json = world.provider.client.get(f"/v1/proofs/{to_hex(leaf_of(record.entry))}")
    return answer


def guarded_bundle() -> Json:
    """The proof file of a consent that a guardian signed along."""
    file = PROJECT_ROOT / "tests" / "vectors" / "proof_bundles" / "guarded.json"
    bundle: Json = json.loads(file.read_text())["bundle"]
    return bundle


def check(page: Page, folder: Path, value: Any) -> None:
    file = folder / "consent.proof.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    page.goto("/check")
    page.get_by_label("Proof file", exact=True).set_input_files(file)
    page.get_by_role("button", name="Check it").click()


def result_of(page: Page, words: str) -> str | None:
    return page.get_by_role("listitem").filter(has_text=words).get_attribute("data-result")


def test_a_proof_file_is_checked_in_the_page_and_sent_to_nobody(
    page: Page, world: World, record: Record, secret: bytes, bundle: Json, tmp_path: Path
) -> None:
    page.goto("/check")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    check(page, tmp_path, bundle)
    heading = page.get_by_role("heading", name="What can be computed from the file is right")
    expect(heading).to_be_focused()
    assert result_of(page, "stands under the root") == "ok"
    assert result_of(page, "to the letter") == "ok"
    assert result_of(page, "one-time key signed it") == "ok"
    assert result_of(page, "terms") in ("ok", "not-checked")
    assert result_of(page, "who ended it") == "not-checked"
    expect(page.get_by_role("main")).to_contain_text("The file says that nobody had ended it.")
    assert not [each for each in sent if "/v1/" in each]
    world.withdraw(record, secret)
    world.wait_for_state(record, "withdrawn")
    page.get_by_role("button", name="Ask this node").click()
    expect(page.locator("#since-answer")).to_contain_text("It was withdrawn on")
    [asked] = [each for each in sent if "/v1/" in each]
    assert asked.strip().endswith(f"?holder={to_hex(record.entry.holder)}")


@pytest.mark.deep
def test_who_signed_along_is_told_as_long_as_the_file_holds(
    page: Page, learner_node: LearnerNode, tmp_path: Path
) -> None:
    guarded = guarded_bundle()
    guardian = guarded["record"]["document"]["guardian"]
    check(page, tmp_path, guarded)
    assert result_of(page, "parent or guardian") == "ok"
    expect(page.get_by_role("main")).to_contain_text(guardian)
    guarded["record"]["guardianSignature"] = guarded["record"]["grantSignature"]
    check(page, tmp_path, guarded)
    expect(page.get_by_role("heading", name="This file does not hold")).to_be_focused()
    expect(page.get_by_role("main")).not_to_contain_text("parent or guardian")


@pytest.mark.deep
def test_a_file_that_was_changed_does_not_hold(
    page: Page, learner_node: LearnerNode, bundle: Json, tmp_path: Path
) -> None:
    bundle["record"]["document"]["recipients"] = ["did:web:evil.example"]
    check(page, tmp_path, bundle)
    expect(page.get_by_role("heading", name="This file does not hold")).to_be_focused()
    assert result_of(page, "do not belong together") == "failed"
    expect(page.get_by_role("button", name="Ask this node")).to_have_count(0)
    page.get_by_role("button", name="Another file").click()
    expect(page.get_by_role("heading", name="The proof file")).to_be_focused()


def test_a_learners_copy_is_checked_consent_by_consent(
    page: Page, world: World, record: Record, bundle: Json, tmp_path: Path
) -> None:
    leaf = to_hex(leaf_of(record.entry))
    kept = {"status": {"leaf": leaf}, "issuerDid": None, "record": bundle["record"]}
    erased = {"status": {"leaf": f"0x{'12' * 32}"}, "issuerDid": None, "record": None}
    copy = {
        "operatorDid": "did:web:operator.example",
        **{name: bundle[name] for name in ("asOf", "chainId", "registry")},
        "consents": [kept, erased],
    }
    check(page, tmp_path, copy)
    heading = page.get_by_role("heading", name="What can be computed from this copy is right")
    expect(heading).to_be_focused()
    [first, second] = page.locator("#copy-consents > li").all()
    expect(first).to_contain_text(leaf)
    expect(first.locator("[data-result]")).to_have_count(4)
    expect(first.locator('[data-result="failed"]')).to_have_count(0)
    expect(second).to_contain_text("nothing is left that could be checked")
    kept["record"] = {**bundle["record"], "blinding": f"0x{1:064x}"}
    check(page, tmp_path, copy)
    expect(page.get_by_role("heading", name="This file does not hold")).to_be_focused()


@pytest.mark.deep
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a story", "This is not a proof file."),
        ("[1,2]", "Nothing shows that it was changed"),
        ("{}", "Nothing shows that it was changed"),
        ("null", "Nothing shows that it was changed"),
        ('{"kty": "EC"}', "It seems to hold keys: keep it to yourself."),
    ],
)
def test_what_is_no_proof_file_is_no_forgery(
    page: Page, learner_node: LearnerNode, tmp_path: Path, value: str, words: str
) -> None:
    check(page, tmp_path, value)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("alert")).to_contain_text(".proof.json")
    expect(page.get_by_role("main")).not_to_contain_text("does not hold")
