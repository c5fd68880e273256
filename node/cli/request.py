"""`ptx-ledger request`: ask learners for consents, singly or by CSV; on paper; export, erase."""

from __future__ import annotations

import io
import json
import re
import zipfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, fail, print_json, show_time
from node.secret_files import write_private

app = typer.Typer(help="Consent requests to learners.", no_args_is_help=True)

ROUTE = "/v1/consent-requests"
SLIP_NAME = re.compile(r"[0-9a-f]{32}/[0-9]{1,5}\.(slip|svg)", re.ASCII)
SubjectFile = Annotated[
    typer.FileText,
    typer.Option(
        "--subject-file",
        help="File with the organisation's reference of the person, `-` for stdin: so it stands in "
        "no list of processes.",
    ),
]
RepeatKey = Annotated[
    str | None,
    typer.Option(help="An Idempotency-Key: with it the command can be repeated safely."),
]


class ExportFormat(StrEnum):
    """How an export is written."""

    JSON = "json"
    CSV = "csv"


class State(StrEnum):
    """States of a request."""

    SENT = "sent"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"


@app.command()
def create(
    request: Annotated[Path, typer.Argument(exists=True, help="The request, JSON as /docs shows.")],
    repeat_key: RepeatKey = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a request; prints the link for the learner."""
    try:
        body = json.loads(request.read_text())
    except ValueError as error:
        fail(f"{request} is not JSON: {error}")
    with connected(node, key, profile) as client:
        answer = client.post(ROUTE, body, repeat_key)
    if as_json:
        print_json(answer)
    else:
        console.print(f"{answer['requestId']} {answer['link']}", soft_wrap=True)


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(exists=True, help="A CSV file, a line a person.")],
    repeat_key: RepeatKey = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a request for each line; prints the links in the order of the lines."""
    with connected(node, key, profile) as client:
        answer = client.post_csv(f"{ROUTE}/import", file.read_bytes(), repeat_key)
    if as_json:
        print_json(answer)
        return
    for made in answer["requests"]:
        console.print(f"{made['requestId']} {made['link']}", soft_wrap=True)


@app.command("list")
def list_requests(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    agreement: Annotated[str | None, typer.Option(help="Only those under this agreement.")] = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """The organisation's requests, the newest first."""
    wanted = {"state": state and state.value, "agreement": agreement}
    asked = {name: value for name, value in wanted.items() if value}
    with connected(node, key, profile) as client:
        answer = client.get_whole(ROUTE, "items", **asked)
    if as_json:
        print_json(answer)
        return
    for request in answer["items"]:
        purposes = ", ".join(purpose["purpose"] for purpose in request["purposes"])
        console.print(f"{request['requestId']} {request['state']:<8} {purposes}", soft_wrap=True)


@app.command()
def show(
    request_id: Annotated[str, typer.Argument(help="Id of the request, 0x-hex.")],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """One request, with the consents that came of it and its link while it is open."""
    with connected(node, key, profile) as client:
        answer = client.get(f"{ROUTE}/{request_id}")
    if as_json:
        print_json(answer)
        return
    console.print(f"[bold]{answer['state']}[/bold], until {show_time(answer['expiresAt'])}")
    for purpose in answer["purposes"]:
        console.print(f"  {purpose['purpose']}: {purpose['leaf'] or 'no consent'}", soft_wrap=True)
    if answer["link"]:
        console.print(answer["link"], soft_wrap=True)


@app.command()
def attest(
    request_ids: Annotated[list[str], typer.Argument(help="Ids of requests, 0x-hex.")],
    slips: Annotated[Path, typer.Option(help="Folder for the learners' withdrawal slips.")],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Grant requests on the issuer's word, as given on paper: attested, not signed.

    Whoever holds a slip can withdraw: hand it to the learner, and keep no copy. The node has none.
    """
    body = {"requestIds": request_ids}
    slips.mkdir(parents=True, exist_ok=True, mode=0o700)
    with connected(node, key, profile) as client:
        packed = client.post_for_file(f"{ROUTE}/attest", body, format="zip")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: file_in(slips, name) for name in archive.namelist()}
        for name, file in files.items():
            write_private(file, archive.read(name).decode())
        console.print(f"{len(archive.namelist())} files are in {slips}")


@app.command()
def export(
    subject: SubjectFile,
    form: Annotated[ExportFormat, typer.Option("--format")] = ExportFormat.JSON,
    output: Annotated[
        Path | None, typer.Option(help="A file, readable by its owner alone.")
    ] = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """All requests and consents of a person, by the organisation's own reference."""
    body = _subject(subject)
    with connected(node, key, profile) as client:
        exported = client.post_for_file(f"{ROUTE}/export", body, format=form.value).decode()
    if output is None:
        typer.echo(exported)
    else:
        write_private(output, exported)
        console.print(f"written to {output}")


@app.command()
def erase(
    subject: SubjectFile,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Delete all requests about a person. Consents that came of them stay."""
    body = _subject(subject)
    with connected(node, key, profile) as client:
        answer = client.post(f"{ROUTE}/erasure", body)
    console.print(f"{answer['erased']} requests are erased")


def file_in(folder: Path, name: str) -> Path:
    """Where a slip goes; ends the command, with nothing written, where a node names something else,
    which might lie outside the folder."""
    if SLIP_NAME.fullmatch(name) is None:
        fail(f"the node names a file that is none of a request: {name!r}. Do not trust this node.")
    return folder / name


def _subject(file: typer.FileText) -> dict[str, Any]:
    return {"subjectReference": file.read().rstrip("\r\n")}
