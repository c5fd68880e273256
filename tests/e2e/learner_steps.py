"""What a learner does on the page, step by step, as the tests say it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from protocol.assurance import Assurance
from protocol.types import Leaf
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode

LEDGER_TIMEOUT_MS = 15_000
SIGNATURE = "eth_signTypedData_v4"


def connect(page: Page, name: str = "Test Wallet") -> None:
    page.get_by_role("button", name=f"Connect {name}").click()
    expect(page.get_by_role("heading", name="Sign once")).to_be_visible()


def sign_in(page: Page) -> None:
    connect(page)
    page.get_by_role("button", name="Sign with Test Wallet").click()


def card(page: Page, purpose: str) -> Locator:
    return page.get_by_role("listitem", name=purpose)


def withdraw(page: Page, purpose: str) -> None:
    page.get_by_role("button", name=f"Withdraw “{purpose}”").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw for good").click()


def grant(
    node: LearnerNode,
    wallet: BrowserWallet,
    index: int,
    purpose: str,
    assurance: Assurance = Assurance.SIGNED,
) -> Leaf:
    secret = wallet.holder_secret(node.operator_did, node.chain_id, index)
    return node.grant(secret, purpose, assurance)
