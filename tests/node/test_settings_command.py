"""`ptx-ledger settings`, and what the command line says of a setting that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from node.cli import build_app
from node.config import PROJECT_ROOT, Settings


def test_each_setting_has_a_meaning() -> None:
    words = ["settings", "--json"]
    rows = json.loads(CliRunner().invoke(build_app(words), words).stdout)
    assert {row["variable"] for row in rows} > {"PTX_PORT", "DATABASE_URL", "BLOCK_PERIOD_SECONDS"}
    assert len(rows) == len(Settings.model_fields)
    assert [row["variable"] for row in rows if not row["meaning"]] == []


def test_a_variable_that_nothing_reads_is_named() -> None:
    told = CliRunner().invoke(build_app(["settings"]), ["settings"], env={"PTX_PROT": "8000"})
    assert "PTX_PROT is set, and nothing reads it." in told.stdout
    assert "PTX_API_KEY" not in told.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"PTX_PORT": "many"}, "PTX_PORT is 'many'"),
        ({"PTX_FINALITY_BLOCKS": "-5"}, "PTX_FINALITY_BLOCKS is '-5'"),
        ({"PTX_POLL_SECONDS": "0"}, "PTX_POLL_SECONDS is '0'"),
        ({"PTX_PASSKEY_DOMAIN": "b.example", "PTX_PUBLIC_URL": "https://a.example"}, "no part"),
    ],
)
def test_a_wrong_setting_is_a_sentence_that_names_it(wrong: dict[str, str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", "run"],
        cwd=PROJECT_ROOT,
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "ptx-ledger settings" in done.stderr
    assert "Traceback" not in done.stderr
