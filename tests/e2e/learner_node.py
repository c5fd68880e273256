"""A running node as a learner's tests need it: an agreement in force, and consents on demand."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from web3 import Web3

from node.bootstrap import connect_chain, prove_possession
from node.client import NodeClient
from node.config import Settings
from node.contracts import load_deployment
from node.embedded.processes import Running
from node.governance import execute_through_timelock
from node.keys import load_or_create_account
from node.wallet import Wallet
from protocol.agreement import Terms
from protocol.assurance import Assurance
from protocol.commitments import commit
from protocol.entries import Entry, leaf_of
from protocol.holder_keys import address_of
from protocol.identifiers import organisation_id
from protocol.record import Document, Record, document_digest, to_json
from protocol.signing import agreement_id_of, consent_grant_digest, sign_digest
from protocol.terms_json import terms_to_json
from protocol.types import AgreementId, Hash32, Leaf, Role, UnixSeconds, to_hex

EMPLOYER_DID = "did:web:employer.localhost"
DAY_SECONDS = 24 * 60 * 60


class LearnerNode:
    """One node at `base_url`; its operator issues consents under one agreement."""

    def __init__(self, base_url: str, settings: Settings) -> None:
        self.base_url = base_url
        self.settings = settings
        self.deployment = load_deployment(settings.deployment_file)
        self.operator_did = settings.operator_did
        self.chain_id = self.deployment.chain_id
        self.registry = self.deployment.address_bytes("ConsentRegistry")
        self.client = NodeClient(base_url, settings.api_key_file.read_text().strip())
        self.agreement: AgreementId = self._conclude_agreement()

    def grant(
        self, secret: bytes, purpose: str, assurance: Assurance = Assurance.SIGNED
    ) -> Leaf:
        """Grants a consent for the one-time key; returns as soon as the node has promised it."""
        document = document_about(purpose, self.operator_did, assurance)
        blinding = 1 + secrets.randbits(250)
        now = int(time.time())
        entry = Entry(
            agreement_id=self.agreement,
            issuer=organisation_id(self.operator_did),
            holder=address_of(secret),
            valid_from=UnixSeconds(now - 60),
            valid_until=UnixSeconds(now + 180 * DAY_SECONDS),
            commitment=commit(document_digest(document), blinding),
        )
        digest = consent_grant_digest(entry, self.chain_id, self.registry)
        record = Record(
            chain_id=self.chain_id,
            registry=self.registry,
            document=document,
            blinding=blinding,
            entry=entry,
            grant_signature=sign_digest(secret, digest)
            if assurance is Assurance.SIGNED
            else None,
        )
        self.client.post("/v1/consents", {"records": [to_json(record)]})
        return leaf_of(entry)

    def state_of(self, leaf: Leaf) -> dict[str, Any]:
        """What the gate of the node says about a consent."""
        answer = self.client.post("/v1/consents/status", {"consents": [{"leaf": to_hex(leaf)}]})
        status: dict[str, Any] = answer["consents"][0]
        return status

    def wait_until(self, leaf: Leaf, state: str) -> dict[str, Any]:
        """The consent's status once it has the state."""
        return self.client.wait_for(
            lambda: self.state_of(leaf), lambda status: status["state"] == state, state
        )

    @contextmanager
    def sender_held(self) -> Iterator[None]:
        """Inside the block nothing leaves the outbox."""
        running = Running.load(self.settings.running_file)
        assert running is not None
        [pid] = [process.pid for process in running.processes if process.name == "sender"]
        sender = psutil.Process(pid)
        sender.suspend()
        try:
            yield
        finally:
            sender.resume()

    def _conclude_agreement(self) -> AgreementId:
        """An agreement between the operator, who issues, and an employer, signed by both."""
        chain_url = Running.load(self.settings.running_file)
        assert chain_url is not None
        web3 = connect_chain(self.settings.model_copy(update={"chain_url": chain_url.chain_url}))
        keys = self.settings.keys_dir
        accounts = {
            self.operator_did: load_or_create_account(keys, "operator"),
            EMPLOYER_DID: load_or_create_account(keys, "employer"),
        }
        self._admit(web3, EMPLOYER_DID, accounts[EMPLOYER_DID])
        now = int(time.time())
        terms = Terms(
            parties=tuple(sorted(organisation_id(did) for did in accounts)),
            valid_from=UnixSeconds(now - DAY_SECONDS),
            valid_until=UnixSeconds(now + 365 * DAY_SECONDS),
            policy_hash=Hash32(bytes(32)),
            document_hash=Hash32(bytes(32)),
            rulebook=Hash32(bytes(32)),
            parent=AgreementId(bytes(32)),
            salt=Hash32(secrets.token_bytes(32)),
            lines=(),
        )
        registry = self.deployment.address_bytes("AgreementRegistry")
        agreement = agreement_id_of(terms, self.chain_id, registry)
        self.client.post("/v1/agreements", {"terms": numbers(terms_to_json(terms))})
        self._wait_for_agreement(agreement, "proposed")
        for did, account in accounts.items():
            signature = sign_digest(bytes(account.key), agreement)
            body = {
                "organisation": to_hex(organisation_id(did)),
                "signer": account.address,
                "signature": to_hex(signature),
            }
            self.client.post(f"/v1/agreements/{to_hex(agreement)}/signatures", body)
        self._wait_for_agreement(agreement, "active")
        return agreement

    def _wait_for_agreement(self, agreement: AgreementId, status: str) -> None:
        self.client.wait_for(
            lambda: self.client.get(f"/v1/agreements/{to_hex(agreement)}")["status"],
            lambda found: found == status,
            f"the agreement's status {status}",
        )

    def _admit(self, web3: Web3, did: str, account: Any) -> None:
        organisation = organisation_id(did)
        participants = self.deployment.contract(web3, "ParticipantRegistry")
        address = Web3.to_checksum_address(organisation)
        if participants.functions.participantOf(address).call()[0]:
            return
        governance = load_or_create_account(self.settings.keys_dir, "governance")
        signature = prove_possession(account, organisation, self.deployment)
        act = participants.functions.admit(did, int(Role.CONSUMER), 0, account.address, signature)
        execute_through_timelock(Wallet(web3, governance), self.deployment, act)
        self.client.wait_for(
            lambda: str(self.client.get("/v1/participants")),
            lambda found: did in found,
            f"the admission of {did}",
        )


def document_about(purpose: str, issuer_did: str, assurance: Assurance) -> Document:
    """A consent's document as a consent manager of the association writes it."""
    notice = "https://school.example/notices/4"
    receipt = {
        "record": {"schemaVersion": "0.2.0", "recordId": "r-1", "piiPrincipalId": ""},
        "piiProcessing": {
            "privacyNotice": notice,
            "language": "en",
            "purposes": [
                {
                    "purpose": purpose,
                    "lawfulBasis": "consent",
                    "piiInformation": [{"piiType": "Diploma"}, {"piiType": "Skills"}],
                }
            ],
        },
        "event": [
            {
                "eventTime": "2026-09-01T08:30:00.000Z",
                "eventType": "explicit",
                "eventState": "consent given",
            }
        ],
        "partyIdentification": [
            {"partyId": issuer_did, "partyName": "Lycée Marie Curie"},
            {"partyId": EMPLOYER_DID, "partyName": "Atelier Dupont"},
        ],
    }
    return Document(receipt, {"reference": notice}, (EMPLOYER_DID,), assurance)


def numbers(terms: dict[str, Any]) -> dict[str, Any]:
    """Times of the terms as JSON numbers, as the node's interface takes them."""
    return {**terms, **{name: int(terms[name]) for name in ("validFrom", "validUntil")}}
