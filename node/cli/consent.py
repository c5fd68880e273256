"""`ptx-ledger consent`: grant on paper, ask for the status, withdraw with a slip."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, fail, print_json, show_time
from node.client import NodeRefused
from node.intake.records import attested_record
from node.intake.terms import DAY_SECONDS
from node.secret_files import write_private
from protocol.entries import leaf_of
from protocol.errors import DocumentUnreadable, HexInvalid
from protocol.identifiers import organisation_id
from protocol.prometheus_x import read_consent_receipt
from protocol.record import to_json
from protocol.slip import Slip, encode_slip
from protocol.types import (
    ADDRESS_LENGTH,
    HASH_LENGTH,
    AgreementId,
    ContractAddress,
    from_hex,
    to_hex,
)

app = typer.Typer(help="Consents of learners.", no_args_is_help=True)


@app.command()
def grant(
    receipt: Annotated[Path, typer.Argument(exists=True, help="A consent receipt, JSON.")],
    agreement: Annotated[str, typer.Option(help="Id of the agreement, 0x-hex.")],
    issuer: Annotated[str, typer.Option(help="DID of the organisation whose word it is.")],
    recipient: Annotated[list[str], typer.Option(help="DID of a recipient; repeat for more.")],
    slips: Annotated[Path, typer.Option(help="Folder for the learner's withdrawal slips.")],
    valid_days: Annotated[int, typer.Option(min=1, max=36_500)] = 365,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Grant the receipt's purposes on the issuer's word (assurance: attested).

    The one-time keys are made here, sign one withdrawal slip each, and are forgotten. Whoever holds
    a slip can withdraw: hand it to the learner, and keep no copy.
    """
    try:
        reading = read_consent_receipt(json.loads(receipt.read_text()))
        agreement_id = AgreementId(from_hex(agreement, HASH_LENGTH))
    except (ValueError, DocumentUnreadable, HexInvalid) as error:
        fail(f"{receipt}: {error}")
    now = int(time.time())
    with connected(node, key, profile) as client:
        ledger = client.get("/v1/ledger")
        made = [
            attested_record(
                purpose,
                recipient,
                reading.group_id,
                agreement_id,
                organisation_id(issuer),
                now,
                now + valid_days * DAY_SECONDS,
                ledger["chainId"],
                ContractAddress(from_hex(ledger["consentRegistry"], ADDRESS_LENGTH)),
            )
            for purpose in reading.purposes
        ]
        files = [write_slip(slips, slip) for _, slip in made]
        try:
            body = {"records": [to_json(record) for record, _ in made]}
            answer = client.post("/v1/consents", body)
        except NodeRefused:
            for file in files:
                file.unlink()
            raise
    if as_json:
        print_json(answer)
        return
    for consent in answer["consents"]:
        console.print(f"{consent['leaf']} is {consent['state']}")
    console.print(f"withdrawal slips are in {slips}")


@app.command()
def status(
    leaf: Annotated[str, typer.Argument(help="Leaf of the consent, 0x-hex.")],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Where a consent stands, and the block that the answer rests on."""
    with connected(node, key, profile) as client:
        answer = client.post("/v1/consents/status", {"consents": [{"leaf": leaf}]})
    if as_json:
        print_json(answer)
        return
    found, as_of = answer["consents"][0], answer["asOf"]
    console.print(f"[bold]{found['state']}[/bold], assurance {found['assurance']}")
    for ending in found["endings"]:
        console.print(f"  ended by the {ending['endedBy']} at {show_time(ending['endedAt'])}")
    console.print(f"  as of block {as_of['blockNumber']}, {as_of['ageSeconds']} s old")


@app.command()
def withdraw(
    slip: Annotated[Path, typer.Argument(exists=True, help="A withdrawal slip.")],
    node: NodeOption = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw with a slip, through any operator's node. There is no undo."""
    with connected(node, None) as client:
        answer = client.post("/v1/withdrawals", {"slip": slip.read_text().strip()})
    if as_json:
        print_json(answer)
    else:
        console.print(f"{answer['leaf']} is [bold]{answer['state']}[/bold]")


def write_slip(folder: Path, slip: Slip) -> Path:
    """Writes a slip as 0x-hex into a private file named after its leaf."""
    leaf = to_hex(leaf_of(slip.entry))
    file = folder / f"{leaf[2:18]}.slip"
    write_private(file, to_hex(encode_slip(slip)) + "\n")
    return file
