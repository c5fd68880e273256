"""The contracts on chain are those of the sources, and three compilers agree on every byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from node.compilation import RUNTIME_BYTES_MAX, Compiled, SourcesMissing, compile_contracts
from node.config import PROJECT_ROOT
from node.contract_verification import verify_contracts, verify_proposer
from node.contracts import ALL_CONTRACTS, Deployment, ProposerRecord, load_deployment
from node.multi_signature import FACTORY, PROXY, SINGLETON, ownership_of
from protocol.contracts import bytecode, deployed_bytecode
from tests.stage import World

pytestmark = pytest.mark.deep  # compiles all contracts three times


@pytest.fixture(scope="module")
def recompiled(world: World) -> Mapping[str, Compiled]:
    return compile_contracts(ALL_CONTRACTS)


def deployment_of(world: World) -> Deployment:
    return world.story.stage.deployment


def test_three_compilers_agree_on_every_byte(recompiled: Mapping[str, Compiled]) -> None:
    """Hardhat made the packaged artifacts, forge its own, py-solc-x those of the command."""
    forge = PROJECT_ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
    subprocess.run([forge, "build", "--quiet"], cwd=PROJECT_ROOT, check=True)
    for name in ALL_CONTRACTS:
        by_forge = json.loads((PROJECT_ROOT / "out" / f"{name}.sol" / f"{name}.json").read_text())
        creation = bytes.fromhex(by_forge["bytecode"]["object"].removeprefix("0x"))
        assert recompiled[name].creation == bytecode(name) == creation, name
        assert recompiled[name].runtime == deployed_bytecode(name), name


def test_every_contract_fits_into_what_a_chain_accepts(recompiled: Mapping[str, Compiled]) -> None:
    sizes = {name: len(contract.runtime) for name, contract in recompiled.items()}
    assert max(sizes.values()) <= RUNTIME_BYTES_MAX, sizes


def test_what_is_on_chain_is_what_was_compiled(
    world: World, recompiled: Mapping[str, Compiled]
) -> None:
    checks = verify_contracts(world.web3, deployment_of(world), recompiled)
    assert [check.name for check in checks] == list(deployment_of(world).addresses)
    assert {(check.code_agrees, check.creation_agrees) for check in checks} == {(True, True)}


def test_another_code_is_told(world: World, recompiled: Mapping[str, Compiled]) -> None:
    name = "ConsentRegistry"
    changed = bytearray(recompiled[name].runtime)
    changed[100] ^= 1
    forged = {**recompiled, name: replace(recompiled[name], runtime=bytes(changed))}
    different = [
        c.name for c in verify_contracts(world.web3, deployment_of(world), forged) if not c.agrees
    ]
    assert different == [name]


def test_other_constructor_arguments_are_told(
    world: World, recompiled: Mapping[str, Compiled]
) -> None:
    """The rates of the beginning are in storage, so only the creation shows them."""
    deployment = deployment_of(world)
    arguments = {**deployment.constructor_arguments}
    authority, rates = arguments["CommissionPolicy"]
    arguments["CommissionPolicy"] = [authority, [[category, rate + 1] for category, rate in rates]]
    claimed = replace(deployment, constructor_arguments=arguments)
    checks = verify_contracts(world.web3, claimed, recompiled)
    different = [check.name for check in checks if not check.agrees]
    assert different == ["CommissionPolicy"]


def test_a_creation_of_something_else_is_told(
    world: World, recompiled: Mapping[str, Compiled]
) -> None:
    deployment = deployment_of(world)
    hashes = {**deployment.transaction_hashes}
    hashes["UsageToken"] = hashes["ConsentRegistry"]
    hashes["UsageSettlement"] = "0x" + "11" * 32
    del hashes["CommonsTreasury"]
    claimed = replace(deployment, transaction_hashes=hashes)
    answers = {
        check.name: check.creation_agrees
        for check in verify_contracts(world.web3, claimed, recompiled)
        if check.creation_agrees is not True
    }
    assert answers == {"UsageToken": False, "UsageSettlement": False, "CommonsTreasury": None}


def proposer_of(world: World) -> ProposerRecord:
    """As it comes back from the file that the deployment wrote."""
    recorded = load_deployment(world.node.settings.deployment_file).proposer
    assert recorded is not None
    return recorded


def test_the_proposer_is_recorded_and_the_published_safe(world: World) -> None:
    proposer = proposer_of(world)
    [of_timelock] = deployment_of(world).constructor_arguments["TimelockController"][1]
    ownership = ownership_of(world.web3, of_timelock)
    assert ownership is not None
    assert proposer.addresses[PROXY] == of_timelock
    assert proposer.threshold == ownership.threshold
    assert sorted(proposer.owners) == sorted(ownership.owners)
    checks = verify_proposer(world.web3, proposer)
    assert [check.name for check in checks if check.agrees] == [PROXY, SINGLETON, FACTORY]


def test_a_proposer_with_other_owners_code_or_creation_is_told(world: World) -> None:
    proposer = proposer_of(world)
    swapped = {**proposer.addresses, FACTORY: proposer.addresses[SINGLETON]}
    created = {SINGLETON: proposer.transaction_hashes[FACTORY]}
    claims = (
        (replace(proposer, owners=proposer.owners[::-1]), [PROXY], []),
        (replace(proposer, threshold=3), [PROXY], []),
        (replace(proposer, addresses=swapped), [PROXY, FACTORY], [FACTORY]),
        (replace(proposer, transaction_hashes=created), [SINGLETON, FACTORY], []),
    )
    for claimed, different, other_code in claims:
        checks = verify_proposer(world.web3, claimed)
        assert [check.name for check in checks if not check.agrees] == different
        assert [check.name for check in checks if not check.code_agrees] == other_code


def test_the_command_needs_a_chain_and_the_record_alone(world: World, tmp_path: Path) -> None:
    """No database and no node: another state directory, where nothing runs."""
    settings = world.node.settings
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PTX_")},
        "PTX_STATE_DIR": str(tmp_path),
        "PTX_DEPLOYMENT_PATH": str(settings.deployment_file),
    }
    environment.pop("DATABASE_URL", None)

    def verify(chain_url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "node.cli", "contracts", "verify", "--json"],
            cwd=PROJECT_ROOT,
            env={**environment, "CHAIN_URL": chain_url},
            capture_output=True,
            text=True,
            check=False,
        )

    done = verify(str(settings.chain_url))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [each["name"] for each in told["contracts"]] == [
        *deployment_of(world).addresses,
        *(PROXY, SINGLETON, FACTORY),
    ]
    away = verify("http://127.0.0.1:9")
    assert (away.returncode, away.stderr.count("\n")) == (1, 1)
    assert "No chain answers at http://127.0.0.1:9" in away.stderr


def test_without_the_sources_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourcesMissing, match="clone of the project"):
        compile_contracts(ALL_CONTRACTS, tmp_path)
