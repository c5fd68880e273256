"""The scene on the session's node, for all tests at the boundaries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.boundaries.scene import Scene
from tests.stage import World


@pytest.fixture(scope="session")
def scene(world: World) -> Iterator[Scene]:
    """What was made for it and counts against a limit is gone afterwards."""
    yield Scene(world)
    world.node.sql("DELETE FROM node.webhooks")
