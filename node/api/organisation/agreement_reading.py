"""What the page of one agreement shows: the API's answer, with the parties' names, prices as
money, the document that the organisation keeps, and what it may do now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import supplements_of
from indexer.queries.participants import find_participant
from node import tables
from node.api.organisation.policy_words import PolicyRule, rules_of
from node.api.schemas.agreements import (
    Agreement,
    AgreementSignature,
    PendingAgreement,
    PromisedSignatureShape,
)
from node.api.wording import Wording, decimals_of
from node.commands.change_agreement import Change, open_changes, read_lifecycle
from node.commands.name_agreements import name_agreements, short_did
from node.db import query
from protocol.agreement import PriceLine, Terms
from protocol.assurance import required_by_policies
from protocol.errors import DocumentUnreadable
from protocol.prometheus_x import purposes_of_contract
from protocol.terms_json import terms_from_json
from protocol.types import AgreementId, OrganisationId, Role, to_hex

CONSENTS_COUNTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ShownParty:
    """A party; `signature` is on the chain, `promised` on its way there or refused."""

    organisation: OrganisationId
    did: str
    is_own: bool
    roles: tuple[str, ...]
    signature: AgreementSignature | None
    promised: PromisedSignatureShape | None


class ShownLine(NamedTuple):
    """A price line; the price in words."""

    payee: str
    category: int
    price: str
    free_units: int


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """The document as it was received, and what it says; `assurance` is None if its constraint
    cannot be read."""

    source: Mapping[str, Any]
    purposes: tuple[str, ...]
    rules: Sequence[PolicyRule]
    assurance: str | None


@dataclass(frozen=True, slots=True)
class AgreementReading:
    """All that the page adds to the API's answer. `consents` counts up to one more than
    CONSENTS_COUNTED_MAX; `names` has the agreement's own, its parent's and its supplements'."""

    names: Mapping[bytes, str]
    terms: Terms
    parties: Sequence[ShownParty]
    lines: Sequence[ShownLine]
    document: KeptDocument | None
    changes: Sequence[Change]
    awaits_signature: bool
    may_keep_document: bool
    consents: int
    supplements: Sequence[bytes]


async def read_agreement(
    connection: AsyncConnection,
    organisation: OrganisationId,
    shown: Agreement | PendingAgreement,
    wording: Wording,
) -> AgreementReading:
    """As the organisation, which the connection acts as, sees it."""
    agreement_id = AgreementId(shown.agreement_id)
    kept = await find_kept(connection, agreement_id)
    if isinstance(shown, Agreement):
        terms = shown.terms.to_terms()
    else:
        assert kept is not None, "what was promised was kept in the same transaction"
        terms = terms_from_json(kept.terms)
    parties = [await _party(connection, organisation, each, shown) for each in terms.parties]
    own = next((party for party in parties if party.is_own), None)
    supplements = await query(connection, supplements_of, organisation, agreement_id)
    names = await name_agreements(
        connection, organisation, [agreement_id, terms.parent, *supplements]
    )
    life = await read_lifecycle(connection, agreement_id)
    document = None if kept is None or kept.document is None else read_document(kept.document)
    return AgreementReading(
        names=names,
        terms=terms,
        parties=parties,
        lines=show_lines(terms.lines, {each.organisation: each.did for each in parties}, wording),
        document=document,
        changes=open_changes(life, organisation) if life and shown.status != "expired" else [],
        awaits_signature=shown.status in ("proposed", "queued")
        and own is not None
        and own.signature is None
        and (own.promised is None or own.promised.state == "refused"),
        may_keep_document=own is not None and shown.status in ("proposed", "queued"),
        consents=await _count_consents(connection, agreement_id),
        supplements=supplements,
    )


def show_lines(
    lines: Sequence[PriceLine], dids: Mapping[OrganisationId, str], wording: Wording
) -> list[ShownLine]:
    """Price lines in words, with as many decimals as the finest of them has."""
    decimals = decimals_of(line.unit_price for line in lines)
    return [
        ShownLine(
            payee=short_did(dids.get(line.payee, to_hex(line.payee))),
            category=line.category,
            price=wording.money(line.unit_price, decimals),
            free_units=line.free_units,
        )
        for line in lines
    ]


def read_document(source: Mapping[str, Any]) -> KeptDocument:
    """What a contract's document says, as far as it can be read."""
    try:
        assurance = required_by_policies([source]).value
    except DocumentUnreadable:
        assurance = None
    return KeptDocument(source, purposes_of_contract(source), rules_of(source), assurance)


def role_names(roles: Role) -> tuple[str, ...]:
    """As the texts have them."""
    return tuple(str(role.name).lower() for role in roles)


async def _party(
    connection: AsyncConnection,
    own: OrganisationId,
    organisation: OrganisationId,
    shown: Agreement | PendingAgreement,
) -> ShownParty:
    participant = await query(connection, find_participant, organisation)
    signatures = shown.signatures if isinstance(shown, Agreement) else []
    return ShownParty(
        organisation=organisation,
        did=participant.did if participant else to_hex(organisation),
        is_own=organisation == own,
        roles=role_names(participant.roles) if participant else (),
        signature=_of(organisation, signatures),
        promised=_of(organisation, shown.promised_signatures),
    )


def _of(organisation: bytes, signatures: Collection[Any]) -> Any | None:
    return next((each for each in signatures if each.organisation == organisation), None)


async def find_kept(connection: AsyncConnection, agreement_id: bytes) -> Any | None:
    """Terms and document of an agreement that the organisation has proposed here."""
    kept = tables.agreement_documents
    statement = select(kept.c.terms, kept.c.document).where(kept.c.agreement_id == agreement_id)
    return (await connection.execute(statement)).one_or_none()


async def _count_consents(connection: AsyncConnection, agreement_id: bytes) -> int:
    held = tables.consents
    some = (
        select(held.c.leaf)
        .where(held.c.agreement_id == agreement_id)
        .limit(CONSENTS_COUNTED_MAX + 1)
        .subquery()
    )
    found = await connection.execute(select(func.count()).select_from(some))
    return found.scalar_one()
