"""`ptx-ledger agreement` changes an agreement, and asks before it ends one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from node.cli import build_app
from protocol.types import to_hex
from tests.stage import World, wait_until

Run = Callable[..., Result]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command of the provider, in this process."""
    for name, value in world.node.environment().items():
        monkeypatch.setenv(name, value)
    key = world.provider.client._http.headers["authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("PTX_API_KEY", key)

    def invoke(*arguments: object, stdin: str | None = None) -> Result:
        words = ["agreement", *map(str, arguments)]
        return CliRunner().invoke(build_app(words), words, input=stdin)

    return invoke


def test_an_agreement_is_suspended_resumed_and_ended(
    world: World, run: Run, tmp_path: Path
) -> None:
    agreement = world.conclude()
    named, reason = to_hex(agreement), tmp_path / "reason.txt"
    reason.write_text("an audit")

    def reached(status: str) -> None:
        wait_until(lambda: world.show_agreement(agreement)["status"] == status, status)

    assert run("suspend", named, "--reason", reason).stdout == f"to suspend {named} is queued\n"
    reached("suspended")
    [row] = world.node.sql(
        "SELECT reason_hash FROM ledger.agreement_suspensions WHERE agreement_id = :id",
        id=agreement,
    )
    assert row.reason_hash == hashlib.sha256(b"an audit").digest()
    assert json.loads(run("resume", named, "--json").stdout)["change"] == "resume"
    reached("active")
    asked = run("terminate", named, stdin="n\n")
    assert asked.exit_code == 1
    assert "cannot be undone" in asked.stdout
    assert world.show_agreement(agreement)["status"] == "active"
    assert run("terminate", named, "--yes").exit_code == 0
    reached("terminated")
