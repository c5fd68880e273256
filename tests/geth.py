"""go-ethereum in the place of anvil: another client's EVM, pool, receipts and logs.

A chain of one authority (Clique, EIP-225) that seals as soon as something waits, with the rules of
istanbul and free gas, as a consortium runs it. The last version with Clique is pinned.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from eth_account import Account

from node.config import PROJECT_ROOT
from node.embedded.chain import HOST, start_client

PACKAGE = "github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"
BINARY = PROJECT_ROOT / "build" / "geth" / "geth"
FORKS = (
    *("homestead", "eip150", "eip155", "eip158", "byzantium"),
    *("constantinople", "petersburg", "istanbul"),
)
PASSWORD = "clique"
CONFIG = '[Node.P2P]\nListenAddr = "127.0.0.1:0"\nMaxPeers = 0\nNoDiscovery = true\n'
BLOCK_GAS = 30_000_000
VANITY_LENGTH, SEAL_LENGTH = 32, 65


def build_geth() -> Path:
    """The client, compiled once by Go; who asks for it without Go is told so."""
    if shutil.which("go") is None:
        raise RuntimeError(
            "PTX_TEST_CHAIN asks for go-ethereum, and Go, which compiles it, is missing"
        )
    if not BINARY.exists():
        environment = {**os.environ, "GOBIN": str(BINARY.parent)}
        # A dependency of this version reaches into Go's runtime, which newer linkers forbid.
        install = ["go", "install", "-trimpath", "-ldflags=-checklinkname=0", PACKAGE]
        subprocess.run(install, env=environment, check=True)
    return BINARY


def start_geth(
    state_dir: Path, port: int, chain_id: int, _hardfork: str, log: Path
) -> subprocess.Popen[bytes]:
    """As `node.embedded.chain.start_chain`, with the rules of istanbul always."""
    return run_geth(state_dir, port, chain_id, log, ())


def run_geth(
    state_dir: Path,
    port: int,
    chain_id: int,
    log: Path,
    rules: Sequence[str],
    rich: Sequence[str] = (),
    seals: bool = True,
) -> subprocess.Popen[bytes]:
    """`rules` are arguments for its pool; accounts in `rich` have ether from the first block on.
    Where it does not seal, its pool takes transactions and no block comes."""
    geth, data = build_geth(), state_dir / "geth"
    sealer = Account.create()
    if not data.exists():
        (data / "keystore").mkdir(parents=True)
        keystore = Account.encrypt(sealer.key, PASSWORD, iterations=2)
        (data / "keystore" / "sealer.json").write_text(json.dumps(keystore))
        (data / "config.toml").write_text(CONFIG)
        (data / "password").write_text(PASSWORD)
        (data / "genesis.json").write_text(json.dumps(genesis(chain_id, sealer.address, rich)))
        initialise = [str(geth), "--datadir", str(data), "init", str(data / "genesis.json")]
        subprocess.run(initialise, check=True, capture_output=True)
    else:
        stored = json.loads((data / "keystore" / "sealer.json").read_text())
        sealer = Account.from_key(Account.decrypt(stored, PASSWORD))
    command = [
        *(str(geth), "--datadir", str(data), "--networkid", str(chain_id)),
        *("--config", str(data / "config.toml")),
        *("--http", "--http.addr", HOST, "--http.port", str(port), "--http.api", "eth,net,web3"),
        *("--ipcdisable", "--authrpc.port", "0"),
        *("--miner.etherbase", sealer.address, "--miner.gasprice", "0"),
        *("--unlock", sealer.address, "--password", str(data / "password")),
        *("--allow-insecure-unlock", "--syncmode", "full", "--gcmode", "archive"),
        *(("--mine",) if seals else ()),
        *rules,
    ]
    return start_client(command, port, chain_id, log)


def genesis(chain_id: int, sealer: str, rich: Sequence[str]) -> dict[str, object]:
    """The first block: every rule up to istanbul from the beginning, one account that seals."""
    extra = bytes(VANITY_LENGTH) + bytes.fromhex(sealer[2:]) + bytes(SEAL_LENGTH)
    forks = {f"{name}Block": 0 for name in FORKS}
    return {
        "config": {"chainId": chain_id, **forks, "clique": {"period": 0, "epoch": 30_000}},
        "difficulty": "1",
        "gasLimit": hex(BLOCK_GAS),
        "extradata": "0x" + extra.hex(),
        "alloc": {address: {"balance": hex(10**24)} for address in rich},
    }
