"""What waits in the timelock: calls that were proposed, and neither made nor called off since."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Select, Table, exists, select, tuple_

from indexer import tables
from indexer.queries.places import in_block
from protocol.types import ContractAddress, Hash32, UnixSeconds


@dataclass(frozen=True, slots=True)
class ProposedCallRow:
    """A call of a proposed operation; `executable_at` in Unix seconds, with no upper bound."""

    operation: Hash32
    call_index: int
    target: ContractAddress
    value: int
    data: bytes
    proposed_at: UnixSeconds
    executable_at: int


def list_proposed_calls(
    connection: Connection, known_at: int | None = None
) -> list[ProposedCallRow]:
    """The calls that waited at the end of the last block at or before `known_at`, else that wait
    now, in the order in which they were proposed."""
    calls, blocks = tables.scheduled_calls, tables.blocks
    statement = (
        select(
            calls.c.operation,
            calls.c.call_index,
            calls.c.target,
            calls.c.value,
            calls.c.data,
            blocks.c.block_time,
            calls.c.delay_seconds,
        )
        .join(blocks, in_block(calls))
        .order_by(calls.c.block_number, calls.c.log_index)
    )
    executed, cancelled = tables.executed_calls, tables.cancellations
    same_call = (executed.c.operation == calls.c.operation) & (
        executed.c.call_index == calls.c.call_index
    )
    for later, same in (
        (executed, same_call),
        (cancelled, cancelled.c.operation == calls.c.operation),
    ):
        statement = statement.where(~exists(_after(later, calls, known_at).where(same)))
    if known_at is not None:
        statement = statement.where(blocks.c.block_time <= known_at)
    return [
        ProposedCallRow(
            row.operation,
            int(row.call_index),
            row.target,
            int(row.value),
            row.data,
            row.block_time,
            row.block_time + int(row.delay_seconds),
        )
        for row in connection.execute(statement)
    ]


def _after(later: Table, earlier: Table, known_at: int | None) -> Select[tuple[int]]:
    """What happened after a row of `earlier`, as far as it was known: an operation that was called
    off may be proposed again."""
    statement = select(later.c.block_number).where(
        tuple_(later.c.block_number, later.c.log_index)
        > tuple_(earlier.c.block_number, earlier.c.log_index)
    )
    if known_at is not None:
        known = select(tables.blocks.c.block_number).where(tables.blocks.c.block_time <= known_at)
        statement = statement.where(later.c.block_number.in_(known))
    return statement.correlate(earlier)
