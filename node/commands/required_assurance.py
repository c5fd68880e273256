"""How sure the parties of an agreement want to be that a person consented."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from node.db import query
from node.problems import refused
from protocol.assurance import Assurance, required_by_policies
from protocol.errors import ProtocolError
from protocol.types import AgreementId


async def required_assurance(connection: AsyncConnection, agreement_id: AgreementId) -> Assurance:
    """As `find_required_assurance`, but raises a problem."""
    try:
        return await query(connection, find_required_assurance, agreement_id)
    except ProtocolError as error:
        raise refused(error) from error


def find_required_assurance(connection: Connection, agreement_id: bytes) -> Assurance:
    """What the policies of the agreement's document ask for, if any of its parties keeps it on this
    node. It is kept before the agreement is on chain and never changes. Raises DocumentUnreadable
    for a constraint that cannot be read."""
    statement = text("SELECT node.assurance_constraints(:agreement_id)")
    asked = connection.execute(statement, {"agreement_id": agreement_id})
    return required_by_policies(asked.scalars())
