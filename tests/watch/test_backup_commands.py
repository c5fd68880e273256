"""`ptx-ledger backup` on a running node; `ptx-ledger restore` leaves a running one alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from node.backup.manifest import read_manifest
from node.backup.sealed_keys import open_keys
from node.config import PROJECT_ROOT
from tests.stage import World

PASSPHRASE = "correct horse battery staple"


def call(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "node.cli", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **world.node.environment()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_running_node_is_saved_with_its_keys_elsewhere(
    world: World, secret: bytes, tmp_path: Path
) -> None:
    world.grant_active(secret)
    folder, keys, passphrase = tmp_path / "backup", tmp_path / "keys", tmp_path / "passphrase"
    passphrase.write_text(f"{PASSPHRASE}\n")
    sealed = ("--keys", str(keys), "--passphrase-file", str(passphrase))
    inside = call(world, "backup", str(folder), "--keys", str(folder / "keys"))
    assert inside.returncode == 1
    assert "keep the keys elsewhere" in inside.stderr
    done = call(world, "backup", str(folder), *sealed)
    assert done.returncode == 0, done.stderr
    manifest = read_manifest(folder)
    assert f"{manifest.rows['consents']} records" in done.stdout
    assert manifest.rows["consents"] >= 1
    opened = open_keys(keys, PASSPHRASE)
    assert {"master-key", "passphrase", "operator.json", "api-key"} <= opened.keys()
    api_key = world.node.settings.api_key_file.read_text().strip()
    for path in (*folder.iterdir(), keys):
        assert api_key.encode() not in path.read_bytes()
    told = world.node.metrics()
    assert re.search(r"^ptx_backup_made_at_seconds [1-9]", told, re.M)
    again = call(world, "backup", str(folder))
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    restored = call(world, "restore", str(folder), *sealed)
    assert restored.returncode == 1
    assert "A node already runs" in " ".join(restored.stderr.split())
