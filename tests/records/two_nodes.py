"""Two operators on one chain, each with a node and a database: the issuer at one, the recipient at
the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from web3 import Web3

from node.client import NodeClient, NodeRefused, read_api_key
from node.config import PROJECT_ROOT, Settings
from node.db import owner_engine
from node.demo.cast import Organisation
from node.embedded.supervisor import Supervisor, for_trying_out, free_port
from node.governance import execute_through_timelock
from node.keys import OPERATOR_KEY, load_or_create_account
from node.preparation import prove_possession
from node.wallet import Wallet
from protocol.entries import leaf_of
from protocol.identifiers import organisation_id
from protocol.record import Record
from protocol.types import AgreementId, Role, Scope, to_hex
from tests.own_chain import at_database
from tests.records.command_line import run
from tests.records.passage import Passage, open_passage
from tests.stage import Json, Node, World, build_world, wait_until

WRONG_TOKENS_MAX = 1_000_000
"""These tests send more of them than a node takes from one address."""
SECOND_OPERATOR = "did:web:second-operator.localhost"
RECIPIENT = "did:web:recipient.example"


@dataclass(slots=True)
class TwoNodes:
    """`world` is the first node's; `recipient` is hosted on the second, which others reach through
    `passage`."""

    world: World
    second: Node
    passage: Passage
    recipient: Organisation
    agreement: AgreementId
    deliverer: subprocess.Popen[bytes] | None = None

    @property
    def first(self) -> Node:
        return self.world.node

    @property
    def issuer(self) -> Organisation:
        return self.world.provider

    # -- what the issuer does ----------------------------------------------------------------------

    def make_record(self, secret: bytes, **changes: Any) -> Record:
        parts = {"agreement_id": self.agreement, "recipients": [self.recipient.did], **changes}
        return self.world.make_record(secret, **parts)

    def grant(self, secret: bytes, **changes: Any) -> Record:
        record = self.make_record(secret, **changes)
        self.world.grant(record)
        return record

    def grant_delivered(self, secret: bytes) -> Record:
        record = self.grant(secret)
        self.wait_for_deliveries(record, [("record", "delivered")])
        self.world.wait_for_state(record, "active")
        return record

    def show(self, record: Record) -> Json:
        answer: Json = self.issuer.client.get(f"/v1/consents/{to_hex(leaf_of(record.entry))}")
        return answer

    def deliveries(self, record: Record) -> list[tuple[str, str]]:
        return [(each["kind"], each["state"]) for each in self.show(record)["deliveries"]]

    def wait_for_deliveries(self, record: Record, expected: list[tuple[str, str]]) -> None:
        wait_until(lambda: self.deliveries(record) == expected, f"the deliveries {expected}")

    def end(self, record: Record, secret: bytes, through: NodeClient | None = None) -> None:
        """By the learner, and until the chain has it."""
        (through or self.world.operator).post(
            "/v1/withdrawals", self.world.withdrawal_of(record, secret)
        )
        self.world.wait_for_state(record, "withdrawn")

    def erase(self, record: Record) -> Json:
        path = f"/v1/consents/{to_hex(leaf_of(record.entry))}/erasure"
        answer: Json = self.issuer.client.post(path, None)
        return answer

    # -- what the recipient sees -------------------------------------------------------------------

    def gate(self, record: Record) -> str | None:
        """What the second node says by the leaf; None if the recipient holds no such consent."""
        question = {"consents": [{"leaf": to_hex(leaf_of(record.entry))}]}
        try:
            answer = self.recipient.client.post("/v1/consents/status", question)
        except NodeRefused as refusal:
            if refusal.problem["type"] != "/problems/consent-not-found":
                raise
            return None
        state: str = answer["consents"][0]["state"]
        return state

    def wait_for_gate(self, record: Record, state: str) -> None:
        wait_until(lambda: self.gate(record) == state, f"the recipient's gate at {state}")

    def copies(self, record: Record) -> int:
        """Rows of the consent in the second database."""
        statement = "SELECT count(*) FROM node.consents WHERE leaf = :leaf"
        [row] = self.second.sql(statement, leaf=leaf_of(record.entry))
        return int(row.count)

    def describe_recipient(self, address: str) -> None:
        """The recipient writes another address on chain; returns when the first node knows."""
        registry = self.world.contract("ParticipantRegistry")
        own = Web3.to_checksum_address(self.recipient.id)
        self.recipient.wallet.call(registry.functions.describe(own, address, bytes(32)))
        wait_until(lambda: _described(self.first, self.recipient.did, address), "the address")

    # -- the process that delivers -----------------------------------------------------------------

    def kill_deliverer(self) -> None:
        """kill -9, whichever process of the first node delivers now."""
        if self.deliverer is not None:
            self.deliverer.kill()
            self.deliverer.wait()
            return
        [pid] = [each.pid for each in self.first.running.processes if each.name == "webhooks"]
        process = psutil.Process(pid)
        process.send_signal(signal.SIGKILL)

    def start_deliverer(self) -> None:
        settings = for_trying_out(
            self.first.settings.model_copy(update={"public_url": self.first.url})
        )
        self.deliverer = subprocess.Popen(
            [sys.executable, "-m", "node.serve", "webhooks"],
            env={**os.environ, **settings.as_environment()},
            cwd=PROJECT_ROOT,
            stdout=subprocess.DEVNULL,
        )

    @contextmanager
    def deliverer_held(self) -> Iterator[None]:
        """Inside the block nothing leaves the first node."""
        if self.deliverer is None:
            with self.first.held("webhooks"):
                yield
            return
        self.deliverer.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.deliverer.send_signal(signal.SIGCONT)


@contextmanager
def open_two_nodes(folder: Path) -> Iterator[TwoNodes]:
    """Both, with an agreement in force between issuer and recipient."""
    first = Settings(
        state_dir=folder / "first",
        port=free_port("127.0.0.1", 0),
        chain_port=free_port("127.0.0.1", 0),
        batch_seconds=0.1,
        rate_guesses_per_minute=WRONG_TOKENS_MAX,
    )
    with Supervisor(first, print).started() as running:
        complete = first.model_copy(
            update={
                "chain_url": running.chain_url,
                "database_url": running.database_url,
                "deployment_path": first.deployment_file,
            }
        )
        engine = owner_engine(running.database_url)
        world = build_world(Node(complete, running, engine))
        with _second(folder, world) as (second, passage):
            nodes = _introduce(world, second, passage)
            try:
                yield nodes
            finally:
                if nodes.deliverer is not None:
                    nodes.deliverer.terminate()
                    nodes.deliverer.wait()
        engine.dispose()


@contextmanager
def _second(folder: Path, world: World) -> Iterator[tuple[Node, Passage]]:
    server = world.node.running.database_url
    world.node.engine.dispose()
    with owner_engine(server).execution_options(isolation_level="AUTOCOMMIT").connect() as made:
        made.exec_driver_sql('CREATE DATABASE "second"')
    with open_passage(free_port("127.0.0.1", 0)) as passage:
        settings = Settings(
            state_dir=folder / "second",
            port=free_port("127.0.0.1", 0),
            operator_did=SECOND_OPERATOR,
            chain_url=world.node.running.chain_url,
            database_url=at_database(server, "second"),
            deployment_path=world.node.settings.deployment_file,
            webhook_private_addresses=True,
            public_url=passage.url,
            batch_seconds=0.1,
            rate_guesses_per_minute=WRONG_TOKENS_MAX,
        )
        _admit_operator(world, settings)
        with Supervisor(settings, print).started() as running:
            passage.target = running.api_url
            engine = owner_engine(running.database_url)
            yield Node(settings, running, engine), passage
            engine.dispose()


def _admit_operator(world: World, settings: Settings) -> None:
    account = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
    _admit(world, SECOND_OPERATOR, Role.OPERATOR, Wallet(world.web3, account))


def _admit(world: World, did: str, role: Role, wallet: Wallet) -> None:
    stage = world.story.stage
    proof = prove_possession(wallet.account, organisation_id(did), stage.deployment)
    registry = world.contract("ParticipantRegistry")
    admit = registry.functions.admit(did, int(role), 0, wallet.address, proof)
    execute_through_timelock(stage.governance, stage.deployment, admit)


def _introduce(world: World, second: Node, passage: Passage) -> TwoNodes:
    """The second operator publishes its document; the recipient is hosted there and says so."""
    run(second, "did", "publish", as_json=False)
    wallet = Wallet(world.web3, load_or_create_account(second.settings.keys_dir, "recipient"))
    _admit(world, RECIPIENT, Role.CONSUMER, wallet)
    registry = world.contract("ParticipantRegistry")
    own = Web3.to_checksum_address(organisation_id(RECIPIENT))
    operator = Web3.to_checksum_address(organisation_id(SECOND_OPERATOR))
    wallet.call(registry.functions.describe(own, passage.url, bytes(32)))
    scopes = int(Scope.AGREE | Scope.ANCHOR)
    wallet.call(registry.functions.delegate(own, operator, scopes, 2**40 - 1))
    key = _enrol(second)
    client = NodeClient(second.url, key)
    recipient = Organisation("consumer", world.consumer.entry, RECIPIENT, wallet, client)
    agreement = _conclude(world, recipient)
    for did in (RECIPIENT, SECOND_OPERATOR):
        wait_until(lambda did=did: _described(world.node, did, passage.url), f"{did}'s description")
    return TwoNodes(world, second, passage, recipient, agreement)


def _enrol(second: Node) -> str:
    operator = NodeClient(second.url, read_api_key(second.settings.api_key_file))

    def enrolled() -> str | None:
        try:
            body = {"did": RECIPIENT, "name": "Recipient"}
            key: str = operator.post("/v1/participants", body)["apiKey"]
        except NodeRefused as refusal:
            if refusal.problem["type"] != "/problems/not-admitted":
                raise
            return None
        return key

    key: str = wait_until(enrolled, "the recipient in the second index")
    return key


def _conclude(world: World, recipient: Organisation) -> AgreementId:
    parties = tuple(sorted((world.provider.id, recipient.id)))
    agreement = world.propose(world.make_terms(parties=parties))
    path = f"/v1/agreements/{to_hex(agreement)}"
    world.provider.client.post(f"{path}/signatures", world.signature_of(world.provider, agreement))
    client = recipient.client
    wait_until(lambda: _is_there(client, path), "the proposal in the second index")
    client.post(f"{path}/signatures", world.signature_of(recipient, agreement))
    for each in (world.provider.client, client):
        wait_until(lambda each=each: each.get(path)["status"] == "active", "the agreement")
    return agreement


def _is_there(client: NodeClient, path: str) -> bool:
    try:
        client.get(path)
    except NodeRefused:
        return False
    return True


def _described(node: Node, did: str, address: str) -> bool:
    answer = httpx.get(f"{node.url}/v1/participants/{to_hex(organisation_id(did))}")
    return answer.status_code == 200 and answer.json()["serviceAddress"] == address
