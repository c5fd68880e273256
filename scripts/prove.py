"""Runs halmos on tests/solidity/symbolic, with SHA-256 taken for a function without meaning.

halmos 0.3.3 declares that function over as many bits as the input has bytes, and then fails on
it; here it gets its eight bits a byte. Run by scripts/analysis.sh in an environment of its own.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from halmos import __main__ as halmos
from halmos import sevm
from halmos.utils import BitVecSorts

declare = sevm.Function


def declare_in_bits(name: str, *sorts: Any) -> Any:
    """An uninterpreted function; one of SHA-256 over bits, not bytes."""
    if size := re.fullmatch(r"f_sha256_(\d+)", name):
        sorts = (BitVecSorts[8 * int(size[1])], *sorts[1:])
    return declare(name, *sorts)


if __name__ == "__main__":
    sevm.Function = declare_in_bits
    sys.exit(halmos.main())
