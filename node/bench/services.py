"""Single processes of a node on a chain and a database that are there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from node.bench.dense_chain import DenseChain
from node.bench.ledger import CHAIN_ID
from node.config import Settings
from node.contracts import save_deployment
from node.embedded.chain import HOST
from node.embedded.processes import STOP_TIMEOUT_SECONDS
from node.embedded.supervisor import free_port

READY_SECONDS = 120.0
REQUESTS_MAX = 10**9
"""A minute: one address and one key ask for all. They are counted all the same."""


@contextmanager
def started(names: Sequence[str], chain: DenseChain, folder: Path, url: str) -> Iterator[str]:
    """Services by name, ended after the block; gives the address of the API, should it be one."""
    port, deployment = free_port(HOST, 0), folder / "deployment.json"
    save_deployment(deployment, chain.ledger.deployment)
    settings = Settings(
        state_dir=folder / "node",
        port=port,
        chain_id=CHAIN_ID,
        chain_url=chain.url,
        database_url=url,
        deployment_path=deployment,
        rate_address_per_minute=REQUESTS_MAX,
        rate_key_per_minute=REQUESTS_MAX,
    )
    environment = {**os.environ, **settings.as_environment()}
    processes = []
    with (folder / "services.log").open("wb") as log:
        for name in names:
            command = [sys.executable, "-m", "node.serve", name]
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    try:
        yield f"http://{HOST}:{port}"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(STOP_TIMEOUT_SECONDS)


def wait_until_ready(api_url: str) -> None:
    """Until the API answers that it can answer."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            answer = httpx.get(f"{api_url}/readyz")
            if answer.is_success:
                return
            said = answer.text
        except httpx.HTTPError as error:
            said = str(error)
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
