"""Agreements whose policy asks for a minimum of assurance, and consents that have less."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

from node.api.schemas.agreements import TermsShape
from node.client import NodeRefused
from node.demo.cast import Organisation
from node.intake.records import attested_record
from protocol.agreement import Terms
from protocol.canonical import digest_of
from protocol.record import Record
from protocol.types import AgreementId, Hash32, to_hex
from tests.stage import DAY_SECONDS, Json, World, wait_until


def asking_for(world: World, minimum: str) -> tuple[Json, dict[str, Any]]:
    """A document with such a policy, and what terms say of it."""
    document = json.loads(json.dumps(world.story.documents.contract_source))
    wanted = {"leftOperand": "assurance", "operator": "gteq", "rightOperand": minimum}
    document["policy"][0]["permission"][0]["constraint"].append(wanted)
    changes = {
        "policy_hash": digest_of(document["policy"]),
        "document_hash": Hash32(digest_of(document)),
    }
    return document, changes


def conclude_with(
    world: World, proposer: Organisation, document: Json, terms: Terms, *signers: Organisation
) -> AgreementId:
    """An agreement in force whose document the proposer's node has and keeps for the proposer."""
    agreement = world.id_of(terms)
    body = {"terms": TermsShape.of(terms).to_json(), "document": document}
    proposer.client.post("/v1/agreements", body)
    for party in signers or (world.provider, world.consumer):
        path = f"/v1/agreements/{to_hex(agreement)}"
        wait_until(partial(_is_proposed, party, path), "the proposal")
        party.client.post(f"{path}/signatures", world.signature_of(party, agreement))
    wait_until(lambda: world.show_agreement(agreement)["status"] == "active", "activation")
    return agreement


def _is_proposed(party: Organisation, path: str) -> bool:
    try:
        return "history" in party.client.get(path)
    except NodeRefused:
        return False


def attested(world: World, agreement: AgreementId, *recipients: str) -> Record:
    """A record on the issuer's word alone."""
    now = int(time.time())
    record, _ = attested_record(
        world.story.documents.receipt.purposes[0],
        recipients or [world.consumer.did],
        "group",
        agreement,
        world.provider.id,
        now - 60,
        now + 100 * DAY_SECONDS,
        world.chain_id,
        world.address("ConsentRegistry"),
    )
    return record
