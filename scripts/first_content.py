"""How soon a page shows something; `python scripts/first_content.py [URL]`.

Without an address it starts a node of its own, with its own database and chain. Keeps nothing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.bench.figures import show
from node.bench.first_content import measure_first_content
from node.config import Settings
from node.embedded.supervisor import Supervisor


def main(
    url: Annotated[str | None, typer.Argument(help="The address of a node that runs.")] = None,
) -> None:
    """Prints the median of several first visits to each page."""
    console = Console(highlight=False)
    if url is not None:
        print_figures(console, url.rstrip("/"))
        return
    with tempfile.TemporaryDirectory(prefix="ptx-pages-") as folder:
        settings = Settings(state_dir=Path(folder), port=0, chain_port=0)
        with Supervisor(settings, lambda line: None).started() as running:
            print_figures(console, running.api_url)


def print_figures(console: Console, url: str) -> None:
    """One line a page."""
    for figure in measure_first_content(url):
        console.print(f"{figure.name:<44} {show(figure.value):>8} {figure.unit}  {figure.target}")


if __name__ == "__main__":
    typer.run(main)
