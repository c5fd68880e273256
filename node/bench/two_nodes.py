"""Two operators on one chain, each with a node and a database: the issuer at one, the recipient at
the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine, make_url
from web3 import Web3

from node.client import NodeClient, NodeRefused, read_api_key
from node.config import Settings
from node.db import owner_engine
from node.demo.story import Story
from node.did_publication import promise_description, read_standing
from node.embedded.processes import Running
from node.embedded.supervisor import Supervisor, free_port
from node.governance import execute_through_timelock
from node.intake.terms import terms_of_contract
from node.keys import OPERATOR_KEY, load_or_create_account
from node.preparation import prove_possession
from node.wallet import Wallet
from protocol.identifiers import organisation_id
from protocol.signatures import sign_digest
from protocol.signing import acceptance_digest, agreement_id_of
from protocol.terms_json import terms_to_json
from protocol.types import AgreementId, OrganisationId, Role, to_hex

SECOND_OPERATOR = "did:web:second-operator.localhost"
RECIPIENT = "did:web:recipient.example"
TellStory = Callable[[Settings, Running], Story]


@dataclass(frozen=True, slots=True)
class TwoNodes:
    """`story` is told on the first node; `issuer` and `recipient` ask each their own node, and have
    an agreement. `first_database` as its owner."""

    story: Story
    issuer: NodeClient
    issuer_id: OrganisationId
    recipient: NodeClient
    agreement_id: AgreementId
    first: Running
    first_database: Engine
    recipient_key: str


@contextmanager
def open_two_nodes(folder: Path, tell: TellStory) -> Iterator[TwoNodes]:
    """Both inside the block, with an agreement in force between issuer and recipient."""
    first = Settings(state_dir=folder / "first", port=0, chain_port=0)
    with Supervisor(first, _say_nothing).started() as running:
        story = tell(first, running)
        engine = owner_engine(running.database_url)
        settings = _second_settings(folder, first, running)
        operator = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
        _admit(story, SECOND_OPERATOR, Role.OPERATOR, operator)
        with Supervisor(settings, _say_nothing).started() as second:
            yield _introduce(story, running, settings, second, engine)
        engine.dispose()


def _second_settings(folder: Path, first: Settings, running: Running) -> Settings:
    server = owner_engine(running.database_url).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql('CREATE DATABASE "second"')
    server.dispose()
    url = make_url(running.database_url).set(database="second")
    return Settings(
        state_dir=folder / "second",
        port=free_port("127.0.0.1", 0),
        operator_did=SECOND_OPERATOR,
        chain_url=running.chain_url,
        database_url=url.render_as_string(hide_password=False),
        deployment_path=first.deployment_file,
        webhook_private_addresses=True,
    )


def _introduce(
    story: Story, running: Running, settings: Settings, second: Running, engine: Engine
) -> TwoNodes:
    """The second operator publishes its document; the recipient is hosted there and says so."""
    own = owner_engine(second.database_url)
    with own.begin() as connection:
        standing = read_standing(connection, SECOND_OPERATOR)
        assert standing is not None
        made = standing.document_hash
        promise_description(connection, SECOND_OPERATOR, second.api_url, made)
    own.dispose()
    account = load_or_create_account(settings.keys_dir, "recipient")
    _admit(story, RECIPIENT, Role.CONSUMER, account)
    registry = story.stage.deployment.contract(story.stage.web3, "ParticipantRegistry")
    recipient_id = Web3.to_checksum_address(organisation_id(RECIPIENT))
    describe = registry.functions.describe(recipient_id, second.api_url, bytes(32))
    Wallet(story.stage.web3, account).call(describe)
    operator = NodeClient(second.api_url, read_api_key(settings.api_key_file))
    body = {"did": RECIPIENT, "name": "Recipient"}
    key = _until(operator, lambda: operator.post("/v1/participants", body)["apiKey"])
    recipient = NodeClient(second.api_url, key)
    issuer = story.parties[story.completion.consent.issuer]
    agreement = _conclude(story, recipient, account)
    for did in (RECIPIENT, SECOND_OPERATOR):
        path = f"/v1/participants/{to_hex(organisation_id(did))}"
        _until(issuer.client, partial(_address_at, issuer.client, path))
    return TwoNodes(story, issuer.client, issuer.id, recipient, agreement, running, engine, key)


def _admit(story: Story, did: str, role: Role, account: LocalAccount) -> None:
    stage = story.stage
    proof = prove_possession(account, organisation_id(did), stage.deployment)
    registry = stage.deployment.contract(stage.web3, "ParticipantRegistry")
    admit = registry.functions.admit(did, int(role), 0, account.address, proof)
    execute_through_timelock(stage.governance, stage.deployment, admit)


def _conclude(story: Story, recipient: NodeClient, account: LocalAccount) -> AgreementId:
    """An agreement of the demo's lines between the issuer and the recipient."""
    stage, issuer = story.stage, story.parties[story.completion.consent.issuer]
    recipient_id = organisation_id(RECIPIENT)
    by_role = {"provider": issuer.id, "consumer": recipient_id}
    completion, contract = story.completion.agreement, story.documents.contract
    now = int(stage.web3.eth.get_block("latest")["timestamp"])
    terms = terms_of_contract(contract, by_role, completion, now)
    registry = stage.deployment.address_bytes("AgreementRegistry")
    chain_id = stage.deployment.chain_id
    agreement = agreement_id_of(terms, chain_id, registry)
    issuer.client.post("/v1/agreements", {"terms": terms_to_json(terms)})
    path = f"/v1/agreements/{to_hex(agreement)}"
    signers = (
        (issuer.client, issuer.id, issuer.account, issuer.sign),
        (
            recipient,
            recipient_id,
            bytes.fromhex(account.address[2:]),
            lambda digest: sign_digest(bytes(account.key), digest),
        ),
    )
    for client, organisation, signer, sign in signers:
        _until(client, partial(_is_proposed, client, path))
        digest = acceptance_digest(organisation, terms, chain_id, registry)
        body = {
            "organisation": to_hex(organisation),
            "signer": to_hex(signer),
            "signature": to_hex(sign(digest)),
        }
        client.post(f"{path}/signatures", body)
    for client in (issuer.client, recipient):
        _until(client, partial(_is_active, client, path))
    return agreement


def _address_at(client: NodeClient, path: str) -> str | None:
    address: str | None = client.get(path)["serviceAddress"]
    return address


def _is_proposed(client: NodeClient, path: str) -> bool:
    return "history" in client.get(path)


def _is_active(client: NodeClient, path: str) -> bool:
    return bool(client.get(path)["status"] == "active")


def _until(client: NodeClient, ask: Callable[[], Any]) -> Any:
    """What a node gives once it knows what it is asked for."""

    def asked() -> Any:
        try:
            return ask()
        except NodeRefused as refusal:
            if refusal.problem["status"] not in (403, 404, 422):
                raise
            return None

    return client.wait_for(asked, bool, "the other node's index")


def _say_nothing(line: str) -> None:
    """The figures are what is printed."""
