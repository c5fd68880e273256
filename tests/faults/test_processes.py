"""Ending recorded processes: the recorded ones alone, whatever their numbers name by now."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from node.embedded.processes import RecordedProcess, end_process


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_recorded_process_is_ended(sleeper: subprocess.Popen[bytes]) -> None:
    record = RecordedProcess.of("api", sleeper, signal.SIGTERM)
    assert record.is_running()
    end_process(record)
    assert sleeper.wait(10) is not None


def test_a_number_that_names_another_process_by_now_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    record = RecordedProcess.of("api", sleeper, signal.SIGTERM)
    for started_at in (record.started_at - 1_000.0, record.started_at + 1_000.0):
        end_process(replace(record, started_at=started_at))
        assert sleeper.poll() is None
