"""Deploying: cut off anywhere it goes on, and at its end nobody has power alone."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from node.contract_verification import verify_proposer
from node.contracts import find_deployment, save_deployment
from node.deployment import ORDER, DeploymentRefused, deploy
from node.governance import execute_through_timelock
from node.multi_signature import (
    FACTORY,
    PROXY,
    SINGLETON,
    MultiSignature,
    deploy_multi_signature,
    ownership_of,
    require_shared,
)
from node.powers import EVERYBODY, GOVERNANCE, read_powers
from node.wallet import TransactionReverted, Wallet
from protocol.hashing import keccak256
from tests.own_chain import OwnChain

RATES_BPS = {1: 500}


class CutOff(Exception):
    """The process ends here."""


@pytest.fixture
def owners() -> list[str]:
    return [Account.create().address for _ in range(3)]


def cut_off_after(monkeypatch: pytest.MonkeyPatch, transactions: int) -> None:
    """The wallet sends so many transactions and then ends, before it hears of the last one."""
    send, sent = Wallet.send, [0]

    def send_until(wallet: Wallet, request: Any) -> Any:
        receipt = send(wallet, request)
        sent[0] += 1
        if sent[0] == transactions:
            raise CutOff
        return receipt

    monkeypatch.setattr(Wallet, "send", send_until)


@pytest.mark.parametrize("transactions", range(1, len(ORDER)))
def test_a_deployment_that_was_cut_off_goes_on(
    own_chain: OwnChain,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    transactions: int,
    owners: list[str],
) -> None:
    deployer = Account.create()
    act = partial(deploy, own_chain.web3, deployer, owners[0], 0, RATES_BPS)
    with monkeypatch.context() as patch:
        cut_off_after(patch, transactions)
        with pytest.raises(CutOff):
            act()
    done = act()
    assert own_chain.web3.eth.get_transaction_count(deployer.address) == len(ORDER)
    assert all(own_chain.web3.eth.get_code(done.address_of(name)) for name in ORDER)
    assert set(done.transaction_hashes) == set(ORDER)
    assert done.block_number > 1
    save_deployment(tmp_path / "deployment.json", done)
    known = find_deployment(tmp_path / "deployment.json")
    assert act() == act(known=known) == done
    assert own_chain.web3.eth.get_transaction_count(deployer.address) == len(ORDER)


def test_what_was_begun_is_not_finished_with_other_arguments(
    own_chain: OwnChain, monkeypatch: pytest.MonkeyPatch, owners: list[str]
) -> None:
    deployer = Account.create()
    with monkeypatch.context() as patch:
        cut_off_after(patch, ORDER.index("CommissionPolicy") + 1)
        with pytest.raises(CutOff):
            deploy(own_chain.web3, deployer, owners[0], 0, RATES_BPS)
    for proposer, delay, rates in (
        (owners[1], 0, RATES_BPS),
        (owners[0], 1, RATES_BPS),
        (owners[0], 0, {1: 501}),
    ):
        with pytest.raises(DeploymentRefused, match="repeat what the first run was asked for"):
            deploy(own_chain.web3, deployer, proposer, delay, rates)
    done = deploy(own_chain.web3, deployer, owners[0], 0, RATES_BPS)
    with pytest.raises(DeploymentRefused, match="changes by governance alone"):
        deploy(own_chain.web3, deployer, owners[0], 0, {1: 501}, known=done)


@pytest.mark.parametrize("transactions", [1, 2, 3])
def test_a_proposer_that_was_cut_off_goes_on(
    own_chain: OwnChain, monkeypatch: pytest.MonkeyPatch, transactions: int, owners: list[str]
) -> None:
    deployer = Account.create()
    act = partial(deploy_multi_signature, own_chain.web3, deployer, owners, 2)
    with monkeypatch.context() as patch:
        cut_off_after(patch, transactions)
        with pytest.raises(CutOff):
            act()
    done = act()
    ownership = ownership_of(own_chain.web3, done.addresses[PROXY])
    assert ownership is not None
    assert (ownership.threshold, sorted(ownership.owners)) == (2, sorted(owners))
    checks = verify_proposer(own_chain.web3, done)
    assert [check.name for check in checks if check.agrees] == [PROXY, SINGLETON, FACTORY]
    assert act() == act(known=done) == done
    assert own_chain.web3.eth.get_transaction_count(deployer.address) == 3


def test_a_recorded_proposer_is_not_made_again_for_others(
    own_chain: OwnChain, owners: list[str]
) -> None:
    known = own_chain.deployment.proposer
    assert known is not None
    deployer = Account.create()
    for others, threshold in ((owners, 2), (known.owners, 3), (known.owners[::-1], 2)):
        with pytest.raises(DeploymentRefused, match="its owners change it by acts of their own"):
            deploy_multi_signature(own_chain.web3, deployer, others, threshold, known)
    assert own_chain.web3.eth.get_transaction_count(deployer.address) == 0


def test_a_deployer_that_sent_anything_else_is_refused(
    own_chain: OwnChain, owners: list[str]
) -> None:
    deployer = Account.create()
    Wallet(own_chain.web3, deployer).send({"to": Web3.to_checksum_address(owners[0])})
    with pytest.raises(DeploymentRefused, match="use a fresh deployer key"):
        deploy(own_chain.web3, deployer, owners[0], 0, RATES_BPS)
    with pytest.raises(DeploymentRefused, match="use a fresh deployer key"):
        deploy_multi_signature(own_chain.web3, deployer, owners, 2)


@pytest.mark.parametrize("threshold", [0, 1, 4])
def test_an_account_that_one_owner_or_nobody_could_use_is_not_deployed(
    own_chain: OwnChain, owners: list[str], threshold: int
) -> None:
    with pytest.raises(DeploymentRefused, match=f"{threshold} signatures of 3 owners"):
        deploy_multi_signature(own_chain.web3, Account.create(), owners, threshold)


def test_owners_named_twice_count_once(own_chain: OwnChain, owners: list[str]) -> None:
    with pytest.raises(DeploymentRefused, match="2 signatures of 1 owners"):
        deploy_multi_signature(own_chain.web3, Account.create(), [owners[0]] * 2, 2)


def test_the_timelock_is_the_only_admin_and_its_proposer_is_shared(own_chain: OwnChain) -> None:
    web3, deployment = own_chain.web3, own_chain.deployment
    timelock = own_chain.contract("TimelockController")
    granted = [
        (log["args"]["role"], log["args"]["account"])
        for log in own_chain.events("TimelockController", "RoleGranted")
    ]
    of_role = {
        name: [account for role, account in granted if role == timelock.functions[name]().call()]
        for name in ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE", "DEFAULT_ADMIN_ROLE")
    }
    proposer = own_chain.governance.address
    assert of_role["PROPOSER_ROLE"] == of_role["CANCELLER_ROLE"] == [proposer]
    assert of_role["DEFAULT_ADMIN_ROLE"] == [timelock.address]
    require_shared(web3, proposer)
    granted_by_manager = own_chain.events("AccessManager", "RoleGranted")
    assert [(log["args"]["roleId"], log["args"]["account"]) for log in granted_by_manager] == [
        (0, deployment.address_of("TimelockController"))
    ]


def test_whoever_governs_beside_the_timelock_is_named(own_chain: OwnChain) -> None:
    web3, deployment = own_chain.web3, own_chain.deployment
    assert read_powers(web3, deployment).concerns(deployment) == []
    manager, timelock = (
        own_chain.contract("AccessManager"),
        own_chain.contract("TimelockController"),
    )
    registry = deployment.address_of("ParticipantRegistry")
    token, treasury = own_chain.contract("UsageToken"), own_chain.contract("CommonsTreasury")
    issue, grant, suspend = (
        keccak256(signature)[:4]
        for signature in (
            b"issue(address,uint256,bytes32)",
            b"grant(address,uint256,bytes32)",
            b"suspend(address)",
        )
    )
    stranger = Account.create().address
    proposer = timelock.functions.PROPOSER_ROLE().call()
    for act in (
        timelock.functions.grantRole(proposer, stranger),
        manager.functions.grantRole(7, stranger, 0),
        manager.functions.setTargetFunctionRole(token.address, [issue], EVERYBODY),
        manager.functions.setTargetFunctionRole(registry, [suspend, b"none"], 9),
        manager.functions.setTargetFunctionRole(treasury.address, [grant], 9),
        manager.functions.setTargetFunctionRole(treasury.address, [grant], GOVERNANCE),
        manager.functions.updateAuthority(registry, deployment.address_of("CommissionPolicy")),
    ):
        execute_through_timelock(own_chain.governance, deployment, act)
    powers = read_powers(web3, deployment)
    assert powers.concerns(deployment) == [
        f"{stranger} has a role of the AccessManager",
        "ParticipantRegistry.0x6e6f6e65 is open to role 9",
        "ParticipantRegistry.suspend is open to role 9",
        "UsageToken.issue is open to everybody",
        f"ParticipantRegistry obeys {deployment.address_of('CommissionPolicy')}",
        f"{stranger} proposes, and is no Safe of which at least two owners sign",
    ]


def admission(chain: OwnChain) -> Any:
    """An act that only the timelock may carry out."""
    operator = chain.web3.to_checksum_address(chain.operator)
    return chain.contract("ParticipantRegistry").functions.suspend(operator)


def acting_as(chain: OwnChain, *signers: LocalAccount) -> MultiSignature:
    governance = chain.governance
    return MultiSignature(governance.wallet, governance.address, signers)


def test_two_owners_carry_an_act_out_and_fewer_or_strangers_do_not(own_chain: OwnChain) -> None:
    first, second = own_chain.governance.signers
    act, stranger = admission(own_chain), Account.create()
    for signers in ((first,), (second,), (first, first), (first, stranger), (stranger, second)):
        with pytest.raises(TransactionReverted, match=re.compile("GS0(20|26)")):
            execute_through_timelock(acting_as(own_chain, *signers), own_chain.deployment, act)
    assert own_chain.events("ParticipantRegistry", "ParticipantSuspended") == []
    execute_through_timelock(acting_as(own_chain, second, first), own_chain.deployment, act)
    assert len(own_chain.events("ParticipantRegistry", "ParticipantSuspended")) == 1


def test_an_owner_alone_does_not_propose(own_chain: OwnChain) -> None:
    owner = own_chain.governance.signers[0]
    timelock = own_chain.contract("TimelockController")
    act = admission(own_chain)
    data = Web3.to_bytes(hexstr=act._encode_transaction_data())
    schedule = timelock.functions.schedule(act.address, 0, data, bytes(32), bytes(32), 0)
    unauthorised = Web3.keccak(text="AccessControlUnauthorizedAccount(address,bytes32)")[:4]
    with pytest.raises(TransactionReverted, match=unauthorised.to_0x_hex()):
        Wallet(own_chain.web3, owner).call(schedule)


def test_only_the_published_code_counts_as_shared(own_chain: OwnChain, owners: list[str]) -> None:
    registry = own_chain.deployment.address_of("ParticipantRegistry")
    for address in (owners[0], registry):
        assert ownership_of(own_chain.web3, address) is None
        with pytest.raises(DeploymentRefused, match="name the owners instead"):
            require_shared(own_chain.web3, address)


def test_a_module_that_acts_alone_is_seen(own_chain: OwnChain) -> None:
    governance = own_chain.governance
    safe = own_chain.web3.eth.contract(
        address=governance.address,
        abi=[
            {
                "type": "function",
                "name": "enableModule",
                "inputs": [{"name": "module", "type": "address"}],
                "outputs": [],
                "stateMutability": "nonpayable",
            }
        ],
    )
    module = own_chain.deployment.address_of("CommonsTreasury")
    governance.call(safe.functions.enableModule(module))
    ownership = ownership_of(own_chain.web3, governance.address)
    assert ownership is not None
    assert ownership.modules == (module,)
    with pytest.raises(DeploymentRefused):
        require_shared(own_chain.web3, governance.address)
