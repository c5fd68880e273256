"""Agreements: terms as published, signatures, and the facts that their status follows from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Connection,
    LargeBinary,
    Numeric,
    Row,
    Table,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from indexer import tables
from indexer.queries.places import in_block
from protocol.agreement import AgreementFacts, AgreementState, PriceLine, Terms
from protocol.terms_json import terms_from_json
from protocol.types import (
    ZERO_HASH,
    AccountAddress,
    AgreementId,
    Hash32,
    OrganisationId,
    UnixSeconds,
    from_hex,
    to_hex,
)

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
class RulebookRow:
    """A version of the rulebook: how many agreements name it, and when the first was proposed."""

    rulebook: Hash32
    agreements: int
    first_at: UnixSeconds


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
    found = find_agreements(connection, [agreement_id])
    if not found or known_at is None:
        return found[0] if found else None
    [row] = found
    if row.facts.history[0][0] > known_at:
        return None
    history = tuple(each for each in row.facts.history if each[0] <= known_at)
    signatures = tuple(signed for signed in row.signatures if signed.signed_at <= known_at)
    return replace(row, signatures=signatures, facts=replace(row.facts, history=history))


def find_agreements(connection: Connection, agreement_ids: Collection[bytes]) -> list[AgreementRow]:
    """Several at once, in the order asked for; those never proposed are left out."""
    proposed = _terms_of(connection, agreement_ids)
    changes = _changes_of(connection, agreement_ids)
    signatures = _signatures_of(connection, agreement_ids)
    return [
        AgreementRow(
            AgreementId(agreement_id),
            proposed[agreement_id][0],
            tuple(signatures[agreement_id]),
            _facts(*proposed[agreement_id], changes[agreement_id]),
        )
        for agreement_id in agreement_ids
        if agreement_id in proposed
    ]


def find_agreement_facts(connection: Connection, agreement_id: bytes) -> AgreementFacts | None:
    """What its status follows from, without terms and signatures."""
    proposed = _terms_of(connection, [agreement_id]).get(agreement_id)
    if proposed is None:
        return None
    return _facts(*proposed, _changes_of(connection, [agreement_id])[agreement_id])


def price_lines_of(connection: Connection, agreement_id: bytes) -> tuple[PriceLine, ...] | None:
    """An agreement's price lines; None if it was never proposed."""
    proposed = _terms_of(connection, [agreement_id]).get(agreement_id)
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


def newest_agreement_ids_of(
    connection: Connection, organisation: bytes, after: bytes | None, limit: int
) -> list[bytes]:
    """Agreements that an organisation is a party of, the newest proposal first; those proposed
    before a given one."""
    parties, agreements = tables.agreement_parties, tables.agreements
    place = tuple_(parties.c.block_number, parties.c.log_index)
    statement = (
        select(parties.c.agreement_id)
        .where(parties.c.organisation == organisation)
        .order_by(parties.c.block_number.desc(), parties.c.log_index.desc())
        .limit(limit)
    )
    if after is not None:
        last = select(agreements.c.block_number, agreements.c.log_index)
        statement = statement.where(
            place < last.where(agreements.c.agreement_id == after).scalar_subquery()
        )
    return list(connection.scalars(statement))


def unsigned_proposals_of(
    connection: Connection, organisation: bytes, now: int, limit: int
) -> list[bytes]:
    """Agreements that wait for an organisation's signature on the chain, the newest first: no party
    has ended them, and their time is not over. None is in force, as all would have signed."""
    parties, agreements = tables.agreement_parties, tables.agreements
    signed, ended = tables.agreement_signatures, tables.agreement_terminations
    ends = cast(agreements.c.terms["validUntil"].astext, Numeric)
    statement = (
        select(parties.c.agreement_id)
        .join(agreements, agreements.c.agreement_id == parties.c.agreement_id)
        .where(
            parties.c.organisation == organisation,
            ends > now,
            ~exists().where(
                signed.c.agreement_id == parties.c.agreement_id,
                signed.c.organisation == organisation,
            ),
            ~exists().where(ended.c.agreement_id == parties.c.agreement_id),
        )
        .order_by(parties.c.block_number.desc(), parties.c.log_index.desc())
        .limit(limit)
    )
    return list(connection.scalars(statement))


def parties_of(
    connection: Connection, agreement_ids: Collection[bytes]
) -> dict[bytes, list[OrganisationId]]:
    """The parties of several agreements, in the terms' order; those never proposed are left out."""
    parties = tables.agreement_parties
    statement = (
        select(parties.c.agreement_id, parties.c.organisation)
        .where(parties.c.agreement_id.in_(agreement_ids))
        .order_by(parties.c.agreement_id, parties.c.party_index)
    )
    found: dict[bytes, list[OrganisationId]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.agreement_id, []).append(OrganisationId(row.organisation))
    return found


def supplements_of(connection: Connection, organisation: bytes, agreement_id: bytes) -> list[bytes]:
    """Agreements of an organisation whose terms name this one as their parent, in the order of the
    chain."""
    agreements, parties = tables.agreements, tables.agreement_parties
    statement = (
        select(agreements.c.agreement_id)
        .join(parties, parties.c.agreement_id == agreements.c.agreement_id)
        .where(parties.c.organisation == organisation, agreements.c.parent == agreement_id)
        .order_by(agreements.c.block_number, agreements.c.log_index)
    )
    return list(connection.scalars(statement))


def rulebooks_of(connection: Connection, organisation: bytes) -> list[RulebookRow]:
    """The versions that an organisation's agreements name, the newest first."""
    agreements, parties, blocks = tables.agreements, tables.agreement_parties, tables.blocks
    rulebook = agreements.c.terms["rulebook"].astext
    first_at = func.min(blocks.c.block_time)
    statement = (
        select(rulebook, func.count(), first_at)
        .join(parties, parties.c.agreement_id == agreements.c.agreement_id)
        .join(blocks, in_block(agreements))
        .where(parties.c.organisation == organisation, rulebook != to_hex(ZERO_HASH))
        .group_by(rulebook)
        .order_by(first_at.desc(), rulebook)
    )
    return [
        RulebookRow(Hash32(from_hex(named)), count, UnixSeconds(first))
        for named, count, first in connection.execute(statement)
    ]


def _terms_of(
    connection: Connection, agreement_ids: Collection[bytes]
) -> dict[bytes, tuple[Terms, UnixSeconds]]:
    agreements, blocks = tables.agreements, tables.blocks
    statement = (
        select(agreements.c.agreement_id, agreements.c.terms, blocks.c.block_time)
        .join(blocks, in_block(agreements))
        .where(agreements.c.agreement_id.in_(agreement_ids))
    )
    return {
        row.agreement_id: (terms_from_json(row.terms), UnixSeconds(row.block_time))
        for row in connection.execute(statement)
    }


def _signatures_of(
    connection: Connection, agreement_ids: Collection[bytes]
) -> defaultdict[bytes, list[SignatureRow]]:
    signed, blocks = tables.agreement_signatures, tables.blocks
    statement = (
        select(signed.c.agreement_id, signed.c.organisation, signed.c.signer, blocks.c.block_time)
        .join(blocks, in_block(signed))
        .where(signed.c.agreement_id.in_(agreement_ids))
        .order_by(signed.c.block_number, signed.c.log_index)
    )
    found: defaultdict[bytes, list[SignatureRow]] = defaultdict(list)
    for agreement_id, *row in connection.execute(statement):
        found[agreement_id].append(SignatureRow(*row))
    return found


def _facts(terms: Terms, proposed_at: UnixSeconds, changes: Sequence[Row[Any]]) -> AgreementFacts:
    history = [(proposed_at, AgreementState.PROPOSED)]
    suspended_by: set[bytes] = set()
    for row in changes:
        state = _CHANGES[row.kind][0]
        if state is AgreementState.SUSPENDED:
            suspended_by.add(row.organisation)
        elif state is None:
            suspended_by.discard(row.organisation)
            state = AgreementState.SUSPENDED if suspended_by else AgreementState.ACTIVE
        if state is not history[-1][1]:
            history.append((UnixSeconds(row.block_time), state))
    return AgreementFacts(terms.parties, terms.valid_from, terms.valid_until, tuple(history))


def _changes_of(
    connection: Connection, agreement_ids: Collection[bytes]
) -> defaultdict[bytes, list[Row[Any]]]:
    """The changes of state in the order of the chain: kind, by whom, when."""
    blocks = tables.blocks
    of_each_kind = [
        select(
            literal(kind).label("kind"),
            table.c.agreement_id,
            (table.c.organisation if "organisation" in table.c else null().cast(LargeBinary)).label(
                "organisation"
            ),
            blocks.c.block_time,
            table.c.block_number,
            table.c.log_index,
        )
        .join(blocks, in_block(table))
        .where(table.c.agreement_id.in_(agreement_ids))
        for kind, (_, table) in enumerate(_CHANGES)
    ]
    changes = union_all(*of_each_kind).subquery()
    statement = select(changes).order_by(changes.c.block_number, changes.c.log_index)
    found: defaultdict[bytes, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.agreement_id].append(row)
    return found
