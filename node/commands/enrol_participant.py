"""Hosts an organisation on this node and gives it its first API key."""

from __future__ import annotations

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_participant
from node import tables
from node.api_keys import hash_api_key, new_api_key
from node.db import act_as, query
from node.permissions import AccessRole
from node.problems import Problem, refused
from protocol.errors import NotAdmitted
from protocol.identifiers import organisation_id
from protocol.types import OrganisationId


async def enrol_participant(
    connection: AsyncConnection, did: str, name: str
) -> tuple[OrganisationId, str]:
    """The organisation's id and its key.

    Raises a problem if governance has not admitted it, or if it is hosted here already.
    """
    organisation = organisation_id(did)
    if await query(connection, find_participant, organisation) is None:
        raise refused(NotAdmitted(organisation=organisation), "did")
    statement = text("SELECT node.is_hosted(:organisation)")
    if (await connection.execute(statement, {"organisation": organisation})).scalar_one():
        raise Problem.of(
            "participant-already-hosted",
            f"{did} has been enrolled before.",
        ).about("did")
    key = new_api_key()
    await act_as(connection, organisation)
    await connection.execute(
        insert(tables.organisations).values(organisation_id=organisation, did=did, name=name)
    )
    await connection.execute(
        insert(tables.api_keys).values(
            key_hash=hash_api_key(key),
            organisation_id=organisation,
            role=AccessRole.ADMIN,
            label="first",
        )
    )
    return organisation, key
