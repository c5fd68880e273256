"""How fast the API answers: the gate's checks, and a withdrawal from signature to "withdrawn"."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from functools import partial

from node.bench.figures import Figure, measured
from node.bench.load import Question, prepare_request, run_load
from node.demo.story import Story
from node.intake.records import signed_record
from node.intake.terms import DAY_SECONDS
from protocol.entries import encode_entry, leaf_of
from protocol.record import Record, to_json
from protocol.signatures import sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import ContractAddress, to_hex

SECTION = "api"
CONSENTS = 1_000
CONNECTIONS = 64
LOAD_SECONDS = 8.0
BATCH = 1_000
BATCHES = 10
WITHDRAWALS = 30
ACTIVE = (b'"state":"active"',)


def measure_api(story: Story) -> Iterator[Figure]:
    """On a running node with an active agreement; grants its own consents first."""
    secrets_of_holders, records = _grant(story)
    yield from _checks(story, records)
    yield from _batches(story, records)
    yield from _withdrawals(story, secrets_of_holders, records)


def _grant(story: Story) -> tuple[list[bytes], list[Record]]:
    stage, completion = story.stage, story.completion.consent
    issuer = story.parties[completion.issuer]
    recipients = [story.parties[role].did for role in completion.recipients]
    registry = ContractAddress(stage.deployment.address_bytes("ConsentRegistry"))
    purpose = story.documents.receipt.purposes[0]
    now = int(time.time())
    holder_secrets = [secrets.token_bytes(32) for _ in range(CONSENTS)]
    records = [
        signed_record(
            purpose,
            recipients,
            "bench",
            story.agreement_id,
            issuer.id,
            secret,
            now,
            now + completion.validity_days * DAY_SECONDS,
            stage.deployment.chain_id,
            registry,
        )
        for secret in holder_secrets
    ]
    issuer.client.post("/v1/consents", {"records": [to_json(record) for record in records]})
    last = to_hex(leaf_of(records[-1].entry))
    issuer.client.wait_for(
        lambda: issuer.client.get(f"/v1/consents/{last}"),
        lambda found: found["anchoring"] is not None,
        "the consents' anchor",
    )
    return holder_secrets, records


def _checks(story: Story, records: list[Record]) -> Iterator[Figure]:
    url, key = story.stage.operator.url, _consumer_key(story)
    empty = Question(prepare_request(url, "GET", "/healthz", b"", None))
    result = run_load(url, [empty], CONNECTIONS, LOAD_SECONDS)
    yield measured(SECTION, "an empty route, 64 connections", result.rate, "a second")
    bodies = [
        json.dumps({"consents": [{"leaf": to_hex(leaf_of(record.entry))}]}).encode()
        for record in records
    ]
    questions = [
        Question(prepare_request(url, "POST", "/v1/consents/status", body, key), ACTIVE)
        for body in bodies
    ]
    result = run_load(url, questions, CONNECTIONS, LOAD_SECONDS)
    yield measured(SECTION, "status checks, one a request, 64 connections", result.rate, "a second")
    yield measured(SECTION, "status check, p50", result.p50_milliseconds, "ms")
    yield measured(SECTION, "status check, p99", result.p99_milliseconds, "ms")


def _batches(story: Story, records: list[Record]) -> Iterator[Figure]:
    consumer = story.parties["consumer"].client
    questions = [{"leaf": to_hex(leaf_of(record.entry))} for record in records[:BATCH]]
    started = time.perf_counter()
    for _ in range(BATCHES):
        answer = consumer.post("/v1/consents/status", {"consents": questions})
        assert all(found["active"] for found in answer["consents"])
    rate = BATCHES * len(questions) / (time.perf_counter() - started)
    yield measured(SECTION, "status checks in batches of 1,000", rate, "a second")


def _withdrawals(
    story: Story, holder_secrets: list[bytes], records: list[Record]
) -> Iterator[Figure]:
    node = story.stage.operator
    deployment = story.stage.deployment
    registry = deployment.address_bytes("ConsentRegistry")
    durations = []
    for secret, record in list(zip(holder_secrets, records, strict=True))[:WITHDRAWALS]:
        leaf = leaf_of(record.entry)
        started = time.perf_counter()
        signature = sign_digest(secret, withdrawal_digest(leaf, deployment.chain_id, registry))
        body = {"entry": to_hex(encode_entry(record.entry)), "signature": to_hex(signature)}
        node.post("/v1/withdrawals", body)
        read = partial(node.get, f"/v1/withdrawals/{to_hex(leaf)}")
        node.wait_for(read, _is_withdrawn, "the withdrawal")
        durations.append(time.perf_counter() - started)
    durations.sort()
    yield measured(
        SECTION,
        "signature to withdrawn, median of 30",
        1_000 * durations[len(durations) // 2],
        "ms",
    )
    yield measured(SECTION, "signature to withdrawn, slowest of 30", 1_000 * durations[-1], "ms")


def _is_withdrawn(answer: dict[str, object]) -> bool:
    return answer["state"] == "withdrawn"


def _consumer_key(story: Story) -> str:
    consumer = story.parties["consumer"]
    path = story.stage.settings.keys_dir / f"demo-{consumer.id.hex()}.api-key"
    return path.read_text().strip()
