"""Keys, people and webhooks on the organisation's page: made, shown once, changed, taken away."""

from __future__ import annotations

import html
import re
import secrets

import pytest

from node.client import NodeClient
from tests.access.signing import new_account, session_of
from tests.organisation.visits import Visit, visit
from tests.refusals import nothing_written
from tests.stage import Json, World

SECRET = re.compile(r'id="secret" readonly value="([^"]+)"')
UNKNOWN = "0x" + "00" * 16
WRITES = (
    *("keys", f"keys/{UNKNOWN}/rotate", f"keys/{UNKNOWN}/revoke"),
    *("people", f"people/{UNKNOWN}/role", f"people/{UNKNOWN}/remove"),
    *("webhooks", f"webhooks/{UNKNOWN}/redeliver", f"webhooks/{UNKNOWN}/remove"),
)


def label() -> str:
    return f"<b>{secrets.token_hex(6)}"


def secret_of(somebody: Visit, path: str, **form: str) -> str:
    answer = somebody.post(f"/access/{path}", **form)
    assert answer.status_code == 200, answer.text
    found = SECRET.search(answer.text)
    assert found is not None
    return html.unescape(found[1])


def find(world: World, path: str, **known: str) -> Json | None:
    listed = world.provider.client.get(path)["items"]
    found = [each for each in listed if known.items() <= each.items()]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_key_is_made_shown_once_rotated_and_revoked(world: World) -> None:
    somebody, name = visit(world), label()
    form = {"label": name, "role": "operator", "area-consents": "1", "expiresAt": "2030-01-01"}
    key = secret_of(somebody, "keys", **form)
    me = NodeClient(world.node.url, key).get("/v1/session")
    assert me["rights"] == ["consents:read", "consents:write"]
    made = find(world, "/v1/api-keys", label=name)
    assert made
    assert made["expiresAt"] == 1_893_456_000
    page = somebody.page("/access")
    assert html.escape(name) in page
    assert name not in page
    assert key not in page
    other = secret_of(somebody, f"keys/{made['keyId']}/rotate", overlapSeconds="0")
    assert NodeClient(world.node.url, other).get("/v1/session")["role"] == "operator"
    made = find(world, "/v1/api-keys", label=name)
    assert made
    assert somebody.post(f"/access/keys/{made['keyId']}/revoke").status_code == 303
    assert find(world, "/v1/api-keys", label=name) is None
    gone = somebody.post(f"/access/keys/{made['keyId']}/revoke")
    assert gone.status_code == 404
    assert "There is no such key" in gone.text


def test_a_person_is_invited_by_a_link_given_another_role_and_removed(world: World) -> None:
    somebody, name = visit(world), label()
    link = secret_of(somebody, "people", label=name, role="auditor")
    address, _, invitation = link.partition("#")
    assert address == f"{world.node.url}/organisation/sign-in"
    opened, client = session_of(world, new_account(), invitation=invitation)
    assert client.get("/v1/session")["role"] == "auditor"
    person = opened["personId"]
    form = {"role": "operator", "area-usage": "1"}
    assert somebody.post(f"/access/people/{person}/role", **form).status_code == 303
    assert client.get("/v1/session")["rights"] == ["usage:read", "usage:write"]
    assert html.escape(name) in somebody.page("/access")
    assert somebody.post(f"/access/people/{person}/remove").status_code == 303
    assert find(world, "/v1/people", personId=person) is None


def test_a_webhook_is_made_set_back_and_removed(world: World) -> None:
    somebody = visit(world, language="fr")
    url = f"http://127.0.0.1:9/{secrets.token_hex(6)}"
    if not world.node.settings.webhook_private_addresses:
        url = f"https://1.1.1.1/{secrets.token_hex(6)}"
    form = {"url": url, "names": "ConsentEnded\r\n"}
    assert secret_of(somebody, "webhooks", **form).startswith("whsec_")
    made = find(world, "/v1/webhooks", url=url)
    assert made
    assert made["names"] == ["ConsentEnded"]
    path = f"webhooks/{made['webhookId']}"
    assert somebody.post(f"/access/{path}/redeliver", after="0-0-0").status_code == 303
    assert "0-0-0" in somebody.page("/access")
    wrong = somebody.post(f"/access/{path}/redeliver", after="yesterday")
    assert wrong.status_code == 422
    assert "La demande comporte une erreur de forme" in html.unescape(wrong.text)
    shown = form_of(wrong.text, f"/organisation/access/{path}/redeliver")
    place = f"{made['webhookId']}-after"
    assert 'value="yesterday" aria-invalid="true"' in shown
    assert f'id="wrong-{place}"' in shown
    assert f'<a href="#{place}">' in wrong.text
    assert somebody.get(f"/access/{path}/redeliver").status_code == 303
    assert somebody.post(f"/access/{path}/remove").status_code == 303
    assert find(world, "/v1/webhooks", url=url) is None


def test_a_webhook_that_is_refused_can_be_corrected(at_rest: World) -> None:
    somebody = visit(at_rest)
    with nothing_written(at_rest):
        for url, names, field in (
            ("ftp://school.example/<b>", "ConsentEnded", "url"),
            ("https://1.1.1.1/", "Nothing", "names"),
        ):
            form = {"url": url, "names": names, "includeUnfinal": "1"}
            answer = somebody.post("/access/webhooks", **form)
            assert answer.status_code == 422
            page = html.unescape(answer.text)
            assert f'value="{url}"' in page
            assert f">{names}</textarea>" in page
            assert 'name="includeUnfinal" value="1" checked' in page
            assert f'id="wrong-webhook-{field}"' in page
            assert f'<a href="#webhook-{field}">' in page
            assert "<h2>API keys</h2>" in page, "the whole page is there again"
    other = somebody.get("/access/webhooks", lang="fr")
    assert (other.status_code, other.headers["location"]) == (303, "/organisation/access?lang=fr")


@pytest.mark.parametrize(
    ("path", "changed", "field"),
    [
        ("keys", {"label": " "}, "key-label"),
        ("keys", {"role": "king"}, "key-role"),
        ("keys", {"expiresAt": "soon"}, "key-expiresAt"),
        ("keys", {"expiresAt": "2020-01-01"}, "key-expiresAt"),
        ("people", {"label": ""}, "person-label"),
        ("people", {"role": "king"}, "person-role"),
    ],
)
def test_a_key_or_an_invitation_that_is_refused_can_be_corrected(
    at_rest: World, path: str, changed: dict[str, str], field: str
) -> None:
    somebody, name = visit(at_rest), label()
    form = {"label": name, "role": "auditor", "expiresAt": "2030-01-01", "area-usage": "1"}
    form = {**form, **changed}
    with nothing_written(at_rest):
        answer = somebody.post(f"/access/{path}", **form)
    assert answer.status_code == 422, answer.text
    page, of = html.unescape(answer.text), field.partition("-")[0]
    assert f'<a href="#{field}">' in page
    assert f'id="wrong-{field}"' in page
    assert page.count('aria-invalid="true"') == 1, "in that form alone"
    shown = form_of(page, f"/organisation/access/{path}")
    assert f'value="{form["label"]}"' in shown
    assert re.findall(r'name="(area-\w+)" value="1"\s*checked', page) == ["area-usage"]
    if form["role"] == "auditor":
        assert '<option value="auditor" selected>' in shown
    if of == "key":
        assert f'value="{form["expiresAt"]}"' in shown
    again = somebody.get(f"/access/{path}")
    assert (again.status_code, again.headers["location"]) == (303, "/organisation/access")


def form_of(page: str, action: str) -> str:
    """The form that is sent there."""
    found = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("path", "form", "status", "named"),
    [
        ("people", {"role": "admin"}, 422, "<strong>Name</strong>"),
        (f"keys/{UNKNOWN}/rotate", {"overlapSeconds": "-1"}, 422, "<strong>"),
        ("webhooks", {"url": "https://127.0.0.1:1/", "names": "Nothing"}, 422, "wrong-webhook-"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    at_rest: World, path: str, form: dict[str, str], status: int, named: str
) -> None:
    somebody = visit(at_rest)
    with nothing_written(at_rest):
        answer = somebody.post(f"/access/{path}", **form)
    assert answer.status_code == status, answer.text
    assert "<h1>" in answer.text
    assert named in answer.text


def test_nobody_gives_more_than_they_have(at_rest: World) -> None:
    limited = visit(at_rest, "admin", areas=["access"])
    with nothing_written(at_rest):
        answer = limited.post("/access/keys", label="x", role="admin")
    assert answer.status_code == 403
    assert "That is more than you may give" in answer.text


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_who_may_not_write_sees_no_form_and_is_refused_in_words(at_rest: World, role: str) -> None:
    somebody = visit(at_rest, role)
    page = somebody.page("/access")
    assert page.count("<form") == 1, "to sign out"
    assert ("API keys" in page) == (role == "auditor")
    for path in WRITES:
        with nothing_written(at_rest):
            answer = somebody.post(f"/access/{path}", label="x", role="auditor")
        assert answer.status_code == 403, path
        assert "Your role does not allow that" in answer.text


def test_who_may_see_nothing_of_it_is_refused(world: World) -> None:
    somebody = visit(world, "admin", areas=["consents"])
    assert somebody.get("/access").status_code == 403
    assert 'href="/organisation/access"' not in somebody.page("")
