"""`ptx-ledger` on one node's state, as an operator calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from node.config import PROJECT_ROOT
from tests.stage import Node


def run(node: Node, *arguments: str, as_json: bool = True) -> Any:
    """What the command prints, read as JSON; it must succeed."""
    settings = node.settings.as_environment()
    names = ("PTX_STATE_DIR", "PTX_OPERATOR_DID", "PTX_PUBLIC_URL")
    state = {name: settings[name] for name in names if name in settings}
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", *arguments, *(["--json"] if as_json else [])],
        env={**os.environ, **state},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if as_json else done.stdout
