"""Agreements: terms as published, signatures, and the facts that their status follows from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, select

from indexer import tables
from indexer.projections.terms import lines_from_json
from protocol.agreement import AgreementFacts, AgreementState, Terms
from protocol.types import AccountAddress, AgreementId, OrganisationId, UnixSeconds


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A party's signature."""

    organisation: OrganisationId
    signer: AccountAddress
    signed_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """An agreement as the chain has it."""

    agreement_id: AgreementId
    terms: Terms
    signatures: tuple[SignatureRow, ...]
    facts: AgreementFacts


def find_agreement(connection: Connection, agreement_id: bytes) -> AgreementRow | None:
    """One agreement, or None if it was never proposed."""
    agreements, placed = tables.agreements, tables.events
    row = connection.execute(
        select(agreements, placed.c.block_time)
        .join(placed, _same_event(agreements, placed))
        .where(agreements.c.agreement_id == agreement_id)
    ).one_or_none()
    if row is None:
        return None
    terms = Terms(
        parties=tuple(OrganisationId(bytes.fromhex(party[2:])) for party in row.parties),
        valid_from=UnixSeconds(int(row.valid_from)),
        valid_until=UnixSeconds(int(row.valid_until)),
        policy_hash=row.policy_hash,
        document_hash=row.document_hash,
        rulebook=row.rulebook,
        parent=row.parent,
        salt=row.salt,
        lines=lines_from_json(row.lines),
    )
    history = _history(connection, agreement_id, UnixSeconds(row.block_time))
    facts = AgreementFacts(terms.parties, terms.valid_from, terms.valid_until, history)
    return AgreementRow(row.agreement_id, terms, _signatures(connection, agreement_id), facts)


def find_agreement_facts(connection: Connection, agreement_id: bytes) -> AgreementFacts | None:
    """What its status follows from, without terms and signatures."""
    agreements, placed = tables.agreements, tables.events
    row = connection.execute(
        select(
            agreements.c.parties,
            agreements.c.valid_from,
            agreements.c.valid_until,
            placed.c.block_time,
        )
        .join(placed, _same_event(agreements, placed))
        .where(agreements.c.agreement_id == agreement_id)
    ).one_or_none()
    if row is None:
        return None
    return AgreementFacts(
        parties=tuple(OrganisationId(bytes.fromhex(party[2:])) for party in row.parties),
        valid_from=UnixSeconds(int(row.valid_from)),
        valid_until=UnixSeconds(int(row.valid_until)),
        history=_history(connection, agreement_id, UnixSeconds(row.block_time)),
    )


def agreement_ids_of(
    connection: Connection, organisation: bytes, after: bytes, limit: int
) -> list[bytes]:
    """Agreements that an organisation is a party of, in the order of their ids."""
    parties = tables.agreement_parties
    statement = (
        select(parties.c.agreement_id)
        .where(parties.c.organisation == organisation, parties.c.agreement_id > after)
        .order_by(parties.c.agreement_id)
        .limit(limit)
    )
    return list(connection.scalars(statement))


def _signatures(connection: Connection, agreement_id: bytes) -> tuple[SignatureRow, ...]:
    signed, placed = tables.agreement_signatures, tables.events
    statement = (
        select(signed, placed.c.block_time)
        .join(placed, _same_event(signed, placed))
        .where(signed.c.agreement_id == agreement_id)
        .order_by(signed.c.block_number, signed.c.log_index)
    )
    return tuple(
        SignatureRow(row.organisation, row.signer, row.block_time)
        for row in connection.execute(statement)
    )


def _history(
    connection: Connection, agreement_id: bytes, proposed_at: UnixSeconds
) -> tuple[tuple[UnixSeconds, AgreementState], ...]:
    """The changes of state in order. Suspended is it as long as one party's suspension stands."""
    changes, placed = tables.agreement_changes, tables.events
    statement = (
        select(changes.c.change, changes.c.organisation, placed.c.block_time)
        .join(placed, _same_event(changes, placed))
        .where(changes.c.agreement_id == agreement_id)
        .order_by(changes.c.block_number, changes.c.log_index)
    )
    history = [(proposed_at, AgreementState.PROPOSED)]
    suspended_by: set[bytes] = set()
    for row in connection.execute(statement):
        match row.change:
            case "terminated":
                state = AgreementState.TERMINATED
            case "suspended":
                suspended_by.add(row.organisation)
                state = AgreementState.SUSPENDED
            case "resumed":
                suspended_by.discard(row.organisation)
                state = AgreementState.SUSPENDED if suspended_by else AgreementState.ACTIVE
            case _:
                state = AgreementState.ACTIVE
        if state is not history[-1][1]:
            history.append((UnixSeconds(row.block_time), state))
    return tuple(history)


def _same_event(table: Table, placed: Table) -> ColumnElement[bool]:
    return (placed.c.block_number == table.c.block_number) & (
        placed.c.log_index == table.c.log_index
    )
