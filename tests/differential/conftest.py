"""One chain for all differential tests; each example is rolled back."""

from __future__ import annotations

import pytest

from tests.differential.chain import Chain


@pytest.fixture(scope="session")
def chain() -> Chain:
    return Chain()
