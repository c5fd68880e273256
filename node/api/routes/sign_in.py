"""`/v1/sign-in`: people of an organisation sign in with an account or with a passkey.

A nonce or challenge is used up in a transaction of its own before anything else is judged, so that
nobody gets a second try with it.
"""

from __future__ import annotations

import base64
import time

from fastapi import APIRouter

from node.api.context import Context, NodeContext, require_fresh
from node.api.schemas.sign_in import (
    PasskeyChallenge,
    PasskeyInvited,
    PasskeyParameter,
    PasskeyParty,
    PasskeyRegistrationChallenge,
    PasskeySelection,
    PasskeyUser,
    PersonSession,
    RegisterPasskey,
    SignInNonce,
    SignInWithEthereum,
    SignInWithPasskey,
)
from node.api_keys import hash_api_key
from node.commands.challenges import CHALLENGE_SECONDS, Purpose, issue_challenge
from node.commands.keep_people import find_invited, find_label
from node.commands.keep_sessions import OpenedSession
from node.commands.sign_in_by_account import (
    SignedMessage,
    join_by_account,
    prove_account,
    sign_in_by_account,
    take_nonce,
)
from node.commands.sign_in_by_passkey import (
    check_new_passkey,
    join_by_passkey,
    sign_in_by_passkey,
    take_answered,
)
from node.passkeys import ALGORITHMS, RelyingParty
from protocol.sign_in import SignInRequest, parse_sign_in_message

router = APIRouter(prefix="/v1/sign-in", tags=["sign-in"])

STATEMENT = "Sign in to this Prometheus-X ledger node. It costs nothing and signs nothing else."


def request_of(context: Context) -> SignInRequest:
    """What a message must say here; the Host header of a request plays no part in it."""
    origin = context.settings.public_address
    return SignInRequest(origin, STATEMENT, context.deployment.chain_id)


@router.post("/ethereum/nonce", status_code=201, response_model=SignInNonce)
async def ask_nonce(context: NodeContext) -> SignInNonce:
    """A nonce for one message of Sign-In with Ethereum, and what else the message must say."""
    async with context.database.begin() as connection:
        nonce, expires_at = await issue_challenge(connection, Purpose.ETHEREUM)
    asked = request_of(context)
    return SignInNonce(
        nonce=nonce.hex(),
        expires_at=int(expires_at.timestamp()),
        domain=asked.domain,
        uri=asked.origin,
        version="1",
        chain_id=asked.chain_id,
        statement=asked.statement,
    )


@router.post("/ethereum", status_code=201, response_model=PersonSession)
async def by_account(context: NodeContext, body: SignInWithEthereum) -> PersonSession:
    """Begins a session for whoever signed the message (EIP-4361): an account that manages a hosted
    organisation on chain is its admin, others are who they were invited to be."""
    message = parse_sign_in_message(body.message)
    async with context.database.begin() as connection:
        await take_nonce(connection, message)
    signed = SignedMessage(body.message, body.signature)
    address = prove_account(signed, request_of(context), time.time())
    hours = context.settings.session_hours
    async with context.database.begin() as connection:
        if body.invitation is not None:
            opened = await join_by_account(connection, address, body.invitation, hours)
        else:
            now = (await require_fresh(context, connection)).now
            opened = await sign_in_by_account(connection, address, body.organisation_id, now, hours)
    return _session(context, opened)


@router.post("/passkey/challenge", status_code=201, response_model=PasskeyChallenge)
async def ask_challenge(context: NodeContext) -> PasskeyChallenge:
    """A challenge for a passkey of somebody who has joined."""
    async with context.database.begin() as connection:
        challenge, _ = await issue_challenge(connection, Purpose.PASSKEY)
    return PasskeyChallenge(
        challenge=_base64url(challenge),
        timeout=CHALLENGE_SECONDS * 1_000,
        rp_id=_party(context).id,
        allow_credentials=[],
        user_verification="required",
    )


@router.post("/passkey", status_code=201, response_model=PersonSession)
async def by_passkey(context: NodeContext, body: SignInWithPasskey) -> PersonSession:
    """Begins a session for the person whose passkey answered the challenge."""
    credential = body.credential.model_dump(by_alias=True, exclude_none=True)
    async with context.database.begin() as connection:
        answered = await take_answered(connection, credential, None)
    async with context.database.begin() as connection:
        opened = await sign_in_by_passkey(
            connection,
            _party(context),
            answered,
            _bytes(body.credential.raw_id),
            context.settings.session_hours,
        )
    return _session(context, opened)


@router.post(
    "/passkey/registration-challenge", status_code=201, response_model=PasskeyRegistrationChallenge
)
async def ask_registration(
    context: NodeContext, body: PasskeyInvited
) -> PasskeyRegistrationChallenge:
    """A challenge for a new passkey of somebody who was invited. The invitation stays open."""
    async with context.database.begin() as connection:
        invited = await find_invited(connection, body.invitation)
        label = await find_label(connection, invited.person_id, context.master_key)
        bound_to = hash_api_key(body.invitation)
        challenge, _ = await issue_challenge(connection, Purpose.PASSKEY_REGISTRATION, bound_to)
    party = _party(context)
    return PasskeyRegistrationChallenge(
        rp=PasskeyParty(id=party.id, name=context.settings.operator_did),
        user=PasskeyUser(
            id=_base64url(invited.person_id),
            name=label,
            display_name=label,
        ),
        challenge=_base64url(challenge),
        pub_key_cred_params=[
            PasskeyParameter(type="public-key", alg=int(algorithm)) for algorithm in ALGORITHMS
        ],
        timeout=CHALLENGE_SECONDS * 1_000,
        authenticator_selection=PasskeySelection(
            resident_key="required", require_resident_key=True, user_verification="required"
        ),
        attestation="none",
    )


@router.post("/passkey/registration", status_code=201, response_model=PersonSession)
async def register_passkey(context: NodeContext, body: RegisterPasskey) -> PersonSession:
    """Joins with a new passkey, and begins a session. The invitation is used up."""
    credential = body.credential.model_dump(by_alias=True, exclude_none=True)
    async with context.database.begin() as connection:
        answered = await take_answered(connection, credential, body.invitation)
    passkey = check_new_passkey(_party(context), answered)
    hours = context.settings.session_hours
    async with context.database.begin() as connection:
        opened = await join_by_passkey(connection, passkey, body.invitation, hours)
    return _session(context, opened)


def _party(context: Context) -> RelyingParty:
    return RelyingParty(context.settings.public_address)


def _session(context: Context, opened: OpenedSession) -> PersonSession:
    return PersonSession.of(opened, context.settings.session_idle_minutes)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
