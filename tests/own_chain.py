"""A chain and databases of a test's own, where it may take blocks back without hurting a node."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine, create_engine, insert, make_url, text
from web3 import Web3
from web3.types import RPCEndpoint

from indexer.chain import Chain
from indexer.runner import Indexer, Source
from node import tables
from node.config import Settings
from node.contracts import ALL_CONTRACTS, Deployment, load_deployment
from node.db import INDEXER_ROLE, SENDER_ROLE, owner_engine, role_engine
from node.embedded.chain import start_chain
from node.embedded.supervisor import free_port
from node.keys import OPERATOR_KEY, load_or_create_account
from node.multi_signature import MultiSignature
from node.preparation import open_proposer, prepare_node
from node.sending.chain import RpcChain, SenderChain
from node.sending.clock import Clock, SystemClock
from node.sending.sender import Progress, Sender, SenderSettings
from node.signers import KeySigner, Signer
from node.wallet import connect_chain
from protocol.identifiers import organisation_id
from protocol.signatures import address_of, sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import Leaf, OrganisationId, to_hex
from tests.stage import wait_until

CHAIN_ID = 7838
WINDOW_BLOCKS = 128

SENDER_SETTINGS = SenderSettings(
    batch_seconds=0.0,
    poll_seconds=0.01,
    finality_blocks=1_000,
    head_poll_seconds=0.0,
    idempotency_days=7,
)


@dataclass(slots=True)
class OwnChain:
    """Contracts deployed and the operator admitted; `template` is a migrated, empty database."""

    settings: Settings
    web3: Web3
    deployment: Deployment
    server: str
    template: str
    operator_account: LocalAccount

    @property
    def operator(self) -> OrganisationId:
        return organisation_id(self.settings.operator_did)

    @property
    def governance(self) -> MultiSignature:
        """The timelock's proposer, of which the sender knows nothing."""
        return open_proposer(self.settings, self.web3, self.deployment)

    def rpc(self, method: str, *parameters: Any) -> Any:
        answer = self.web3.provider.make_request(RPCEndpoint(method), [*parameters])
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, blocks: int) -> None:
        for _ in range(blocks):
            self.rpc("evm_mine")

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """What the chain does inside the block is undone after it."""
        snapshot = self.rpc("evm_snapshot")
        try:
            yield
        finally:
            self.rpc("evm_revert", snapshot)

    def contract(self, name: str) -> Any:
        return self.deployment.contract(self.web3, name)

    def events(self, contract: str, event: str) -> list[Any]:
        found = self.contract(contract).events[event]().get_logs(from_block=0)
        return list(found)

    def reader(self) -> RpcChain:
        assert self.settings.chain_url is not None
        return RpcChain(self.settings.chain_url)

    def nonce(self) -> int:
        return self.web3.eth.get_transaction_count(self.operator_account.address)

    def source(self) -> Source:
        addresses = {name: self.deployment.address_bytes(name) for name in ALL_CONTRACTS}
        assert self.settings.chain_url is not None
        return Source(
            Chain(self.settings.chain_url),
            addresses,
            self.deployment.block_number,
            self.deployment.chain_id,
            WINDOW_BLOCKS,
        )


@dataclass(slots=True)
class OwnDatabase:
    """A migrated database on the session's server, with the acts that a test puts into it."""

    chain: OwnChain
    url: str
    owner: Engine

    def sql(self, statement: str, **values: Any) -> Any:
        with self.owner.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else None

    def indexer(self) -> Indexer:
        return Indexer(role_engine(self.url, INDEXER_ROLE), self.chain.source())

    def sender(
        self,
        chain: SenderChain | None = None,
        signer: Signer | None = None,
        clock: Clock | None = None,
        **changes: Any,
    ) -> Sender:
        """One that has taken the key over."""
        deployment = self.chain.deployment
        sender = Sender(
            role_engine(self.url, SENDER_ROLE),
            chain or self.chain.reader(),
            signer or KeySigner(self.chain.operator_account, deployment.chain_id),
            deployment,
            replace(SENDER_SETTINGS, **changes),
            clock or SystemClock(),
        )
        sender.take_over()
        return sender

    def promise(
        self,
        kind: str,
        subject: bytes,
        payload: Any,
        organisation: Any = None,
        order_key: bytes | None = None,
        expires_at: int | None = None,
    ) -> None:
        with self.owner.begin() as connection:
            connection.execute(
                insert(tables.outbox).values(
                    organisation_id=organisation,
                    kind=kind,
                    subject=subject,
                    order_key=order_key or subject,
                    payload=payload,
                    expires_at=expires_at,
                )
            )

    def promise_anchor(self, leaf: bytes | None = None) -> Leaf:
        made = Leaf(leaf or secrets.token_bytes(32))
        self.promise("anchor", made, {}, self.chain.operator)
        return made

    def promise_withdrawal(
        self, leaf: bytes, secret: bytes, signed_by: bytes | None = None
    ) -> None:
        deployment = self.chain.deployment
        registry = deployment.address_bytes("ConsentRegistry")
        digest = withdrawal_digest(Leaf(leaf), deployment.chain_id, registry)
        payload = {
            "holder": to_hex(address_of(secret)),
            "signature": to_hex(sign_digest(signed_by or secret, digest)),
        }
        self.promise("withdraw", leaf, payload)

    def states(self) -> list[str]:
        rows = self.sql("SELECT state FROM node.outbox ORDER BY outbox_id")
        return [row.state for row in rows]


def without_fsync(database_url: str) -> None:
    """Tests kill processes and cut no machine's power: a slow disk need not hold them up."""
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def at_database(server: str, name: str) -> str:
    """The address of another database on the same server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def run_until_idle(sender: Sender) -> None:
    """Steps until nothing is left to do."""
    wait_until(lambda: sender.step() is Progress.IDLE, "the sender's end")


@contextmanager
def open_own_chain(folder: Path, server: str, create: Callable[[], str]) -> Iterator[OwnChain]:
    """Anvil with everything deployed, gone after the block."""
    port = free_port("127.0.0.1", 0)
    process = start_chain(folder, port, CHAIN_ID, Settings().chain_hardfork, folder / "chain.log")
    try:
        yield prepare_own_chain(folder, port, server, create())
    finally:
        process.terminate()
        process.wait()


def prepare_own_chain(folder: Path, port: int, server: str, template: str) -> OwnChain:
    """Deploys everything on the chain that answers at the port."""
    settings = Settings(
        state_dir=folder,
        chain_id=CHAIN_ID,
        chain_url=f"http://127.0.0.1:{port}",
        database_url=template,
        deployment_path=folder / "deployment.json",
    )
    prepare_node(settings, "http://127.0.0.1:1", True, print)
    return OwnChain(
        settings=settings,
        web3=connect_chain(settings),
        deployment=load_deployment(settings.deployment_file),
        server=server,
        template=str(make_url(template).database),
        operator_account=load_or_create_account(settings.keys_dir, OPERATOR_KEY),
    )


def open_own_database(chain: OwnChain) -> OwnDatabase:
    """A copy of the migrated database, without rows of the index."""
    name = f"test_{secrets.token_hex(6)}"
    engine = create_engine(chain.server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{chain.template}"'))
    engine.dispose()
    url = at_database(chain.server, name)
    return OwnDatabase(chain, url, owner_engine(url))
