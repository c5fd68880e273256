# SPDX-License-Identifier: EUPL-1.2
"""Write the contracts' ABIs and bytecode from Hardhat's output into the package `protocol`.

    npx hardhat build --no-tests && python scripts/export_artifacts.py

One JSON file for each contract that is deployed, with what a deployment, a decoder and a verifier
of storage proofs need. The same sources give the same bytes, so the files are not committed. The
layouts of storage are: with `--layouts` this writes them anew, and a test compares.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HARDHAT_OUTPUT = ROOT / "artifacts"
DESTINATION = ROOT / "protocol" / "artifacts"
NODE_MODULES = ROOT / "node_modules"
LAYOUTS = ROOT / "snapshots" / "storage.txt"

OPENZEPPELIN = "@openzeppelin/contracts"
SOURCES = {
    "ParticipantRegistry": "contracts/ParticipantRegistry.sol",
    "AgreementRegistry": "contracts/AgreementRegistry.sol",
    "ConsentRegistry": "contracts/ConsentRegistry.sol",
    "UsageToken": "contracts/UsageToken.sol",
    "UsageSettlement": "contracts/UsageSettlement.sol",
    "CommissionPolicy": "contracts/CommissionPolicy.sol",
    "CommonsTreasury": "contracts/CommonsTreasury.sol",
    "AccessManager": f"{OPENZEPPELIN}/access/manager/AccessManager.sol",
    "TimelockController": f"{OPENZEPPELIN}/governance/TimelockController.sol",
}


SAFE = "@safe-global/safe-smart-account/build/artifacts/contracts"
PUBLISHED = {
    "SafeL2": f"{SAFE}/SafeL2.sol/SafeL2.json",
    "SafeProxy": f"{SAFE}/proxies/SafeProxy.sol/SafeProxy.json",
    "SafeProxyFactory": f"{SAFE}/proxies/SafeProxyFactory.sol/SafeProxyFactory.json",
}
"""What is deployed as its makers compiled it, from the npm package that the lock file pins."""


@cache  # the compiler's output is one large file for all contracts
def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, or say which command makes it."""
    if not path.is_file():
        sys.exit(f"{path.relative_to(ROOT)} is missing: run `npx hardhat build --no-tests` first.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def storage_slots(layout: dict[str, Any]) -> list[dict[str, Any]]:
    """Name, slot, byte offset and type of each state variable, for readers of storage proofs."""
    return places_of(layout["storage"], layout["types"] or {})


def struct_layouts(layout: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The same of the members of each struct in storage; slots count from the struct's own."""
    types = layout["types"] or {}
    return {
        kind["label"]: places_of(kind["members"], types)
        for kind in types.values()
        if "members" in kind
    }


def places_of(variables: list[dict[str, Any]], types: dict[str, Any]) -> list[dict[str, Any]]:
    """Where variables lie in storage."""
    return [
        {
            "name": variable["label"],
            "slot": int(variable["slot"]),
            "offset": variable["offset"],
            "type": types[variable["type"]]["label"],
        }
        for variable in variables
    ]


def artifact_of(contract: str, source: str) -> dict[str, Any]:
    """Collect one contract's artifact with the settings that its bytes come from."""
    compiled = read_json(HARDHAT_OUTPUT / source / f"{contract}.json")
    build_info = HARDHAT_OUTPUT / "build-info" / compiled["buildInfoId"]
    build = read_json(build_info.with_name(f"{build_info.name}.json"))
    output = read_json(build_info.with_name(f"{build_info.name}.output.json"))
    detail = output["output"]["contracts"][compiled["inputSourceName"]][contract]
    settings = build["input"]["settings"]
    return {
        "contractName": contract,
        "sourceName": source,
        "abi": compiled["abi"],
        "bytecode": compiled["bytecode"],
        "deployedBytecode": compiled["deployedBytecode"],
        "immutableReferences": compiled["immutableReferences"],
        "storage": storage_slots(detail["storageLayout"]),
        "structs": struct_layouts(detail["storageLayout"]),
        "compiler": {
            "version": build["solcLongVersion"],
            "evmVersion": settings["evmVersion"],
            "optimizer": settings["optimizer"],
            "viaIR": settings.get("viaIR", False),
            "metadata": settings["metadata"],
        },
    }


def published_artifact(contract: str, file: str) -> dict[str, Any]:
    """ABI and bytecode as an npm package has them, with the package and its version."""
    published = read_json(NODE_MODULES / file)
    package = "/".join(file.split("/")[:2])
    version = read_json(NODE_MODULES / package / "package.json")["version"]
    return {
        "contractName": contract,
        "package": f"{package}@{version}",
        "abi": published["abi"],
        "bytecode": published["bytecode"],
        "deployedBytecode": published["deployedBytecode"],
    }


def main() -> None:
    """Write every artifact."""
    DESTINATION.mkdir(parents=True, exist_ok=True)
    artifacts = [artifact_of(contract, source) for contract, source in SOURCES.items()]
    for artifact in artifacts:
        text = json.dumps(artifact, indent=1, sort_keys=True) + "\n"
        (DESTINATION / f"{artifact['contractName']}.json").write_text(text, encoding="utf-8")
    for contract, file in PUBLISHED.items():
        text = json.dumps(published_artifact(contract, file), indent=1, sort_keys=True) + "\n"
        (DESTINATION / f"{contract}.json").write_text(text, encoding="utf-8")
    if "--layouts" in sys.argv[1:]:
        LAYOUTS.write_text(show_layouts(artifacts), encoding="utf-8")


def show_layouts(artifacts: list[dict[str, Any]]) -> str:
    """The storage of all contracts, a line a variable, so that a change shows in a review."""
    lines = []
    for artifact in artifacts:
        lines.append(f"{artifact['contractName']}\n")
        lines += [line_of(place, "  ") for place in artifact["storage"]]
        for name, members in sorted(artifact["structs"].items()):
            lines += [f"  {name}\n", *(line_of(place, "    ") for place in members)]
    return "".join(lines)


def line_of(place: dict[str, Any], indent: str) -> str:
    """Slot, byte offset, name and type."""
    return f"{indent}{place['slot']:>2} {place['offset']:>2}  {place['name']}: {place['type']}\n"


if __name__ == "__main__":
    main()
