# SPDX-License-Identifier: EUPL-1.2
"""Write the contracts' ABIs and bytecode from Hardhat's output into the package `protocol`.

    npx hardhat build --no-tests && python scripts/export_artifacts.py

One JSON file for each contract that is deployed, with what a deployment, a decoder and a verifier
of storage proofs need. The same sources give the same bytes, so the files are not committed.
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


@cache  # the compiler's output is one large file for all contracts
def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, or say which command makes it."""
    if not path.is_file():
        sys.exit(f"{path.relative_to(ROOT)} is missing: run `npx hardhat build --no-tests` first.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def storage_slots(layout: dict[str, Any]) -> list[dict[str, Any]]:
    """Name, slot, byte offset and type of each state variable, for readers of storage proofs."""
    types = layout["types"] or {}
    return [
        {
            "name": variable["label"],
            "slot": int(variable["slot"]),
            "offset": variable["offset"],
            "type": types[variable["type"]]["label"],
        }
        for variable in layout["storage"]
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
        "compiler": {
            "version": build["solcLongVersion"],
            "evmVersion": settings["evmVersion"],
            "optimizer": settings["optimizer"],
            "viaIR": settings.get("viaIR", False),
            "metadata": settings["metadata"],
        },
    }


def main() -> None:
    """Write every artifact."""
    DESTINATION.mkdir(parents=True, exist_ok=True)
    for contract, source in SOURCES.items():
        artifact = artifact_of(contract, source)
        text = json.dumps(artifact, indent=1, sort_keys=True) + "\n"
        (DESTINATION / f"{contract}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
