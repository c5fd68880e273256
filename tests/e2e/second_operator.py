"""Another operator on the session's chain: a node, a database and a name of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine
from web3 import Web3

from node.config import Settings
from node.db import owner_engine
from node.embedded.supervisor import Supervisor, free_port
from node.governance import execute_through_timelock
from node.keys import OPERATOR_KEY, load_or_create_account
from node.preparation import prove_possession
from protocol.identifiers import organisation_id
from protocol.types import Role, to_hex
from tests.own_chain import at_database
from tests.records.command_line import run
from tests.stage import Node, World, wait_until

SECOND_OPERATOR = "did:web:second.localhost"
PASSKEY_DOMAIN = "ptx.localhost"
HOST = f"second.{PASSKEY_DOMAIN}"
"""A name of this machine, which browsers know by themselves (RFC 6761, section 6.3)."""


@dataclass(frozen=True, slots=True)
class SecondOperator:
    """`base_url` is what its operator has written on chain."""

    node: Node
    base_url: str


@contextmanager
def open_second_operator(folder: Path, world: World) -> Iterator[SecondOperator]:
    """Runs inside the block; the registry names it no longer than that."""
    server = world.node.running.database_url
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql('CREATE DATABASE "second_operator"')
    engine.dispose()
    port = free_port("127.0.0.1", 0)
    settings = Settings(
        state_dir=folder,
        port=port,
        operator_did=SECOND_OPERATOR,
        chain_url=world.node.running.chain_url,
        database_url=at_database(server, "second_operator"),
        deployment_path=world.node.settings.deployment_file,
        public_url=f"http://{HOST}:{port}",
        passkey_domain=PASSKEY_DOMAIN,
        batch_seconds=0.1,
    )
    _admit(world, settings)
    with Supervisor(settings, print).started() as running:
        engine = owner_engine(running.database_url)
        second = SecondOperator(Node(settings, running, engine), settings.public_address)
        run(second.node, "did", "publish", as_json=False)
        wait_until(lambda: _is_described(world, second), "the second operator's address")
        yield second
        engine.dispose()
    _govern(world, "suspend", Web3.to_checksum_address(organisation_id(SECOND_OPERATOR)))


def _admit(world: World, settings: Settings) -> None:
    account = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
    deployment = world.story.stage.deployment
    proof = prove_possession(account, organisation_id(SECOND_OPERATOR), deployment)
    _govern(world, "admit", SECOND_OPERATOR, int(Role.OPERATOR), 0, account.address, proof)


def _govern(world: World, act: str, *given: Any) -> None:
    stage = world.story.stage
    registry = world.contract("ParticipantRegistry")
    execute_through_timelock(stage.governance, stage.deployment, registry.functions[act](*given))


def _is_described(world: World, second: SecondOperator) -> bool:
    """On both nodes: each asks the other's index, which may be behind."""
    path = f"/v1/participants/{to_hex(organisation_id(SECOND_OPERATOR))}"
    for url in (world.node.url, second.node.url):
        answer = httpx.get(url + path)
        if answer.status_code != 200 or answer.json()["serviceAddress"] != second.base_url:
            return False
    return True
