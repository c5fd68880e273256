"""A minor answers a request: a guardian signs along, and both parties' records show it."""

from __future__ import annotations

import json
import secrets

from protocol.holder_keys import address_of
from protocol.record import from_json, to_json
from protocol.signatures import sign_digest
from protocol.signing import consent_grant_digest
from protocol.types import to_hex
from tests.organisation.visits import visit
from tests.refusals import assert_problem
from tests.requests.asking import answered, ask, asking, compose, opened, post_csv, shown, token_of
from tests.stage import Json, World


def guarded(seen: Json, secret: bytes, guardian: bytes) -> Json:
    """A record of the first purpose that names the guardian, signed by both."""
    named = {**seen["purposes"][0]["document"], "guardian": to_hex(address_of(guardian))}
    record = compose(seen, 0, secret, named)
    read = from_json(record)
    digest = consent_grant_digest(read.entry, read.chain_id, read.registry)
    return {**record, "guardianSignature": to_hex(sign_digest(guardian, digest))}


def test_who_asks_for_a_guardian_gets_no_answer_without_one(world: World, secret: bytes) -> None:
    made = ask(world, guardianSigns=True)
    token = token_of(made)
    seen = opened(world, token)
    assert seen["guardianSigns"] is True
    assert shown(world, made["requestId"])["guardianSigns"] is True
    alone = compose(seen, 0, secret)
    field = "records.0.document.guardian"
    assert_problem(answered(world, token, [alone]), 422, "answer-invalid", field)
    unsigned = {**guarded(seen, secret, secrets.token_bytes(32))}
    del unsigned["guardianSignature"]
    assert answered(world, token, [unsigned]).status_code == 422

    guardian = secrets.token_bytes(32)
    answer = answered(world, token, [guarded(seen, secret, guardian)])
    assert answer.status_code == 202, answer.text
    leaf = answer.json()["consents"][0]["leaf"]
    for party in (world.provider, world.consumer):
        record = party.client.get(f"/v1/consents/{leaf}")["record"]
        assert record["document"]["guardian"] == to_hex(address_of(guardian))
        assert to_json(from_json(record)) == record
    assert to_hex(address_of(guardian)) in visit(world).page(f"/consents/{leaf}")


def test_a_guardian_may_sign_along_unasked(world: World, secret: bytes) -> None:
    token = token_of(ask(world))
    seen = opened(world, token)
    assert seen["guardianSigns"] is False
    record = guarded(seen, secret, secrets.token_bytes(32))
    assert answered(world, token, [record]).status_code == 202


def test_a_file_may_ask_for_guardians_line_by_line(world: World) -> None:
    body = asking(world)
    notice = body["notice"]
    columns = {
        "agreementId": body["agreementId"],
        "purposes": "guidance",
        "noticeReference": notice["reference"],
        "noticeVersion": notice["version"],
        "noticeSha256": notice["sha256"],
        "validUntil": str(body["validUntil"]),
    }
    lines = [",".join(["subjectReference", *columns, "guardianSigns"])]
    for word in ("true", "false", ""):
        lines.append(",".join([f"p-{secrets.token_hex(4)}", *columns.values(), word]))
    answer = post_csv(world, "\n".join(lines))
    assert answer.status_code == 201, answer.text
    ids = [made["requestId"] for made in json.loads(answer.content)["requests"]]
    assert [shown(world, each)["guardianSigns"] for each in ids] == [True, False, False]
