"""All mutants of the contracts, each with a name that survives edits elsewhere in its file."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation.operators import Edit, Node, edits_of

REMAPPINGS = ["@openzeppelin/=node_modules/@openzeppelin/"]
# Their literals are types, paths and hashes that no line of ours computes with.
LEFT_OUT = {"ImportDirective", "PragmaDirective", "StructuredDocumentation", "ArrayTypeName"}


@dataclass(frozen=True)
class Mutant:
    """One edit of one file. `id` is a hash of what it does, not of where it stands."""

    id: str
    file: str
    line: int
    function: str
    operator: str
    before: str
    after: str
    edit: Edit

    def applied(self, source: bytes) -> bytes:
        """The mutated file."""
        return source[: self.edit.start] + self.edit.after.encode() + source[self.edit.end :]


def all_mutants(root: Path) -> list[Mutant]:
    """Of every contract and library below `root`, in an order that is random but always the
    same, so that a part of the list is a fair sample of it."""
    files = sorted(
        str(path.relative_to(root))
        for folder in ("contracts", "contracts/libraries")
        for path in (root / folder).glob("*.sol")
    )
    trees = syntax_trees(root, files)
    mutants = [mutant for file in files for mutant in mutants_of(file, trees[file], root / file)]
    return sorted(mutants, key=lambda mutant: mutant.id)


def syntax_trees(root: Path, files: list[str]) -> dict[str, Node]:
    """The compiler's typed tree of each file."""
    question = {
        "language": "Solidity",
        "sources": {file: {"content": (root / file).read_text()} for file in files},
        "settings": {
            "remappings": REMAPPINGS,
            "evmVersion": "paris",
            "outputSelection": {"*": {"": ["ast"]}},
        },
    }
    answer = subprocess.run(
        ["tools/solc", "--standard-json", "--allow-paths", (root / "node_modules").resolve()],
        cwd=root,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    parsed: dict[str, Any] = json.loads(answer.stdout)
    wrong = [e["formattedMessage"] for e in parsed.get("errors", ()) if e["severity"] == "error"]
    if wrong:
        raise ValueError(f"the contracts do not compile: {wrong[0]}")
    return {file: parsed["sources"][file]["ast"] for file in files}


def mutants_of(file: str, tree: Node, path: Path) -> Iterator[Mutant]:
    """Every mutant of one file, none twice."""
    source = path.read_bytes()
    seen: set[Edit] = set()
    alike: Counter[str] = Counter()
    for node, parent, function in _nodes(tree, tree, ""):
        for edit in edits_of(node, parent, source):
            if edit in seen or source[edit.start : edit.end] == edit.after.encode():
                continue
            seen.add(edit)
            yield _named(file, source, function, edit, alike)


def _named(file: str, source: bytes, function: str, edit: Edit, alike: Counter[str]) -> Mutant:
    begin = source.rfind(b"\n", 0, edit.start) + 1
    end = source.find(b"\n", edit.end)
    before = source[begin:end].decode()
    mutated = source[begin : edit.start] + edit.after.encode() + source[edit.end : end]
    texts = [" ".join(text.split()) for text in (before, mutated.decode())]
    key = "|".join([file, function, edit.operator, *texts])
    alike[key] += 1
    digest = hashlib.sha256(f"{key}|{alike[key]}".encode()).hexdigest()[:12]
    line = source.count(b"\n", 0, edit.start) + 1
    return Mutant(digest, file, line, function, edit.operator, texts[0], texts[1], edit)


def _nodes(node: Any, parent: Node, function: str) -> Iterator[tuple[Node, Node, str]]:
    """Depth first: each node with its parent and the function around it."""
    if isinstance(node, list):
        for child in node:
            yield from _nodes(child, parent, function)
        return
    if not isinstance(node, dict) or node.get("nodeType") in LEFT_OUT:
        return
    if node.get("nodeType") in ("FunctionDefinition", "ModifierDefinition"):
        function = node["name"] or node["kind"]
    if "nodeType" in node and "src" in node:
        yield node, parent, function
        parent = node
    for key, child in node.items():
        if key not in ("typeDescriptions", "nativeSrc", "documentation"):
            yield from _nodes(child, parent, function)
