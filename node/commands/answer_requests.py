"""Answers a consent request, once: by the learner's link, or on paper by the organisation.

The row is locked before it is judged, so of two answers at the same time one waits, and then meets
a request that is answered. The records, their acts for the chain and the request's new state are
one transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.freshness import Freshness
from node import tables
from node.commands.block_memory import BlockMemory
from node.commands.check_records import check_records
from node.commands.find_requests import find_by_token, find_request
from node.commands.grant_consents import grant_consents
from node.commands.required_assurance import required_assurance
from node.contracts import Deployment
from node.intake.records import attested_record
from node.kept_requests import ANSWER, Answer, KeptRequest, answer_to_json, seal_json
from node.problems import Problem, refused
from protocol.assurance import Assurance, is_at_least
from protocol.consent_request import Asked, RequestState, check_answer
from protocol.errors import AnswerInvalid, AssuranceTooWeak, ProtocolError
from protocol.prometheus_x import PurposeReading
from protocol.record import Record, to_json
from protocol.slip import Slip
from protocol.types import ContractAddress, Leaf, OrganisationId, to_hex


async def grant_by_link(
    connection: AsyncConnection,
    deployment: Deployment,
    master_key: bytes,
    operator: OrganisationId,
    memory: BlockMemory,
    token: str,
    records: list[dict[str, Any]],
    freshness: Freshness,
) -> tuple[KeptRequest, Answer]:
    """The request and its answer, also if the same records were sent before. Raises a problem for
    records that are not what was asked for, and for a request that is answered otherwise or has
    expired."""
    sent = hashlib.sha256(json.dumps(records, sort_keys=True).encode()).digest()
    request = await find_by_token(connection, token, master_key, lock=True)
    if request.answered is RequestState.GRANTED and request.answer_hash == sent:
        assert request.answer is not None
        return request, request.answer
    now = freshness.now
    _require_open(request, now)
    issuer = request.asked.issuer
    checked = await check_records(deployment, issuer, records)
    await grant_consents(connection, master_key, operator, memory, issuer, checked, freshness)
    places = _check(request.asked, [item.record for item in checked])
    answer = Answer(now, tuple(zip(places, [item.leaf for item in checked], strict=True)))
    await _close(connection, master_key, request, RequestState.GRANTED, answer, sent)
    return request, answer


async def refuse_by_link(
    connection: AsyncConnection, master_key: bytes, token: str, now: int
) -> None:
    """Grants nothing of it. Refusing twice is one refusal."""
    request = await find_by_token(connection, token, master_key, lock=True)
    if request.answered is RequestState.REFUSED:
        return
    _require_open(request, now)
    await _close(connection, master_key, request, RequestState.REFUSED, Answer(now, ()))


async def attest_requests(
    connection: AsyncConnection,
    deployment: Deployment,
    master_key: bytes,
    operator: OrganisationId,
    memory: BlockMemory,
    issuer: OrganisationId,
    request_ids: Sequence[bytes],
    freshness: Freshness,
) -> list[tuple[KeptRequest, list[tuple[Leaf, Slip]]]]:
    """On the issuer's word, for all purposes of each request: the leaves and the learners'
    withdrawal slips, which exist in this answer and nowhere else. All requests or none."""
    now = freshness.now
    requests = [
        await find_request(connection, request_id, master_key, lock=True)
        for request_id in sorted(request_ids)  # the same order for all, so that none waits in vain
    ]
    made: list[tuple[KeptRequest, list[tuple[Record, Slip]]]] = []
    registry = ContractAddress(deployment.address_bytes("ConsentRegistry"))
    for request in requests:
        _require_open(request, now)
        await _require_attestable(connection, request.asked)
        made.append((request, _attested(request, deployment.chain_id, registry)))
    records = [to_json(record) for _, pairs in made for record, _ in pairs]
    checked = await check_records(deployment, issuer, records)
    await grant_consents(connection, master_key, operator, memory, issuer, checked, freshness)
    leaves = iter([item.leaf for item in checked])
    answers = []
    for request, pairs in made:
        slips = [(next(leaves), slip) for _, slip in pairs]
        answer = Answer(now, tuple(enumerate(leaf for leaf, _ in slips)))
        await _close(connection, master_key, request, RequestState.GRANTED, answer)
        answers.append((request, slips))
    return answers


def _check(asked: Asked, records: Sequence[Record]) -> tuple[int, ...]:
    try:
        return check_answer(asked, records)
    except AnswerInvalid as error:
        raise refused(error, error.where) from error
    except ProtocolError as error:
        raise refused(error, "records") from error


def _attested(
    request: KeptRequest, chain_id: int, registry: ContractAddress
) -> list[tuple[Record, Slip]]:
    asked = request.asked
    return [
        attested_record(
            PurposeReading(purpose.name, purpose.receipt, purpose.notice, (), ()),
            purpose.recipients,
            request.group_id,
            asked.agreement_id,
            asked.issuer,
            asked.valid_from,
            asked.valid_until,
            chain_id,
            registry,
        )
        for purpose in asked.purposes
    ]


async def _require_attestable(connection: AsyncConnection, asked: Asked) -> None:
    required = await required_assurance(connection, asked.agreement_id)
    strongest = asked.minimum if is_at_least(asked.minimum, required) else required
    if strongest is not Assurance.ATTESTED:
        error = AssuranceTooWeak(proven=Assurance.ATTESTED.value, required=strongest.value)
        raise refused(error, "minimumAssurance")


def _require_open(request: KeptRequest, now: int) -> None:
    match request.state(now):
        case RequestState.SENT:
            return
        case RequestState.EXPIRED:
            detail = f"The request could be answered until {request.expires_at}, now is {now}."
            raise Problem.of("consent-request-expired", detail)
        case state:
            detail = f"The request {to_hex(request.request_id)} was {state} before."
            raise Problem.of("consent-request-answered", detail)


async def _close(
    connection: AsyncConnection,
    master_key: bytes,
    request: KeptRequest,
    state: RequestState,
    answer: Answer,
    answer_hash: bytes | None = None,
) -> None:
    """From now on the link leads to an answered request, and nobody can print it again."""
    bound_to = request.request_id + ANSWER
    sealed = seal_json(answer_to_json(answer), bound_to, master_key)
    requests = tables.consent_requests
    await connection.execute(
        update(requests)
        .where(requests.c.request_id == request.request_id)
        .values(
            state=state.value,
            sealed_link=None,
            link_key=None,
            answer_hash=answer_hash,
            sealed_answer=sealed.ciphertext,
            answer_key=sealed.wrapped_key,
        )
    )
