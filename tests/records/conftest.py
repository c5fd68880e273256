"""Two nodes for the tests of this folder, apart from the session's: they are killed, cut off."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.records.two_nodes import TwoNodes, open_two_nodes


@pytest.fixture(scope="package")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """Both run until the last test of the folder."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [*os.environ]:
            setting = name.startswith("PTX_") or name in ("DATABASE_URL", "CHAIN_URL")
            if setting and name != "PTX_SAMPLES":
                environment.delenv(name)
        with open_two_nodes(tmp_path_factory.mktemp("two-nodes")) as nodes:
            yield nodes


@pytest.fixture
def nodes(two_nodes: TwoNodes) -> TwoNodes:
    """Both, with nothing on its way from an earlier test."""
    two_nodes.passage.passed.clear()
    return two_nodes
