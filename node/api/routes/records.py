"""`/v1/records`: nodes of other operators deliver records, and orders to erase them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter

from indexer.queries.participants import ParticipantRow
from node.api.context import Context, NodeContext, require_fresh
from node.api.did_tokens import SendingNode
from node.api.schemas.records import (
    DeliverErasures,
    DeliverRecords,
    DeliveryResult,
    DeliveryResults,
)
from node.commands.receive_records import Received, Reception
from node.erasure_journal import ErasedRecord
from node.operator_identity import NoSigningKey
from node.problems import Problem
from protocol.record_delivery import Confirmed, confirmation_facts
from protocol.types import ContractAddress, Leaf, OrganisationId

router = APIRouter(prefix="/v1/records", tags=["records"])


@router.post("", response_model=DeliveryResults)
async def deliver(
    context: NodeContext, sender: SendingNode, body: DeliverRecords
) -> DeliveryResults:
    """Takes records for an organisation that this node hosts, from their issuer or its operator.
    Each that is kept is confirmed by this node's signature; all of it may be sent again."""
    async with _reception(context, sender, body.recipient) as reception:
        received = await reception.take_records(body.records)
    return await _confirm(context, sender, body.recipient, received)


@router.post("/erasures", response_model=DeliveryResults)
async def erase(
    context: NodeContext, sender: SendingNode, body: DeliverErasures
) -> DeliveryResults:
    """Erases records by their issuer's order, also such that have not arrived: they will not be
    kept. Each is confirmed by this node's signature."""
    async with _reception(context, sender, body.recipient) as reception:
        received = [
            await reception.erase(Leaf(order.leaf), OrganisationId(order.issuer))
            for order in body.erasures
        ]
        by = OrganisationId(body.recipient)
        await context.note_erasures(
            ErasedRecord(by, OrganisationId(order.issuer), Leaf(order.leaf))
            for order, item in zip(body.erasures, received, strict=True)
            if item.outcome == "erased"
        )
    return await _confirm(context, sender, body.recipient, received)


@asynccontextmanager
async def _reception(
    context: Context, sender: ParticipantRow, recipient: bytes
) -> AsyncIterator[Reception]:
    """One transaction; what happens in the block is written after it."""
    async with context.database.begin() as connection:
        freshness = await require_fresh(context, connection)
        reception = Reception(
            connection,
            context.deployment,
            context.master_key,
            sender,
            OrganisationId(recipient),
            context.memory,
            freshness,
        )
        await reception.begin()
        yield reception


async def _confirm(
    context: Context, sender: ParticipantRow, recipient: bytes, received: Sequence[Received]
) -> DeliveryResults:
    """After the COMMIT: nothing is confirmed that is not written."""
    done = [item for item in received if item.outcome in ("stored", "erased")]
    facts = [
        confirmation_facts(
            Confirmed(item.outcome),
            Leaf(item.leaf or b""),
            OrganisationId(recipient),
            context.deployment.chain_id,
            ContractAddress(context.consent_registry),
        )
        for item in done
    ]
    try:
        signed = await context.identity.sign_confirmations(sender.did, facts) if done else []
    except NoSigningKey as error:
        raise Problem.of("operator-key-not-published", str(error)) from error
    confirmations = iter(signed)
    return DeliveryResults(
        results=[
            DeliveryResult(
                outcome=item.outcome,
                leaf=item.leaf,
                reason=item.reason,
                confirmation=next(confirmations) if item in done else None,
            )
            for item in received
        ]
    )
