"""The proof file of one consent: everything that a verifier needs, offline."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement
from indexer.queries.consents import batch_leaves, consent_facts, find_anchoring
from indexer.queries.freshness import Freshness
from node.commands.gate import KnownConsent
from node.contracts import Deployment
from node.db import query
from node.problems import Problem
from node.sealing import SealedRecord, unseal
from protocol.merkle import inclusion_path
from protocol.proof_bundle import AgreementEvidence, AsOf, Inclusion, build_bundle
from protocol.record import from_json
from protocol.types import ContractAddress, Hash32, Leaf, UnixSeconds, to_hex


async def make_proof(
    connection: AsyncConnection,
    deployment: Deployment,
    master_key: bytes,
    known: KnownConsent,
    leaf: Leaf,
    freshness: Freshness,
) -> dict[str, Any]:
    """The bundle. Raises a problem while the consent waits to be anchored, or is erased."""
    entry = known.entry
    anchoring = await query(connection, find_anchoring, entry.issuer, leaf)
    agreement = await query(connection, find_agreement, entry.agreement_id)
    if anchoring is None or agreement is None:
        raise Problem.of(
            "consent-not-anchored",
            f"The leaf {to_hex(leaf)} waits to be anchored.",
            "Ask again in a few seconds.",
        )
    if known.wrapped_key is None:
        raise Problem.of(
            "record-erased",
            f"The record behind {to_hex(leaf)} was erased here.",
            "The learner's exported file, or another party's copy, still proves the consent.",
        )
    sealed = SealedRecord(known.sealed_record, known.wrapped_key)
    record = from_json(json.loads(unseal(sealed, leaf, master_key)))
    leaves = await query(connection, batch_leaves, anchoring)
    registry = deployment.address_bytes("ConsentRegistry")
    [facts] = await query(connection, consent_facts, [entry], registry)
    inclusion = Inclusion(
        issuer=entry.issuer,
        root=anchoring.root,
        size=anchoring.size,
        index=anchoring.index,
        path=inclusion_path(leaves, anchoring.index),
        first_index=anchoring.first_index,
        anchored_at=anchoring.anchored_at,
        block_number=anchoring.block_number,
        transaction_hash=Hash32(anchoring.transaction_hash),
    )
    block = freshness.block
    return build_bundle(
        record,
        inclusion,
        facts.endings,
        AsOf(block.block_number, Hash32(block.block_hash), UnixSeconds(block.block_time)),
        AgreementEvidence(
            agreement_id=entry.agreement_id,
            registry=ContractAddress(deployment.address_bytes("AgreementRegistry")),
            facts=agreement.facts,
            terms=agreement.terms,
        ),
    )
