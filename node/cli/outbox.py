"""`ptx-ledger outbox`: what this node promised to bring to the chain, and what keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection, Engine, select, update

from indexer.queries.freshness import IndexEmpty, read_freshness
from node import tables
from node.bootstrap import require_database_url
from node.cli.local import local_settings
from node.cli.output import AsJson, console, fail, print_json
from node.db import LOCK, owner_engine
from node.outbox import (
    IN_VAIN,
    MAX_ACT_ID,
    ActRow,
    act_of_row,
    acts_statement,
    erased_meanwhile,
    retry_locks,
    standing_in_place,
)

app = typer.Typer(help="Acts on their way to the chain.", no_args_is_help=True)

ActId = Annotated[int, typer.Argument(help="The number that `outbox list` shows.", min=1)]
STATES = ("waiting", "sent", "mined", "final", *IN_VAIN)


@app.command(name="list")
def list_acts(
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    before: Annotated[int, typer.Option(help="Only older ones than this number.")] = MAX_ACT_ID,
    as_json: AsJson = False,
) -> None:
    """The newest acts, of all organisations, and why one waits or has failed. What is `mined` is in
    a block and counts; `outbox explain` says how many blocks more make it final."""
    if state is not None and state not in STATES:
        fail(f"There is no state {state}: --state takes one of {', '.join(STATES)}.")
    with _database().connect() as connection:
        rows = [act_of_row(row) for row in connection.execute(acts_statement(state, before, limit))]
    if as_json:
        print_json([_as_json(row) for row in rows])
        return
    table = Table("act", "kind", "subject", "state", "tries", "since", "reason")
    for row in rows:
        reason = "" if row.failure is None else row.failure["name"]
        subject = f"0x{row.subject.hex()[:8]}…"
        since = row.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        shown = (row.kind, subject, row.state, str(row.attempts), since, reason)
        table.add_row(str(row.outbox_id), *shown)
    console.print(table)


@app.command()
def explain(act_id: ActId, as_json: AsJson = False) -> None:
    """One act: its transactions, what the chain said, and what to do."""
    engine = _database()
    row = _find(engine, act_id)
    if as_json:
        print_json(_as_json(row))
        return
    console.print(f"act          {row.outbox_id}, {row.kind} 0x{row.subject.hex()}")
    if row.organisation_id is not None:
        console.print(f"for          0x{row.organisation_id.hex()}")
    console.print(f"promised     {row.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    console.print(f"state        {row.state}, tried {row.attempts} times")
    if row.state == "waiting" and row.not_before is not None:
        console.print(f"not before   {row.not_before.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    if row.nonce is not None:
        console.print(f"nonce        {row.nonce}")
    for each in row.hashes:
        is_in_block = each == row.transaction_hash and row.block_number is not None
        place = f", in block {row.block_number}" if is_in_block else ""
        console.print(f"transaction  0x{each.hex()}{place}")
    if row.state == "mined" and row.block_number is not None:
        console.print(f"effect       {_finality(engine, row.block_number)}", soft_wrap=True)
    if row.failure is not None:
        console.print(f"reason       {escape(row.failure['detail'])}", soft_wrap=True)
        console.print(f"what to do   {escape(row.failure['remedy'])}", soft_wrap=True)


@app.command()
def retry(act_id: ActId) -> None:
    """Try an act again now: one that waits for a later time, or that failed and for which the
    reason is gone."""
    outbox, transactions = tables.outbox, tables.transactions
    engine = _database()
    row = _find(engine, act_id)
    if row.state not in ("waiting", "failed"):
        fail(f"Act {act_id} is {row.state}: only one that waits or has failed is tried again.")
    carried = select(transactions.c.transaction_id).where(transactions.c.is_open)
    with engine.begin() as connection:
        connection.execute(LOCK, {"names": retry_locks(row)})
        _require_nothing_in_its_place(connection, act_id)
        if connection.execute(erased_meanwhile(act_id)).one_or_none() is not None:
            fail(f"The record of act {act_id}'s consent is erased: it is not anchored any more.")
        changed = connection.execute(
            update(outbox)
            .where(
                outbox.c.outbox_id == act_id,
                outbox.c.state == row.state,
                outbox.c.transaction_id.is_(None) | outbox.c.transaction_id.not_in(carried),
            )
            .values(state="waiting", transaction_id=None, attempts=0, not_before=None, failure=None)
        ).rowcount
    if not changed:
        fail(
            f"Act {act_id} failed in a block that may still be taken back, or moved just now: look "
            f"again with `ptx-ledger outbox explain {act_id}`, and retry when its block is final."
        )
    console.print(f"act {act_id} waits for its turn")


def _finality(engine: Engine, block_number: int) -> str:
    """What being in a block means: it counts, and how many more blocks make it final."""
    with engine.connect() as connection:
        try:
            head = read_freshness(connection).block.block_number
        except IndexEmpty:
            return "in a block, and effective"
    left = max(0, block_number + local_settings().finality_blocks - head)
    blocks = "block" if left == 1 else "blocks"
    return f"in a block, and effective; final after {left} more {blocks}"


def _require_nothing_in_its_place(connection: Connection, act_id: int) -> None:
    standing = connection.execute(standing_in_place(act_id)).one_or_none()
    if standing is not None:
        fail(
            f"The same was promised anew as act {standing.outbox_id}, which is {standing.state}: "
            f"act {act_id} would carry it out a second time. There is nothing to do."
        )


def _database() -> Engine:
    return owner_engine(require_database_url(local_settings()))


def _find(engine: Engine, act_id: int) -> ActRow:
    with engine.connect() as connection:
        row = connection.execute(acts_statement(None, act_id + 1, 1)).one_or_none()
    if row is None or row.outbox_id != act_id:
        fail(f"There is no act {act_id}: `ptx-ledger outbox list` shows those that are there.")
    return act_of_row(row)


def _as_json(row: ActRow) -> dict[str, Any]:
    return {
        "actId": row.outbox_id,
        "organisation": None if row.organisation_id is None else "0x" + row.organisation_id.hex(),
        "kind": row.kind,
        "subject": "0x" + row.subject.hex(),
        "state": row.state,
        "attempts": row.attempts,
        "createdAt": _utc(row.created_at),
        "notBefore": _utc(row.not_before),
        "expiresAt": row.expires_at,
        "nonce": row.nonce,
        "hashes": ["0x" + each.hex() for each in row.hashes],
        "transactionHash": row.transaction_hash and "0x" + row.transaction_hash.hex(),
        "blockNumber": row.block_number,
        "failure": row.failure,
    }


def _utc(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()
