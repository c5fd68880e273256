"""The README's commands do what it says, one after the other, on a state directory of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.config import PROJECT_ROOT
from node.embedded.supervisor import free_port
from tests.stage import wait_until

README = PROJECT_ROOT / "README.md"
PROMPT = "$ "
START_SECONDS = 120
COMMAND_SECONDS = 120
VARYING = re.compile(r"0x[0-9a-f]+|[0-9][0-9,.]*")


def shown() -> list[tuple[str, list[str]]]:
    """The commands of the console blocks in order, each with the lines shown below it."""
    sections: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", README.read_text(), re.M | re.S):
        for line in block.splitlines():
            if line.startswith(PROMPT):
                sections.append((line.removeprefix(PROMPT), []))
            else:
                sections[-1][1].append(line)
    return sections


def shape(line: str) -> str:
    """A line without what differs from run to run: hashes, figures, and the width of columns."""
    return " ".join(VARYING.sub("#", line).split())


def missing(expected: list[str], output: str) -> list[str]:
    """Expected lines that the output lacks, in this order."""
    said = iter([shape(line) for line in output.splitlines()])
    return [line for line in expected if shape(line) not in said]


def outside() -> dict[str, str]:
    """The environment of a terminal that knows nothing of this test run."""
    ours = ("PTX_", "DATABASE_URL", "CHAIN_URL", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@contextmanager
def running(environment: dict[str, str], log: Path) -> Iterator[Path]:
    """`make run` in a terminal of its own: ends as Ctrl-C ends it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:

        def is_open() -> bool:
            assert process.poll() is None, log.read_text()
            return "Ctrl-C stops all of it" in log.read_text()

        wait_until(is_open, "an open node", START_SECONDS)
        yield log
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(START_SECONDS)


@pytest.mark.deep
def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    commands = shown()
    assert [command for command, _ in commands[:2]] == ["make run", "make demo"]
    assert commands[-1] == ("make test", [])
    state = tmp_path / "state"
    environment = {
        **outside(),
        "PTX_STATE_DIR": str(state),
        "PTX_PORT": str(free_port("127.0.0.1", 0)),
        "PTX_CHAIN_PORT": str(free_port("127.0.0.1", 0)),
    }
    with running(environment, tmp_path / "run.log") as log:
        here = log.read_text().replace(str(state), ".ptx")
        assert missing(commands[0][1], here) == [], here
        for command, expected in commands[1:-1]:
            done = subprocess.run(
                ["bash", "-c", command.replace(".ptx/", f"{state}/")],
                cwd=PROJECT_ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
            assert missing(expected, done.stdout) == [], f"{command}: {done.stdout}"


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("test", "scripts/test.sh\n"),
        ("test-deep", "scripts/test.sh deep\n"),
        ("bench", "scripts/bench.py\n"),
        ("check", "scripts/check.sh\n"),
    ],
)
def test_the_targets_that_would_take_too_long_here(target: str, command: str) -> None:
    assert (
        f"`make {target}`" in README.read_text() or f"{PROMPT}make {target}\n" in README.read_text()
    )
    planned = subprocess.run(
        ["make", "--dry-run", target],
        cwd=PROJECT_ROOT,
        env=outside(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert planned.stdout.endswith(command)


def test_a_line_that_the_output_lacks_is_missed() -> None:
    assert missing(["tx 0xab 12 s", "gone"], "head\n  tx   0xcd  3.5 s\ntail") == ["gone"]
    assert missing(["b", "a"], "a\nb") == ["a"]
