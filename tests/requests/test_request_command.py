"""`ptx-ledger request` as a person runs it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from node.cli import build_app
from node.cli.request import file_in
from protocol.slip import decode_slip, verify_slip
from protocol.types import from_hex, to_hex
from tests.requests.asking import asking, opened
from tests.requests.test_import import HEADER, line_of
from tests.stage import World, write_json

Run = Callable[..., Result]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command of the provider, in this process."""
    for name, value in world.node.environment().items():
        monkeypatch.setenv(name, value)
    key = world.provider.client._http.headers["authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("PTX_API_KEY", key)

    def invoke(*arguments: object, stdin: str | None = None) -> Result:
        words = ["request", *map(str, arguments)]
        return CliRunner().invoke(build_app(words), words, input=stdin)

    return invoke


def test_a_request_is_made_shown_listed_exported_and_erased(
    world: World, run: Run, tmp_path: Path
) -> None:
    body = asking(world)
    made = run("create", write_json(tmp_path / "request.json", body), "--json")
    assert made.exit_code == 0, made.output
    request = json.loads(made.stdout)
    assert opened(world, request["link"].partition("#")[2])["state"] == "sent"
    assert request["link"] in run("show", request["requestId"]).stdout.replace("\n", "")
    assert request["requestId"] in run("list", "--state", "sent").stdout
    assert request["requestId"] not in run("list", "--state", "refused").stdout
    reference = body["subjectReference"] + "\n"
    exported = run("export", "--subject-file", "-", stdin=reference)
    assert json.loads(exported.stdout)["requests"][0]["requestId"] == request["requestId"]
    file = tmp_path / "export.csv"
    options = ("--format", "csv", "--output", file)
    assert run("export", "--subject-file", "-", *options, stdin=reference).exit_code == 0
    assert request["requestId"] in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "1 requests are erased" in run("erase", "--subject-file", "-", stdin=reference).stdout
    gone = run("show", request["requestId"])
    assert gone.exit_code == 1
    assert "There is no consent-request" in gone.stderr


def test_a_file_is_imported_and_attested_on_paper(world: World, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "class.csv"
    lines = [line_of(world, f"pupil-{secrets.token_hex(4)}") + ",attested" for _ in range(2)]
    file.write_text("\n".join([HEADER + ",minimumAssurance", *lines]))
    made = run("import", file)
    assert made.exit_code == 0, made.output
    ids = [line.split(" ")[0] for line in made.stdout.splitlines()]
    assert len(ids) == 2
    folder = tmp_path / "slips"
    attested = run("attest", *ids, "--slips", folder)
    assert attested.exit_code == 0, attested.output
    slips = sorted(folder.rglob("*.slip"))
    assert len(slips) == 4
    assert {slip.stat().st_mode & 0o777 for slip in slips} == {0o600}
    leaves = {to_hex(verify_slip(decode_slip(from_hex(s.read_text().strip())))) for s in slips}
    shown = [json.loads(run("show", each, "--json").stdout) for each in ids]
    assert leaves == {purpose["leaf"] for each in shown for purpose in each["purposes"]}


def test_what_is_wrong_is_said_with_its_place(world: World, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "class.csv"
    file.write_text("\n".join([HEADER, line_of(world, "a", until="soon")]))
    answer = run("import", file)
    assert answer.exit_code == 1
    assert "lines.2.validUntil" in answer.stderr
    broken = tmp_path / "request.json"
    broken.write_text("{")
    assert run("create", broken).exit_code == 1


@pytest.mark.parametrize(
    "name",
    ["../1.slip", "/tmp/1.slip", f"{'0' * 32}/../1.slip", "..", "", f"..\\{'0' * 32}/1.slip"],
)
def test_a_node_names_no_file_outside_the_folder(tmp_path: Path, name: str) -> None:
    good = f"{'0' * 32}/1.slip"
    assert file_in(tmp_path, good) == tmp_path / good
    with pytest.raises(typer.Exit):
        file_in(tmp_path, name)
