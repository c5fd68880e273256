"""Standing requests of consumers to leave with a deposit."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import BigInteger, Connection, literal, null, select, type_coerce, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from indexer import tables
from protocol.ledger_state import Leaving
from protocol.types import AgreementId, AmountMinor, OrganisationId, UnixSeconds


def leavings_of(
    connection: Connection, consumer: OrganisationId, agreement_ids: Collection[bytes]
) -> dict[AgreementId, Leaving]:
    """By agreement. A later request takes the place of an earlier one; a deposit calls it off, and
    the payment ends it."""
    events = union_all(
        *(
            select(
                table.c.agreement_id,
                table.c.block_number,
                table.c.log_index,
                literal(table is tables.leavings).label("stands"),
                table.c.amount_minor,
                table.c.executable_at
                if table is tables.leavings
                else type_coerce(null(), BigInteger).label("executable_at"),
            ).where(table.c.consumer == consumer, table.c.agreement_id.in_(agreement_ids))
            for table in (tables.leavings, tables.deposits, tables.withdrawn_deposits)
        )
    ).subquery()
    newest = (
        select(events)
        .ext(distinct_on(events.c.agreement_id))
        .order_by(events.c.agreement_id, events.c.block_number.desc(), events.c.log_index.desc())
    )
    return {
        AgreementId(row.agreement_id): Leaving(
            AmountMinor(int(row.amount_minor)), UnixSeconds(row.executable_at)
        )
        for row in connection.execute(newest)
        if row.stands
    }
