"""What the addresses of a database and a chain hold beside the host is read by nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from indexer.chain import Chain
from indexer.rpc import ChainUnreachable, name_of
from node.embedded.postgres import start_postgres
from node.embedded.processes import Running

PASSWORD = "S3cret-of-the-owner"
DATABASE = f"postgresql+psycopg://owner:{PASSWORD}@db.example/ledger"
NOWHERE = "127.0.0.1:9"


@pytest.mark.parametrize(
    "url",
    [
        f"http://rpc:{PASSWORD}@{NOWHERE}",
        f"http://{NOWHERE}/v3/{PASSWORD}",
        f"http://{NOWHERE}/?key={PASSWORD}",
        f"http://rpc:a@{PASSWORD}@{NOWHERE}/#{PASSWORD}",
    ],
)
def test_an_endpoint_that_does_not_answer_is_named_without_its_secrets(url: str) -> None:
    assert name_of(url) == f"http://{NOWHERE}"
    with pytest.raises(ChainUnreachable) as told:
        Chain(url).chain_id()
    assert f"http://{NOWHERE} did not answer" in str(told.value)
    assert PASSWORD not in str(told.value)


def test_what_runs_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "running.json"
    before = os.umask(0o022)
    try:
        Running("http://a", f"http://{NOWHERE}", DATABASE, "http://b").save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = Running.load(path)
    assert loaded is not None
    assert loaded.database_url == DATABASE


def test_a_socket_in_a_folder_that_somebody_else_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a temporary directory anybody may have been there first."""
    elsewhere = tmp_path / "others"
    elsewhere.mkdir()
    (tmp_path / "sockets").symlink_to(elsewhere)
    monkeypatch.setattr(
        "node.embedded.postgres.socket_directory", lambda state_dir: tmp_path / "sockets"
    )
    with pytest.raises(RuntimeError, match="is not this node's"):
        start_postgres(tmp_path / "state", tmp_path / "log")
