"""A worker of the API ends with the process that started it, whatever ended that."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from tests.stage import wait_until

WORKER = """
import os, signal
from node.api.parent import end_with_parent

parent = os.getpid()
if os.fork() == 0:
    end_with_parent(parent)
    print(os.getpid(), flush=True)
signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end")
def test_a_worker_does_not_outlive_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = psutil.Process(int(parent.stdout.readline()))
    assert worker.status() != psutil.STATUS_ZOMBIE
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: _is_gone(worker), "the worker's end")


def _is_gone(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
