"""Deploys the contracts on the chain at CHAIN_URL and records them in deployments/<chainId>.json.

    CHAIN_URL=… python scripts/deploy.py --proposer 0x… --delay-seconds 172800 --rate 1=500

The deployer is a fresh key made in the state directory; it holds no power afterwards. Running it
again deploys only what is missing.
"""

from __future__ import annotations

from typing import Annotated

import typer
from web3 import Web3

from node.cli.output import console, fail
from node.config import Settings
from node.contracts import save_deployment
from node.deployment import DeploymentRefused, deploy
from node.keys import load_or_create_account
from node.preparation import DEPLOYER_KEY
from node.wallet import connect_chain


def main(
    proposer: Annotated[str, typer.Option(help="Account that proposes to the timelock.")],
    delay_seconds: Annotated[int, typer.Option(min=0, help="Delay of the timelock.")],
    rate: Annotated[list[str], typer.Option(help="CATEGORY=BASIS_POINTS; repeat for more.")],
) -> None:
    """Deploys what is missing."""
    settings = Settings()
    try:
        rates = {int(category): int(bps) for category, bps in (item.split("=") for item in rate)}
    except ValueError:
        fail(f"--rate takes CATEGORY=BASIS_POINTS, not {rate}")
    if not Web3.is_address(proposer):
        fail(f"--proposer takes an address, not {proposer}")
    web3 = connect_chain(settings)
    deployer = load_or_create_account(settings.keys_dir, DEPLOYER_KEY)
    try:
        deployment = deploy(
            web3, deployer, Web3.to_checksum_address(proposer), delay_seconds, rates
        )
    except DeploymentRefused as error:
        fail(str(error))
    save_deployment(settings.deployment_file, deployment)
    for name, address in deployment.addresses.items():
        console.print(f"{name:<22} {address}")
    console.print(f"recorded in {settings.deployment_file}")


if __name__ == "__main__":
    typer.run(main)
