"""`ptx-ledger agreement`: propose a contract document, sign it, change it, see where it stands."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from eth_account import Account
from rich.markup import escape

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, fail, print_json, show_amount, show_time
from node.client import NodeClient
from node.intake.completion import CompletionUnreadable, read_completion
from node.intake.terms import terms_of_contract
from protocol.errors import DocumentUnreadable, HexInvalid
from protocol.identifiers import organisation_id
from protocol.prometheus_x import catalogue_id, read_bilateral_contract
from protocol.signatures import address_of, sign_digest
from protocol.signing import acceptance_digest, agreement_id_of
from protocol.terms_json import terms_from_json, terms_to_json
from protocol.types import (
    ADDRESS_LENGTH,
    HASH_LENGTH,
    AgreementId,
    Hash32,
    OrganisationId,
    from_hex,
    to_hex,
)

app = typer.Typer(help="Data-use agreements.", no_args_is_help=True)

TERMS_HELP = "What the contract lacks (DIDs, validity, prices), JSON as in examples/terms.json."
NO_PARENT = to_hex(bytes(HASH_LENGTH))


@app.command()
def propose(
    contract: Annotated[Path, typer.Argument(exists=True, help="A bilateral contract, JSON.")],
    terms: Annotated[Path, typer.Option(exists=True, help=TERMS_HELP)],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Propose terms over the contract's hashes; prints the agreement's id."""
    try:
        source = json.loads(contract.read_text())
        reading, completion = read_bilateral_contract(source), read_completion(terms)
    except (ValueError, DocumentUnreadable, CompletionUnreadable) as error:
        fail(f"{contract}: {error}")
    dids = [completion.did_of(catalogue_id(url)) for url in reading.party_urls]
    parties = dict(zip(("provider", "consumer"), map(organisation_id, dids), strict=True))
    proposal = terms_of_contract(reading, parties, completion.agreement, int(time.time()))
    with connected(node, key, profile) as client:
        body = {"terms": terms_to_json(proposal), "document": source}
        answer = client.post("/v1/agreements", body)
    if as_json:
        print_json(answer)
    else:
        console.print(f"agreement {answer['agreementId']} is {answer['state']}")


@app.command()
def sign(
    agreement: Annotated[str, typer.Argument(help="Id of the agreement, 0x-hex.")],
    organisation: Annotated[str, typer.Option(help="DID of the organisation that signs.")],
    keystore: Annotated[Path, typer.Option(exists=True, help="Encrypted key file of its account.")],
    passphrase_file: Annotated[Path, typer.Option(exists=True, help="File with its passphrase.")],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Accept the terms with an account of a party; the last signature activates.

    What is signed is built here from the node's terms, and only if their id is the one given.
    """
    try:
        agreement_id = from_hex(agreement, HASH_LENGTH)
        passphrase = passphrase_file.read_text().strip()
        secret = bytes(Account.decrypt(json.loads(keystore.read_text()), passphrase))
    except (ValueError, HexInvalid) as error:
        fail(str(error))
    party = organisation_id(organisation)
    with connected(node, key, profile) as client:
        told = client.get(f"/v1/agreements/{agreement}/acceptance", organisation=to_hex(party))
        body = {
            "organisation": to_hex(party),
            "signer": to_hex(address_of(secret)),
            "signature": to_hex(
                sign_digest(secret, _digest(told["typedData"], AgreementId(agreement_id), party))
            ),
        }
        answer = client.post(f"/v1/agreements/{agreement}/signatures", body)
    if as_json:
        print_json(answer)
    else:
        console.print(f"the signature of {organisation} is {answer['state']}")


REASON_HELP = "Document with the reason; its SHA-256 goes to the chain, and nothing else of it."
AgreementArgument = Annotated[str, typer.Argument(help="Id of the agreement, 0x-hex.")]
ReasonOption = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help=REASON_HELP)]


@app.command()
def suspend(
    agreement: AgreementArgument,
    reason: ReasonOption = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Suspend an agreement until the same organisation resumes it."""
    with connected(node, key, profile) as client:
        _change(client, agreement, "suspend", _hash_of(reason), as_json)


@app.command()
def resume(
    agreement: AgreementArgument,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Take the organisation's own suspension back; those of other parties stay."""
    with connected(node, key, profile) as client:
        _change(client, agreement, "resume", None, as_json)


@app.command()
def terminate(
    agreement: AgreementArgument,
    reason: ReasonOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """End an agreement, or withdraw a proposal, for all parties and for ever."""
    if not yes:
        typer.confirm(f"This ends {agreement} for ever and cannot be undone. Go on?", abort=True)
    with connected(node, key, profile) as client:
        _change(client, agreement, "terminate", _hash_of(reason), as_json)


@app.command()
def show(
    agreement: Annotated[str, typer.Argument(help="Id of the agreement, 0x-hex.")],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """State, validity, parties and their signatures, prices and the history of states."""
    with connected(node, key, profile) as client:
        answer = client.get(f"/v1/agreements/{agreement}")
    if as_json:
        print_json(answer)
        return
    console.print(f"agreement {answer['agreementId']} is [bold]{answer['status']}[/bold]")
    if "terms" in answer:
        _show_terms(answer)
    else:
        console.print(f"its terms are not on chain{_why(answer['failure'])}")
    for promised in answer["promisedSignatures"]:
        console.print(
            f"the signature of {promised['organisation']} is {promised['state']}"
            f"{_why(promised['failure'])}"
        )


def _change(
    client: NodeClient, agreement: str, change: str, body: dict[str, Any] | None, as_json: bool
) -> None:
    answer = client.post(f"/v1/agreements/{agreement}/{change}", body)
    if as_json:
        print_json(answer)
    else:
        console.print(f"to {change} {answer['agreementId']} is {answer['state']}")


def _hash_of(reason: Path | None) -> dict[str, Any]:
    if reason is None:
        return {}
    return {"reasonHash": to_hex(hashlib.sha256(reason.read_bytes()).digest())}


def _show_terms(answer: dict[str, Any]) -> None:
    """What the parties agreed, who has signed it, and what became of it, in the order of time."""
    terms = answer["terms"]
    signed = {each["organisation"]: each for each in answer["signatures"]}
    console.print(f"valid {show_time(terms['validFrom'])} – {show_time(terms['validUntil'])}")
    console.print("parties")
    for party in terms["parties"]:
        word = "not signed"
        if party in signed:
            word = f"signed {show_time(signed[party]['signedAt'])} by {signed[party]['signer']}"
        console.print(f"  {party}  {word}")
    console.print("prices" if terms["lines"] else "no prices")
    for line in terms["lines"]:
        price, free = show_amount(int(line["unitPrice"])), int(line["freeUnits"])
        told = f"{price} a unit, {free:,} units a month free"
        console.print(f"  category {line['category']}  {told}, to {line['payee']}")
    parent = terms["parent"]
    console.print(f"parent {'none' if parent == NO_PARENT else parent}")
    console.print("history")
    for change in answer["history"]:
        console.print(f"  {show_time(change['at'])}  {change['state']}")


def _why(failure: dict[str, Any] | None) -> str:
    """`: ` and the reason of a refusal, if there is one."""
    return f": {escape(failure['detail'])} {escape(failure['remedy'])}" if failure else ""


def _digest(acceptance: dict[str, Any], agreement_id: AgreementId, party: OrganisationId) -> Hash32:
    """What `party` signs; exits with 1 if the node tells other terms than those of the id."""
    terms, domain = terms_from_json(acceptance["message"]["terms"]), acceptance["domain"]
    where = (domain["chainId"], from_hex(domain["verifyingContract"], ADDRESS_LENGTH))
    told = agreement_id_of(terms, *where)
    if told != agreement_id:
        fail(f"the node tells the terms of {to_hex(told)} as those of {to_hex(agreement_id)}")
    return acceptance_digest(party, terms, *where)
