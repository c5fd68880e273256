"""Who is calling: an organisation's machine by API key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.rate_limits import KEY_IS_VALID
from node.api_keys import hash_api_key
from node.problems import Problem

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="An API key of an organisation: `ptx_…`.",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The organisation that a request acts for. `key_hash` tells two keys of one apart."""

    organisation_id: bytes
    role: str
    key_hash: bytes

    def require_role(self, role: str) -> None:
        """Raises a 403 problem unless the key has the role."""
        if self.role != role:
            raise Problem.of(
                "role-missing",
                f"The key's role is {self.role}, this needs {role}.",
                "Use a key with that role, or ask the node's operator.",
            )


async def find_principal(connection: AsyncConnection, key: str) -> Principal | None:
    """The principal of a key that exists and has not expired."""
    key_hash = hash_api_key(key)
    statement = text("SELECT organisation_id, role FROM node.principal_of(:key_hash)")
    row = (await connection.execute(statement, {"key_hash": key_hash})).one_or_none()
    return None if row is None else Principal(row.organisation_id, row.role, key_hash)


async def require_principal(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal:
    """The caller; a 401 problem without a valid key."""
    if credentials is not None:
        async with request.app.state.node.database.connect() as connection:
            principal = await find_principal(connection, credentials.credentials)
        if principal is not None:
            request.scope[KEY_IS_VALID] = True
            return principal
    raise Problem.of("key-invalid")


Caller = Annotated[Principal, Depends(require_principal)]
