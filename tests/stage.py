"""A world on a running node: two organisations under agreements, a learner, and what they do."""

from __future__ import annotations

import io
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from sqlalchemy import Connection, Engine, text
from web3 import Web3

from node import tables as node_tables
from node.api.schemas.agreements import TermsShape
from node.client import NodeClient
from node.config import PROJECT_ROOT, Settings
from node.demo.acts.participants import register_participants
from node.demo.cast import Organisation, cast_learner, cast_organisation, open_stage
from node.demo.documents import read_documents
from node.demo.narration import Narrator
from node.demo.story import Story
from node.embedded.processes import Running
from node.governance import execute_through_timelock
from node.intake.completion import AgreementCompletion, CompletedLine, read_completion
from node.intake.records import signed_record
from node.intake.terms import terms_of_contract
from protocol.agreement import Terms
from protocol.eip712 import digest_of_typed_data
from protocol.entries import encode_entry, leaf_of
from protocol.record import Record, to_json
from protocol.signatures import sign_digest
from protocol.signing import acceptance_digest, agreement_id_of, withdrawal_digest
from protocol.types import AgreementId, ContractAddress, Hash32, Leaf, OrganisationId, to_hex

EXAMPLES = PROJECT_ROOT / "examples"
DAY_SECONDS = 86_400
DEPOSIT_MINOR = 50_000_000
DEADLINE_SECONDS = 30.0
TWO_LINES = (
    CompletedLine(payee="provider", category=1, unit_price_minor=50_000, free_units=0),
    CompletedLine(payee="provider", category=2, unit_price_minor=12_345, free_units=1),
)
Json = dict[str, Any]


def wait_until(done: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """What `done` gives once it is true; fails naming what did not come."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.02)
    return found


WRITERS = "SELECT pid FROM pg_locks WHERE mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()"
"""Transactions that have written, or are about to."""


@dataclass(slots=True)
class Node:
    """One running node, its settings completed with where it runs, and its database as owner."""

    settings: Settings
    running: Running
    engine: Engine

    @property
    def url(self) -> str:
        return self.running.api_url

    def metrics(self) -> str:
        """What the operator's Prometheus reads."""
        key = self.settings.api_key_file.read_text().strip()
        answer = httpx.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {key}"})
        answer.raise_for_status()
        return answer.text

    def open_acts(self) -> int:
        """How many acts are promised and not on the chain yet."""
        [row] = self.sql("SELECT waiting FROM node.outbox_summary()")
        return int(row.waiting)

    def sql(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else None

    @contextmanager
    def held(self, service: str) -> Iterator[None]:
        """Inside the block one of its processes stands still, between two transactions: it keeps no
        row locked that a test waits for."""
        [pid] = [entry.pid for entry in self.running.processes if entry.name == service]
        process = psutil.Process(pid)
        process.suspend()
        while self.sql(WRITERS):
            process.resume()
            process.suspend()
        try:
            yield
        finally:
            process.resume()

    def environment(self) -> dict[str, str]:
        """For a process that shall use this node and no other."""
        return {"PTX_STATE_DIR": str(self.settings.state_dir), "PTX_PORT": "1"}


@dataclass(slots=True)
class World:
    """Provider (issuer, hosted by the operator) and consumer under one agreement with a deposit."""

    node: Node
    story: Story
    agreement: AgreementId = field(init=False)
    terms: dict[AgreementId, Terms] = field(default_factory=dict)

    @property
    def provider(self) -> Organisation:
        return self.story.parties["provider"]

    @property
    def consumer(self) -> Organisation:
        return self.story.parties["consumer"]

    @property
    def operator(self) -> NodeClient:
        return self.story.stage.operator

    @property
    def web3(self) -> Web3:
        return self.story.stage.web3

    @property
    def chain_id(self) -> int:
        return self.story.stage.deployment.chain_id

    def address(self, contract: str) -> ContractAddress:
        return ContractAddress(self.story.stage.deployment.address_bytes(contract))

    def contract(self, name: str) -> Any:
        return self.story.stage.deployment.contract(self.web3, name)

    # -- agreements ------------------------------------------------------------------------------

    def make_terms(self, lines: tuple[CompletedLine, ...] = TWO_LINES, **changes: Any) -> Terms:
        completion = AgreementCompletion(validity_days=365, lines=list(lines))
        by_role = {role: party.id for role, party in self.story.parties.items()}
        contract = self.story.documents.contract
        terms = terms_of_contract(contract, by_role, completion, int(time.time()))
        made = Terms(**{**{name: getattr(terms, name) for name in terms.__slots__}, **changes})
        self.terms[self.id_of(made)] = made
        return made

    def id_of(self, terms: Terms) -> AgreementId:
        return agreement_id_of(terms, self.chain_id, self.address("AgreementRegistry"))

    def propose(self, terms: Terms) -> AgreementId:
        body = {"terms": TermsShape.of(terms).to_json()}
        answer = self.provider.client.post("/v1/agreements", body)
        agreement = AgreementId(bytes.fromhex(answer["agreementId"][2:]))
        wait_until(lambda: "history" in self.show_agreement(agreement), "the proposal")
        return agreement

    def show_agreement(self, agreement: AgreementId) -> Json:
        answer: Json = self.provider.client.get(f"/v1/agreements/{to_hex(agreement)}")
        return answer

    def signature_of(
        self, party: Organisation, agreement: AgreementId, accepted_for: bytes | None = None
    ) -> Json:
        """By the party's account; `accepted_for` names another organisation than its own."""
        organisation, terms = OrganisationId(accepted_for or party.id), self.terms[agreement]
        registry = self.address("AgreementRegistry")
        digest = acceptance_digest(organisation, terms, self.chain_id, registry)
        return {
            "organisation": to_hex(organisation),
            "signer": to_hex(party.account),
            "signature": to_hex(party.sign(digest)),
        }

    def conclude(self, lines: tuple[CompletedLine, ...] = TWO_LINES) -> AgreementId:
        """A new agreement between the two, in force."""
        agreement = self.propose(self.make_terms(lines))
        for party in (self.provider, self.consumer):
            path = f"/v1/agreements/{to_hex(agreement)}/signatures"
            party.client.post(path, self.signature_of(party, agreement))
        wait_until(lambda: self.show_agreement(agreement)["status"] == "active", "activation")
        return agreement

    def deposit(self, agreement: AgreementId, amount_minor: int) -> None:
        """Fresh tokens, put under an agreement by the consumer; waits until the index has it."""
        stage, wallet = self.story.stage, self.consumer.wallet
        token, settlement = self.contract("UsageToken"), self.contract("UsageSettlement")
        issue = token.functions.issue(wallet.address, amount_minor, secrets.token_bytes(32))
        execute_through_timelock(stage.governance, stage.deployment, issue)
        wallet.call(token.functions.approve(settlement.address, amount_minor))
        consumer = Web3.to_checksum_address(self.consumer.id)
        receipt = wallet.call(settlement.functions.deposit(agreement, consumer, amount_minor))
        self.wait_for_block(receipt.block_number)

    def wait_for_block(self, number: int) -> None:
        wait_until(
            lambda: httpx.get(f"{self.node.url}/readyz").json().get("blockNumber", -1) >= number,
            f"block {number} in the index",
        )

    # -- consents --------------------------------------------------------------------------------

    def make_record(self, secret: bytes, **changes: Any) -> Record:
        """A record of one purpose, signed by the one-time key; `changes` to its parts."""
        now = int(time.time())
        parts: Json = {
            "purpose": self.story.documents.receipt.purposes[0],
            "recipients": [self.consumer.did],
            "group_id": "group",
            "agreement_id": self.agreement,
            "issuer": self.provider.id,
            "holder_secret": secret,
            "valid_from": now - 60,
            "valid_until": now + 180 * DAY_SECONDS,
            "chain_id": self.chain_id,
            "registry": self.address("ConsentRegistry"),
        }
        return signed_record(**{**parts, **changes})

    def grant(self, *records: Record, key: str | None = None) -> list[Leaf]:
        body = {"records": [to_json(record) for record in records]}
        answer = self.provider.client.post("/v1/consents", body, key)
        return [Leaf(bytes.fromhex(consent["leaf"][2:])) for consent in answer["consents"]]

    def grant_active(self, secret: bytes, **changes: Any) -> Record:
        record = self.make_record(secret, **changes)
        self.grant(record)
        self.wait_for_state(record, "active")
        return record

    def status(self, record: Record, client: NodeClient | None = None) -> Json:
        question = {"entry": to_hex(encode_entry(record.entry))}
        asked = client or self.consumer.client
        answer: Json = asked.post("/v1/consents/status", {"consents": [question]})["consents"][0]
        return answer

    def wait_for_state(self, record: Record, state: str) -> Json:
        found: list[Json] = []

        def arrived() -> bool:
            found.append(self.status(record))
            return bool(found[-1]["state"] == state)

        wait_until(arrived, f"the state {state}")
        return found[-1]

    def withdrawal_of(self, record: Record, secret: bytes) -> Json:
        digest = withdrawal_digest(leaf_of(record.entry), record.chain_id, record.registry)
        return {
            "entry": to_hex(encode_entry(record.entry)),
            "signature": to_hex(sign_digest(secret, digest)),
        }

    def withdraw(self, record: Record, secret: bytes) -> Json:
        answer: Json = self.operator.post("/v1/withdrawals", self.withdrawal_of(record, secret))
        return answer

    # -- use and money ---------------------------------------------------------------------------

    def use(self, record: Record, times: int) -> Json:
        """Uses of the data; the voucher over the period so far, signed by the consumer."""
        leaf = to_hex(leaf_of(record.entry))
        body = {"agreementId": to_hex(record.entry.agreement_id), "consents": [leaf] * times}
        recorded = self.consumer.client.post("/v1/usages", body)
        return self.sign_voucher(recorded["voucher"], recorded["typedData"])

    def sign_voucher(self, voucher: Json, typed_data: Json) -> Json:
        return {
            "voucher": voucher,
            "signer": to_hex(self.consumer.account),
            "signature": to_hex(self.consumer.sign(digest_of_typed_data(typed_data))),
        }

    def settle(self, voucher: Json) -> Json:
        """Settles and waits until the chain has it; the promise with how each line is split."""
        queued: Json = self.provider.client.post("/v1/settlements", voucher)
        path = f"/v1/settlements/{queued['settlementId']}"
        done = wait_until(
            lambda: [
                answer
                for answer in [self.provider.client.get(path)]
                if answer["state"] not in ("waiting", "sent")
            ],
            "the settlement",
        )[0]
        assert done["state"] in ("mined", "final"), done["failure"]
        self.wait_for_block(done["blockNumber"])
        return queued


def build_world(node: Node) -> World:
    """Admits and enrols both organisations, concludes their agreement, deposits."""
    documents = read_documents(EXAMPLES / "prometheus-x")
    completion = read_completion(EXAMPLES / "terms.json")
    stage = open_stage(node.settings, node.url)
    silent = Narrator(Console(file=io.StringIO()), stage.web3, lambda statement: None, quiet=True)
    parties = {}
    for role in ("provider", "consumer"):
        entry = documents.party(role)
        did = entry.did or completion.did_of(entry.catalogue_id)
        parties[role] = cast_organisation(stage, role, entry, did)
    story = Story(stage, documents, completion, silent, parties, cast_learner(stage))
    with silent.step("registration"):
        register_participants(story)
    world = World(node, story)
    world.agreement = world.conclude()
    world.deposit(world.agreement, DEPOSIT_MINOR)
    return world


def counts(connection: Connection) -> dict[str, int]:
    """Rows of every table of the node but the one into which its processes write by themselves."""
    each = [
        f"SELECT '{table.name}' AS name, count(*) AS rows FROM {table.fullname}"
        for table in node_tables.metadata.sorted_tables
        if table is not node_tables.process_metrics
    ]
    rows = connection.execute(text(" UNION ALL ".join(each)))
    return {row.name: row.rows for row in rows}


def write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def hash_of(number: int) -> Hash32:
    return Hash32(number.to_bytes(32))
