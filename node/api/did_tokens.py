"""Who is calling, by a token that a key of a DID document signed: an organisation's machine
(`private_key_jwt`, RFC 7523), or another node that delivers records.

Each token is used once. It counts as used only after its signature was found right, so nobody uses
up another's.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import text

from indexer.queries.participants import ParticipantRow
from node.api.context import Context, context_of
from node.did_documents import DidDocumentUnknown
from node.problems import Problem, refused
from protocol.errors import OrganisationSuspended, TokenInvalid
from protocol.record_delivery import BODY_CLAIM, body_claim
from protocol.tokens import DELIVERY_TYPE, REQUEST_TYPE, Token, check_request, read_token

node_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="NodeToken",
    description="A JWT of type `ptx-delivery+jwt`, signed by the sending operator's DID key, whose "
    "claim `body_sha256` is the SHA-256 of the body.",
)


JWT_DOTS = 2


class JwtCaller(NamedTuple):
    """The organisation whose machine calls; `key_hash` is the same for all tokens of one key."""

    organisation_id: bytes
    key_hash: bytes


def is_jwt(credentials: str) -> bool:
    """Whether a bearer token has the form of a JWT in compact form (RFC 7519)."""
    return credentials.count(".") == JWT_DOTS


async def organisation_of_jwt(context: Context, credentials: str, is_request: bool) -> JwtCaller:
    """The caller of a JWT by an organisation that this node hosts; only a request uses it up.
    Raises a 401 problem."""
    token, organisation = await _check(context, credentials, REQUEST_TYPE)
    statement = text("SELECT node.is_hosted(:organisation)")
    async with context.database.begin() as connection:
        values = {"organisation": organisation.organisation}
        hosted = (await connection.execute(statement, values)).scalar_one()
    if not hosted:
        raise _refused(f"{organisation.did} is not hosted on this node.")
    if is_request:
        await _use(context, token)
    key_hash = hashlib.sha256(token.kid.encode()).digest()
    return JwtCaller(organisation.organisation, key_hash)


async def require_node(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(node_bearer)],
) -> ParticipantRow:
    """The organisation whose node delivers; a 401 problem for anybody else."""
    if credentials is None:
        raise _refused("The request carries no token.")
    context = context_of(request)
    token, sender = await _check(context, credentials.credentials, DELIVERY_TYPE)
    if token.claims.get(BODY_CLAIM) != body_claim(await request.body())[BODY_CLAIM]:
        raise _refused(f"Its {BODY_CLAIM} is not the SHA-256 of the body.")
    if sender.suspended:
        raise refused(OrganisationSuspended(organisation=sender.organisation))
    await _use(context, token)
    return sender


SendingNode = Annotated[ParticipantRow, Depends(require_node)]


async def check_node_token(context: Context, credentials: str) -> None:
    """Raises a 401 problem unless a token for a delivery was signed by an organisation that is not
    suspended; uses none up, and says nothing of the body."""
    _, sender = await _check(context, credentials, DELIVERY_TYPE)
    if sender.suspended:
        raise _refused(f"{sender.did} is suspended.")


async def _check(context: Context, text: str, token_type: str) -> tuple[Token, ParticipantRow]:
    try:
        token = read_token(text, token_type)
        check_request(token, context.settings.public_address, time.time())
        return token, await context.documents.check_signer(token, "authentication")
    except TokenInvalid as error:
        raise _refused(str(error)) from error
    except DidDocumentUnknown as error:
        raise _refused(str(error)) from error


async def _use(context: Context, token: Token) -> None:
    """Once; whoever comes second, at the same time or later, is refused."""
    name = f"{token.issuer}\n{token.claims['jti']}"
    values = {
        "token": hashlib.sha256(name.encode()).digest(),
        "expires": datetime.fromtimestamp(token.claims["exp"], UTC),
    }
    statement = text("SELECT node.use_token(:token, :expires)")
    async with context.database.begin() as connection:
        is_new = (await connection.execute(statement, values)).scalar_one()
    if not is_new:
        raise _refused("Its jti was used before.")


def _refused(detail: str) -> Problem:
    return Problem.of("token-refused", detail)
