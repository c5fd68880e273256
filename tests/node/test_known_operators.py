"""Which addresses on chain a learner's browser is sent to: text that an operator chose freely."""

from __future__ import annotations

import pytest

from node.known_operators import origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://node.example", "https://node.example"),
        ("https://node.example/", "https://node.example"),
        ("https://Node.Example:443", "https://node.example"),
        ("https://node.example:8443", "https://node.example:8443"),
        ("http://node.localhost:8420", "http://node.localhost:8420"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
    ],
)
def test_an_address_is_written_as_browsers_write_it(address: str, origin: str) -> None:
    assert origin_of(address, takes_http=True) == origin


@pytest.mark.parametrize(
    "address",
    [
        *("", None, "node.example", "ftp://node.example", "https://", "https://a..b"),
        *("https://node.example/path", "https://user@node.example", "https://node.example:0"),
        *("https://*", "https://*.example", "https:", "'unsafe-inline'", "https://nœud.example"),
        "https://node.example; script-src 'unsafe-inline'",
        "https://node.example https://evil.example",
        "https://node.example\nhttps://evil.example",
        "https://node.example\n",
    ],
)
def test_what_could_say_more_than_where_is_no_address(address: str | None) -> None:
    assert origin_of(address, takes_http=True) is None


def test_a_page_that_came_by_https_is_sent_nowhere_by_http() -> None:
    assert origin_of("http://node.example", takes_http=False) is None
    assert origin_of("https://node.example", takes_http=False) == "https://node.example"
