"""Deploys the contracts on the chain at CHAIN_URL and records them in deployments/<chainId>.json.

    CHAIN_URL=… PTX_CHAIN_ID=… python scripts/deploy.py --delay-seconds 172800 --rate 1=500 \
        --owner 0x… --owner 0x… --owner 0x… --threshold 2

The owners together propose to the timelock: for them a multi-signature account is deployed, unless
`--proposer` names theirs. The deployers are fresh keys made in the state directory; they hold no
power afterwards, and no money: the chain must ask none for gas. Running it again deploys only what
is missing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer
from web3 import Web3
from web3.exceptions import TimeExhausted, Web3RPCError

from node.bootstrap import NodeNotReady
from node.cli.output import console, fail
from node.config import Settings
from node.contracts import Deployment, find_deployment, save_deployment
from node.deployment import DeploymentRefused, deploy, require_free_gas
from node.keys import load_or_create_account
from node.multi_signature import PROXY, deploy_multi_signature, require_shared
from node.preparation import DEPLOYER_KEY, PROPOSER_DEPLOYER_KEY
from node.secret_files import KeyFileError
from node.wallet import TransactionReverted, connect_chain, require_chain


def main(
    delay_seconds: Annotated[int, typer.Option(min=0, help="Delay of the timelock.")],
    rate: Annotated[list[str], typer.Option(help="CATEGORY=BASIS_POINTS; repeat for more.")],
    owner: Annotated[list[str] | None, typer.Option(help="Owner's account; repeat.")] = None,
    threshold: Annotated[int, typer.Option(help="Owners that sign each act together.")] = 2,
    proposer: Annotated[str | None, typer.Option(help="A Safe that is there already.")] = None,
) -> None:
    """Deploys what is missing on the chain at CHAIN_URL, whose id is PTX_CHAIN_ID, and records it.

    The keys that deploy and those of the node pay nothing for gas: a chain that asks a base fee is
    refused.
    """
    settings = Settings()
    try:
        rates = {int(category): int(bps) for category, bps in (item.split("=") for item in rate)}
    except ValueError:
        fail(f"--rate takes CATEGORY=BASIS_POINTS, not {', '.join(rate)}")
    named = [proposer] if proposer else owner or []
    if not named or (proposer and owner):
        fail("name the owners of the proposer with --owner, or a Safe with --proposer")
    if wrong := [address for address in named if not Web3.is_address(address)]:
        fail(f"{wrong[0]} is not an address")
    checksummed: list[str] = [Web3.to_checksum_address(address) for address in named]
    try:
        known = find_deployment(settings.deployment_file)
        web3 = connect_chain(settings)
        require_chain(web3, settings.chain_id)
        require_free_gas(web3)
        account = partial(load_or_create_account, settings.keys_dir)
        deployer, safe = account(DEPLOYER_KEY), None
        if proposer is None:
            before = known.proposer if known else None
            by = account(PROPOSER_DEPLOYER_KEY)
            if before is None:
                _require_none_named(web3, known, deployer.address, by.address)
            safe = deploy_multi_signature(web3, by, checksummed, threshold, before)
        proposes = safe.addresses[PROXY] if safe else checksummed[0]
        require_shared(web3, proposes)
        ledger = deploy(web3, deployer, proposes, delay_seconds, rates, known)
    except (DeploymentRefused, KeyFileError, NodeNotReady, TransactionReverted) as error:
        fail(str(error))
    except (OSError, TimeExhausted, Web3RPCError) as error:
        fail(f"the chain at {settings.chain_url} failed: {error}. Run the same again to go on.")
    deployment = replace(ledger, proposer=safe or ledger.proposer)
    save_deployment(settings.deployment_file, deployment)
    for name, address in {"Proposer": proposes, **deployment.addresses}.items():
        console.print(f"{name:<22} {address}")
    if deployment == known:
        console.print("all of it is there already: nothing was changed")
    else:
        console.print(f"recorded in {settings.deployment_file}")


def _require_none_named(web3: Web3, known: Deployment | None, deployer: str, by: str) -> None:
    """Raises DeploymentRefused if an earlier run, recorded or cut off, was given a Safe: another
    one would have no say. `by` deploys a Safe, before `deployer` begins."""
    sent = web3.eth.get_transaction_count
    begun = sent(Web3.to_checksum_address(deployer)) > 0 == sent(Web3.to_checksum_address(by))
    recorded = known and web3.eth.get_code(known.address_of("TimelockController"))
    if begun or recorded:
        raise DeploymentRefused(
            "The deployment began with a Safe that was named: name it again with --proposer."
        )


if __name__ == "__main__":
    typer.run(main)
