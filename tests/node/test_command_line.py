"""`ptx-ledger` as a person or a script runs it, against the session's node."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from node.cli import build_app
from node.cli.output import show_time
from node.config import PROJECT_ROOT
from protocol.entries import leaf_of
from protocol.periods import booking_month, period_label
from protocol.terms_json import terms_to_json
from protocol.types import UnixSeconds, to_hex
from tests.stage import EXAMPLES, World, hash_of, wait_until, write_json


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said, and its status."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands on one node's state directory, as one organisation or as the operator."""

    world: World

    def __call__(self, *arguments: str | Path, key: str | None = None) -> Result:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PTX_")},
            **self.world.node.environment(),
            **({"PTX_API_KEY": key} if key else {}),
        }
        done = subprocess.run(
            [sys.executable, "-m", "node.cli", *map(str, arguments)],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def here(self, *arguments: str | Path, key: str | None = None) -> Result:
        """The same inside this process, which is faster."""
        words = [str(argument) for argument in arguments]
        unset = {name: None for name in os.environ if name.startswith("PTX_")}
        environment = {**unset, **self.world.node.environment(), "PTX_API_KEY": key}
        done = CliRunner().invoke(build_app(words), words, env=environment)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Result(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def run(world: World) -> CommandLine:
    return CommandLine(world)


def key_of(client: Any) -> str:
    key: str = client._http.headers["authorization"].removeprefix("Bearer ")
    return key


def test_a_consent_from_paper_to_its_withdrawal(
    run: CommandLine, world: World, tmp_path: Path
) -> None:
    key = key_of(world.provider.client)
    granted = run(
        *("consent", "grant", EXAMPLES / "prometheus-x" / "consent-receipt.json"),
        *("--agreement", to_hex(world.agreement), "--issuer", world.provider.did),
        *("--recipient", world.consumer.did, "--slips", tmp_path, "--json"),
        key=key,
    ).json()
    leaves = [consent["leaf"] for consent in granted["consents"]]
    slips = sorted(tmp_path.glob("*.slip"))
    assert len(leaves) == len(slips) == 2
    assert {slip.stat().st_mode & 0o777 for slip in slips} == {0o600}
    question = {"consents": [{"leaf": leaf} for leaf in leaves]}

    def active() -> bool:
        answer = world.provider.client.post("/v1/consents/status", question)
        return {found["state"] for found in answer["consents"]} == {"active"}

    wait_until(active, "two active consents")
    told = run("consent", "status", leaves[0], "--json", key=key)
    assert told.json()["consents"][0]["state"] == "active"
    assert "active, assurance attested" in run.here("consent", "status", leaves[0], key=key).out
    told = run("consent", "withdraw", slips[1], "--json")
    assert told.json()["state"] == "withdrawal-pending"
    assert "withdrawal-pending" in run.here("consent", "withdraw", slips[0]).out


def test_an_agreement_is_proposed_signed_and_shown(
    run: CommandLine, world: World, tmp_path: Path
) -> None:
    key = key_of(world.provider.client)
    proposed = run(
        *("agreement", "propose", EXAMPLES / "prometheus-x" / "bilateral-contract.json"),
        *("--terms", EXAMPLES / "terms.json", "--json"),
        key=key,
    ).json()
    agreement = proposed["agreementId"]
    path = f"/v1/agreements/{agreement}"
    wait_until(lambda: "history" in world.provider.client.get(path), "the proposal")
    assert run.here("agreement", "show", agreement, key=key).out.count("  not signed") == 2
    keys = world.node.settings.keys_dir
    for party, sign in ((world.provider, run), (world.consumer, run.here)):
        signed = sign(
            *("agreement", "sign", agreement, "--organisation", party.did),
            *("--keystore", keys / f"demo-{party.id.hex()}.json"),
            *("--passphrase-file", keys / "passphrase", "--json"),
            key=key_of(party.client),
        )
        assert signed.json()["state"] == "queued"
    wait_until(lambda: world.provider.client.get(path)["status"] == "active", "activation")
    told = run("agreement", "show", agreement, "--json", key=key).json()
    assert [change["state"] for change in told["history"]] == ["proposed", "active"]
    terms, payee = told["terms"], to_hex(world.provider.id)
    signed = {each["organisation"]: each for each in told["signatures"]}
    assert run.here("agreement", "show", agreement, key=key).out.splitlines() == [
        f"agreement {agreement} is active",
        f"valid {show_time(terms['validFrom'])} – {show_time(terms['validUntil'])}",
        "parties",
        *(
            f"  {party}  signed {show_time(signed[party]['signedAt'])} by {signed[party]['signer']}"
            for party in sorted(to_hex(each.id) for each in (world.provider, world.consumer))
        ),
        "prices",
        f"  category 1  0.050000 a unit, 0 units a month free, to {payee}",
        f"  category 2  0.012345 a unit, 1 units a month free, to {payee}",
        "parent none",
        "history",
        *(f"  {show_time(change['at'])}  {change['state']}" for change in told["history"]),
    ]


def test_an_agreement_that_waits_for_the_chain_is_shown(run: CommandLine, world: World) -> None:
    terms = world.make_terms()
    agreement = to_hex(world.id_of(terms))
    with world.node.held("sender"):
        world.provider.client.post("/v1/agreements", {"terms": terms_to_json(terms)})
        said = run.here("agreement", "show", agreement, key=key_of(world.provider.client))
    assert said.out.splitlines() == [
        f"agreement {agreement} is queued",
        "its terms are not on chain",
    ]


def test_the_help_of_a_proposal_names_an_example_that_is_there(run: CommandLine) -> None:
    said = run.here("agreement", "propose", "--help").out
    assert "examples/terms.json" in said
    assert (EXAMPLES / "terms.json").exists()


def test_a_statement_for_people_and_for_machines(
    run: CommandLine, world: World, secret: bytes
) -> None:
    voucher = world.use(world.grant_active(secret), 1)
    world.settle(voucher)
    period = voucher["voucher"]["period"]
    provider = to_hex(world.provider.id)
    said = run.here("statement", "show", period)
    statement = run("statement", "show", period, "--organisation", provider, "--json").json()
    assert statement == {
        **world.provider.client.get(f"/v1/statements/{period}", organisation=provider),
        "asOf": statement["asOf"],
    }
    assert "total" in said.out
    assert "commission" in said.out


def test_a_proof_file_is_good_tampered_with_or_none(
    run: CommandLine, world: World, secret: bytes, tmp_path: Path
) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    bundle = world.consumer.client.get(f"/v1/proofs/{leaf}")
    good = write_json(tmp_path / "good.json", bundle)
    inclusion = {**bundle["inclusion"], "index": bundle["inclusion"]["index"] ^ 1}
    tampered = write_json(tmp_path / "tampered.json", {**bundle, "inclusion": inclusion})
    none = tmp_path / "none.json"
    none.write_text("{")
    other = write_json(tmp_path / "other.json", [1, 2])
    said = run.here("proof", "verify", good)
    assert said.status == 0
    assert "ok" in said.out
    assert "not checked" in said.out
    [told] = run("proof", "verify", good, "--json").json()
    assert {part["result"] for part in told["parts"]} == {"ok", "not checked"}
    failed = run("proof", "verify", good, tampered, "--json")
    assert failed.status == 1
    by_file = {told["file"]: told for told in json.loads(failed.out)}
    assert [by_file[str(file)]["refuted"] for file in (good, tampered)] == [False, True]
    assert "failed" in {part["result"] for part in by_file[str(tampered)]["parts"]}
    assert "failed" in run.here("proof", "verify", tampered).out
    for file, words in ((none, "is not JSON that can be read"), (other, "")):
        refused = run.here("proof", "verify", file)
        assert refused.status == 1
        assert words in refused.err
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    refused = run("proof", "verify", deep)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "is not JSON that can be read" in refused.err


def proven_block(run: CommandLine) -> int:
    return int(run.here("index", "status", "--json").json()["provenBlock"] or 0)


def test_the_index_says_where_it_stands_and_is_made_anew(run: CommandLine, at_rest: World) -> None:
    before = run("index", "status", "--digest", "--json").json()
    assert before["blockNumber"] == at_rest.web3.eth.block_number
    assert before["blockHash"] == at_rest.web3.eth.get_block("latest")["hash"].to_0x_hex()
    wait_until(lambda: proven_block(run) == before["blockNumber"], "the proof")
    assert f"proven  up to block {before['blockNumber']} of" in run.here("index", "status").out
    rebuilt = run("index", "rebuild", "--json").json()
    digest = before["digest"]
    assert rebuilt == {"before": digest, "after": digest, "same": True, "halt": None}
    said = run.here("index", "rebuild")
    assert said.status == 0
    assert "the same" in said.out
    assert before["digest"] in run.here("index", "status", "--digest").out
    assert "digest" not in run.here("index", "status").out


def test_the_index_is_verified(run: CommandLine, at_rest: World) -> None:
    before = run.here("index", "status", "--digest", "--json").json()
    verified = run("index", "verify", "--all", "--json").json()
    assert verified["same"]
    assert verified["blockHash"] == before["blockHash"]
    assert (verified["tablesDifferent"], verified["faults"]) == ([], [])
    said = run.here("index", "verify", "--seed", "7")
    assert said.status == 0
    assert "drawn by --seed 7), all equal" in said.out
    assert run.here("index", "status", "--digest", "--json").json()["digest"] == before["digest"]
    refused = run.here("index", "verify", "--seed", "7", "--all")
    assert (refused.status, "leave one of the two out" in refused.err) == (1, True)


VERIFY = ("node.cli", "index", "verify")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_verification_that_is_ended_leaves_no_database(
    run: CommandLine, at_rest: World, number: signal.Signals
) -> None:
    beside = "SELECT FROM pg_database WHERE datname LIKE 'ptx\\_verify\\_%'"
    sql = at_rest.node.sql
    assert sql(beside) == []
    with at_rest.node.held("chain"):
        process = subprocess.Popen(
            # A shell's background job, as these tests may be, ignores what is to end the process.
            ["env", f"--default-signal={number.name}", sys.executable, "-m", *VERIFY],
            cwd=PROJECT_ROOT,
            env={**os.environ, **at_rest.node.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: sql(beside), "the database beside")
        process.send_signal(number)
    assert process.wait(60) != 0
    assert sql(beside) == []


def test_an_index_that_lies_is_shown_with_status_1(run: CommandLine, at_rest: World) -> None:
    change = "UPDATE ledger.admissions SET college = college {} 1 WHERE did = :did"
    did = {"did": at_rest.provider.did}
    with at_rest.node.engine.begin() as connection:
        connection.execute(text(change.format("+")), did)
    try:
        said = run.here("index", "verify", "--all")
        found = run.here("index", "verify", "--all", "--json")
    finally:
        with at_rest.node.engine.begin() as connection:
            connection.execute(text(change.format("-")), did)
    assert said.status == found.status == 1
    assert "DIFFERENT" in said.out
    assert "admissions" in said.out
    told = json.loads(found.out)
    assert [each["table"] for each in told["tablesDifferent"]] == ["admissions"]
    assert told["faultCount"] == 1


def test_the_books_equal_the_chain(run: CommandLine, at_rest: World) -> None:
    said = run.here("books", "check")
    assert said.status == 0
    assert "sum of all accounts is zero: yes" in said.out
    checked = run("books", "check", "--json").json()
    assert checked["balanced"]
    assert checked["equalsChain"]
    assert sum(account["booksMinor"] for account in checked["accounts"]) == 0
    assert any(account["account"].startswith("deposit:") for account in checked["accounts"])


def test_the_books_of_a_month_are_shown_and_exported(
    run: CommandLine, at_rest: World, tmp_path: Path
) -> None:
    head = at_rest.web3.eth.get_block("latest")
    month = period_label(booking_month(UnixSeconds(head["timestamp"])))
    said = run.here("books", "check", "--month", month)
    assert f"books of {month}, provisional" in said.out
    shown = run("books", "check", "--month", month, "--json").json()["month"]
    assert shown["opening"] == {}
    assert sum(shown["closing"].values()) == 0
    file = tmp_path / "books.csv"
    assert run.here("books", "export", "--format", "csv", "--output", file).status == 0
    exported = run("books", "export", "--format", "csv", "--month", month)
    assert exported.out.encode() == file.read_bytes().replace(b"\r\n", b"\n")
    assert shown["digest"] == "0x" + hashlib.sha256(file.read_bytes()).hexdigest()
    assert "open Assets:Commission PTX" in run("books", "export", "--format", "beancount").out
    refused = run.here("books", "export", "--format", "csv", "--month", "2026-13")
    assert (refused.status, "2026-13" in refused.err) == (1, True)


def test_books_that_lie_are_shown_with_status_1(run: CommandLine, at_rest: World) -> None:
    change = "UPDATE ledger.postings SET amount_minor = amount_minor {} 1 WHERE source = 'issued'"
    with at_rest.node.engine.begin() as connection:
        connection.execute(text(change.format("+")))
    try:
        said = run.here("books", "check")
        found = run.here("books", "check", "--json")
    finally:
        with at_rest.node.engine.begin() as connection:
            connection.execute(text(change.format("-")))
    assert said.status == found.status == 1
    assert "DIFFERENT" in said.out
    assert "000001 in the table, " in said.out
    assert json.loads(found.out)["postingsDifferent"] >= 1


def test_what_is_refused_is_a_sentence_and_status_1(
    run: CommandLine, world: World, tmp_path: Path
) -> None:
    slip = tmp_path / "a.slip"
    slip.write_text("0x11\n")
    unknown = to_hex(hash_of(4))
    commands = {
        "There is no consent": ("consent", "status", unknown),
        "this does not begin with 0x": ("consent", "status", "[/red]"),
        "A slip is 220 bytes": ("consent", "withdraw", slip),
        "There is no agreement": ("agreement", "show", unknown),
        "month": ("statement", "show", "2026-99"),
        "No node answers": ("statement", "show", "2026-01", "--node", "http://127.0.0.1:9"),
    }
    for said, command in commands.items():
        result = run.here(*command)
        assert result.status == 1, (said, result)
        assert said in result.err.replace("\n", " ")
        assert result.out == ""
    outside = run("consent", "status", unknown)
    assert (outside.status, outside.out) == (1, "")
    assert "Traceback" not in outside.err


def test_a_key_is_not_taken_where_everybody_sees_it(run: CommandLine, world: World) -> None:
    key = key_of(world.provider.client)
    for words in (("--key", key), (f"--key={key}",)):
        shown = run("key", "list", *words)
        assert (shown.status, shown.out) == (1, "")
        assert "set PTX_API_KEY, or name a file" in shown.err.replace("\n", " ")
        assert key not in shown.err


def test_brackets_in_a_message_are_shown_as_they_are(
    run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    profiles = tmp_path / ".config" / "ptx-ledger" / "profiles.toml"
    profiles.parent.mkdir(parents=True)
    profiles.write_text('[mine]\nnode = "http://127.0.0.1:9"\n')
    for name in ("red", "/red"):
        result = run.here("statement", "show", "2026-01", "--profile", name)
        assert result.status == 1
        assert f"[{name}]" in result.err
