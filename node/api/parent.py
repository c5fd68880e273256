"""A worker of the API must not outlive the process that started it: it would keep the port."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""`prctl(2)`: the signal that the kernel sends to this process when its parent ends, in any way."""


def end_with_parent(parent_id: int) -> None:
    """From now on; at once if it has ended meanwhile. Without effect but on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_id:
            os._exit(1)
