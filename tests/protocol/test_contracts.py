"""The compiled contracts in the package."""

from __future__ import annotations

import pytest

from protocol import contracts
from protocol.errors import ArtifactMissing


@pytest.mark.parametrize("name", contracts.CONTRACTS)
def test_every_contract_has_its_abi_and_bytecode(name: str) -> None:
    artifact = contracts.load_artifact(name)
    assert artifact["contractName"] == name
    assert {entry["type"] for entry in contracts.abi(name)} & {"function", "event"}
    assert len(contracts.bytecode(name)) > len(contracts.deployed_bytecode(name)) > 0


def test_an_unknown_contract_is_missing() -> None:
    with pytest.raises(ArtifactMissing):
        contracts.load_artifact("Nothing")
