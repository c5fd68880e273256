"""The tables of gas in docs/performance.md, rendered from figures, snapshots and floors."""

from __future__ import annotations

import json

from node.bench import attestations, raiden
from node.bench.acts import ACTS, BY_NAME, EAS, HERE, OPENZEPPELIN, RAIDEN, Act, Peer
from node.bench.figures import Figure, Renderer
from node.bench.floors import Work, floors
from node.config import PROJECT_ROOT

NOTHING = "—"
PEER_NAMES = {EAS: "EAS", OPENZEPPELIN: "OpenZeppelin", RAIDEN: "Raiden"}


def render_acts(figures: list[Figure]) -> str:
    """Every act: target, snapshot, and one run of the ledger and its peers."""
    found = {(figure.section, figure.name): figure for figure in figures}
    peers = " | ".join(f"{name} {_version(section)}" for section, name in PEER_NAMES.items())
    lines = [
        f"| act | target | snapshot | against the target | one run: here | {peers} |",
        "| --- | ---: | ---: | ---: | ---:" + " | ---:" * len(PEER_NAMES) + " |",
    ]
    for act in ACTS:
        here = found.get((HERE, act.name))
        cells = (
            act.name,
            _number(act.target),
            _number(act.snapshot()),
            _comparison(act),
            _number(here.value if here else None),
            *(_peer_cell(act, section, found) for section in PEER_NAMES),
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", _summary()]
    if run := [figure for figure in figures if figure.section == HERE]:
        lines += ["", f"`{run[-1].command}`, {run[-1].machine}, {run[-1].date}"]
    return "\n".join(lines)


def render_lacks(_: list[Figure]) -> str:
    """What each peer's call leaves out of the act beside it."""
    beside: dict[tuple[str, Peer], list[str]] = {}
    for section, name in PEER_NAMES.items():
        for act in ACTS:
            if peer := act.peer(section):
                beside.setdefault((name, peer), []).append(act.name)
    return "\n".join(
        f"* {name} `{peer.call}` ({'; '.join(acts)}): {peer.lacks}."
        for (name, peer), acts in beside.items()
    )


def render_floors(_: list[Figure]) -> str:
    """The arithmetic of the main acts' floors, beside the snapshots."""
    lines = [
        "| act | the least it can cost | floor | snapshot | snapshot / floor |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, work in floors().items():
        snapshot = BY_NAME[name].snapshot()
        assert snapshot is not None, name
        cells = (
            name,
            _sum(work),
            f"{work.floor:,.0f}",
            f"{snapshot:,}",
            f"{snapshot / work.floor:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


RENDERERS: dict[str, Renderer] = {
    "gas": render_acts,
    "peers": render_lacks,
    "floors": render_floors,
}
"""The tables by the section that their marker names."""


def _comparison(act: Act) -> str:
    snapshot = act.snapshot()
    if act.target is None or snapshot is None:
        return ""
    percent = 100 * (snapshot - act.target) / act.target
    return f"**{percent:.2f} % over**" if percent > 0 else f"{-percent:.2f} % under"


def _summary() -> str:
    """How many targets are met, and which are not."""
    pairs = [(act, act.target, act.snapshot()) for act in ACTS]
    aimed = [(act, target, got) for act, target, got in pairs if target and got]
    missed = [act.name for act, target, got in aimed if got > target]
    text = f"{len(aimed) - len(missed)} of {len(aimed)} targets are met."
    return f"{text} Missed: {'; '.join(missed)}." if missed else text


def _peer_cell(act: Act, section: str, found: dict[tuple[str, str], Figure]) -> str:
    if act.peer(section) is None:
        return NOTHING
    figure = found.get((section, act.name))
    return _number(figure.value) if figure else "not measured"


def _sum(work: Work) -> str:
    each = f" / {work.count}" if work.count > 1 else ""
    parts = [f"{gas / work.count:,.0f} {name}" for name, gas in work.parts() if gas]
    total = sum(gas for _, gas in work.parts())
    return " + ".join(parts) + (f" = {total:,}{each}" if each else "")


def _number(value: float | str | None) -> str:
    return "" if value is None else f"{float(value):,.0f}"


def _version(section: str) -> str:
    if section == EAS:
        return attestations.PACKAGE.rpartition("@")[2]
    if section == RAIDEN:
        return raiden.PACKAGE.rpartition("=")[2]
    pinned: dict[str, str] = json.loads((PROJECT_ROOT / "package.json").read_text())[
        "devDependencies"
    ]
    return pinned["@openzeppelin/contracts"]
