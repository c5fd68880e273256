"""`scripts/deploy.py` as an operator runs it, on a chain that nothing was done on before."""

from __future__ import annotations

import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from eth_account import Account
from web3 import HTTPProvider, Web3

from node.config import PROJECT_ROOT
from node.contracts import load_deployment
from node.deployment import ORDER
from node.embedded.chain import ANVIL, HOST, start_chain, start_client
from node.embedded.supervisor import free_port
from node.multi_signature import PROXY, ownership_of

CHAIN_ID = 7839
BASE_FEE = 1_000_000_000
OWNERS = [Account.create().address for _ in range(3)]
TERMS = ("--delay-seconds", "3600", "--rate", "1=500", "--rate", "2=300")


SCRIPT = PROJECT_ROOT / "scripts" / "deploy.py"
COMMAND = typer.Typer()
COMMAND.command()(runpy.run_path(str(SCRIPT))["main"])


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the script ended with and said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs the script from an own directory against one chain."""

    folder: Path
    url: str

    @property
    def record(self) -> Path:
        return self.folder / "deployments" / f"{CHAIN_ID}.json"

    @property
    def web3(self) -> Web3:
        return Web3(HTTPProvider(self.url))

    def deploys(self, *arguments: str, chain_id: int = CHAIN_ID) -> Run:
        """The script's command in this process: a new one loads its libraries for seconds."""
        said, complained = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(said),
            redirect_stderr(complained),
        ):
            patch.chdir(self.folder)
            for name in [*os.environ]:
                if name.startswith("PTX_") or name == "DATABASE_URL":
                    patch.delenv(name)
            patch.setenv("CHAIN_URL", self.url)
            patch.setenv("PTX_CHAIN_ID", str(chain_id))
            with pytest.raises(SystemExit) as ended:
                COMMAND(list(arguments))
        return Run(int(ended.value.code or 0), said.getvalue(), complained.getvalue())

    def is_refused(self, words: str, *arguments: str, chain_id: int = CHAIN_ID) -> None:
        """The script ends with one line on stderr and status 1."""
        done = self.deploys(*arguments, chain_id=chain_id)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
        assert words in done.stderr


def owned(*owners: str) -> list[str]:
    return [word for owner in owners for word in ("--owner", owner)]


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """On a chain where the script has run once."""
    folder, port = tmp_path_factory.mktemp("operator"), free_port(HOST, 0)
    with ended(start_chain(folder, port, CHAIN_ID, "paris", folder / "chain.log")):
        yield Operator(folder, f"http://{HOST}:{port}")


@pytest.fixture(scope="module")
def first(operator: Operator) -> Run:
    return operator.deploys(*TERMS, *owned(*OWNERS))


def test_a_first_run_deploys_records_and_prints_the_addresses(
    operator: Operator, first: Run
) -> None:
    assert first.returncode == 0, first.stderr
    deployment = load_deployment(operator.record)
    assert deployment.proposer is not None
    assert (deployment.proposer.owners, deployment.proposer.threshold) == (OWNERS, 2)
    proposer = deployment.proposer.addresses[PROXY]
    ownership = ownership_of(operator.web3, proposer)
    assert ownership is not None
    assert sorted(ownership.owners) == sorted(OWNERS)
    said = [line.split() for line in first.stdout.splitlines()]
    assert said[:-1] == [["Proposer", proposer], *map(list, deployment.addresses.items())]
    assert said[-1] == ["recorded", "in", f"deployments/{CHAIN_ID}.json"]
    timelock = deployment.contract(operator.web3, "TimelockController").functions
    assert timelock.getMinDelay().call() == 3600
    assert set(deployment.transaction_hashes) == set(ORDER)


def test_a_second_run_changes_nothing_and_says_so(operator: Operator, first: Run) -> None:
    record, head = operator.record.read_text(), operator.web3.eth.block_number
    again = operator.deploys(*TERMS, *owned(*OWNERS))
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[:-1] == first.stdout.splitlines()[:-1]
    assert again.stdout.splitlines()[-1] == "all of it is there already: nothing was changed"
    proposer = json.loads(record)["proposer"]["addresses"][PROXY]
    named = operator.deploys(*TERMS, "--proposer", proposer)
    assert (named.returncode, named.stdout) == (0, again.stdout)
    assert (operator.record.read_text(), operator.web3.eth.block_number) == (record, head)


def test_other_terms_or_owners_are_refused(operator: Operator, first: Run) -> None:
    record, head = operator.record.read_text(), operator.web3.eth.block_number
    delay, rates = TERMS[:2], TERMS[2:]
    shorter, higher = ("--delay-seconds", "60"), ("--rate", "1=501", "--rate", "2=300")
    for arguments in ((*shorter, *rates), (*delay, *higher)):
        words = "what is on chain changes by governance alone"
        operator.is_refused(words, *arguments, *owned(*OWNERS))
    words = "its owners change it by acts of their own"
    operator.is_refused(words, *TERMS, *owned(*OWNERS[:2]))
    operator.is_refused(words, *TERMS, *owned(*OWNERS), "--threshold", "3")
    operator.is_refused("is no Safe of which", *TERMS, "--proposer", OWNERS[0])
    assert (operator.record.read_text(), operator.web3.eth.block_number) == (record, head)


def test_no_account_is_made_beside_the_proposer_that_was_named(
    operator: Operator, first: Run, tmp_path: Path
) -> None:
    proposer = first.stdout.split()[1]
    other = Operator(tmp_path, operator.url)
    named = other.deploys(*TERMS, "--proposer", proposer)
    assert named.returncode == 0, named.stderr
    record, head = other.record.read_text(), other.web3.eth.block_number
    words = "began with a Safe that was named: name it again"
    other.is_refused(words, *TERMS, *owned(*OWNERS))
    assert other.record.read_text() == record
    other.record.unlink()  # as if the run had been cut off
    other.is_refused(words, *TERMS, *owned(*OWNERS))
    assert other.web3.eth.block_number == head


def test_what_cannot_be_meant_is_refused_before_anything_is_sent(operator: Operator) -> None:
    head = operator.web3.eth.block_number
    refused = operator.is_refused
    refused("--rate takes CATEGORY=BASIS_POINTS, not 1", "--delay-seconds", "0", "--rate", "1")
    refused("name the owners", *TERMS)
    refused("name the owners", *TERMS, *owned(*OWNERS), "--proposer", OWNERS[0])
    refused("0x12 is not an address", *TERMS, *owned("0x12", *OWNERS))
    refused("is 7839, not 1: set PTX_CHAIN_ID", *TERMS, *owned(*OWNERS), chain_id=1)
    assert operator.web3.eth.block_number == head


def test_a_chain_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    """As a process of its own, like an operator runs it."""
    done = subprocess.run(
        [sys.executable, SCRIPT, *TERMS, *owned(*OWNERS)],
        cwd=tmp_path,
        env={**os.environ, "CHAIN_URL": "http://127.0.0.1:9", "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert "No chain answers at http://127.0.0.1:9" in done.stderr


def test_a_chain_that_asks_for_gas_is_refused(tmp_path: Path) -> None:
    port = free_port(HOST, 0)
    command = [str(ANVIL), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent"]
    command += ["--base-fee", str(BASE_FEE)]
    with ended(start_client(command, port, CHAIN_ID, tmp_path / "chain.log")):
        operator = Operator(tmp_path, f"http://{HOST}:{port}")
        operator.is_refused("a base fee of 1,000,000,000 wei", *TERMS, *owned(*OWNERS))
        assert operator.web3.eth.block_number == 0
