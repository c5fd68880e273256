"""A node of its own and a browser for the tests of the pages."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from node.config import PROJECT_ROOT, Settings
from node.embedded.processes import Running
from node.embedded.supervisor import free_port
from protocol.errors import ArtifactMissing
from protocol.contracts import abi
from tests.e2e.learner_node import LearnerNode

START_SECONDS_MAX = 60.0
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@contextmanager
def running_node(settings: Settings) -> Iterator[Running]:
    """A node on its own state directory and ports, ready inside the block, gone after it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PTX_")},
        "PTX_STATE_DIR": str(settings.state_dir),
        "PTX_PORT": str(settings.port),
        "PTX_CHAIN_PORT": str(settings.chain_port),
    }
    log = settings.state_dir / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", "run"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield wait_until_ready(process, settings, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS_MAX)


def wait_until_ready(
    process: subprocess.Popen[bytes], settings: Settings, log: Path
) -> Running:
    """What runs, once it answers; fails with the end of the log otherwise."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        running = Running.load(settings.running_file)
        with suppress(httpx.HTTPError):
            if running and httpx.get(f"{running.api_url}/readyz").status_code == 200:
                return running
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2000:]
    pytest.fail(f"the node did not become ready within {START_SECONDS_MAX:.0f} s:\n{tail}")


@pytest.fixture(scope="session")
def built_pages() -> None:
    """The pages' scripts and styles, built from what is in the tree."""
    esbuild = PROJECT_ROOT / "node_modules" / "esbuild"
    node = shutil.which("node")
    if node is None or not esbuild.exists():
        pytest.skip("The pages are built by Node and esbuild: install Node 20 and run `npm ci`.")
    subprocess.run(
        [node, "scripts/build_web.mjs"], cwd=PROJECT_ROOT, check=True, capture_output=True
    )


@pytest.fixture(scope="session")
def learner_node(
    tmp_path_factory: pytest.TempPathFactory, built_pages: None
) -> Iterator[LearnerNode]:
    """A node with an agreement in force, started by `ptx-ledger run` for this session alone."""
    try:
        abi("ConsentRegistry")
    except ArtifactMissing as error:
        pytest.skip(str(error))
    settings = Settings(
        state_dir=tmp_path_factory.mktemp("learner-node"),
        port=free_port("127.0.0.1", 0),
        chain_port=free_port("127.0.0.1", 0),
    )
    with running_node(settings) as running:
        yield LearnerNode(running.api_url, settings)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window, or a skip that says what to install."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
