"""The session's node, a browser and a wallet for the tests of the pages."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from node.config import PROJECT_ROOT
from tests.e2e.browser_wallet import BrowserWallet
from tests.e2e.learner_node import LearnerNode
from tests.stage import World

CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture(scope="session")
def built_pages() -> None:
    """The pages' scripts and styles, built from what is in the tree."""
    subprocess.run(
        ["node", "scripts/build_web.mjs"], cwd=PROJECT_ROOT, check=True, capture_output=True
    )


@pytest.fixture(scope="session")
def learner_node(built_pages: None, world: World) -> LearnerNode:
    """The session's node, with an agreement in force."""
    return LearnerNode(world)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window, or a skip that says what to install.

    One a module, not one a session: while Playwright runs, no other event loop can.
    """
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def wallet() -> BrowserWallet:
    return BrowserWallet()


@pytest.fixture
def context(chromium: Browser, learner_node: LearnerNode) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=learner_node.base_url)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, wallet: BrowserWallet) -> Iterator[Page]:
    """The learner's page with the wallet in it; fails if the console says anything bad."""
    wallet.install(context)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/me")
    yield page
    expected = ("Failed to load resource",)
    assert [text for text in said if not text.startswith(expected)] == []
