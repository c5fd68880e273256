"""Settings: what the node is called."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from node.config import Settings


def test_a_node_is_known_by_its_address_unless_another_is_given() -> None:
    assert Settings(host="127.0.0.1", port=8420).public_address == "http://127.0.0.1:8420"
    assert Settings(public_url="https://node.example").public_address == "https://node.example"


@pytest.mark.parametrize(
    "url",
    ["node.example", "https://node.example/", "https://u@node.example", "ftp://a", "https://A"],
)
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(public_url=url)


@pytest.mark.parametrize("url", ["https://consents.example", "https://a.consents.example", None])
def test_passkeys_are_of_a_domain_that_the_address_is_part_of(url: str | None) -> None:
    settings = Settings(public_url=url, passkey_domain="consents.example")
    assert settings.passkey_domain == "consents.example"


@pytest.mark.parametrize("url", ["https://other.example", "https://notconsents.example"])
def test_a_domain_whose_passkeys_browsers_would_refuse_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is no part"):
        Settings(public_url=url, passkey_domain="consents.example")
