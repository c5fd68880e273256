"""docs/performance.md's gas: the floors are floors, and its tables are what was measured."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from node.bench.acts import ACTS, BY_NAME, EAS, HERE, OPENZEPPELIN, gas_figure, read_snapshots
from node.bench.archives import ArchiveChanged, fetch_archive
from node.bench.figures import PAGES, Figure, read_figures, record_figures, render_tables
from node.bench.floors import Log, Work, floors
from node.bench.gas_page import RENDERERS
from node.bench.openzeppelin import SOURCE
from node.compilation import compile_file


def figure(section: str, name: str, value: float) -> Figure:
    return Figure(section, name, value, "gas", "", "make bench", "a machine", "2026-11-24")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_are_rendered_from_what_was_measured(page: Path) -> None:
    text = page.read_text()
    hint = "run `python scripts/bench.py --render`"
    assert text == render_tables(text, read_figures(), RENDERERS), hint


def test_no_act_costs_less_than_its_floor_and_none_much_more() -> None:
    for name, work in floors().items():
        snapshot = BY_NAME[name].snapshot()
        assert snapshot is not None
        assert work.floor < snapshot < 2 * work.floor, name


def test_a_floor_is_the_sum_of_the_stated_counts() -> None:
    # Selector and leaf without a zero byte, an empty slot, an event of three topics, two hashes.
    assert floors()["withdraw"].floor == 21_000 + 36 * 16 + 22_100 + 4 * 375 + 2 * (30 + 2 * 6)
    work = Work(b"\0\1", contracts=1, reads=2, changes=3, fills=4, logs=(Log(2, 32),), count=2)
    whole = 21_000 + 4 + 16 + 2_600 + 2 * 2_100 + 3 * 5_000 + 4 * 22_100 + 3 * 375 + 32 * 8
    assert work.floor == whole / 2


def test_what_the_page_says_of_settlements_holds() -> None:
    single, batch = (f"settle 2 lines, {name}" for name in ("next", "50 in a batch, each"))
    assert floors()[single].floor > 0.95 * (BY_NAME[single].target or 0)
    assert floors()[batch].floor < 0.8 * (BY_NAME[batch].target or 0)


def test_every_snapshot_of_gas_is_shown() -> None:
    shown = {snapshot for act in ACTS for snapshot in act.snapshots}
    folder = PAGES[0].parent.parent / "snapshots"
    assert shown == {
        (file, name) for file, found in read_snapshots(folder).items() for name in found
    }


def test_a_missed_target_is_told() -> None:
    act = BY_NAME["settle 2 lines, next"]
    snapshot = act.snapshot()
    assert act.target is not None
    assert snapshot is not None
    table = RENDERERS["gas"]([figure(HERE, act.name, 1_234), figure(OPENZEPPELIN, act.name, 5)])
    [row] = [line for line in table.splitlines() if line.startswith(f"| {act.name} |")]
    told = "% over" if snapshot > act.target else "% under"
    assert told in row
    assert row.endswith("| 1,234 | — | 5 | — |")
    assert "not measured" in table


def test_only_acts_and_peers_that_are_declared_are_measured() -> None:
    with pytest.raises(KeyError):
        gas_figure(HERE, "an unknown act", 1)
    with pytest.raises(AssertionError):
        gas_figure(EAS, "claim", 1)


def test_measuring_a_part_replaces_it_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    record_figures([figure("gas", "old", 1), figure("api", "kept", 2)], path)
    record_figures([figure("gas", "new", 3)], path)
    assert [each.key for each in read_figures(path)] == ["api: kept", "gas: new"]


@pytest.mark.deep
def test_the_peers_compile_with_the_ledgers_settings() -> None:
    compiled = compile_file(SOURCE)
    assert {"PeerLog", "PeerMarks", "PeerToken", "PeerVault"} < compiled.keys()
    assert all(each.creation for each in compiled.values())


def test_an_archive_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    published = tmp_path / "published.tgz"
    published.write_bytes(b"what its makers published")
    pinned = base64.b64encode(hashlib.sha512(published.read_bytes()).digest()).decode()
    copy = ["cp", str(published)]
    (tmp_path / "first").mkdir()
    fetched = fetch_archive(copy, tmp_path / "first", pinned)
    assert fetched.read_bytes() == published.read_bytes()
    published.write_bytes(b"something else")
    (tmp_path / "second").mkdir()
    with pytest.raises(ArchiveChanged, match=r"published\.tgz has the SHA-512"):
        fetch_archive(copy, tmp_path / "second", pinned)


@pytest.mark.parametrize(
    ("value", "target", "is_met"),
    [
        (107_595.8, "≥ 100,000", True),
        (5.206, "≤ 5", False),
        (5, "≤ 5", True),
        (180.0, "< 180", False),
        (9.5, "≤ 10 s", True),
        (10.4, "≥ 20", False),
        (1.0, "", None),
        ("on", "", None),
    ],
)
def test_a_target_is_met_or_not(value: float | str, target: str, is_met: bool | None) -> None:
    found = replace(figure("index", "speed", 1), value=value, target=target)
    assert found.is_met is is_met
    table = render_tables("<!-- figures: index -->\n<!-- end -->", [found], {})
    verdict = {None: "", True: "met", False: "**not met**"}[is_met]
    assert (f"| {verdict} |" in table) == (is_met is not None)


def test_every_target_can_be_judged() -> None:
    """A target in words that nobody compares would stand there as if it were met."""
    assert all(each.is_met is not None for each in read_figures() if each.target)
