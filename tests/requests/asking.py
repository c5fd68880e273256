"""An organisation that asks, and a learner's device that answers from nothing but what it sees."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from node.intake.records import make_entry
from protocol.assurance import Assurance
from protocol.holder_keys import address_of
from protocol.record import Record, document_from_json, to_json
from protocol.signatures import sign_digest
from protocol.signing import consent_grant_digest
from protocol.types import AgreementId, ContractAddress, OrganisationId, from_hex, to_hex
from tests.refusals import send
from tests.stage import DAY_SECONDS, Json, World

BY_TOKEN = "/v1/requests/by-token"
PURPOSES = ("career guidance from skills", "statistics on the demand for skills")
NOTICE: Json = {
    "reference": "https://school.example/privacy",
    "version": "2026-09",
    "sha256": "0x" + "c3" * 32,
}


@contextmanager
def nothing_promised(world: World) -> Iterator[None]:
    """Inside the block no request, consent or act is written or changed; what was promised before
    may go on."""
    statement = (
        "SELECT (SELECT count(*) FROM node.consents), (SELECT count(*) FROM node.outbox),"
        " (SELECT string_agg(state || encode(request_id, 'hex'), '' ORDER BY request_id)"
        "  FROM node.consent_requests),"
        " (SELECT jsonb_agg(to_jsonb(r) ORDER BY rights_request_id) FROM node.rights_requests r)"
    )
    before = world.node.sql(statement)
    yield
    assert world.node.sql(statement) == before


def asking(world: World, **changes: Any) -> Json:
    """The body of a request for two purposes."""
    body = {
        "subjectReference": f"pupil-{secrets.token_hex(6)}",
        "agreementId": to_hex(world.agreement),
        "purposes": [{"purpose": purpose} for purpose in PURPOSES],
        "notice": NOTICE,
        "recipients": [world.consumer.did],
        "validUntil": int(time.time()) + 180 * DAY_SECONDS,
    }
    return {**body, **changes}


def ask(world: World, **changes: Any) -> Json:
    answer: Json = world.provider.client.post("/v1/consent-requests", asking(world, **changes))
    return answer


def token_of(made: Json) -> str:
    token: str = made["link"].partition("#")[2]
    return token


def shown_by(token: str) -> dict[str, str]:
    return {"Request-Token": token}


def look_at(world: World, token: str) -> httpx.Response:
    return httpx.get(f"{world.node.url}{BY_TOKEN}", headers=shown_by(token))


def opened(world: World, token: str) -> Json:
    answer = look_at(world, token)
    assert answer.status_code == 200, answer.text
    seen: Json = answer.json()
    return seen


def answered(world: World, token: str, records: list[Json]) -> httpx.Response:
    url = f"{world.node.url}{BY_TOKEN}/grant"
    return httpx.post(url, json={"records": records}, headers=shown_by(token), timeout=30)


def decline(world: World, token: str) -> httpx.Response:
    return httpx.post(f"{world.node.url}{BY_TOKEN}/refuse", headers=shown_by(token))


def compose(
    seen: Json, place: int, secret: bytes, document: Json | None = None, **changes: Any
) -> Json:
    """A record for one purpose, from nothing but what the learner is shown; `changes` to the
    entry."""
    wanted = document_from_json(document or seen["purposes"][place]["document"])
    entry, blinding = make_entry(
        wanted,
        AgreementId(from_hex(seen["agreementId"])),
        OrganisationId(from_hex(seen["asking"]["organisationId"])),
        address_of(secret),
        seen["validFrom"],
        seen["validUntil"],
    )
    entry = replace(entry, **changes)
    registry = ContractAddress(from_hex(seen["registry"]))
    signature = None
    if wanted.assurance is not Assurance.ATTESTED:
        digest = consent_grant_digest(entry, seen["chainId"], registry)
        signature = sign_digest(secret, digest)
    record = Record(
        chain_id=seen["chainId"],
        registry=registry,
        document=wanted,
        blinding=blinding,
        entry=entry,
        grant_signature=signature,
        group_id=seen["groupId"],
    )
    return to_json(record)


def shown(world: World, request_id: str) -> Json:
    answer: Json = world.provider.client.get(f"/v1/consent-requests/{request_id}")
    return answer


def expire(world: World, request_id: str) -> None:
    """The request's time is over, without waiting for it."""
    world.node.sql(
        "UPDATE node.consent_requests SET expires_at = :past WHERE request_id = :id",
        past=int(time.time()) - 1,
        id=bytes.fromhex(request_id[2:]),
    )


def post_csv(world: World, text: str | bytes, key: str | None = None) -> httpx.Response:
    body = text.encode() if isinstance(text, str) else text
    headers = {"Content-Type": "text/csv", **({"Idempotency-Key": key} if key else {})}
    return send(world.provider.client, "POST", "/v1/consent-requests/import", body, headers)
