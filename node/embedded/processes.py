"""Processes that outlive a killed supervisor: recorded by pid and start time, ended by group."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from node.secret_files import write_private

STOP_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RecordedProcess:
    """A process that leads a group of its own; pid and start time together name it for ever."""

    name: str
    pid: int
    started_at: float
    stop_signal: int

    @classmethod
    def of(cls, name: str, process: subprocess.Popen[bytes], stop_signal: int) -> RecordedProcess:
        """The record of a child that was just started."""
        return cls(name, process.pid, psutil.Process(process.pid).create_time(), stop_signal)

    def is_running(self) -> bool:
        """Whether this very process still runs (not another one under its pid)."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            return self._is(process) and process.status() != psutil.STATUS_ZOMBIE
        return False

    def is_replaced(self) -> bool:
        """Whether the pid, and so the number of the group, is somebody else's by now."""
        with suppress(psutil.NoSuchProcess):
            return not self._is(psutil.Process(self.pid))
        return False

    def _is(self, process: psutil.Process) -> bool:
        return bool(abs(process.create_time() - self.started_at) < 1.0)


@dataclass(slots=True)
class Running:
    """What `running.json` says of a supervisor and what it started."""

    api_url: str
    chain_url: str
    database_url: str
    public_url: str
    processes: list[RecordedProcess] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Writes the record in one step, for its owner alone: the addresses may hold passwords."""
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Running | None:
        """The record, or None if there is none that can be read."""
        try:
            content = json.loads(path.read_text())
            processes = [RecordedProcess(**entry) for entry in content.pop("processes")]
            return cls(**content, processes=processes)
        except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
            return None


def end_process(process: RecordedProcess) -> None:
    """Asks the process's group to stop, insists after a while, and waits until it is gone."""
    if not process.is_running():
        if not process.is_replaced():
            _end_group(process)
        return
    with suppress(ProcessLookupError):
        os.kill(process.pid, process.stop_signal)
    if not _wait_until_gone(process, STOP_TIMEOUT_SECONDS):
        _end_group(process)
        _wait_until_gone(process, STOP_TIMEOUT_SECONDS)
    _end_group(process)


def _end_group(leader: RecordedProcess) -> None:
    """Kills what is left of a process's group, and waits until it has left its ports, too."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while (members := _members(leader)) and time.monotonic() < deadline:
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        time.sleep(0.02)


def _members(leader: RecordedProcess) -> list[psutil.Process]:
    """Those of its group that run; they are younger than their leader."""
    found = []
    for member in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            younger = member.create_time() >= leader.started_at - 1.0
            is_alive = member.status() != psutil.STATUS_ZOMBIE
            if younger and is_alive and _group_of(member.pid) == leader.pid:
                found.append(member)
    return found


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _wait_until_gone(process: RecordedProcess, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while process.is_running():
        if time.monotonic() > deadline:
            return False
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        time.sleep(0.02)
    return True
