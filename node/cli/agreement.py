"""`ptx-ledger agreement`: propose a contract document, sign it, see where it stands."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from eth_account import Account

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, fail, print_json, show_time
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


@app.command()
def propose(
    contract: Annotated[Path, typer.Argument(exists=True, help="A bilateral contract, JSON.")],
    terms: Annotated[Path, typer.Option(exists=True, help="What the contract lacks, JSON.")],
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


@app.command()
def show(
    agreement: Annotated[str, typer.Argument(help="Id of the agreement, 0x-hex.")],
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Terms, signatures and the history of states."""
    with connected(node, key, profile) as client:
        answer = client.get(f"/v1/agreements/{agreement}")
    if as_json:
        print_json(answer)
        return
    console.print(f"agreement {answer['agreementId']} is [bold]{answer['status']}[/bold]")
    for change in answer.get("history", []):
        console.print(f"  {show_time(change['at'])}  {change['state']}")
    for signature in answer.get("signatures", []):
        signed_at = show_time(signature["signedAt"])
        console.print(f"  {signed_at}  signed by {signature['organisation']}")
    for promised in answer["promisedSignatures"]:
        failure = promised["failure"]
        why = f": {failure['detail']} {failure['remedy']}" if failure else ""
        console.print(f"  signature of {promised['organisation']} is {promised['state']}{why}")


def _digest(acceptance: dict[str, Any], agreement_id: AgreementId, party: OrganisationId) -> Hash32:
    """What `party` signs; exits with 1 if the node tells other terms than those of the id."""
    terms, domain = terms_from_json(acceptance["message"]["terms"]), acceptance["domain"]
    where = (domain["chainId"], from_hex(domain["verifyingContract"], ADDRESS_LENGTH))
    told = agreement_id_of(terms, *where)
    if told != agreement_id:
        fail(f"the node tells the terms of {to_hex(told)} as those of {to_hex(agreement_id)}")
    return acceptance_digest(party, terms, *where)
