"""How many consents a second a node takes: checked, encrypted, committed, and answered with 202.

Each has a record of its own, signed by a key of its own, and a recipient on the same node, who gets
a sealed row, too. Meanwhile the node goes on as it does: sender, chain and indexer share the cores,
and so does the load generator.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import Engine, text

from node.bench.figures import Figure, measured
from node.bench.follower_runs import DURABLE_SETTINGS, require_durable
from node.bench.load import Question, prepare_request, run_through
from node.client import read_api_key
from node.db import owner_engine
from node.demo.cast import api_key_file
from node.demo.story import Story
from node.intake.records import signed_record
from node.intake.terms import DAY_SECONDS
from protocol.entries import leaf_of
from protocol.record import Record, to_json
from protocol.types import ContractAddress, to_hex

SECTION = "acceptance"
BATCH = 100
BATCHES = 150
BATCH_CONNECTIONS = 4
SINGLES = 4_000
SINGLE_CONNECTIONS = 32
WARM_UP = 4


def measure_acceptance(story: Story, database_url: str) -> Iterator[Figure]:
    """On a running node with an active agreement between its two organisations."""
    engine = owner_engine(database_url)
    with engine.connect() as connection:
        require_durable(connection)
    on = ", ".join(DURABLE_SETTINGS)
    count = len(DURABLE_SETTINGS)
    yield measured(SECTION, f"the database's {on}: on", count, f"of {count}")
    run_through(*_load(story, BATCH, WARM_UP), BATCH_CONNECTIONS)
    result = run_through(*_load(story, BATCH, BATCHES), BATCH_CONNECTIONS)
    name = "consents accepted, 100 a request, 4 connections"
    yield measured(SECTION, name, BATCH * result.rate, "a second", "≥ 1,500")
    yield measured(SECTION, "a request of 100, p99", result.p99_milliseconds, "ms")
    result = run_through(*_load(story, 1, SINGLES), SINGLE_CONNECTIONS)
    name = "consents accepted, one a request, 32 connections"
    yield measured(SECTION, name, result.rate, "a second", "≥ 400")
    yield measured(SECTION, "a request of one, p99", result.p99_milliseconds, "ms")
    _require_all(engine, BATCH * (WARM_UP + BATCHES) + SINGLES)
    engine.dispose()


def _load(story: Story, size: int, count: int) -> tuple[str, list[Question]]:
    """Requests of so many records each; the address they go to."""
    issuer = story.parties[story.completion.consent.issuer]
    key = read_api_key(api_key_file(story.stage.settings, issuer.id))
    questions = []
    for _ in range(count):
        records = make_records(story, [secrets.token_bytes(32) for _ in range(size)])
        body = json.dumps({"records": [to_json(record) for record in records]}).encode()
        request = prepare_request(issuer.client.url, "POST", "/v1/consents", body, key)
        leaves = tuple(to_hex(leaf_of(record.entry)).encode() for record in records)
        questions.append(Question(request, leaves, b"202"))
    return issuer.client.url, questions


def make_records(story: Story, holder_secrets: Sequence[bytes]) -> list[Record]:
    """A record of the receipt's first purpose for each one-time key, as the story's terms have it,
    not granted yet."""
    stage, completion = story.stage, story.completion.consent
    issuer = story.parties[completion.issuer]
    recipients = [story.parties[role].did for role in completion.recipients]
    registry = ContractAddress(stage.deployment.address_bytes("ConsentRegistry"))
    purpose = story.documents.receipt.purposes[0]
    now = int(time.time())
    return [
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


def _require_all(engine: Engine, count: int) -> None:
    """Both parties' rows and the promise of each are there."""
    statement = text(
        "SELECT count(*) FROM node.outbox AS o WHERE kind = 'anchor'"
        " AND (SELECT count(*) FROM node.consents AS c"
        "  WHERE c.leaf = o.subject AND c.wrapped_key IS NOT NULL) = 2"
    )
    with engine.connect() as connection:
        found = connection.execute(statement).scalar_one()
    assert found >= count, (found, count)
