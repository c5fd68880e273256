"""Deploys the contracts on the chain at CHAIN_URL and records them in deployments/<chainId>.json.

    CHAIN_URL=… PTX_CHAIN_ID=… python scripts/deploy.py --delay-seconds 172800 --rate 1=500 \
        --owner 0x… --owner 0x… --owner 0x… --threshold 2

The owners together propose to the timelock: for them a multi-signature account is deployed, unless
`--proposer` names theirs. The deployers are fresh keys made in the state directory; they hold no
power afterwards. Running it again deploys only what is missing.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from web3 import Web3

from node.cli.output import console, fail
from node.config import Settings
from node.contracts import find_deployment, save_deployment
from node.deployment import DeploymentRefused, deploy
from node.keys import load_or_create_account
from node.multi_signature import deploy_multi_signature, require_shared
from node.preparation import DEPLOYER_KEY, PROPOSER_DEPLOYER_KEY
from node.wallet import TransactionReverted, connect_chain


def main(
    delay_seconds: Annotated[int, typer.Option(min=0, help="Delay of the timelock.")],
    rate: Annotated[list[str], typer.Option(help="CATEGORY=BASIS_POINTS; repeat for more.")],
    owner: Annotated[list[str] | None, typer.Option(help="Owner's account; repeat.")] = None,
    threshold: Annotated[int, typer.Option(help="Owners that sign each act together.")] = 2,
    proposer: Annotated[str | None, typer.Option(help="A Safe that is there already.")] = None,
) -> None:
    """Deploys what is missing."""
    settings = Settings()
    try:
        rates = {int(category): int(bps) for category, bps in (item.split("=") for item in rate)}
    except ValueError:
        fail(f"--rate takes CATEGORY=BASIS_POINTS, not {rate}")
    named = [proposer] if proposer else owner or []
    if not named or (proposer and owner):
        fail("name the owners of the proposer with --owner, or a Safe with --proposer")
    if wrong := [address for address in named if not Web3.is_address(address)]:
        fail(f"{wrong[0]} is not an address")
    web3 = connect_chain(settings)
    if web3.eth.chain_id != settings.chain_id:
        fail(f"the chain is {web3.eth.chain_id}, not {settings.chain_id}: set PTX_CHAIN_ID")
    account = partial(load_or_create_account, settings.keys_dir)
    checksummed = [Web3.to_checksum_address(address) for address in named]
    try:
        if proposer is None:
            proposes = deploy_multi_signature(
                web3, account(PROPOSER_DEPLOYER_KEY), checksummed, threshold
            )
        else:
            [proposes] = checksummed
        require_shared(web3, proposes)
        known = find_deployment(settings.deployment_file)
        deployment = deploy(web3, account(DEPLOYER_KEY), proposes, delay_seconds, rates, known)
    except (DeploymentRefused, TransactionReverted) as error:
        fail(str(error))
    save_deployment(settings.deployment_file, deployment)
    console.print(f"{'Proposer':<22} {proposes}")
    for name, address in deployment.addresses.items():
        console.print(f"{name:<22} {address}")
    console.print(f"recorded in {settings.deployment_file}")


if __name__ == "__main__":
    typer.run(main)
