"""The privacy notice of a consent request is chosen as a file; the node computes what is bound."""

from __future__ import annotations

import html
import json
import secrets
from typing import Any

import pytest

from protocol.canonical import digest_of
from protocol.hashing import sha256
from protocol.types import to_hex
from tests.organisation.test_requests_pages import file_of, line, told
from tests.organisation.visits import OWN_PAGE, Visit, visit
from tests.requests.asking import PURPOSES, nothing_promised
from tests.stage import Json, World

PDF = b"%PDF-1.7\r\n\x00\xff\xfe{[" + bytes(range(256)) * 300 + b"\n\r\r\n\n"
NOTICE: Json = {"title": "Notice", "sections": ["b", "a"], "édition": 3.0}


def send(
    somebody: Visit, fields: dict[str, str], notice: bytes | None, path: str = "/requests/new"
) -> Any:
    """The form as a browser sends it: a file that is not chosen comes without a name or content."""
    chosen = ("", b"") if notice is None else ("notice", notice)
    files = {"noticeFile": (*chosen, "application/octet-stream")}
    return somebody.http.post(f"/organisation{path}", data=fields, files=files, headers=OWN_PAGE)


def notice_of(world: World, answer: Any) -> Json:
    assert answer.status_code == 303, html.unescape(answer.text)
    notice: Json = told(world, answer.headers["location"])["notice"]
    return notice


def fields_of(world: World, **changes: str) -> dict[str, str]:
    return line(world, noticeSha256="", noticeVersion=secrets.token_hex(4), **changes)


@pytest.mark.parametrize(
    "content",
    [PDF, b"<!doctype html>\n<p>Notice\n", b"{\\rtf1 Notice}", b"[1, 2]", b"\xef\xbb\xbf{", b"0"],
)
def test_of_any_file_the_digest_is_of_its_very_bytes(world: World, content: bytes) -> None:
    notice = notice_of(world, send(visit(world), fields_of(world), content))
    assert notice["sha256"] == to_hex(sha256(content))
    assert "content" not in notice


@pytest.mark.parametrize("mark", ["", "\ufeff \r\n"])
def test_a_json_object_is_the_content_by_its_canonical_form(world: World, mark: str) -> None:
    file = (mark + json.dumps(NOTICE, indent=4)).encode()
    notice = notice_of(world, send(visit(world), fields_of(world), file))
    assert notice["sha256"] == to_hex(digest_of(NOTICE))
    assert notice["content"] == NOTICE


def test_a_long_json_object_is_bound_and_not_kept(world: World) -> None:
    long = {**NOTICE, "text": "é" * 12_300}
    notice = notice_of(world, send(visit(world), fields_of(world), json.dumps(long).encode()))
    assert notice["sha256"] == to_hex(digest_of(long))
    assert "content" not in notice


def test_a_form_with_a_file_that_is_sent_twice_is_one_request(world: World) -> None:
    """Although a browser draws another boundary each time."""
    somebody, fields = visit(world), fields_of(world, again=secrets.token_hex(16))
    places = {send(somebody, fields, PDF).headers["location"] for _ in range(2)}
    assert len(places) == 1
    with nothing_promised(world):
        other = send(somebody, fields, PDF + b" ")
    assert other.status_code == 422


def test_without_a_file_it_is_the_notice_of_the_newest_request_as_long_as_it_has_its_version(
    world: World,
) -> None:
    somebody, fields = visit(world), fields_of(world)
    notice_of(world, send(somebody, fields, json.dumps(NOTICE).encode()))
    assert "the notice of your newest request" in html.unescape(somebody.page("/requests/new"))
    again = notice_of(world, send(somebody, {**fields, "purposes": PURPOSES[0]}, None))
    assert again["sha256"] == to_hex(digest_of(NOTICE))
    assert again["content"] == NOTICE
    for changed in ("noticeVersion", "noticeReference"):
        with nothing_promised(world):
            refused = send(somebody, {**fields, changed: "another"}, None)
        assert refused.status_code == 422
        assert 'id="wrong-noticeFile"' in refused.text
        assert "Choose the file." in refused.text


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        (to_hex(sha256(PDF)), 303),
        (to_hex(sha256(PDF)).upper().replace("X", "x"), 303),
        ("0x12", 422),
    ],
)
def test_a_file_and_a_digest_are_taken_if_they_fit(world: World, typed: str, status: int) -> None:
    answer = send(visit(world), {**fields_of(world), "noticeSha256": typed}, PDF)
    assert answer.status_code == status
    if status == 422:
        assert 'id="wrong-noticeSha256"' in answer.text
        assert f"has the SHA-256 {to_hex(sha256(PDF))}, not 0x12." in html.unescape(answer.text)


def test_shown_again_the_form_asks_for_the_file_once_more_and_takes_no_other_notice(
    world: World,
) -> None:
    somebody, fields = visit(world), fields_of(world)
    notice_of(world, send(somebody, fields, PDF))
    shown = send(somebody, {**fields, "subjectReference": ""}, PDF + b"changed")
    assert shown.status_code == 422
    assert "Choose the file again: a browser does not keep it." in shown.text
    assert 'aria-describedby="noticeFile-again noticeFile-explain"' in shown.text
    assert "the notice of your newest request" not in html.unescape(shown.text)
    awaited = {**fields, "noticeAwaited": "1"}
    assert 'name="noticeAwaited" value="1"' in shown.text
    with nothing_promised(world):
        forgotten = send(somebody, awaited, None)
    assert 'id="wrong-noticeFile"' in forgotten.text
    assert 'name="noticeAwaited" value="1"' in forgotten.text, "for as long as it takes"
    notice = notice_of(world, send(somebody, awaited, PDF + b"changed"))
    assert notice["sha256"] == to_hex(sha256(PDF + b"changed"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a":' * 40 + b"1" + b"}" * 40, "plus de 32 niveaux"),
        (b'{"a":' * 99_000, "plus de 32 niveaux"),
        (b'{"a": "\\u0000"}', "U+0000"),
        (b'{"a": 1e999}', "fini"),
        (b'{"a": 9007199254740993}', "JSON canonique"),
    ],
)
def test_a_json_object_that_binds_nothing_is_refused_beside_the_field(
    world: World, content: bytes, words: str
) -> None:
    with nothing_promised(world):
        answer = send(visit(world, language="fr"), fields_of(world), content)
    text = html.unescape(answer.text)
    assert answer.status_code == 422
    assert 'id="wrong-noticeFile"' in text
    assert words in text
    assert "Choisissez un autre fichier." in text


def test_a_file_of_requests_takes_the_notice_for_lines_that_have_none(world: World) -> None:
    somebody = visit(world)
    own, blank = line(world), fields_of(world)
    sent = {"file": ("x.csv", file_of(own, blank).encode()), "noticeFile": ("n.pdf", PDF)}
    read = somebody.http.post("/organisation/requests/import", files=sent, headers=OWN_PAGE)
    digest = to_hex(sha256(PDF))
    assert read.status_code == 200, read.text
    assert f'name="sha256" value="{digest}"' in read.text
    confirmed = {"text": file_of(own, blank), "sha256": digest, "again": secrets.token_hex(8)}
    made = somebody.post("/requests/import/confirmed", **confirmed)
    assert made.headers["location"] == "/organisation/requests?made=2"
    for each, expected in ((own, own["noticeSha256"]), (blank, digest)):
        asked = {"subjectReference": each["subjectReference"]}
        [found] = world.provider.client.post("/v1/consent-requests/search", asked)["items"]
        assert found["notice"]["sha256"] == expected
    with nothing_promised(world):
        without = somebody.http.post(
            "/organisation/requests/import", files={"file": sent["file"]}, headers=OWN_PAGE
        )
        assert "lines.3.noticeSha256" in without.text
        unread = {"file": ("x.csv", b"a"), "noticeFile": ("n.pdf", PDF)}
        again = somebody.http.post("/organisation/requests/import", files=unread, headers=OWN_PAGE)
    assert "Choose the file again" in again.text
