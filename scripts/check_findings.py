"""Compares the findings of slither with those explained.

    check_findings.py FOUND.json EXPLAINED.json

A finding is known by its detector and the function it is in, not by its line, so that an edit
elsewhere raises no alarm. Ends with status 1 for one that is not explained, or no longer found.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def key_of(finding: dict[str, Any]) -> str:
    """`detector Contract.function`."""
    element = finding["elements"][0]
    function = element
    while function["type"] not in ("function", "contract"):
        function = function["type_specific_fields"]["parent"]
    if function["type"] == "contract":
        return f"{finding['check']} {function['name']}"
    contract = function["type_specific_fields"]["parent"]["name"]
    return f"{finding['check']} {contract}.{function['name']}"


def main() -> int:
    """Say what is new and what is gone."""
    found_file, explained_file = map(Path, sys.argv[1:3])
    results = json.loads(found_file.read_text())
    if not results["success"]:
        print(results["error"])
        return 2
    found = {key_of(f): f for f in results["results"].get("detectors", ())}
    explained: dict[str, str] = json.loads(explained_file.read_text())
    for key in sorted(found.keys() - explained.keys()):
        print(f"new, {found[key]['impact']}: {key}\n{found[key]['description']}")
    for key in sorted(explained.keys() - found.keys()):
        print(f"explained, but not found any more: {key}")
    print(f"{len(found)} high or medium findings, {len(found.keys() & explained.keys())} explained")
    return int(found.keys() != explained.keys())


if __name__ == "__main__":
    sys.exit(main())
