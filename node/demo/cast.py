"""Who acts in the demo: governance, the operator, two organisations and a learner, each with keys.

Organisations keep their keys in the state directory, so that a second demo finds them registered;
the learner is a new person each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from node.client import NodeClient, read_api_key
from node.config import Settings
from node.contracts import Deployment, load_deployment
from node.keys import load_or_create_account
from node.multi_signature import MultiSignature
from node.preparation import open_proposer
from node.wallet import Wallet, connect_chain
from protocol.eip712 import digest_of_typed_data
from protocol.holder_keys import (
    derive_holder_key,
    holder_seed_message,
    seed_from_signature,
)
from protocol.identifiers import organisation_id
from protocol.prometheus_x import CatalogueParticipant
from protocol.signatures import sign_digest
from protocol.types import AccountAddress, Hash32, OrganisationId


@dataclass(slots=True)
class Organisation:
    """A participant of the demo; `client` speaks to the node as this organisation."""

    role: str
    entry: CatalogueParticipant
    did: str
    wallet: Wallet
    client: NodeClient

    @property
    def id(self) -> OrganisationId:
        """Its permanent id."""
        return organisation_id(self.did)

    @property
    def account(self) -> AccountAddress:
        """Its account, 20 bytes."""
        return AccountAddress(bytes.fromhex(self.wallet.address[2:]))

    def sign(self, digest: bytes) -> bytes:
        """Its account's signature, 65 bytes."""
        return sign_digest(bytes(self.wallet.account.key), Hash32(digest))


@dataclass(frozen=True, slots=True)
class Learner:
    """A person with a wallet, from which one-time keys are derived for one operator."""

    wallet: LocalAccount
    seed: bytes

    def key(self, index: int) -> bytes:
        """The one-time key for a consent, 32 bytes."""
        return derive_holder_key(self.seed, index)


@dataclass(slots=True)
class Stage:
    """Everything that the acts of the demo share."""

    settings: Settings
    web3: Web3
    deployment: Deployment
    governance: MultiSignature
    operator_id: OrganisationId
    operator: NodeClient


def open_stage(settings: Settings, api_url: str) -> Stage:
    """The stage on a running node of this machine."""
    web3 = connect_chain(settings)
    deployment = load_deployment(settings.deployment_file)
    return Stage(
        settings=settings,
        web3=web3,
        deployment=deployment,
        governance=open_proposer(settings, web3, deployment),
        operator_id=organisation_id(settings.operator_did),
        operator=NodeClient(api_url, read_api_key(settings.api_key_file)),
    )


def cast_organisation(
    stage: Stage, role: str, entry: CatalogueParticipant, did: str
) -> Organisation:
    """An organisation with the key that it had in an earlier demo, or a new one."""
    organisation = organisation_id(did)
    account = load_or_create_account(stage.settings.keys_dir, f"demo-{organisation.hex()}")
    key = read_api_key(api_key_file(stage.settings, organisation))
    client = NodeClient(stage.operator.url, key)
    return Organisation(role, entry, did, Wallet(stage.web3, account), client)


def api_key_file(settings: Settings, organisation: OrganisationId) -> Path:
    """Where an organisation of the demo keeps its API key."""
    return settings.keys_dir / f"demo-{organisation.hex()}.api-key"


def cast_learner(stage: Stage) -> Learner:
    """A new learner, whose wallet has signed the seed message for this operator."""
    wallet: LocalAccount = Account.create()
    message = holder_seed_message(stage.settings.operator_did, stage.deployment.chain_id)
    signature = sign_digest(bytes(wallet.key), digest_of_typed_data(message))
    return Learner(wallet, seed_from_signature(signature))
