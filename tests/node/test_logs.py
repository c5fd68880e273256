"""What a command's logs leave free for its answer."""

from __future__ import annotations

import pytest
import structlog

from node.logs import logs_on_stderr

logger = structlog.get_logger("indexer")


def test_warnings_of_a_command_are_no_part_of_its_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logs_on_stderr():
        logger.critical("put_aside", block=7)
        logger.info("range_halved", first=1)
    told = capsys.readouterr()
    assert told.out == ""
    assert "put_aside" in told.err
    assert "range_halved" not in told.err
    logger.info("after_it")
    assert "after_it" in capsys.readouterr().out
