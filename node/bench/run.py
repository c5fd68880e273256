"""`make bench`: measures on a chain and a node of its own, prints the figures, and keeps them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from node.bench.acceptance import measure_acceptance
from node.bench.api import measure_api
from node.bench.attestations import measure_eas
from node.bench.between_nodes import measure_deliveries, measure_withdrawals
from node.bench.figures import PAGES, Figure, record_figures, render_pages, show
from node.bench.follower_runs import open_server
from node.bench.gas import measure_gas, measure_padding
from node.bench.gas_page import RENDERERS
from node.bench.indexing import measure_indexing
from node.bench.lag import measure_lag
from node.bench.leaves import measure_leaves
from node.bench.ledger import open_ledger
from node.bench.millions import measure_millions
from node.bench.openzeppelin import measure_openzeppelin
from node.bench.raiden import measure_raiden
from node.bench.restarts import measure_restarts
from node.bench.restoring import measure_restore
from node.bench.two_nodes import open_two_nodes
from node.cli.demo import EXAMPLES, complete
from node.config import Settings
from node.demo.acts.agreement import conclude_agreement
from node.demo.acts.consents import anchor_consents
from node.demo.acts.participants import register_participants
from node.demo.acts.usage import settle_use
from node.demo.cast import open_stage
from node.demo.documents import DemoDocuments, read_documents
from node.demo.narration import Narrator
from node.demo.play import open_story
from node.demo.story import Story
from node.embedded.processes import Running
from node.embedded.supervisor import Supervisor
from node.intake.completion import read_completion

ACTS_BEFORE = (register_participants, conclude_agreement, anchor_consents)


class Part(StrEnum):
    """What can be measured by itself."""

    LEAVES = "leaves"
    GAS = "gas"
    INDEX = "index"
    MILLIONS = "millions"
    ACCEPTANCE = "acceptance"
    DELIVERIES = "deliveries"
    WITHDRAWALS = "withdrawals"
    API = "api"
    RESTARTS = "restarts"
    RESTORE = "restore"


def run_bench(console: Console, parts: Collection[Part] = tuple(Part)) -> None:
    """Figures of this machine; the tables of the documentation are rendered from them."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ptx-bench-") as folder:
        for figure in _measure(Path(folder), parts):
            console.print(
                f"{figure.section:<12} {figure.name:<52} {show(figure.value):>14} {figure.unit:<10}"
                f" {figure.target}",
                soft_wrap=True,
            )
            figures.append(figure)
    record_figures(figures)
    render(console)


def render(console: Console) -> None:
    """The pages' tables made anew from what is kept, without measuring."""
    render_pages(RENDERERS)
    pages = " and ".join(page.name for page in PAGES)
    console.print(f"rendered docs/figures.json and snapshots/ into {pages}")


def _measure(folder: Path, parts: Collection[Part]) -> Iterator[Figure]:
    documents = read_documents(EXAMPLES / "prometheus-x")
    if Part.LEAVES in parts:
        yield from measure_leaves(documents)
    if Part.GAS in parts:
        yield from _measure_gas(folder / "ledger")
    if Part.INDEX in parts or Part.MILLIONS in parts:
        with open_server(folder / "server") as server:
            if Part.INDEX in parts:
                yield from measure_indexing(folder / "index", server)
                yield from measure_lag(folder / "lag", server)
            if Part.MILLIONS in parts:
                yield from measure_millions(folder / "millions", server)
    settings = Settings(state_dir=folder / "node", port=0, chain_port=0)
    if Part.ACCEPTANCE in parts:
        own = settings.model_copy(update={"state_dir": folder / "acceptance"})
        with Supervisor(own, lambda line: None).started() as running:
            story = _tell(complete(own, running), running.api_url, documents)
            yield from measure_acceptance(story, running.database_url)
    for part, measure in (
        (Part.DELIVERIES, measure_deliveries),
        (Part.WITHDRAWALS, measure_withdrawals),
    ):
        if part in parts:
            tell = partial(_tell_on, documents)
            with open_two_nodes(folder / part.value, tell) as nodes:
                yield from measure(nodes)
    if Part.API in parts:
        with Supervisor(settings, lambda line: None).started() as running:
            yield from measure_api(_tell(complete(settings, running), running.api_url, documents))
    if Part.RESTARTS in parts:
        if Part.API not in parts:  # a first start is not a later one
            with Supervisor(settings, lambda line: None).started():
                pass
        yield from measure_restarts(settings)
    if Part.RESTORE in parts:
        yield from measure_restore(folder / "restore")


def _measure_gas(folder: Path) -> Iterator[Figure]:
    """The ledger and its peers, on one chain."""
    with open_ledger(folder) as ledger:
        yield from measure_gas(ledger)
        yield from measure_padding(ledger)
        yield from measure_openzeppelin(ledger.web3)
        yield from measure_eas(ledger.web3)
        yield from measure_raiden(ledger.web3)


def tell_with_use(documents: DemoDocuments, settings: Settings, running: Running) -> Story:
    """A story up to its first settlement, on a running node."""
    acts = (*ACTS_BEFORE, settle_use)
    return _tell(complete(settings, running), running.api_url, documents, acts)


def _tell_on(documents: DemoDocuments, settings: Settings, running: Running) -> Story:
    return _tell(complete(settings, running), running.api_url, documents)


def _tell(
    settings: Settings,
    api_url: str,
    documents: DemoDocuments,
    acts: Sequence[Callable[[Story], None]] = ACTS_BEFORE,
) -> Story:
    """A story up to its consents, on a running node."""
    stage = open_stage(settings, api_url)
    narrator = Narrator(Console(), stage.web3, lambda statement: None, quiet=True)
    story = open_story(stage, documents, read_completion(EXAMPLES / "terms.json"), narrator)
    with narrator.step("prepare"), Progress(transient=True) as progress:
        task = progress.add_task("preparing", total=len(acts))
        for act in acts:
            act(story)
            progress.advance(task)
    return story
