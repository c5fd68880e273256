"""Prepares a node before its first run: schema, contracts on an embedded chain, operator, key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from web3 import Web3

from node import tables
from node.api_keys import hash_api_key, new_api_key
from node.bootstrap import require_database_url
from node.config import Settings
from node.contracts import (
    Deployment,
    DeploymentMissing,
    find_deployment,
    save_deployment,
)
from node.db import owner_engine
from node.deployment import deploy
from node.did_keys import DidKeys
from node.did_publication import read_standing, write_document
from node.governance import execute_through_timelock
from node.keys import OPERATOR_KEY, load_or_create_account
from node.migrate import migrate
from node.multi_signature import PROXY, MultiSignature, deploy_multi_signature
from node.permissions import AccessRole
from node.secret_files import write_private
from node.wallet import Wallet, connect_chain
from protocol.identifiers import organisation_id
from protocol.signatures import sign_digest
from protocol.signing import account_binding_digest
from protocol.types import AccountAddress, Hash32, OrganisationId, Role

OWNER_KEYS = ("governance-1", "governance-2", "governance-3")
OWNERS_THRESHOLD = 2
DEPLOYER_KEY = "deployer"
PROPOSER_DEPLOYER_KEY = "proposer-deployer"
EMBEDDED_RATES_BPS = {1: 500, 2: 300, 3: 250}


def prepare_node(
    settings: Settings, service_address: str, may_deploy: bool, say: Callable[[str], None]
) -> None:
    """Migrates the database; on an embedded chain deploys the contracts and admits the operator."""
    engine = owner_engine(require_database_url(settings))
    migrate(engine)
    web3 = connect_chain(settings)
    document_hash = write_did_document(settings, engine)
    if may_deploy:
        deployment = deploy_embedded(settings, web3, say)
        admit_operator(settings, web3, deployment, say)
        describe_operator(settings, web3, deployment, service_address, document_hash)
    elif not settings.deployment_file.exists():
        raise DeploymentMissing(
            f"{settings.deployment_file} does not exist: deploy the contracts on this chain first "
            "(scripts/deploy.py)."
        )
    write_operator_key(settings, engine)
    engine.dispose()


def deploy_embedded(settings: Settings, web3: Web3, say: Callable[[str], None]) -> Deployment:
    """The contracts on the embedded chain: a timelock without delay, whose proposer is an account
    of three owners, of which two sign."""
    account = partial(load_or_create_account, settings.keys_dir)
    owners = [account(name).address for name in OWNER_KEYS]
    known = find_deployment(settings.deployment_file)
    proposer = deploy_multi_signature(
        web3,
        account(PROPOSER_DEPLOYER_KEY),
        owners,
        OWNERS_THRESHOLD,
        known.proposer if known else None,
    )
    ledger = deploy(
        web3, account(DEPLOYER_KEY), proposer.addresses[PROXY], 0, EMBEDDED_RATES_BPS, known
    )
    deployment = replace(ledger, proposer=proposer)
    if deployment != known:
        save_deployment(settings.deployment_file, deployment)
        say(f"contracts deployed, chain {deployment.chain_id}")
    return deployment


def open_proposer(settings: Settings, web3: Web3, deployment: Deployment) -> MultiSignature:
    """The timelock's proposer on the embedded chain, with as many owners' keys as must sign."""
    [proposer] = deployment.constructor_arguments["TimelockController"][1]
    signers = [
        load_or_create_account(settings.keys_dir, name) for name in OWNER_KEYS[:OWNERS_THRESHOLD]
    ]
    return MultiSignature(Wallet(web3, signers[0]), proposer, tuple(signers))


def admit_operator(
    settings: Settings,
    web3: Web3,
    deployment: Deployment,
    say: Callable[[str], None],
) -> None:
    """Registers the operator of the embedded node, once."""
    operator = organisation_id(settings.operator_did)
    account = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
    registry = deployment.contract(web3, "ParticipantRegistry")
    status = registry.functions.participantOf(Web3.to_checksum_address(operator)).call()[0]
    if status == 0:
        act = registry.functions.admit(
            settings.operator_did,
            int(Role.OPERATOR),
            0,
            account.address,
            prove_possession(account, operator, deployment),
        )
        execute_through_timelock(open_proposer(settings, web3, deployment), deployment, act)
        say(f"operator {settings.operator_did} admitted")


def write_did_document(settings: Settings, engine: Engine) -> Hash32:
    """The hash of the operator's DID document; the first time, with its first key."""
    with engine.begin() as connection:
        standing = read_standing(connection, settings.operator_did)
        if standing is not None:
            return standing.document_hash
        return write_document(connection, settings.operator_did, DidKeys(settings.keys_dir))


def describe_operator(
    settings: Settings,
    web3: Web3,
    deployment: Deployment,
    service_address: str,
    document_hash: Hash32,
) -> None:
    """Writes on the embedded chain where its operator's node answers and whose keys speak for it,
    unless the chain says just that."""
    operator = Web3.to_checksum_address(organisation_id(settings.operator_did))
    registry = deployment.contract(web3, "ParticipantRegistry")
    told = registry.events.ParticipantDescribed().get_logs(
        from_block=deployment.block_number, argument_filters={"organisation": operator}
    )
    last = told[-1]["args"] if told else {}
    if (last.get("serviceAddress"), last.get("didDocumentHash")) != (
        service_address,
        document_hash,
    ):
        account = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
        describe = registry.functions.describe(operator, service_address, document_hash)
        Wallet(web3, account).call(describe)


def prove_possession(
    account: LocalAccount, organisation: OrganisationId, deployment: Deployment
) -> bytes:
    """The account's signature that binds it to an organisation."""
    digest = account_binding_digest(
        organisation,
        AccountAddress(bytes.fromhex(account.address[2:])),
        deployment.chain_id,
        deployment.address_bytes("ParticipantRegistry"),
    )
    return sign_digest(bytes(account.key), digest)


def write_operator_key(settings: Settings, engine: Engine) -> None:
    """The operator's API key: in a private file, and as a hash in the database. A key that was
    revoked does not come back with the next start: one is written for a new file, or where the
    operator has none at all."""
    path: Path = settings.api_key_file
    is_new = not path.exists()
    if is_new:
        write_private(path, new_api_key() + "\n")
    operator = organisation_id(settings.operator_did)
    keys = tables.api_keys
    with engine.begin() as connection:
        connection.execute(
            insert(tables.organisations)
            .values(organisation_id=operator, did=settings.operator_did, name="Operator")
            .on_conflict_do_nothing()
        )
        owned = select(keys.c.key_hash).where(keys.c.organisation_id == operator).limit(1)
        if is_new or connection.execute(owned).first() is None:
            connection.execute(
                insert(keys).values(
                    key_hash=hash_api_key(path.read_text().strip()),
                    organisation_id=operator,
                    role=AccessRole.ADMIN,
                    label="written by ptx-ledger run",
                )
            )
