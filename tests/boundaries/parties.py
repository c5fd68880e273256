"""Organisations on the session's node, and everybody who can call for each: by API key in every
role, by a person's session, and by JWT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from web3 import Web3

from node.client import NodeClient
from node.did_keys import DidKeys
from node.wallet import Wallet
from protocol.did_document import did_document_hash, make_did_document
from protocol.identifiers import organisation_id
from protocol.record_delivery import body_claim
from protocol.tokens import DELIVERY_TYPE, REQUEST_TYPE
from protocol.types import OrganisationId, to_hex
from tests.access.callers import ROLES, make_key
from tests.access.signing import HTTP, new_account, session_of
from tests.records.signed_tokens import Jwk, claims_of, new_key, public, signed
from tests.stage import World, wait_until

NO_DOCUMENT = bytes(32)


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation; `client` is its administrator, `wallet` its account on chain."""

    name: str
    did: str
    client: NodeClient
    wallet: Wallet

    @property
    def id(self) -> OrganisationId:
        return organisation_id(self.did)


@dataclass(frozen=True, slots=True)
class Machine:
    """Signs tokens for an organisation, each good for one request."""

    did: str
    url: str
    key: Jwk

    def caller(self) -> str:
        """For a request in the organisation's name."""
        return signed(self.did, self.key, claims_of(self.did, self.url), REQUEST_TYPE)

    def sender(self, content: bytes) -> str:
        """For this body, delivered by the organisation's node."""
        claims = claims_of(self.did, self.url, **body_claim(content))
        return signed(self.did, self.key, claims, DELIVERY_TYPE)


def operators_machine(world: World) -> Machine:
    """With the key that the node itself signs with."""
    settings = world.node.settings
    [key, *_] = DidKeys(settings.keys_dir).newest_first()
    return Machine(settings.operator_did, world.node.url, key.private_jwk)


@contextmanager
def machine_of(world: World, party: Party) -> Iterator[Machine]:
    """With a new key, which stands in the document that the chain names inside the block."""
    key = new_key()
    document = make_did_document(party.did, [public(key)])
    party.client.post("/v1/did-documents", {"document": document})
    describe(world, party, world.node.url, did_document_hash(document))
    yield Machine(party.did, world.node.url, key)
    describe(world, party, "", NO_DOCUMENT)


def describe(world: World, party: Party, address: str, document_hash: bytes) -> None:
    registry = world.contract("ParticipantRegistry")
    own = Web3.to_checksum_address(party.id)
    party.wallet.call(registry.functions.describe(own, address, document_hash))
    path = f"{world.node.url}/v1/participants/{to_hex(party.id)}"
    named = to_hex(document_hash) if any(document_hash) else None
    wait_until(lambda: HTTP.get(path).json()["didDocumentHash"] == named, "the hash in the index")


def person_of(world: World, client: NodeClient, role: str = "admin") -> str:
    """The session of a person whom the client has invited."""
    invited = client.post("/v1/people", {"label": "of a test", "role": role})
    opened, _ = session_of(world, new_account(), invitation=invited["invitation"])
    return str(opened["token"])


Callers = dict[str, Callable[[], str]]
"""By name, what gives a bearer token for one request."""


def callers_of(world: World, name: str, client: NodeClient, machine: Machine) -> Callers:
    """Everybody who can call for an organisation."""
    keys = {f"key of {name}, {role}": make_key(client, role)["apiKey"] for role in ROLES}
    tokens = {**keys, f"person of {name}": person_of(world, client)}
    lasting: Callers = {who: partial(str, token) for who, token in tokens.items()}
    return {**lasting, f"JWT of {name}": machine.caller}
