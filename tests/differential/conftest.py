"""One chain for all differential tests; each example is rolled back."""

from __future__ import annotations

import pytest

from protocol.errors import ArtifactMissing
from tests.differential.chain import Chain


@pytest.fixture(scope="session")
def chain() -> Chain:
    """The contracts, or a skip with the reason where they are not compiled."""
    try:
        return Chain()
    except ArtifactMissing as error:
        pytest.skip(str(error))
