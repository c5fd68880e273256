"""`ptx-ledger index`: how far the index is, making it anew from the chain, and verifying it."""

from __future__ import annotations

import contextlib
import secrets
import signal
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape
from rich.progress import Progress

from indexer.chain import ChainError
from indexer.cursor import Halted, Proven, read_halt, read_proven
from indexer.queries.freshness import Freshness, IndexEmpty, read_freshness
from indexer.reading import ChainMoved
from indexer.reread import BlockReplaced
from indexer.runner import TRANSIENT
from indexer.scratch import MayNotCreateDatabases
from indexer.verification import IndexNotComparable, Verification, verify
from indexer.verification import Progress as VerificationProgress
from indexer.verify import digest_of_ledger, rebuild
from node.bootstrap import load_node, make_source, require_database_url
from node.cli.local import local_settings
from node.cli.output import AsJson, console, fail, print_json
from node.db import owner_engine
from node.logs import logs_on_stderr

SEED_BITS = 64
FAULTS_SHOWN = 20
AUDITED = "of the chain read again: as the contracts have them"
NOT_AUDITED = (
    "of the chain read again: not compared with the contracts, whose state at this block the node "
    "has forgotten"
)

app = typer.Typer(help="The index of the chain.", no_args_is_help=True)


@app.command()
def status(
    with_digest: Annotated[
        bool,
        typer.Option("--digest", help="Hash every table, too: a minute or more at millions."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Which block the index has reached, how old its view is, and up to which block all of it is
    proven by headers and receipts. The status is 1 while it is too old for the API to answer, or
    the indexer stands still."""
    from node.api.context import judge_fresh

    settings = local_settings()
    engine = owner_engine(require_database_url(settings))
    with engine.connect() as connection:
        halt = read_halt(connection)
        try:
            freshness = read_freshness(connection)
        except IndexEmpty as error:
            fail(str(error) if halt is None else f"The indexer stands still: {halt}")
        proven = read_proven(connection)
        digest = digest_of_ledger(connection) if with_digest else None
    block = freshness.block
    is_stale = judge_fresh(settings, freshness) is None
    if as_json:
        print_json(
            {
                "blockNumber": block.block_number,
                "blockHash": "0x" + block.block_hash.hex(),
                "ageSeconds": round(freshness.age_seconds, 3),
                "provenBlock": None if proven is None else proven.block_number,
                "stale": is_stale,
                "halt": halt,
            }
            | ({} if digest is None else {"digest": digest})
        )
    else:
        _print_status(freshness, proven, digest)
        if is_stale and halt is None:
            _print_stale(freshness, settings.max_staleness_seconds)
    if is_stale:
        raise typer.Exit(1)


def _print_status(freshness: Freshness, proven: Proven | None, digest: str | None) -> None:
    block = freshness.block
    console.print(f"block   {block.block_number}  0x{block.block_hash.hex()}")
    console.print(f"age     {freshness.age_seconds:.3f} s")
    reached = "no block yet" if proven is None else f"up to block {proven.block_number}"
    console.print(f"proven  {reached} of {block.block_number}")
    if digest is not None:
        console.print(f"digest  {digest}")
    if freshness.halt is not None:
        console.print(f"[red]stands still[/red]  {escape(freshness.halt)}", soft_wrap=True)


def _print_stale(freshness: Freshness, limit_seconds: float) -> None:
    console.print(
        "[red]stale[/red]   The API answers 503 `index-stale`: this block was last seen as the"
        f" head {freshness.age_seconds:.0f} s ago, and {limit_seconds:g} s is the limit. See that"
        " the indexer runs (`ptx-ledger run`, or `ptx-ledger serve indexer`), what its log says,"
        " and that CHAIN_URL answers.",
        soft_wrap=True,
    )


@app.command(name="rebuild")
def rebuild_index(as_json: AsJson = False) -> None:
    """Empty the index and read the chain again; the digest must be the same, unless the indexer
    stood still because the index was wrong."""
    settings = local_settings()
    node = load_node(settings)
    engine = owner_engine(require_database_url(settings))
    source = make_source(node)
    with logs_on_stderr(), Progress(disable=as_json, transient=True) as progress:
        total = source.chain.head().block_number - source.first_block + 1
        task = progress.add_task("reading the chain", total=max(total, 1))
        with engine.connect() as connection:
            halt = read_halt(connection)
        try:
            before, after = rebuild(engine, source, lambda blocks: progress.advance(task, blocks))
        except (*TRANSIENT, Halted) as error:
            fail(f"The index was emptied, but not read to the end: {error}")
    if as_json:
        print_json({"before": before, "after": after, "same": before == after, "halt": halt})
    else:
        console.print(f"before  {before}")
        console.print(f"after   {after}")
        said = "the same" if before == after else "[red]DIFFERENT[/red]"
        if before != after and halt is not None:
            said = "The index was wrong and is put right; the indexer goes on."
        console.print(said)
    if before != after and halt is None:
        raise typer.Exit(1)


@app.command(name="verify")
def verify_index(
    every: Annotated[
        bool, typer.Option("--all", help="Check the receipts of every block, not of a sample.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw the sample that was drawn by this number.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Believe nothing: read the chain again into a database beside, which is dropped at the end,
    and compare it with the index; recompute the receipts roots of a random sample of blocks, and
    compare their logs. What differs is printed, and the status is 1. The index stays as it is, and
    its indexer goes on."""
    from node.migrate import migrate

    if every and seed is not None:
        fail("--seed draws a sample and --all takes every block: leave one of the two out.")
    settings = local_settings()
    engine = owner_engine(require_database_url(settings))
    source = make_source(load_node(settings))
    if seed is None and not every:
        seed = secrets.randbits(SEED_BITS)
    bars = Progress(disable=as_json, transient=True)
    with logs_on_stderr(), _ended_like_ctrl_c(), bars as progress:
        try:
            found = verify(engine, source, migrate, seed, _bars(progress))
        except (ChainError, ChainMoved) as error:
            fail(f"The index was not verified: {error}. Ask again when the node answers.")
        except (BlockReplaced, IndexNotComparable, MayNotCreateDatabases) as error:
            fail(str(error))
        finally:
            engine.dispose()
    if as_json:
        print_json(_as_json(found))
    else:
        _print(found)
    if not found.agrees:
        raise typer.Exit(1)


def _bars(progress: Progress) -> VerificationProgress:
    reading = progress.add_task("reading the chain", total=None)
    checking = progress.add_task("checking receipts", total=None)
    return VerificationProgress(
        on_begin=lambda blocks: progress.update(reading, total=max(blocks, 1)),
        on_read=lambda blocks: progress.advance(reading, blocks),
        on_sample=lambda blocks: progress.update(checking, total=max(blocks, 1)),
        on_check=lambda blocks: progress.advance(checking, blocks),
    )


@contextlib.contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Lets SIGTERM end the block as Ctrl-C does, so that the database beside is dropped."""

    def interrupt(*_arguments: Any) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_json(found: Verification) -> dict[str, Any]:
    return {
        "same": found.agrees,
        "blockNumber": found.at.block_number,
        "blockHash": "0x" + found.at.block_hash.hex(),
        "contradiction": found.reread.contradiction,
        "booksAudited": found.reread.is_audited,
        "tablesCompared": found.tables_compared,
        "tablesDifferent": [
            {
                "table": each.table,
                "firstBlock": each.first_block,
                "index": each.index_row,
                "chain": each.chain_row,
            }
            for each in found.tables_different
        ],
        "blocksChecked": found.blocks_checked,
        "seed": None if found.seed is None else str(found.seed),
        "faultCount": found.faults_count,
        "faults": [
            {"blockNumber": fault.block_number, "problem": fault.problem} for fault in found.faults
        ],
    }


def _print(found: Verification) -> None:
    console.print(f"block    {found.at.block_number}  0x{found.at.block_hash.hex()}")
    if found.reread.contradiction is not None:
        console.print("tables   [red]not compared[/red]: read again, the chain does not fit:")
        console.print(f"  {escape(found.reread.contradiction)}", soft_wrap=True)
    else:
        same = found.tables_compared - len(found.tables_different)
        console.print(f"tables   {same} of {found.tables_compared} equal to the chain read again")
        console.print(f"books    {AUDITED if found.reread.is_audited else NOT_AUDITED}")
    drawn = "every block" if found.seed is None else f"drawn by --seed {found.seed}"
    console.print(
        f"blocks   {found.blocks_checked} checked with their receipts ({drawn}), "
        + ("all equal" if not found.faults_count else f"[red]{_faults(found)}[/red]")
    )
    for each in found.tables_different:
        console.print(f"[red]{each.table}[/red] differs from block {each.first_block} on; there")
        console.print(f"  the index has  {_show_row(each.index_row)}", soft_wrap=True)
        console.print(f"  the chain has  {_show_row(each.chain_row)}", soft_wrap=True)
    for fault in found.faults[:FAULTS_SHOWN]:
        console.print(f"  {escape(str(fault))}", soft_wrap=True)
    if found.faults_count > FAULTS_SHOWN:
        console.print(f"  and {found.faults_count - FAULTS_SHOWN} more; --json has them")
    console.print("the same" if found.agrees else "[red]DIFFERENT[/red]")


def _faults(found: Verification) -> str:
    return f"{found.faults_count} {'fault' if found.faults_count == 1 else 'faults'}"


def _show_row(row: str | None) -> str:
    return "nothing" if row is None else escape(row.replace("\t", "  "))
