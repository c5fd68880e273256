"""The contracts compiled again from their sources by py-solc-x, to compare with what is on chain.

Needs the sources and npm's packages, as a clone of the project has them after its set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import solcx

from node.config import PROJECT_ROOT
from protocol.contracts import CONTRACTS, load_artifact

RUNTIME_BYTES_MAX = 24_576
"""What the chain accepts as a contract (EIP-170)."""

OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
]


class SourcesMissing(Exception):
    """The sources or the compiler are not here."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One contract; `immutables` are (start, length) of the places that the constructor fills."""

    abi: list[dict[str, Any]]
    creation: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]

    def without_immutables(self, code: bytes) -> bytes:
        """The code with zeros where the constructor puts values, as the compiler leaves them."""
        blank = bytearray(code)
        for start, length in self.immutables:
            blank[start : start + length] = bytes(length)
        return bytes(blank)


def compile_contracts(names: tuple[str, ...], root: Path = PROJECT_ROOT) -> dict[str, Compiled]:
    """Contracts by name, with the settings that their packaged artifacts name."""
    artifacts = {name: load_artifact(name) for name in names}
    [compiler] = {str(each["compiler"]): each["compiler"] for each in artifacts.values()}.values()
    compiler_file = _compiler(root)
    output = solcx.compile_standard(
        _standard_input(
            _sources([each["sourceName"] for each in artifacts.values()], root), compiler
        ),
        base_path=root / "node_modules",
        solc_binary=compiler_file,
    )
    contracts = output["contracts"]
    return {
        name: _compiled(contracts[artifact["sourceName"]][name])
        for name, artifact in artifacts.items()
    }


def compile_file(file: Path, root: Path = PROJECT_ROOT) -> dict[str, Compiled]:
    """Contracts of a file of its own by name, with the settings of the ledger's contracts."""
    output = solcx.compile_standard(
        _standard_input({file.name: file}, load_artifact(CONTRACTS[0])["compiler"]),
        base_path=root / "node_modules",
        solc_binary=_compiler(root),
    )
    return {name: _compiled(found) for name, found in output["contracts"][file.name].items()}


def _compiler(root: Path) -> Path:
    """The project's compiler; raises SourcesMissing."""
    for needed in ("contracts", "node_modules/solc", "tools/solc"):
        if not (root / needed).exists():
            raise SourcesMissing(
                f"{root / needed} is missing: run this in a clone of the project, after `make run`."
            )
    return root / "tools" / "solc"


def _sources(names: list[str], root: Path) -> dict[str, Path]:
    """The ledger's files by name; packages of npm that they import are found by the compiler."""
    files = {str(file.relative_to(root)): file for file in sorted(root.glob("contracts/**/*.sol"))}
    return files | {name: root / "node_modules" / name for name in names if name not in files}


def _standard_input(files: Mapping[str, Path], compiler: Mapping[str, Any]) -> dict[str, Any]:
    """The compiler's standard JSON input."""
    return {
        "language": "Solidity",
        "sources": {name: {"content": file.read_text()} for name, file in files.items()},
        "settings": {
            "evmVersion": compiler["evmVersion"],
            "optimizer": compiler["optimizer"],
            "viaIR": compiler["viaIR"],
            "metadata": compiler["metadata"],
            "outputSelection": {"*": {"*": OUTPUTS}},
        },
    }


def _compiled(contract: Mapping[str, Any]) -> Compiled:
    evm = contract["evm"]
    runtime = evm["deployedBytecode"]
    places = (place for found in runtime["immutableReferences"].values() for place in found)
    return Compiled(
        abi=contract["abi"],
        creation=bytes.fromhex(evm["bytecode"]["object"]),
        runtime=bytes.fromhex(runtime["object"]),
        immutables=tuple(sorted((place["start"], place["length"]) for place in places)),
    )
