"""Writes node/api/examples.json: for each operation of the API what a request sends and what is
answered, as a real node did while the tests played a valid request of each.

Nothing is invented, but what nobody should copy or cares for is exchanged: keys, tokens and slips
for texts that say so, the node's address for `ledger.example`, the tests' marks for words. So what
was signed over an address or a token no longer holds. Lists end after two items, pictures early.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pytest

from node.api.recorded_examples import FILE, JSON_TYPES

PLAYED = "tests/boundaries/test_valid_requests.py"
ITEMS_MAX = 2
LISTS = {"items", "requests", "uses"}
PICTURE_LENGTH = 160
SECRET = re.compile(r"\b((?:ptx[a-z]?|whsec)_|)([A-Za-z0-9_+/-]{32}|[A-Za-z0-9_-]{43})$")
SECRET_FIELDS = {"apiKey", "token", "invitation", "secret"}
SLIP = re.compile(r"\b0x50545831[0-9a-f]{432}\b")
MARK = re.compile(r"mark[0-9a-f]{24}")
WORDS = {
    **dict.fromkeys(("label", "name", "displayName"), "Reports on skills"),
    "contact": "anna@example.org",
    "message": "I left the school in June and have no key any more.",
    "reason": "I have found a job.",
    "groupId": "pupil-2026-0417",
    "url": "https://school.example/ledger-events",
}
"""For marks, by the field that has one; the others stand for a person."""
PERSON = "pupil-2026-0417"


class InOrder:
    """Removes, then makes, then reads, so that the lists that are read have something in them."""

    ORDER = ("delete", "post", "put", "get")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """By the operation, which stands in the test's name."""
        methods = {item: re.search(r"\[(\w+) /", item.name) for item in items}
        items.sort(key=lambda item: self.ORDER.index(found[1]) if (found := methods[item]) else 0)


def main() -> int:
    """Plays the requests and writes what succeeded; as pytest's exit code if one does not."""
    failed = pytest.main(["-q", PLAYED], plugins=[InOrder()])
    if failed:
        return int(failed)
    from tests.boundaries.valid_requests import ANSWERED  # noqa: PLC0415  # filled by the tests

    recorded = {}
    for (method, path), (asked, answer) in ANSWERED.items():
        parts = {} if asked.body is None else {"request": asked.body}
        if answer.headers.get("content-type", "").partition(";")[0] in JSON_TYPES:
            parts["answer"] = shorter(answer.json())
        if parts:
            recorded[f"{method} {path}"] = parts
    [host] = {answer.url.netloc.decode() for _, answer in ANSWERED.values()}
    tidy = fictional(dict(sorted(recorded.items())), host)
    FILE.write_text(json.dumps(tidy, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


def shorter(answer: Any) -> Any:
    """With two items in a list that grows with what the node has."""
    return {
        name: value[:ITEMS_MAX] if name in LISTS and isinstance(value, list) else value
        for name, value in answer.items()
    }


def fictional(recorded: Any, host: str) -> Any:
    """With nothing that is secret, or only a test's."""
    places = (
        (re.compile(rf"https?://{re.escape(host)}"), "https://ledger.example"),
        (re.compile(re.escape(host)), "ledger.example"),
        (re.compile(r"https://127\.0\.0\.1:1/"), "https://school.example/"),
        (re.compile(r"^127\.0\.0\.1$"), "ledger.example"),
    )
    secrets = {
        found[2]: example_of(found[2], number)
        for number, found in enumerate(secrets_in(recorded), 1)
    }

    def exchange(name: str, text: str) -> str:
        for secret, instead in secrets.items():
            text = text.replace(secret, instead)
        for place, instead in places:
            text = place.sub(instead, text)
        if name == "slipQrSvg":
            text = f"{text[:PICTURE_LENGTH]}…"
        text = SLIP.sub(lambda found: "0x50545831" + "5e" * ((len(found[0]) - 10) // 2), text)
        if name in WORDS and MARK.search(text):
            return WORDS[name]
        return MARK.sub(PERSON, text)

    return mapped(recorded, exchange)


def secrets_in(recorded: Any) -> Iterator[re.Match[str]]:
    """What fields of secrets have, each once; those in links are among them or end a link."""
    found: dict[str, re.Match[str]] = {}

    def look(name: str, text: str) -> str:
        if name in SECRET_FIELDS or (name == "link" and "#" in text):
            secret = SECRET.search(text.rpartition("#")[2])
            assert secret is not None, (name, text)
            found.setdefault(secret[2], secret)
        return text

    mapped(recorded, look)
    yield from found.values()


def example_of(secret: str, number: int) -> str:
    """Of the same form and length, and plainly none."""
    words = "this-is-an-example" if len(secret) > len("this-is-an-example-") else ""
    return f"{words}{number * 4:0{len(secret) - len(words)}d}"


def mapped(value: Any, change: Callable[[str, str], str], name: str = "") -> Any:
    """With each text changed, knowing the field that it stands in."""
    if isinstance(value, dict):
        return {field: mapped(each, change, field) for field, each in value.items()}
    if isinstance(value, list):
        return [mapped(each, change, name) for each in value]
    return change(name, value) if isinstance(value, str) else value


if __name__ == "__main__":
    sys.exit(main())
