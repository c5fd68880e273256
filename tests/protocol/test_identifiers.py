"""Ids of organisations."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import DidEmpty
from protocol.identifiers import organisation_id
from protocol.types import to_checksum_address


def test_ids_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("identifiers")["organisations"]["cases"]:
        assert to_checksum_address(organisation_id(case["did"])) == case["id"]


def test_an_organisation_without_a_did_has_no_id() -> None:
    with pytest.raises(DidEmpty):
        organisation_id("")
