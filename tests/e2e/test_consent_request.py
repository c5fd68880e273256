"""The page behind the link of a consent request: read it, say yes or no, take the slips away."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from protocol.holder_keys import address_of
from protocol.types import from_hex
from tests.e2e.browser_wallet import BrowserWallet, declining
from tests.e2e.learner_node import LearnerNode
from tests.e2e.learner_steps import LEDGER_TIMEOUT_MS, SIGNATURE, card, connect, sign_in, withdraw
from tests.e2e.request_steps import (
    expect_granted,
    open_request,
    saved_slip,
    say_no,
    say_yes,
    sign_first_time,
)
from tests.requests.asking import PURPOSES, ask, expire, shown, token_of
from tests.stage import World

CAREER, STATISTICS = PURPOSES
GRANT = "**/v1/requests/by-token/grant"


def test_a_learner_reads_the_request_grants_one_purpose_and_withdraws_it(
    page: Page, world: World, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    made = ask(world)
    open_request(page, made)
    for words in (
        world.provider.did,
        f"{world.consumer.entry.name} ({world.consumer.did})",
        "https://school.example/privacy, version 2026-09",
        "Signed: a key made on this device signs it.",
        "You can withdraw at any time, free of charge",
        "The organisation sees that you refused.",
    ):
        expect(page.get_by_role("main")).to_contain_text(words)
    for checkbox in page.get_by_role("checkbox").all():
        expect(checkbox).not_to_be_checked()
    say_yes(page, STATISTICS)
    assert shown(world, made["requestId"])["state"] == "sent"
    sign_first_time(page)
    expect_granted(page, 1)
    expect(page.get_by_text(f"Refused: {CAREER}.")).to_be_visible()
    assert wallet.asked.count(SIGNATURE) == 2

    request = shown(world, made["requestId"])
    leaves = [purpose["leaf"] for purpose in request["purposes"]]
    assert (request["state"], leaves[0]) == ("granted", None)
    leaf, slip, _ = saved_slip(page, STATISTICS)
    assert leaves[1] == f"0x{leaf.hex()}"
    secret = wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, 0)
    assert slip.entry.holder == address_of(secret)
    assert learner_node.wait_until(leaf, "active")["assurance"] == "signed"

    page.get_by_role("main").get_by_role("link", name="Your consents").click()
    sign_in(page)
    withdraw(page, STATISTICS)
    expect(card(page, STATISTICS)).to_contain_text("Withdrawn by you", timeout=LEDGER_TIMEOUT_MS)


def test_one_prompt_signs_all_that_is_chosen_with_keys_that_were_not_used(
    page: Page, world: World, learner_node: LearnerNode, wallet: BrowserWallet
) -> None:
    used = wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, 4)
    learner_node.grant(used, "An earlier one")
    open_request(page, ask(world))
    say_yes(page, *PURPOSES)
    sign_in(page)
    expect_granted(page, 2)
    assert wallet.asked.count(SIGNATURE) == 1
    holders = [saved_slip(page, purpose)[1].entry.holder for purpose in PURPOSES]
    keys = [
        wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, index)
        for index in (5, 6)
    ]
    assert holders == [address_of(key) for key in keys]


@pytest.mark.deep
def test_the_code_on_the_slip_reads_as_its_file(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    open_request(page, ask(world))
    say_yes(page, CAREER)
    sign_first_time(page)
    expect_granted(page, 1)
    _, _, path = saved_slip(page, CAREER)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        picture = page.get_by_role("img", name="QR code").screenshot()
        [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
        assert found.text == path.read_text().strip()


def test_no_is_as_near_as_yes_and_grants_nothing(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    made = ask(world)
    open_request(page, made)
    yes = page.get_by_role("button", name="Yes, to what I ticked")
    no = page.get_by_role("button", name="No, to all of it")
    looks = "(each) => [getComputedStyle(each).backgroundColor, each.offsetHeight]"
    assert yes.evaluate(looks) == no.evaluate(looks)
    no.click()
    page.keyboard.press("Escape")
    assert shown(world, made["requestId"])["state"] == "sent"
    say_no(page)
    expect(page.get_by_role("heading", name="You have refused")).to_be_focused()
    request = shown(world, made["requestId"])
    assert request["state"] == "refused"
    assert [purpose["leaf"] for purpose in request["purposes"]] == [None, None]
    assert wallet.asked == []


@pytest.mark.deep
def test_yes_needs_a_purpose(page: Page, world: World) -> None:
    open_request(page, ask(world))
    page.get_by_role("button", name="Yes, to what I ticked").click()
    expect(page.get_by_role("alert")).to_contain_text("No purpose is ticked.")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_request_that_is_over_or_never_was_is_told_kindly(page: Page, world: World) -> None:
    answered, expired, open_one = ask(world), ask(world), ask(world)
    open_request(page, answered)
    say_no(page)
    expect(page.get_by_role("heading", name="You have refused")).to_be_visible()
    expire(world, expired["requestId"])
    for token, words in (
        (token_of(answered), "This request was answered before"),
        (token_of(expired), "The time to answer is over"),
        ("A" * 43, "This link leads to no request"),
        (token_of(open_one)[:20], "This link leads to no request"),
        ("", "This link leads to no request"),
    ):
        page.goto("/me")
        page.goto(f"/requests#{token}")
        expect(page.get_by_role("heading", name=words)).to_be_focused()
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.deep
def test_what_is_over_meanwhile_is_told_instead_of_granted(
    page: Page, context: BrowserContext, world: World
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    other = context.new_page()
    open_request(other, made)
    say_no(other)
    expect(other.get_by_role("heading", name="You have refused")).to_be_visible()
    sign_first_time(page)
    expect(page.get_by_role("heading", name="This request was answered before")).to_be_focused()
    assert shown(world, made["requestId"])["state"] == "refused"


def test_a_lost_reply_is_sent_for_again_and_nothing_is_given_twice(
    page: Page, world: World
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)

    def lose_the_reply(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(GRANT, lose_the_reply)
    sign_first_time(page)
    expect(page.get_by_role("alert")).to_contain_text("it is not certain that yours arrived")
    [first, _] = shown(world, made["requestId"])["purposes"]
    page.unroute(GRANT)
    page.get_by_role("button", name="Send again").dblclick()
    expect_granted(page, 1)
    leaf, _, _ = saved_slip(page, CAREER)
    assert leaf == from_hex(first["leaf"])


def test_reload_and_back_grant_nothing_by_themselves(page: Page, world: World) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    page.reload()
    say_yes(page, CAREER)
    connect(page)
    page.go_back()
    page.go_forward()
    assert shown(world, made["requestId"])["state"] == "sent"
    say_yes(page, CAREER)
    sign_first_time(page)
    expect_granted(page, 1)
    page.reload()
    expect(page.get_by_role("heading", name="This request was answered before")).to_be_visible()
    leaves = [each["leaf"] for each in shown(world, made["requestId"])["purposes"]]
    assert [bool(leaf) for leaf in leaves] == [True, False]


@pytest.mark.deep
def test_who_declines_in_the_wallet_has_given_nothing(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    made = ask(world)
    open_request(page, made)
    say_yes(page, CAREER)
    wallet.mood = declining
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("You declined in your wallet.")
    assert shown(world, made["requestId"])["state"] == "sent"
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Go back").click()
    say_no(page)
    expect(page.get_by_role("heading", name="You have refused")).to_be_visible()


def test_documents_that_do_not_fit_are_not_signed(page: Page, world: World) -> None:
    """A node cannot show one purpose and have another one signed."""

    def forge(route: Route) -> None:
        answer = route.fetch().json()
        answer["purposes"][0]["document"]["recipients"] = []
        route.fulfill(json=answer)

    page.route("**/v1/requests/by-token", forge)
    page.goto(f"/requests#{token_of(ask(world))}")
    expect(page.get_by_role("alert")).to_contain_text("does not fit its documents")
    expect(page.get_by_role("button", name="Yes, to what I ticked")).to_have_count(0)


@pytest.mark.deep
def test_the_token_is_in_no_address_that_the_node_sees_and_follows_the_language(
    page: Page, world: World
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url.partition("#")[0]))
    made = ask(world)
    open_request(page, made)
    page.get_by_role("link", name="Français").click()
    heading = page.get_by_role("heading", name="Lycée des Tilleuls demande votre consentement")
    expect(heading).to_be_focused()
    expect(page.get_by_role("button", name="Non, à tout")).to_be_visible()
    assert len(sent) > 2
    assert not any(token_of(made) in each for each in sent)


def test_the_whole_answer_is_given_with_the_keyboard(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    def press(name: str, key: str = "Enter") -> None:
        for _ in range(12):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(document.activeElement.labels?.[0] ?? document.activeElement).textContent"
            )
            if focused.strip() == name:
                page.keyboard.press(key)
                return
        pytest.fail(f"Tab does not reach “{name}”")

    open_request(page, ask(world))
    press(STATISTICS, "Space")
    press("Yes, to what I ticked")
    press("Yes, go on to sign")
    expect(page.get_by_role("heading", name="How do you want to sign?")).to_be_focused()
    press("Connect Test Wallet")
    expect(page.get_by_role("heading", name="Sign once")).to_be_focused()
    press("Sign with Test Wallet")
    expect(page.get_by_role("heading", name="Sign a second time")).to_be_focused()
    press("Sign again with Test Wallet")
    expect_granted(page, 1)


@pytest.mark.deep
def test_after_thirty_minutes_the_page_has_forgotten_the_keys_and_asks_anew(
    page: Page, world: World, wallet: BrowserWallet
) -> None:
    made = ask(world)
    page.clock.install()
    open_request(page, made)
    say_yes(page, CAREER)
    sign_in(page)
    expect(page.get_by_role("heading", name="Sign a second time")).to_be_focused()
    page.clock.fast_forward(30 * 60 * 1000 + 1)
    expect(page.get_by_role("checkbox", name=CAREER)).to_be_visible()
    assert shown(world, made["requestId"])["state"] == "sent"


def test_without_scripts_the_page_says_what_to_do(
    chromium: Browser, learner_node: LearnerNode
) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=learner_node.base_url)
    page = context.new_page()
    page.goto("/requests")
    expect(page.get_by_text("needs JavaScript for that")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()
