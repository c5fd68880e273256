"""Gives agreements names that a person recognises: with whom, and what for.

An agreement has no name but its id. The other parties' DIDs stand on the chain; the purpose stands
in the document, which only who has brought it keeps. The id's first digits tell apart what is
otherwise called the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import parties_of
from indexer.queries.participants import find_dids
from node import tables
from node.db import query
from protocol.prometheus_x import purposes_of_contract
from protocol.types import OrganisationId, from_hex, to_hex

OTHERS_NAMED_MAX = 2
NAME_LENGTH_MAX = 40
CUT_END_LENGTH = 12
ID_LENGTH = 10
"""Of `0x` and the digits that are shown."""


async def name_agreements(
    connection: AsyncConnection, organisation: OrganisationId, agreement_ids: Collection[bytes]
) -> dict[bytes, str]:
    """A name for each, as the organisation sees it; it is the current one, whose documents alone
    are seen."""
    kept = await _find_kept(connection, agreement_ids)
    parties = await query(connection, parties_of, agreement_ids)
    others = {
        each: [
            party
            for party in parties.get(each, kept[each].parties if each in kept else ())
            if party != organisation
        ]
        for each in agreement_ids
    }
    everybody = {each for several in others.values() for each in several}
    dids = await query(connection, find_dids, everybody)
    return {
        each: _name(each, others[each], dids, kept[each].purposes if each in kept else ())
        for each in agreement_ids
    }


def short_did(did: str) -> str:
    """A DID that fits into a line: without `did:web:`, and if it is long only where it begins, for
    `did:web` up to the end of the host, and how it ends."""
    name = did.removeprefix("did:web:")
    if len(name) <= NAME_LENGTH_MAX:
        return name
    begin = name.partition(":")[0] if did.startswith("did:web:") else name
    return f"{begin[: NAME_LENGTH_MAX - CUT_END_LENGTH - 1]}…{name[-CUT_END_LENGTH:]}"


class _Kept(NamedTuple):
    parties: Sequence[OrganisationId]
    purposes: Sequence[str]


async def _find_kept(
    connection: AsyncConnection, agreement_ids: Collection[bytes]
) -> dict[bytes, _Kept]:
    """What the organisation keeps of those that it has proposed, on the chain or not yet."""
    documents = tables.agreement_documents
    statement = select(
        documents.c.agreement_id,
        documents.c.terms["parties"].label("parties"),
        documents.c.document["purpose"].label("purpose"),
    ).where(documents.c.agreement_id.in_(agreement_ids))
    return {
        row.agreement_id: _Kept(
            [OrganisationId(from_hex(party)) for party in row.parties],
            purposes_of_contract({"purpose": row.purpose}),
        )
        for row in await connection.execute(statement)
    }


def _name(
    agreement_id: bytes,
    others: Sequence[OrganisationId],
    dids: Mapping[OrganisationId, str],
    purposes: Sequence[str],
) -> str:
    named = [short_did(dids.get(each, to_hex(each))) for each in others[:OTHERS_NAMED_MAX]]
    if len(others) > OTHERS_NAMED_MAX:
        named.append(f"+{len(others) - OTHERS_NAMED_MAX}")
    parts = [", ".join(named), " / ".join(purposes)[:NAME_LENGTH_MAX]]
    words = " · ".join(part for part in parts if part)
    return f"{words} ({to_hex(agreement_id)[:ID_LENGTH]})"
