"""Every measured figure of the project: kept in `docs/figures.json`, rendered into the tables.

A figure has a name, a value, a unit, the command that measured it, the machine and the date. Only
commands that measure write the file; `docs/performance.md` is rendered from it.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from node.config import PROJECT_ROOT

FIGURES_FILE = PROJECT_ROOT / "docs" / "figures.json"
PERFORMANCE_FILE = PROJECT_ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: {section} -->", "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `target` is what the design asks for, if it does."""

    section: str
    name: str
    value: float
    unit: str
    target: str
    command: str
    machine: str
    date: str


def measured(section: str, name: str, value: float, unit: str, target: str = "") -> Figure:
    """A figure of this machine, now, measured by `make bench`."""
    return Figure(
        section=section,
        name=name,
        value=round(value, 3) if isinstance(value, float) else value,
        unit=unit,
        target=target,
        command="make bench",
        machine=describe_machine(),
        date=datetime.now(UTC).date().isoformat(),
    )


def describe_machine() -> str:
    """Processors, memory, Python."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores {platform.machine()}, {memory_gib:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def record_figures(figures: list[Figure], path: Path = FIGURES_FILE) -> None:
    """Replaces figures of the same section and name, keeps the others."""
    kept = {(entry["section"], entry["name"]): entry for entry in read_figures(path)}
    kept |= {(figure.section, figure.name): asdict(figure) for figure in figures}
    path.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")


def read_figures(path: Path = FIGURES_FILE) -> list[dict[str, Any]]:
    """All figures, in the order in which they were first measured."""
    found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return found


def render_tables(text: str, figures: list[dict[str, Any]]) -> str:
    """The page with the table between each pair of markers made anew."""
    for section in dict.fromkeys(figure["section"] for figure in figures):
        begin = BEGIN.format(section=section)
        if begin in text:
            before, _, rest = text.partition(begin)
            _, _, after = rest.partition(END)
            text = f"{before}{begin}\n{_table(section, figures)}\n{END}{after}"
    return text


def _table(section: str, figures: list[dict[str, Any]]) -> str:
    rows = [figure for figure in figures if figure["section"] == section]
    lines = ["| what | measured | target |", "| --- | ---: | ---: |"]
    lines += [
        f"| {row['name']} | {_show(row['value'])} {row['unit']} | {row['target']} |" for row in rows
    ]
    lines += ["", f"`{rows[-1]['command']}`, {rows[-1]['machine']}, {rows[-1]['date']}"]
    return "\n".join(lines)


def _show(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")
