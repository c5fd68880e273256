"""Mutates the contracts in a copy and runs their tests: which change does no test notice?

    scripts/mutate.py                go on for 30 minutes where the last run stopped
    scripts/mutate.py --survivors    try those again that survived, with the slow tests, too
    scripts/mutate.py --report       only say what is known
    scripts/mutate.py --page         write docs/mutants.md

Ends with status 1 while a mutant is untried, or a survivor neither killed nor explained in
tests/mutation/equivalent.json.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.mutation.campaign import Ledger, report, run, survivors_page
from tests.mutation.mutants import all_mutants

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Status 1 while an unexplained survivor is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="part of a file's name")
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    ledger = Ledger(
        ROOT / "build/mutation/results.json",
        ROOT / "tests/mutation/equivalent.json",
        ROOT / "tests/solidity",
    )
    mutants = [mutant for mutant in all_mutants(ROOT) if asked.only in mutant.file]
    if asked.page:
        page = survivors_page(mutants, ledger.explained)
        (ROOT / "docs/mutants.md").write_text(page, encoding="utf-8")
        return 0
    wanted = [
        mutant
        for mutant in mutants
        if (
            ledger.has(mutant, "survived") and mutant.id not in ledger.explained
            if asked.survivors
            else mutant.id not in ledger.results
        )
    ]
    if wanted and not asked.report:
        run(
            ROOT,
            wanted,
            ledger,
            minutes=asked.minutes,
            jobs=asked.jobs,
            all_tests=asked.survivors,
        )
    return 0 if report(mutants, ledger, print) else 1


if __name__ == "__main__":
    sys.exit(main())
