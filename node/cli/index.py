"""`ptx-ledger index`: how far the index is, and making it anew from the chain."""

from __future__ import annotations

import typer
from rich.progress import Progress

from indexer.queries.freshness import IndexEmpty, read_freshness
from indexer.verify import digest_of_ledger, rebuild
from node.bootstrap import load_node, make_source, require_database_url
from node.cli.local import local_settings
from node.cli.output import AsJson, console, fail, print_json
from node.db import owner_engine

app = typer.Typer(help="The index of the chain.", no_args_is_help=True)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Which block the index has reached, how old its view is, and its digest."""
    engine = owner_engine(require_database_url(local_settings()))
    with engine.connect() as connection:
        try:
            freshness = read_freshness(connection)
        except IndexEmpty as error:
            fail(str(error))
        digest = digest_of_ledger(connection)
    block = freshness.block
    if as_json:
        print_json(
            {
                "blockNumber": block.block_number,
                "blockHash": "0x" + block.block_hash.hex(),
                "ageSeconds": round(freshness.age_seconds, 3),
                "digest": digest,
            }
        )
        return
    console.print(f"block   {block.block_number}  0x{block.block_hash.hex()}")
    console.print(f"age     {freshness.age_seconds:.3f} s")
    console.print(f"digest  {digest}")


@app.command(name="rebuild")
def rebuild_index(as_json: AsJson = False) -> None:
    """Empty the index and read the chain again; the digest must be the same."""
    settings = local_settings()
    node = load_node(settings)
    engine = owner_engine(require_database_url(settings))
    source = make_source(node)
    with Progress(disable=as_json, transient=True) as progress:
        total = source.chain.head().block_number - source.first_block + 1
        task = progress.add_task("reading the chain", total=max(total, 1))
        before, after = rebuild(engine, source, lambda blocks: progress.advance(task, blocks))
    if as_json:
        print_json({"before": before, "after": after, "same": before == after})
    else:
        console.print(f"before  {before}")
        console.print(f"after   {after}")
        console.print("the same" if before == after else "[red]DIFFERENT[/red]")
    if before != after:
        raise typer.Exit(1)
