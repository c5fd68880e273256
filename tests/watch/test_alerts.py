"""Every alert watches what the node tells, and the runbook says what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

import typer
import yaml
from prometheus_client import REGISTRY

import node.api.metrics
import node.process_metrics as told
from node.cli import build_app
from node.config import PROJECT_ROOT, Settings

ALERTS = PROJECT_ROOT / "deploy" / "prometheus" / "alerts.yml"
RUNBOOK = PROJECT_ROOT / "docs" / "runbook.md"
OF_PROMETHEUS = {"up"}
FUNCTIONS = {"sum", "increase", "rate", "delta", "histogram_quantile", "by", "time"}
WORDS = re.compile(r"\b[a-z_][a-z0-9_]*\b")


def alerts() -> dict[str, str]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def metrics() -> set[str]:
    """Names of all samples that the processes of a node may show."""
    assert node.api.metrics.REQUESTS
    names = set()
    for registry in (REGISTRY, told.SENDER, told.INDEXER, told.WEBHOOKS, told.BACKUP):
        for family in registry.collect():
            total = "_total" if family.type == "counter" else ""
            names.add(family.name + total)
            if family.type == "histogram":
                names.add(f"{family.name}_bucket")
    return names


def watched(expression: str) -> set[str]:
    bare = re.sub(r'\{[^}]*\}|"[^"]*"|\[[^\]]*\]|by \([^)]*\)', "", expression)
    return set(WORDS.findall(bare)) - FUNCTIONS


def entries(page: Path) -> dict[str, str]:
    alarms, _, _ = page.read_text().partition("\n# Backup and restore")
    parts = re.split(r"^## (\w+)$", alarms, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_alert_watches_a_metric_that_the_node_tells() -> None:
    known = metrics() | OF_PROMETHEUS
    assert len(alerts()) > 15
    for name, expression in alerts().items():
        assert watched(expression), name
        assert watched(expression) <= known, name
    assert watched("sum(rate(ptx_nothing_total[5m])) > 0") == {"ptx_nothing_total"}


def test_every_alert_has_its_entry_and_every_entry_its_alert() -> None:
    found = entries(RUNBOOK)
    assert list(found) == list(alerts())
    for name, entry in found.items():
        for question in ("**Means:**", "**See:**", "**Do:**", "**Over:**"):
            assert entry.count(question) == 1, (name, question)


def test_every_command_of_the_runbook_exists() -> None:
    text = " ".join(RUNBOOK.read_text().split())
    named = {
        tuple(found.split()) for found in re.findall(r"`ptx-ledger ([a-z]+(?: [a-z]+)?)", text)
    }
    assert ("outbox", "explain") in named
    for words in named:
        command = typer.main.get_command(build_app(words[:1]))
        for word in words:
            children = getattr(command, "commands", None)
            if children is None:
                break  # an argument, as in `serve api`
            assert word in children, words
            command = children[word]


def test_every_option_and_setting_of_the_runbook_exists() -> None:
    text = RUNBOOK.read_text()
    settings = {f"PTX_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"PTX_[A-Z_]+", text)) <= settings
    sources = "".join(path.read_text() for path in (PROJECT_ROOT / "node/cli").glob("*.py"))
    for option in set(re.findall(r"`[^`]*?--([a-z-]+)", text)):
        parameter = option.replace("-", "_")
        assert f'"--{option}"' in sources or re.search(rf"^    {parameter}: ", sources, re.M), (
            option
        )


def test_every_metric_that_the_runbook_names_exists() -> None:
    named = set(re.findall(r"ptx_[a-z_]+", RUNBOOK.read_text()))
    assert len(named) > 10
    assert {name for name in named if name not in metrics()} == set()
