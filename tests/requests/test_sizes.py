"""What is asked for is small enough to be answered, and an answer small enough to be delivered."""

from __future__ import annotations

from typing import Any

from protocol.consent_request import DOCUMENT_BYTES_MAX, DOCUMENTS_BYTES_MAX
from protocol.record import RECORD_BYTES_MAX
from tests.refusals import assert_problem, send
from tests.requests.asking import (
    answered,
    ask,
    asking,
    compose,
    nothing_promised,
    opened,
    post_csv,
    token_of,
)
from tests.requests.test_import import HEADER, line_of
from tests.stage import World


def purposes(count: int, length: int) -> list[dict[str, Any]]:
    return [{"purpose": f"{number} " + "é" * (length // 2)} for number in range(count)]


def test_what_no_record_could_hold_is_not_asked_for(world: World) -> None:
    with nothing_promised(world):
        for wanted in (
            purposes(1, DOCUMENT_BYTES_MAX),
            purposes(4, DOCUMENTS_BYTES_MAX // 4),
            [*purposes(1, 10), *purposes(1, DOCUMENT_BYTES_MAX)],
        ):
            body = asking(world, purposes=wanted)
            answer = send(world.provider.client, "POST", "/v1/consent-requests", body)
            assert_problem(answer, 422, "record-too-large", "purposes")
        line = line_of(world, "pupil", purposes="é" * (DOCUMENT_BYTES_MAX // 2))
        assert_problem(
            post_csv(world, f"{HEADER}\n{line}"), 422, "record-too-large", "lines.2.purposes"
        )


def test_the_most_that_may_be_asked_for_can_be_answered(world: World) -> None:
    token = token_of(ask(world, purposes=purposes(20, DOCUMENTS_BYTES_MAX // 20 - 1_500)))
    seen = opened(world, token)
    records = [compose(seen, place, bytes([1 + place]) * 32) for place in range(20)]
    answer = answered(world, token, records)
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["consents"]) == 20


def test_a_credential_cannot_make_a_record_too_large(world: World, secret: bytes) -> None:
    token = token_of(ask(world))
    record = compose(opened(world, token), 0, secret)
    credential = "a.b." + "c" * RECORD_BYTES_MAX
    record["holderBinding"] = {
        "did": "did:key:z6Mk",
        "signature": "0x" + "00" * 64,
        "credential": credential,
    }
    with nothing_promised(world):
        answer = answered(world, token, [record])
        assert_problem(answer, 422, "record-too-large", "records.0")
    del record["holderBinding"]
    assert answered(world, token, [record]).status_code == 202
