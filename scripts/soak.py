"""A node under load for as long as you like, in parts, while its processes are killed.

python scripts/soak.py FOLDER [--minutes 30] [--kills 5]

Started again with the same folder it goes on where the last part ended. An hour with each of node,
database and chain killed three times: twice `--minutes 30 --kills 5`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.bench.run import tell_with_use
from node.bench.soak import run_part
from node.cli.demo import EXAMPLES
from node.demo.documents import read_documents


def main(
    folder: Annotated[Path, typer.Argument(help="Where the node and its promises are kept.")],
    minutes: Annotated[float, typer.Option(help="How long this part lasts.")] = 30.0,
    kills: Annotated[
        int, typer.Option(help="kill -9 so often: node, database, chain, in turn.")
    ] = 5,
) -> None:
    """Runs one part and compares everything promised so far with what is there."""
    console = Console(highlight=False)
    documents = read_documents(EXAMPLES / "prometheus-x")
    run_part(folder, minutes, kills, partial(tell_with_use, documents), console.print)


if __name__ == "__main__":
    typer.run(main)
