"""The embedded chain: anvil with its state kept on disk, gas free.

Its state is saved each second and at an orderly stop: after a kill -9 the chain may come back
shorter than the index and the outbox, which both recover from.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from indexer.chain import Chain, ChainUnreachable
from node.config import PROJECT_ROOT

HOST = "127.0.0.1"
"""Never another: whoever reaches anvil's interface may act as anybody."""

START_TIMEOUT_SECONDS = 20.0
ANVIL = PROJECT_ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


def state_file(state_dir: Path) -> Path:
    """Where the chain is kept between runs."""
    return state_dir.resolve() / "chain.json"


def start_chain(
    state_dir: Path, port: int, chain_id: int, hardfork: str, log: Path
) -> subprocess.Popen[bytes]:
    """Runs anvil until it answers with the expected chain id.

    Raises RuntimeError if it does not, or if another chain answers at this port.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    command = [
        str(ANVIL),
        *("--host", HOST, "--port", str(port), "--chain-id", str(chain_id)),
        "--no-cors",  # no page of any site may speak to it
        *("--hardfork", hardfork, "--gas-price", "0", "--base-fee", "0", "--accounts", "0"),
        *("--state", str(state_file(state_dir)), "--state-interval", "1"),
        "--silent",
    ]
    return start_client(command, port, chain_id, log)


def start_client(
    command: list[str], port: int, chain_id: int, log: Path
) -> subprocess.Popen[bytes]:
    """Runs a chain's client, whose words go to `log`, until it answers at this port.

    Raises RuntimeError if it does not, or if another chain answers.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _wait_until_ready(process, f"http://{HOST}:{port}", chain_id, log)
    return process


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, chain_id: int, log: Path) -> None:
    """Waits until the chain answers at `url` with this id.

    Ends the process and raises RuntimeError if it does not, or if another chain answers.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    chain = Chain(url)
    while (found := _chain_id(chain)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            tail = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"The embedded chain did not start; its log ({log}) ends:\n{tail}")
        time.sleep(0.02)
    if found != chain_id:
        process.kill()
        raise RuntimeError(
            f"The chain at {url} has id {found}, not {chain_id}: "
            "stop what listens there or set PTX_CHAIN_PORT."
        )


def _chain_id(chain: Chain) -> int | None:
    try:
        return chain.chain_id()
    except ChainUnreachable:
        return None
