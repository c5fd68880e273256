"""Consent requests on the organisation's pages: made, found, imported, attested."""

from __future__ import annotations

import html
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from node.api.organisation.forms import FIELDS_MAX
from node.api.texts import texts_of
from protocol.types import to_hex
from tests.organisation.visits import OWN_PAGE, Visit, visit
from tests.refusals import nothing_written
from tests.requests.asking import NOTICE, PURPOSES, asking, nothing_promised
from tests.stage import Json, World

MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


def line(world: World, **changes: str) -> dict[str, str]:
    """The fields of a request, as the form and the file name them."""
    return {
        "subjectReference": f"élève-{secrets.token_hex(6)}",
        "agreementId": to_hex(world.agreement),
        "purposes": "\r\n".join(PURPOSES),
        "recipients": world.consumer.did,
        "noticeReference": NOTICE["reference"],
        "noticeVersion": NOTICE["version"],
        "noticeSha256": NOTICE["sha256"],
        "validUntil": (datetime.now(UTC) + timedelta(days=90)).date().isoformat(),
        **changes,
    }


def file_of(*lines: dict[str, str]) -> str:
    rows = [",".join(lines[0])]
    rows += [",".join(each.values()).replace("\r\n", "|") for each in lines]
    return "\n".join(rows) + "\n"


def upload(somebody: Visit, text: str, path: str = "/requests/import") -> tuple[int, str]:
    files = {"file": ("élèves.csv", text.encode(), "text/csv")}
    answer = somebody.http.post(f"/organisation{path}", files=files, headers=OWN_PAGE)
    return answer.status_code, html.unescape(answer.text)


def told(world: World, path: str) -> Json:
    found: Json = world.provider.client.get(f"/v1/consent-requests/{path.rpartition('/')[2]}")
    return found


def make(world: World, somebody: Visit, **changes: str) -> str:
    answer = somebody.post("/requests/new", **line(world, **changes))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/organisation")


def test_a_request_is_made_by_a_form_and_shown_with_its_link(world: World) -> None:
    somebody = visit(world, "operator", "fr")
    form = line(world, minimumAssurance="identified", again=secrets.token_hex(16))
    answers = [somebody.post("/requests/new", **form) for _ in range(2)]
    path = answers[0].headers["location"].removeprefix("/organisation")
    assert answers[1].headers["location"] == f"/organisation{path}", "sent twice, made once"
    asked = told(world, path)
    assert asked["subjectReference"] == form["subjectReference"]
    assert [each["purpose"] for each in asked["purposes"]] == list(PURPOSES)
    assert asked["minimumAssurance"] == "identified"
    text = html.unescape(somebody.page(path))
    assert asked["link"] in text
    assert form["subjectReference"] in text
    code = somebody.get(f"{path}/qr.svg")
    assert code.headers["content-type"] == "image/svg+xml"
    assert f'value="{NOTICE["version"]}"' in somebody.page("/requests/new"), "of the newest one"


def test_a_form_may_ask_for_a_guardian_and_the_request_says_so(world: World) -> None:
    somebody = visit(world)
    guardian = texts_of("en")["organisation"]["requests"]["guardian"]
    path = make(world, somebody, guardianSigns="true")
    assert told(world, path)["guardianSigns"] is True
    assert guardian in html.unescape(somebody.page(path))
    ticked = 'name="guardianSigns" value="true" checked'
    assert ticked in somebody.page("/requests/new"), "as for the newest one"
    path = make(world, somebody)
    assert told(world, path)["guardianSigns"] is False
    assert guardian not in html.unescape(somebody.page(path))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("validUntil", "2020-01-01", "Ask for a time to come."),
        ("validUntil", "soon", "is no time"),
        ("agreementId", "0x" + "00" * 32, "There is no agreement"),
        ("recipients", "nobody", "did:"),
        ("noticeSha256", "0x12", "64 hexadecimal digits"),
        ("subjectReference", "", "too short"),
        ("subjectReference", '"><script>', ""),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    world: World, field: str, value: str, words: str
) -> None:
    somebody = visit(world)
    wrong = line(world, **{field: value, "expiresAt": "2020-01-01"})
    with nothing_promised(world):
        answer = somebody.post("/requests/new", **wrong)
    assert answer.status_code in (404, 422)
    named = field if words else "expiresAt"
    assert f'aria-describedby="wrong-{named}"' in answer.text
    assert f'id="wrong-{named}"' in answer.text
    assert words in answer.text
    assert html.escape(wrong["noticeReference"]) in answer.text, "what was typed is not lost"
    assert "<script>" not in answer.text


def test_requests_are_found_by_state_and_by_the_reference_which_stands_in_no_address(
    world: World,
) -> None:
    somebody = visit(world, "auditor")
    reference = f"élève-{secrets.token_hex(6)}"
    path = make(world, visit(world), subjectReference=reference)
    found = somebody.post("/requests/search", subjectReference=reference)
    assert found.status_code == 200
    assert f'href="/organisation{path}"' in found.text
    assert found.text.count("/organisation/requests/0x") == 1
    assert f'href="/organisation{path}"' in somebody.page("/requests", state="sent", agreement="")
    assert f'href="/organisation{path}"' not in somebody.page("/requests", state="refused")
    refused = somebody.post("/requests/search", subjectReference="")
    assert refused.status_code == 422


def test_a_file_is_understood_before_anything_is_written(world: World) -> None:
    somebody, lines = visit(world, "operator"), [line(world) for _ in range(3)]
    with nothing_promised(world):
        status, text = upload(somebody, file_of(*lines))
    assert status == 200
    assert "3 lines, without a fault. Nothing is written yet." in text
    again = re.search(r'name="again" value="(\w+)"', text)
    kept = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', text, re.S)
    assert again
    assert kept
    for _ in range(2):  # a double click makes them once
        answer = somebody.post("/requests/import/confirmed", again=again[1], text=kept[1])
        assert answer.headers["location"] == "/organisation/requests?made=3"
    for each in lines:
        sent = {"subjectReference": each["subjectReference"]}
        found = world.provider.client.post("/v1/consent-requests/search", sent)["items"]
        assert len(found) == 1
    assert "3 requests were made." in somebody.page("/requests", made="3")


def test_every_fault_of_a_file_is_named_by_line_and_nothing_is_written(world: World) -> None:
    somebody = visit(world)
    for text, words in (
        (file_of(line(world), line(world, validUntil="never")), "lines.3.validUntil"),
        (file_of(line(world), line(world, agreementId="0x" + "00" * 32)), "lines.3.agreementId"),
        ("subjectReference\nx\n", "The column agreementId is missing."),
        ("", "is missing"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "is missing"),
    ):
        with nothing_promised(world):
            status, page = upload(somebody, text)
        assert status in (404, 422), page
        assert "Nothing was written." in page
        assert words in page
    status, _ = upload(somebody, file_of(line(world, validUntil="x")), "/requests/import/confirmed")
    assert status == 422


def test_a_large_file_needs_a_session_before_it_is_read(world: World) -> None:
    many = file_of(*(line(world) for _ in range(400)))
    assert len(many) > 64 * 1024
    status, text = upload(visit(world), many)
    assert (status, "400 lines" in text) == (200, True)
    with nothing_written(world):
        stranger = Visit(world, "ptxs_invented")
        answer = stranger.http.post(
            "/organisation/requests/import", files={"file": ("x", many)}, headers=OWN_PAGE
        )
    assert answer.headers["location"].startswith("/organisation/sign-in")


def test_what_was_signed_on_paper_is_attested_and_the_slips_shown_once(world: World) -> None:
    somebody = visit(world, "operator")
    path = make(world, somebody, minimumAssurance="attested")
    assert "Attest what was signed on paper" in somebody.page(path)
    answer = somebody.post(f"{path}/attest")
    assert answer.status_code == 200
    assert len(re.findall(r"data:text/plain,0x[0-9a-f]{440}", answer.text)) == len(PURPOSES)
    assert answer.text.count("data:image/svg+xml;base64,") == len(PURPOSES)
    again = somebody.post(f"{path}/attest")
    assert again.status_code == 409
    assert "The request has been answered already" in again.text
    after = somebody.page(path)
    assert "Granted" in after
    assert "Attest what was signed on paper" not in after


def test_an_auditor_sees_no_form_that_writes_and_is_refused_in_words(world: World) -> None:
    auditor, path = visit(world, "auditor", "fr"), make(world, visit(world))
    for seen in ("/requests", path):
        assert "/requests/new" not in auditor.page(seen)
        assert "/attest" not in auditor.page(seen)
    for refused in ("/requests/new", "/requests/import"):
        assert auditor.get(refused).status_code == 403
    for refused in ("/requests/new", "/requests/import", "/requests/import/confirmed"):
        with nothing_promised(world):
            answer = auditor.post(refused, **line(world))
        assert answer.status_code == 403
        assert "Votre rôle ne le permet pas" in html.unescape(answer.text)
    assert auditor.post(f"{path}/attest").status_code == 403


def test_what_is_no_form_is_refused(world: World) -> None:
    somebody = visit(world)
    address = "/organisation/requests/import"
    for headers, body in (
        ({}, b"\xff=%"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&" * (FIELDS_MAX + 1)),
        (MULTIPART, b"nothing"),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\xff\r\n--b--'),
        (MULTIPART, b"--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n--b--"),
        (MULTIPART, b"--b\r\n\r\n--b--"),
    ):
        answer = somebody.http.post(address, content=body, headers={**OWN_PAGE, **headers})
        assert answer.status_code == 422, (body, answer.text)


def test_requests_of_another_organisation_are_not_there(world: World) -> None:
    made = world.consumer.client.post("/v1/consent-requests", asking(world))
    somebody = visit(world)
    for path in (f"/requests/{made['requestId']}", f"/requests/{made['requestId']}/qr.svg"):
        answer = somebody.get(path)
        assert answer.status_code == 404
        assert "There is no such request" in answer.text
