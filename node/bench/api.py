"""How long a learner waits: from the signature to the answer "withdrawn"."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from functools import partial

from node.bench.acceptance import make_records
from node.bench.figures import Figure, measured
from node.demo.story import Story
from protocol.entries import encode_entry, leaf_of
from protocol.record import Record, to_json
from protocol.signatures import sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import to_hex

SECTION = "api"
WITHDRAWALS = 30


def measure_api(story: Story) -> Iterator[Figure]:
    """On a running node with an active agreement; grants its own consents first."""
    secrets_of_holders, records = _grant(story)
    yield from _withdrawals(story, secrets_of_holders, records)


def _grant(story: Story) -> tuple[list[bytes], list[Record]]:
    issuer = story.parties[story.completion.consent.issuer]
    holder_secrets = [secrets.token_bytes(32) for _ in range(WITHDRAWALS)]
    records = make_records(story, holder_secrets)
    issuer.client.post("/v1/consents", {"records": [to_json(record) for record in records]})
    last = to_hex(leaf_of(records[-1].entry))
    issuer.client.wait_for(
        lambda: issuer.client.get(f"/v1/consents/{last}"),
        lambda found: found["anchoring"] is not None,
        "the consents' anchor",
    )
    return holder_secrets, records


def _withdrawals(
    story: Story, holder_secrets: list[bytes], records: list[Record]
) -> Iterator[Figure]:
    node = story.stage.operator
    deployment = story.stage.deployment
    registry = deployment.address_bytes("ConsentRegistry")
    durations = []
    for secret, record in zip(holder_secrets, records, strict=True):
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
