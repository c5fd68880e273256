"""Two tabs of one browser that answer at the same time take one key after the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from protocol.holder_keys import address_of
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.e2e.request_steps import (
    expect_granted,
    open_request,
    saved_slip,
    say_yes,
    sign_first_time,
)
from tests.requests.asking import PURPOSES, ask
from tests.stage import World

CAREER, _ = PURPOSES


@pytest.mark.deep
def test_no_key_is_taken_by_two_tabs(
    page: Page,
    context: BrowserContext,
    world: World,
    learner_node: LearnerNode,
    wallet: BrowserWallet,
) -> None:
    """The second waits until the node has the first one's answer."""
    other = context.new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/requests/by-token/grant", hold)
    for each in (page, other):
        open_request(each, ask(world))
        say_yes(each, CAREER)
        sign_first_time(each)
    expect(other.get_by_role("status")).to_contain_text("answers goes first")
    [route] = held
    route.continue_()
    for each in (page, other):
        expect_granted(each, 1)
    holders = [saved_slip(each, CAREER)[1].entry.holder for each in (page, other)]
    keys = [
        wallet.holder_secret(learner_node.operator_did, learner_node.chain_id, index)
        for index in range(2)
    ]
    assert holders == [address_of(key) for key in keys]
