"""Entry point of `make bench`; `--only gas` measures one part, `--render` none.

python scripts/bench.py [--only leaves|gas|index|millions|acceptance|deliveries|withdrawals|api|
    restarts|restore]... [--render]
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from node.bench.run import Part, render, run_bench


def main(
    only: Annotated[list[Part] | None, typer.Option(help="A part; repeat for more.")] = None,
    just_render: Annotated[
        bool, typer.Option("--render", help="Measure nothing, render the pages.")
    ] = False,
) -> None:
    """Measures, keeps the figures in docs/figures.json and renders the pages from them."""
    console = Console(highlight=False)
    if just_render:
        render(console)
    else:
        run_bench(console, tuple(only or Part))


if __name__ == "__main__":
    typer.run(main)
