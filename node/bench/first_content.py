"""When a page first shows something: First Contentful Paint (W3C Paint Timing) in Chromium, with
nothing kept from an earlier visit. Wants the development packages, and is imported by nobody else.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from node.bench.figures import Figure, measured

SECTION = "first content"
PAGES = ("/me", "/requests", "/withdraw", "/handover", "/governance")
VISITS = 5
TARGET = "≤ 1 s"
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
TELEPHONE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
"""A slow fourth-generation network, as Lighthouse has it."""
TELEPHONE_SLOWDOWN = 4
PAINTED = """
() => new Promise((resolve) => {
  new PerformanceObserver((list, observer) => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (!found) return;
    observer.disconnect();
    resolve(found.startTime);
  }).observe({ type: "paint", buffered: true });
})
"""


class ChromiumMissing(Exception):
    """There is no Chromium to look with; the message says what to do."""


def measure_first_content(url: str) -> Iterator[Figure]:
    """Of each page of the node at a base URL: the median of several first visits on this machine,
    and of a telephone's. Raises ChromiumMissing."""
    executable = shutil.which("chromium")
    if executable is None:
        raise ChromiumMissing("Chromium is not installed: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        for page in PAGES:
            here = statistics.median(_seconds(browser, url + page, False) for _ in range(VISITS))
            yield measured(SECTION, page, here, "s", TARGET)
            far = statistics.median(_seconds(browser, url + page, True) for _ in range(VISITS))
            yield measured(SECTION, f"{page} on a telephone, slow network", far, "s")
        browser.close()


def _seconds(browser: Browser, address: str, on_telephone: bool) -> float:
    context = browser.new_context()
    try:
        page = context.new_page()
        if on_telephone:
            devtools = context.new_cdp_session(page)
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", TELEPHONE)
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": TELEPHONE_SLOWDOWN})
        page.goto(address)
        return float(page.evaluate(PAINTED)) / 1000
    finally:
        context.close()
