"""A run over the mutants that can be broken off and taken up again."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from tests.mutation.mutants import Mutant
from tests.mutation.workspace import NO_END, Workspace

Say = Callable[[str], None]

NO_TEST = ("", NO_END)
"""What stands for the test in the verdict of a mutant that none killed, or only the clock."""


class Ledger:
    """Results by mutant, in a file that is whole after each mutant; and why survivors may live."""

    def __init__(self, results: Path, explained: Path, tests: Path) -> None:
        """A mutant counts as untried again where the test in `tests` that killed it is gone."""
        self._path = results
        self._lock = Lock()
        self.results: dict[str, dict[str, Any]] = {}
        if results.exists():
            there = _functions(tests) | set(NO_TEST)
            self.results = {
                name: result
                for name, result in json.loads(results.read_text()).items()
                if result["by"].rpartition(".")[2] in there
            }
        self.explained: dict[str, str] = json.loads(explained.read_text())

    def record(self, mutant: Mutant, result: str, by: str, seconds: float) -> None:
        """Keep a verdict."""
        with self._lock:
            self.results[mutant.id] = {
                "place": f"{mutant.file}:{mutant.line}",
                "function": mutant.function,
                "operator": mutant.operator,
                "before": mutant.before,
                "after": mutant.after,
                "result": result,
                "by": by,
                "seconds": round(seconds, 1),
            }
            self._path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._path.with_suffix(".new")
            whole.write_text(json.dumps(self.results, indent=1, sort_keys=True))
            whole.replace(self._path)

    def has(self, mutant: Mutant, result: str) -> bool:
        """Whether this was the mutant's verdict."""
        return self.results.get(mutant.id, {}).get("result") == result


def _functions(folder: Path) -> set[str]:
    """The names of all functions in Solidity files."""
    return {
        name
        for file in folder.rglob("*.sol")
        for name in re.findall(r"function (\w+)", file.read_text(encoding="utf-8"))
    }


def run(
    root: Path,
    mutants: list[Mutant],
    ledger: Ledger,
    *,
    minutes: float,
    jobs: int,
    all_tests: bool,
) -> None:
    """Try the mutants in order, `jobs` at a time, until they or the minutes are over."""
    ends = time.monotonic() + 60 * minutes
    waiting: SimpleQueue[Mutant] = SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)

    def work() -> None:
        with Workspace(root, all_tests=all_tests) as workspace:
            workspace.build()
            while not waiting.empty() and time.monotonic() < ends:
                mutant = waiting.get()
                begun = time.monotonic()
                verdict = workspace.try_mutant(mutant)
                took = time.monotonic() - begun
                ledger.record(mutant, verdict.result, verdict.by, took)

    with ThreadPoolExecutor(jobs) as pool:
        for job in [pool.submit(work) for _ in range(min(jobs, len(mutants)))]:
            job.result()


def report(mutants: list[Mutant], ledger: Ledger, say: Say) -> bool:
    """Say the score by file and name the survivors; whether all of those are explained."""
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        result = ledger.results.get(mutant.id, {}).get("result", "untried")
        if result == "survived" and mutant.id in ledger.explained:
            result = "equivalent"
        counts.setdefault(mutant.file, Counter())[result] += 1
    whole = sum(counts.values(), Counter[str]())
    for file, count in [*sorted(counts.items()), ("all", whole)]:
        say(f"{file:44} {_score(count)}")
    survivors = [m for m in mutants if ledger.has(m, "survived") and m.id not in ledger.explained]
    for m in sorted(survivors, key=lambda m: (m.file, m.line)):
        say(f"\n{m.id}  {m.file}:{m.line} in {m.function}, {m.operator}")
        say(f"  - {m.before}\n  + {m.after}")
    return not survivors and whole["untried"] == 0


def survivors_page(mutants: list[Mutant], reasons: dict[str, str]) -> str:
    """docs/mutants.md: every mutant that lives and changes nothing, with the reason."""
    lines = [
        "# Mutants that live",
        "",
        "Each changes a contract, and nothing that anybody can see. `scripts/mutate.py --page`",
        "writes this page from `tests/mutation/equivalent.json`. What is mutated and how, and the",
        "score, are in [verification](verification.md).",
        "",
        "| where | before | after | why it lives |",
        "| --- | --- | --- | --- |",
    ]
    for mutant in sorted(mutants, key=lambda each: (each.file, each.line, each.after)):
        if mutant.id in reasons:
            before, after = (_cell(text) for text in (mutant.before, mutant.after))
            where = f"`{mutant.file}:{mutant.line}`"
            lines.append(f"| {where} | {before} | {after} | {reasons[mutant.id]} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Code in a table's cell."""
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


def _score(count: Counter[str]) -> str:
    tried = count["killed"] + count["survived"]
    share = f"{100 * count['killed'] / tried:5.1f} %" if tried else "    -  "
    return (
        f"{share} killed: {count['killed']} of {tried}; {count['equivalent']} equivalent, "
        f"{count['invalid']} do not compile, {count['untried']} untried"
    )
