"""Agreements: terms as published, signatures, and the facts that their status follows from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, LargeBinary, Row, Table, literal, null, select, union_all

from indexer import tables
from indexer.queries.places import in_block
from protocol.agreement import AgreementFacts, AgreementState, PriceLine, Terms
from protocol.terms_json import terms_from_json
from protocol.types import AccountAddress, AgreementId, OrganisationId, UnixSeconds

_CHANGES: tuple[tuple[AgreementState | None, Table], ...] = (
    (AgreementState.ACTIVE, tables.agreement_activations),
    (AgreementState.SUSPENDED, tables.agreement_suspensions),
    (None, tables.agreement_resumptions),
    (AgreementState.TERMINATED, tables.agreement_terminations),
)
"""Where changes of state are; a resumption makes active only if no other party's suspension is
left."""


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


def find_agreement(
    connection: Connection, agreement_id: bytes, known_at: int | None = None
) -> AgreementRow | None:
    """One agreement, or None if it was never proposed; as it was known at a time, if that is given,
    with nothing that came later."""
    proposed = _find_terms(connection, agreement_id)
    if proposed is None or (known_at is not None and proposed[1] > known_at):
        return None
    terms, proposed_at = proposed
    facts = _facts(connection, agreement_id, terms, proposed_at)
    signatures = _signatures(connection, agreement_id)
    if known_at is not None:
        facts = replace(facts, history=tuple(each for each in facts.history if each[0] <= known_at))
        signatures = tuple(signed for signed in signatures if signed.signed_at <= known_at)
    return AgreementRow(AgreementId(agreement_id), terms, signatures, facts)


def find_agreement_facts(connection: Connection, agreement_id: bytes) -> AgreementFacts | None:
    """What its status follows from, without terms and signatures."""
    proposed = _find_terms(connection, agreement_id)
    return None if proposed is None else _facts(connection, agreement_id, *proposed)


def price_lines_of(connection: Connection, agreement_id: bytes) -> tuple[PriceLine, ...] | None:
    """An agreement's price lines; None if it was never proposed."""
    proposed = _find_terms(connection, agreement_id)
    return None if proposed is None else proposed[0].lines


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


def _find_terms(connection: Connection, agreement_id: bytes) -> tuple[Terms, UnixSeconds] | None:
    agreements, blocks = tables.agreements, tables.blocks
    row = connection.execute(
        select(agreements.c.terms, blocks.c.block_time)
        .join(blocks, in_block(agreements))
        .where(agreements.c.agreement_id == agreement_id)
    ).one_or_none()
    return None if row is None else (terms_from_json(row.terms), UnixSeconds(row.block_time))


def _signatures(connection: Connection, agreement_id: bytes) -> tuple[SignatureRow, ...]:
    signed, blocks = tables.agreement_signatures, tables.blocks
    statement = (
        select(signed.c.organisation, signed.c.signer, blocks.c.block_time)
        .join(blocks, in_block(signed))
        .where(signed.c.agreement_id == agreement_id)
        .order_by(signed.c.block_number, signed.c.log_index)
    )
    return tuple(SignatureRow(*row) for row in connection.execute(statement))


def _facts(
    connection: Connection, agreement_id: bytes, terms: Terms, proposed_at: UnixSeconds
) -> AgreementFacts:
    history = [(proposed_at, AgreementState.PROPOSED)]
    suspended_by: set[bytes] = set()
    for row in _changes(connection, agreement_id):
        state = _CHANGES[row.kind][0]
        if state is AgreementState.SUSPENDED:
            suspended_by.add(row.organisation)
        elif state is None:
            suspended_by.discard(row.organisation)
            state = AgreementState.SUSPENDED if suspended_by else AgreementState.ACTIVE
        if state is not history[-1][1]:
            history.append((UnixSeconds(row.block_time), state))
    return AgreementFacts(terms.parties, terms.valid_from, terms.valid_until, tuple(history))


def _changes(connection: Connection, agreement_id: bytes) -> list[Row[tuple[int, bytes, int]]]:
    """The changes of state in the order of the chain: kind, by whom, when."""
    blocks = tables.blocks
    of_each_kind = [
        select(
            literal(kind).label("kind"),
            (table.c.organisation if "organisation" in table.c else null().cast(LargeBinary)).label(
                "organisation"
            ),
            blocks.c.block_time,
            table.c.block_number,
            table.c.log_index,
        )
        .join(blocks, in_block(table))
        .where(table.c.agreement_id == agreement_id)
        for kind, (_, table) in enumerate(_CHANGES)
    ]
    changes = union_all(*of_each_kind).subquery()
    statement = select(changes.c.kind, changes.c.organisation, changes.c.block_time).order_by(
        changes.c.block_number, changes.c.log_index
    )
    return list(connection.execute(statement))
