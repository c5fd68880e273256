"""A copy of the contracts and their tests, in which mutants are compiled and tried.

forge compiles a changed contract anew together with every test that a changed library touches: 3
to 40 seconds. Here only the contracts that contain the mutated code are compiled, and their
bytecode takes the place of the original's in forge's cache: `dynamic_test_linking` has the tests
deploy from there. That takes 1 to 4 seconds a mutant.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.mutation.mutants import REMAPPINGS, Mutant

COPIED = ("contracts", "tests/solidity", "tests/vectors", "tools", "foundry.toml", "remappings.txt")
# What asserts no behaviour that another test does not: gas, and halmos' properties.
NOT_COPIED = ("Gas.t.sol", "symbolic")
# What takes longer than all others together; they judge only what those let live.
SLOW = ("invariants", "LargestBatches.t.sol", "CallDepth.t.sol")
IMPORT = re.compile(r'^import [^;]*?"(\.{1,2}/[^"]+|@[^"]+|forge-std/[^"]+)";', re.M | re.S)
FIELDS = ("bytecode", "deployedBytecode")
SECONDS_MIN = 30
NO_END = "no end"
"""What killed a mutant whose tests do not come to an end."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant; `by` names the test that killed it."""

    result: str  # killed, survived, invalid
    by: str = ""


class Workspace:
    """A built copy of the tree, without the slow tests unless all are asked for. Use it as a
    context: it stops its compiler and is removed."""

    def __init__(self, root: Path, *, all_tests: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutation-"))
        for name in COPIED:
            _copy(root / name, self.folder / name, NOT_COPIED if all_tests else NOT_COPIED + SLOW)
        (self.folder / "node_modules").symlink_to((root / "node_modules").resolve())
        self._sources = _Sources(self.folder)
        self._compiler = subprocess.Popen(
            ["node", root / "tests/mutation/compiler.cjs"],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seconds_max: float = 0

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._compiler.terminate()
        shutil.rmtree(self.folder)

    def build(self) -> float:
        """Compile everything once and run all tests; they must pass. Gives their seconds."""
        self._forge("build")
        solc = self.folder / "tools/solc"
        version = subprocess.run([solc, "--version"], capture_output=True, text=True, check=True)
        # forge asks for the version at each start; the rest of the compiler is not used again.
        solc.write_text(f"#!/bin/sh\ncat <<'END'\n{version.stdout.strip()}\nEND\n")
        begun = time.monotonic()
        report = self._forge("test", "--fail-fast", "--json", seconds_max=600)
        if failed := _failed(report):
            raise RuntimeError(f"the tests fail without a mutant, so they can judge none: {failed}")
        took = time.monotonic() - begun
        self.seconds_max = max(SECONDS_MIN, 10 * took)
        return took

    def try_mutant(self, mutant: Mutant) -> Verdict:
        """Compile the mutant, run the tests until the first fails, put the original back."""
        source = (self.folder / mutant.file).read_bytes()
        contracts = self._sources.containing(mutant.file)
        built = self._compile({mutant.file: mutant.applied(source).decode()}, contracts)
        if built is None:
            return Verdict("invalid")
        originals = {path: path.read_text() for path in built}
        try:
            for path, code in built.items():
                path.write_text(json.dumps(json.loads(originals[path]) | code))
            report = self._forge("test", "--fail-fast", "--json", seconds_max=self.seconds_max)
        except subprocess.TimeoutExpired:
            return Verdict("killed", NO_END)
        finally:
            for path, text in originals.items():
                path.write_text(text)
        failed = _failed(report)
        return Verdict("killed", failed) if failed else Verdict("survived")

    def _compile(
        self, mutated: dict[str, str], contracts: list[tuple[str, str]]
    ) -> dict[Path, dict[str, Any]] | None:
        """Bytecode of the contracts by the file that holds it; None: does not compile."""
        wanted: dict[str, dict[str, list[str]]] = {}
        for file, name in contracts:
            wanted.setdefault(file, {})[name] = [f"evm.{field}.object" for field in FIELDS]
        sources = self._sources.needed_by([file for file, _ in contracts]) | mutated
        question = {
            "language": "Solidity",
            "sources": {file: {"content": text} for file, text in sources.items()},
            "settings": {
                "remappings": [*REMAPPINGS, self._sources.forge_std],
                "evmVersion": "paris",
                "metadata": {"bytecodeHash": "none"},
                "outputSelection": wanted,
            },
        }
        assert self._compiler.stdin is not None
        assert self._compiler.stdout is not None
        self._compiler.stdin.write(json.dumps(question) + "\n")
        self._compiler.stdin.flush()
        answer = json.loads(self._compiler.stdout.readline())
        if any(error["severity"] == "error" for error in answer.get("errors", ())):
            return None
        return {
            self._artifact(file, name): {
                field: {"object": "0x" + answer["contracts"][file][name]["evm"][field]["object"]}
                for field in FIELDS
            }
            for file, name in contracts
        }

    def _artifact(self, file: str, name: str) -> Path:
        return self.folder / "out" / Path(file).name / f"{name}.json"

    def _forge(self, *arguments: str, seconds_max: float | None = None) -> str:
        """forge's output, whether or not a test failed."""
        with subprocess.Popen(
            [self.folder / "node_modules/.bin/forge", *arguments],
            cwd=self.folder,
            env={**os.environ, "FOUNDRY_PROFILE": "mutation"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=seconds_max)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode != 0 and arguments[0] == "build":
            raise RuntimeError(f"forge build failed: {errors[-2000:]}")
        return output or errors


class _Sources:
    """The Solidity files of a workspace, and which import which."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        remappings = (folder / "remappings.txt").read_text().split()
        self.forge_std = next(line for line in remappings if line.startswith("forge-std/"))
        self._remappings = [line.split("=") for line in remappings]
        self._texts: dict[str, str] = {}
        self._closures: dict[str, frozenset[str]] = {}

    def containing(self, file: str) -> list[tuple[str, str]]:
        """(file, contract) of everything deployed that has code of `file` in it. A test has, if
        it calls a library itself; whatever it deploys comes from the cache."""
        path = self._folder / file
        deployed = [p for p in (self._folder / "contracts").glob("*.sol") if self._has(p, file)]
        if "function " in path.read_text() and path.parent.name == "libraries":
            tests = (self._folder / "tests/solidity").rglob("*.t.sol")
            deployed += [p for p in tests if f"libraries/{path.name}" in p.read_text()]
        return [
            (str(p.relative_to(self._folder)), name)
            for p in deployed
            for name in re.findall(r"^contract (\w+)", p.read_text(), re.M)
        ]

    def needed_by(self, files: list[str]) -> dict[str, str]:
        """Texts of the files and of all that they import."""
        names = frozenset().union(*(self._closure(file) for file in files))
        return {name: self._text(name) for name in names}

    def _has(self, path: Path, file: str) -> bool:
        return file in self._closure(str(path.relative_to(self._folder)))

    def _closure(self, file: str) -> frozenset[str]:
        if file not in self._closures:
            self._closures[file] = frozenset({file})  # ends circles
            imported = [self._resolve(file, name) for name in IMPORT.findall(self._text(file))]
            inner = (self._closure(name) for name in imported)
            self._closures[file] = frozenset({file}).union(*inner)
        return self._closures[file]

    def _text(self, file: str) -> str:
        if file not in self._texts:
            self._texts[file] = (self._folder / file).read_text()
        return self._texts[file]

    def _resolve(self, file: str, name: str) -> str:
        if name.startswith("."):
            return os.path.normpath(Path(file).parent / name)
        prefix, target = next(pair for pair in self._remappings if name.startswith(pair[0]))
        return target + name.removeprefix(prefix)


def _copy(source: Path, target: Path, without: tuple[str, ...]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*without))
    else:
        shutil.copy2(source, target)


def _failed(report: str) -> str:
    """Name of the first failed test in forge's JSON; empty if all passed."""
    start = report.find("{")
    if start < 0:
        return f"forge: {report.strip()[:120]}"
    suites, _ = json.JSONDecoder().raw_decode(report[start:])
    for suite, outcome in suites.items():
        for test, result in outcome["test_results"].items():
            if result["status"] == "Failure":
                return f"{suite.rpartition(':')[2]}.{test.partition('(')[0]}"
    return ""
