"""`make bench`: measures all on a node of its own, prints the figures, and keeps them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from node.bench.api import measure_api
from node.bench.figures import PAGES, Figure, record_figures, render_pages
from node.bench.gas import measure_gas
from node.bench.leaves import measure_leaves
from node.bench.peers import measure_peers
from node.bench.restarts import measure_restarts
from node.cli.demo import EXAMPLES, complete
from node.config import Settings
from node.demo.acts.agreement import conclude_agreement
from node.demo.acts.consents import anchor_consents
from node.demo.acts.participants import register_participants
from node.demo.cast import open_stage
from node.demo.documents import read_documents
from node.demo.narration import Narrator
from node.demo.play import open_story
from node.embedded.supervisor import Supervisor
from node.intake.completion import read_completion

ACTS_BEFORE = (register_participants, conclude_agreement, anchor_consents)


def run_bench(console: Console) -> None:
    """All figures of this machine; the tables of the documentation are rendered from them."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ptx-bench-") as folder:
        settings = Settings(state_dir=Path(folder), port=0, chain_port=0)
        for figure in _measure_all(settings):
            console.print(
                f"{figure.section:<12} {figure.name:<52} {figure.value:>14,} {figure.unit:<10}"
                f" {figure.target}",
                soft_wrap=True,
            )
            figures.append(figure)
    record_figures(figures)
    render_pages()
    pages = " and ".join(page.name for page in PAGES)
    console.print(f"kept in docs/figures.json, rendered into {pages}")


def _measure_all(settings: Settings) -> Iterator[Figure]:
    with Supervisor(settings, lambda line: None).started() as running:
        yield from _measure(complete(settings, running), running.api_url)
    yield from measure_restarts(settings)


def _measure(settings: Settings, api_url: str) -> Iterator[Figure]:
    documents = read_documents(EXAMPLES / "prometheus-x")
    yield from measure_leaves(documents)
    stage = open_stage(settings, api_url)
    narrator = Narrator(Console(), stage.web3, lambda statement: None, quiet=True)
    story = open_story(stage, documents, read_completion(EXAMPLES / "terms.json"), narrator)
    with narrator.step("prepare"), Progress(transient=True) as progress:
        task = progress.add_task("preparing", total=len(ACTS_BEFORE))
        for act in ACTS_BEFORE:
            act(story)
            progress.advance(task)
    yield from measure_gas(story)
    yield from measure_peers(story)
    yield from measure_api(story)
