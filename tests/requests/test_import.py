"""Consent requests from CSV: all lines or none, and every fault by line and column."""

from __future__ import annotations

import secrets
import time

import pytest

from node.intake.request_csv import FAULTS_MAX, LINES_MAX, REQUIRED, read_request_csv
from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.requests.asking import (
    NOTICE,
    PURPOSES,
    nothing_promised,
    opened,
    post_csv,
    shown,
    token_of,
)
from tests.stage import DAY_SECONDS, World

HEADER = (
    "subjectReference,agreementId,purposes,noticeReference,noticeVersion,noticeSha256,recipients,"
    "validUntil"
)
DIGEST = NOTICE["sha256"]


def line_of(world: World, subject: str, **changes: str) -> str:
    values = {
        "subject": subject,
        "agreement": to_hex(world.agreement),
        "purposes": "|".join(PURPOSES),
        "reference": "https://school.example/privacy",
        "version": "2026-09",
        "sha256": DIGEST,
        "recipients": world.consumer.did,
        "until": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 90 * DAY_SECONDS)),
    }
    return ",".join({**values, **changes}.values())


def test_each_line_becomes_a_request_in_the_files_order(world: World) -> None:
    subjects = [f"pupil {number}" for number in range(3)]
    text = "\r\n".join([HEADER, *(line_of(world, subject) for subject in subjects)]) + "\r\n"
    key = secrets.token_hex(8)
    answer = post_csv(world, text, key)
    assert answer.status_code == 201, answer.text
    made = answer.json()["requests"]
    assert [shown(world, each["requestId"])["subjectReference"] for each in made] == subjects
    seen = opened(world, token_of(made[1]))
    assert [purpose["purpose"] for purpose in seen["purposes"]] == list(PURPOSES)
    assert seen["notice"] == NOTICE
    repeated = post_csv(world, text, key)
    assert repeated.json() == answer.json()
    assert repeated.headers["Idempotent-Replayed"] == "true"


def test_a_spreadsheets_own_file_is_read(world: World) -> None:
    """A mark before the text, semicolons, and a name with a line end in quotes."""
    lines = [HEADER, line_of(world, '"Zoë, class\n3b"'), line_of(world, "second")]
    text = "\ufeff" + "\r\n".join(lines).replace(",", ";").replace("Zoë;", "Zoë,")
    answer = post_csv(world, text)
    assert answer.status_code == 201, answer.text
    first = answer.json()["requests"][0]
    assert shown(world, first["requestId"])["subjectReference"] == "Zoë, class\n3b"


def test_ten_thousand_lines_are_taken_and_no_more(world: World) -> None:
    lines = [HEADER, *(line_of(world, f"many {number}") for number in range(LINES_MAX))]
    with nothing_promised(world):
        answer = post_csv(world, "\n".join([*lines, line_of(world, "one more")]))
        assert_problem(answer, 422, "csv-refused", f"lines.{LINES_MAX + 2}")
    answer = post_csv(world, "\n".join(lines))
    assert answer.status_code == 201
    made = answer.json()["requests"]
    assert len({each["link"] for each in made}) == LINES_MAX
    ids = [bytes.fromhex(each["requestId"][2:]) for each in made]
    world.node.sql("DELETE FROM node.consent_requests WHERE request_id = ANY(:ids)", ids=ids)


def test_every_fault_is_named_and_nothing_is_taken(world: World) -> None:
    lines = [
        HEADER,
        line_of(world, "good"),
        line_of(world, "until", until="tomorrow"),
        line_of(world, ""),
        line_of(world, "short").rpartition(",")[0],
        line_of(world, "digest", sha256="0x12"),
        line_of(world, "no digest", sha256=""),
        line_of(world, "purposes", purposes=" | "),
        line_of(world, "recipients", recipients="nobody"),
    ]
    with nothing_promised(world):
        answer = post_csv(world, "\n".join(lines))
        problem = assert_problem(answer, 422, "csv-refused", None)
    assert {error["field"] for error in problem["errors"]} == {
        "lines.3.validUntil",
        "lines.4.subjectReference",
        "lines.5",
        "lines.6.noticeSha256",
        "lines.7.noticeSha256",
        "lines.8",
        "lines.9.recipients.0",
    }


@pytest.mark.parametrize(
    ("changes", "status", "slug", "field"),
    [
        ({"agreement": "0x" + "00" * 32}, 404, "agreement-not-found", "lines.3.agreementId"),
        ({"recipients": "did:web:a.example"}, 422, "not-party", "lines.3.recipients.0"),
        ({"until": "1"}, 422, "consent-request-refused", "lines.3.validUntil"),
    ],
)
def test_what_cannot_be_granted_is_named_by_its_line(
    world: World, changes: dict[str, str], status: int, slug: str, field: str
) -> None:
    lines = [HEADER, line_of(world, "good"), line_of(world, "bad", **changes)]
    with nothing_promised(world):
        assert_problem(post_csv(world, "\n".join(lines)), status, slug, field)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {f"lines.1.{name}" for name in REQUIRED}),
        (HEADER.encode(), {"lines.1"}),
        ((HEADER + ",colour\n").encode(), {"lines.1.colour"}),
        ((HEADER + ",validUntil\n").encode(), {"lines.1.validUntil"}),
        ((HEADER + '\n"open').encode(), {"lines.2"}),
        ((HEADER + "\nZo\xeb").encode("latin-1"), {"lines.2"}),
    ],
)
def test_a_file_that_is_none_says_where(body: bytes, fields: set[str]) -> None:
    assert {fault.field for fault in read_request_csv(body).faults} == fields


def test_faults_are_named_up_to_a_hundred() -> None:
    text = HEADER + "\nshort" * 1_000
    assert len(read_request_csv(text.encode()).faults) == FAULTS_MAX


def test_a_body_that_is_not_declared_as_csv_is_not_read(world: World) -> None:
    answer = send(world.provider.client, "POST", "/v1/consent-requests/import", {"a": 1})
    assert_problem(answer, 415, "content-type-not-csv", "Content-Type")
