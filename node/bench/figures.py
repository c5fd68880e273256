"""Every measured figure of the project: kept in `docs/figures.json`, rendered into the tables.

By name, a figure has a value, a unit, the command that measured it, the machine and the date. Only
commands that measure write the file; the pages in `PAGES` are rendered from it.
"""

from __future__ import annotations

import json
import operator
import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from node.config import PROJECT_ROOT

FIGURES_FILE = PROJECT_ROOT / "docs" / "figures.json"
PAGES = tuple(PROJECT_ROOT / "docs" / name for name in ("performance.md", "reliability.md"))
TARGET = re.compile(r"(?P<sign>[≤≥<]) (?P<number>[0-9,.]+)")
COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "≤": operator.le,
    "≥": operator.ge,
    "<": operator.lt,
}
BEGIN, END = "<!-- figures: {section} -->", "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, or a setting under which others were measured, as text; `target` is what
    the design asks for, if it does."""

    section: str
    name: str
    value: float | str
    unit: str
    target: str
    command: str
    machine: str
    date: str

    @property
    def key(self) -> str:
        """Its name among all figures."""
        return f"{self.section}: {self.name}"

    @property
    def is_met(self) -> bool | None:
        """Whether the value is as the target asks; None if there is none."""
        found = TARGET.match(self.target)
        if found is None or isinstance(self.value, str):
            return None
        asked = float(found["number"].replace(",", ""))
        return COMPARED[found["sign"]](self.value, asked)


Renderer = Callable[[list[Figure]], str]
"""What makes a section's table from all figures."""


def measured(
    section: str, name: str, value: float | str, unit: str = "", target: str = ""
) -> Figure:
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
    """Replaces the sections that were measured, keeps the others."""
    sections = {figure.section for figure in figures}
    kept = [figure for figure in read_figures(path) if figure.section not in sections]
    values = {figure.key: asdict(figure) for figure in [*kept, *figures]}
    for value in values.values():
        del value["section"], value["name"]
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read_figures(path: Path = FIGURES_FILE) -> list[Figure]:
    """All figures, in the order in which they were first measured."""
    found: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    split = ((key.partition(": "), value) for key, value in found.items())
    return [Figure(section, name, **value) for (section, _, name), value in split]


def render_pages(renderers: Mapping[str, Renderer], pages: Iterable[Path] = PAGES) -> None:
    """Renders every page anew from the figures."""
    for page in pages:
        page.write_text(render_tables(page.read_text(), read_figures(), renderers))


def render_tables(text: str, figures: list[Figure], renderers: Mapping[str, Renderer]) -> str:
    """The page with the table between each pair of markers made anew, by its section's own renderer
    or as a plain list of figures."""
    for section in dict.fromkeys([*renderers, *(figure.section for figure in figures)]):
        begin = BEGIN.format(section=section)
        if begin in text:
            before, _, rest = text.partition(begin)
            _, _, after = rest.partition(END)
            own = renderers.get(section)
            table = own(figures) if own else _table(section, figures)
            text = f"{before}{begin}\n{table}\n{END}{after}"
    return text


def _table(section: str, figures: list[Figure]) -> str:
    rows = [figure for figure in figures if figure.section == section]
    lines = ["| what | measured | target | |", "| --- | ---: | ---: | --- |"]
    lines += [
        f"| {row.name} | {show(row.value)} {row.unit} | {row.target} | {VERDICTS[row.is_met]} |"
        for row in rows
    ]
    if not any(row.target for row in rows):
        lines = ["| what | measured |", "| --- | ---: |"]
        lines += [f"| {row.name} | {show(row.value)} {row.unit} |" for row in rows]
    last = rows[-1]
    lines += ["", f"`{last.command}`, {last.machine}, {last.date}"]
    return "\n".join(lines)


VERDICTS = {None: "", True: "met", False: "**not met**"}


def show(value: float | str) -> str:
    """A value as the pages have it."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")
