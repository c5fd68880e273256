"""`ptx-ledger did`: the DID document of this node's operator, and the keys in it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from node.bootstrap import require_database_url
from node.cli.local import local_settings
from node.cli.output import AsJson, console, fail, print_json
from node.config import Settings
from node.db import owner_engine
from node.did_keys import DidKeys
from node.did_publication import (
    Standing,
    promise_description,
    read_standing,
    write_document,
)

app = typer.Typer(help="The operator's DID document.", no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False) -> None:
    """The document, its hash, and whether the chain names it and this node's address."""
    settings = local_settings()
    with owner_engine(require_database_url(settings)).connect() as connection:
        standing = _require_document(connection, settings)
    address = _service_address(settings)
    if as_json:
        print_json(_as_json(standing, settings, address))
        return
    described = standing.participant
    named = None if described is None else described.did_document_hash
    console.print(f"DID          {settings.operator_did}")
    console.print(f"address      {address}")
    console.print(f"document     0x{standing.document_hash.hex()}")
    for method in json.loads(standing.document)["verificationMethod"]:
        console.print(f"key          {method['id'].partition('#')[2]}")
    console.print(f"on chain     {'nothing' if named is None else '0x' + named.hex()}")
    if described is not None and described.service_address:
        console.print(f"             {described.service_address}")
    if not standing.is_published(address):
        console.print("the chain says something else: `ptx-ledger did publish`")


@app.command()
def publish() -> None:
    """Write this node's address and the document's hash on chain, by the sender."""
    settings = local_settings()
    with owner_engine(require_database_url(settings)).begin() as connection:
        standing = _require_document(connection, settings)
        _promise(connection, settings, standing)
    console.print(f"document 0x{standing.document_hash.hex()} is on its way to the chain")


@app.command()
def rotate(
    alone: Annotated[
        bool, typer.Option(help="The new key alone: the earlier one is compromised.")
    ] = False,
) -> None:
    """Make a new key, and a document with it and the one before, and publish that.

    The new key signs once the chain names the document; the next rotation lets the earlier one go.
    """
    settings = local_settings()
    keys = DidKeys(settings.keys_dir)
    with owner_engine(require_database_url(settings)).begin() as connection:
        _require_document(connection, settings)
        keys.create()
        write_document(connection, settings.operator_did, keys, with_earlier=not alone)
        standing = _require_document(connection, settings)
        _promise(connection, settings, standing)
    console.print(f"document 0x{standing.document_hash.hex()} is on its way to the chain")


def _require_document(connection: Connection, settings: Settings) -> Standing:
    standing = read_standing(connection, settings.operator_did)
    if standing is None:
        fail("No DID document was written here yet: `ptx-ledger run` writes the first.")
    return standing


def _promise(connection: Connection, settings: Settings, standing: Standing) -> None:
    address = _service_address(settings)
    promise_description(connection, settings.operator_did, address, standing.document_hash)


def _service_address(settings: Settings) -> str:
    if settings.public_url is None:
        fail("Set PTX_PUBLIC_URL to the address under which others reach this node.")
    return settings.public_address


def _as_json(standing: Standing, settings: Settings, address: str) -> dict[str, Any]:
    described = standing.participant
    named = None if described is None else described.did_document_hash
    return {
        "did": settings.operator_did,
        "serviceAddress": address,
        "documentHash": "0x" + standing.document_hash.hex(),
        "document": json.loads(standing.document),
        "onChain": {
            "documentHash": None if named is None else "0x" + named.hex(),
            "serviceAddress": None if described is None else described.service_address,
        },
        "isPublished": standing.is_published(address),
    }
