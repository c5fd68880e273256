"""Who is calling: an organisation's machine, by API key or by a JWT of its DID key, or one of its
people, by session. The form of the bearer token tells which.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy import text

from indexer.queries.participants import find_organisation_managed_by
from node.api.context import Context
from node.api.did_tokens import check_jwt, is_jwt, organisation_of_jwt
from node.api.rate_limits import KEY_IS_VALID
from node.api_keys import SESSION_PREFIX, hash_api_key
from node.db import query
from node.permissions import AccessRole, Area, Grant, right
from node.problems import Problem

logger = structlog.get_logger("api")

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="Caller",
    description="An API key of an organisation, `ptx_…`; the session of one of its people, "
    "`ptxs_…`; or a JWT by a key of its DID document (`private_key_jwt`): iss = sub = its DID, "
    "aud = this node's address, iat, exp within 5 minutes, a jti that is used once; in the header "
    "kid, typ = JWT and ES256, ES256K or EdDSA. What is listed beside an operation are the rights "
    "that it needs.",
)

NOTE_KEY_USE = text("SELECT node.note_key_use(:asked)")
PERSON_OF_SESSION = text("SELECT * FROM node.person_of_session(:asked, :idle_seconds)")
NOTE_SESSION_USE = text("SELECT node.note_session_use(:asked)")


@dataclass(frozen=True, slots=True)
class Principal:
    """The organisation that a request acts for, and what the caller may do for it.

    `identity` tells two callers of one organisation apart and outlives a session: a key's hash, a
    person's id, an account's address. `session` is the hash of a person's session token.
    """

    organisation_id: bytes
    role: str
    identity: bytes
    areas: frozenset[str] | None = None
    expires_at: datetime | None = None
    session: bytes | None = None
    person_id: bytes | None = None
    address: bytes | None = None
    again: Callable[[], Awaitable[Principal]] | None = field(default=None, repr=False)
    """Asks anew who the caller is, for what lasts longer than a request; None if only time can
    change it."""

    async def still_may(self, asked: str) -> bool:
        """Whether the caller is known now and has the right: a stream is not to outlive a key."""
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            return False
        try:
            (self if self.again is None else await self.again()).require(asked)
        except Problem as refusal:
            logger.info("caller_refused", kind=refusal.slug)
            return False
        return True

    @property
    def grant(self) -> Grant:
        """What the caller could hand on. A key's own end bounds what it may give. That it retires
        does not, else a lost answer to a rotation could not be made up for; nor does the end of a
        session, whose person comes back."""
        ends = self.expires_at if self.session is None else None
        return Grant(self.role, self.areas, ends)

    def require(self, asked: str) -> None:
        """Raises a 403 problem unless role and areas give the right."""
        if asked not in self.grant.rights:
            areas = "all areas" if self.areas is None else ", ".join(sorted(self.areas)) or "none"
            raise Problem.of(
                "role-missing",
                f"This needs {asked}; the caller's role is {self.role}, for {areas}.",
            )


async def require_principal(
    request: Request,
    asked: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal:
    """The caller; a 401 problem without valid credentials, a 403 without the rights asked for."""
    if credentials is None:
        raise Problem.of("key-invalid")
    context: Context = request.app.state.node
    token = credentials.credentials
    if token.startswith(SESSION_PREFIX):
        principal = await principal_of_session(context, hash_api_key(token))
    elif is_jwt(token):
        principal = await principal_of_jwt(context, token)
    else:
        principal = await principal_of_key(context, hash_api_key(token))
    request.scope[KEY_IS_VALID] = True
    for each in asked.scopes:
        principal.require(each)
    return principal


async def require_valid(context: Context, token: str) -> None:
    """Raises a 401 problem unless the bearer token is one that some route takes; uses up none."""
    if token.startswith(SESSION_PREFIX):
        await principal_of_session(context, hash_api_key(token), is_request=False)
    elif is_jwt(token):
        await check_jwt(context, token)
    else:
        await principal_of_key(context, hash_api_key(token))


def may(area: Area, write: bool = False) -> Any:
    """The dependency of a route on a caller who may read, or write, in an area. The API's
    description carries it, so that whoever reads it knows, and a test can try every role."""
    return Security(require_principal, scopes=[right(area, write)])


def require_operator(context: Context, caller: Principal) -> None:
    """A problem for a caller who does not act for the node's own operator."""
    if caller.organisation_id != context.operator:
        raise Problem.of(
            "not-the-operator",
            "The key belongs to a hosted organisation.",
            "Ask the operator of this node.",
        )


Caller = Annotated[Principal, Depends(require_principal)]
"""Whoever has valid credentials: for what concerns the caller alone. Else say `may(…)`."""


async def principal_of_key(context: Context, key_hash: bytes) -> Principal:
    """The organisation's machine with this API key; a 401 problem if the key is unknown, expired,
    retired or revoked."""
    row = await context.keys.find(key_hash)
    if row is None:
        raise Problem.of("key-invalid")
    if not row.used_today:
        async with context.database.begin() as connection:
            await connection.execute(NOTE_KEY_USE, {"asked": key_hash})
    areas = None if row.areas is None else frozenset(row.areas)
    again = partial(principal_of_key, context, key_hash)
    return Principal(row.organisation_id, row.role, key_hash, areas, row.expires_at, again=again)


async def principal_of_jwt(context: Context, token: str) -> Principal:
    """The organisation's machine whose DID key signed, with the role that the node gives all of
    them; a 401 problem for a token that does not hold, or was used before."""
    caller = await organisation_of_jwt(context, token)
    return Principal(caller.organisation_id, context.settings.jwt_role, caller.key_hash)


async def principal_of_session(
    context: Context, token_hash: bytes, is_request: bool = True
) -> Principal:
    """The person with this session, with the rights that the person has now; a 401 problem if the
    session has ended, or the person was removed. An account has rights as long as the chain says
    that it manages its organisation."""
    asked = {"asked": token_hash}
    idle = {"idle_seconds": context.settings.session_idle_minutes * 60}
    async with context.database.connect() as connection:
        row = (await connection.execute(PERSON_OF_SESSION, {**asked, **idle})).one_or_none()
        if row is None:
            raise Problem.of("session-ended")
        role, areas = row.role, None if row.areas is None else frozenset(row.areas)
        if row.person_id is None:
            now = int(time.time())
            managed = await query(connection, find_organisation_managed_by, row.address, now)
            if managed != row.organisation_id:
                raise Problem.of(
                    "session-ended", "The account no longer manages the organisation on chain."
                )
            role = AccessRole.ADMIN
    if is_request and not row.seen_just_now:
        async with context.database.begin() as connection:
            await connection.execute(NOTE_SESSION_USE, asked)
    return Principal(
        row.organisation_id,
        role,
        row.person_id or row.address,
        areas,
        row.expires_at,
        session=token_hash,
        person_id=row.person_id,
        address=row.address,
        again=partial(principal_of_session, context, token_hash, is_request=False),
    )
