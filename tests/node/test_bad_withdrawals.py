"""Withdrawals that nobody signed, or of nothing: refused, and no block is filled with them."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from node.intake.records import signed_slip
from protocol.entries import encode_entry, leaf_of
from protocol.signatures import sign_digest
from protocol.signing import withdrawal_digest
from protocol.slip import encode_slip
from protocol.types import ContractAddress, to_hex
from tests.refusals import assert_problem, refused, send
from tests.stage import Json, World

PATH = "/v1/withdrawals"
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def withdrawal_refused(world: World, body: Json, status: int, slug: str, field: str) -> None:
    refused(world, world.operator, PATH, body, status, slug, field)


def test_a_leaf_that_does_not_exist_is_not_withdrawn(at_rest: World, secret: bytes) -> None:
    record = at_rest.make_record(secret)
    body = at_rest.withdrawal_of(record, secret)
    withdrawal_refused(at_rest, body, 404, "consent-not-found", "entry")
    slip = {"slip": to_hex(encode_slip(signed_slip(record, secret)))}
    withdrawal_refused(at_rest, slip, 404, "consent-not-found", "entry")
    shown = send(at_rest.operator, "GET", f"{PATH}/{to_hex(leaf_of(record.entry))}")
    assert_problem(shown, 404, "withdrawal-not-found", None)


def test_a_key_that_is_not_the_holder_does_not_withdraw(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    slug = "withdrawal-signature-invalid"
    stranger = world.withdrawal_of(record, secrets.token_bytes(32))
    withdrawal_refused(world, stranger, 422, slug, "signature")
    slip = replace(signed_slip(record, secret), signature=b"\x11" * 65)
    withdrawal_refused(world, {"slip": to_hex(encode_slip(slip))}, 422, slug, "signature")
    assert world.status(record)["state"] == "active"


def test_a_signature_of_another_consent_chain_or_contract_does_not_withdraw(
    world: World, secret: bytes
) -> None:
    record = world.grant_active(secret)
    leaf, registry = leaf_of(record.entry), world.address("ConsentRegistry")
    foreign = (
        withdrawal_digest(leaf, world.chain_id + 1, registry),
        withdrawal_digest(leaf, world.chain_id, world.address("UsageSettlement")),
        withdrawal_digest(leaf_of(world.make_record(secret).entry), world.chain_id, registry),
    )
    for digest in foreign:
        body = {
            "entry": to_hex(encode_entry(record.entry)),
            "signature": to_hex(sign_digest(secret, digest)),
        }
        withdrawal_refused(world, body, 422, "withdrawal-signature-invalid", "signature")
    assert world.status(record)["state"] == "active"


def test_a_signature_has_one_form(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    body = world.withdrawal_of(record, secret)
    raw = bytes.fromhex(body["signature"][2:])
    high_s = CURVE_ORDER - int.from_bytes(raw[32:64])
    turned = raw[:32] + high_s.to_bytes(32) + bytes([55 - raw[64]])
    slug = "withdrawal-signature-invalid"
    withdrawal_refused(world, {**body, "signature": to_hex(turned)}, 422, slug, "signature")
    for length in (0, 64, 66):
        short = {**body, "signature": "0x" + "11" * length}
        withdrawal_refused(world, short, 422, "request-invalid", "signature")


def test_a_slip_of_another_ledger_is_refused(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    for changes in ({"chain_id": 1}, {"registry": ContractAddress(b"\x33" * 20)}):
        slip = signed_slip(replace(record, **changes), secret)
        body = {"slip": to_hex(encode_slip(slip))}
        withdrawal_refused(world, body, 422, "slip-of-another-ledger", "slip")
    assert world.status(record)["state"] == "active"


def test_a_damaged_slip_is_refused(at_rest: World, secret: bytes) -> None:
    slip = encode_slip(signed_slip(at_rest.make_record(secret), secret))
    body = {"slip": to_hex(b"PTX2" + slip[4:])}
    withdrawal_refused(at_rest, body, 422, "slip-invalid", "slip")
    withdrawal_refused(at_rest, {"slip": to_hex(slip[:-1])}, 422, "request-invalid", "slip")


def test_an_entry_of_another_kind_is_refused(at_rest: World) -> None:
    body = {"entry": "0x" + "77" * 123, "signature": "0x" + "11" * 65}
    withdrawal_refused(at_rest, body, 422, "entry-invalid", "entry")


@pytest.mark.parametrize("parts", [(), ("entry",), ("signature",), ("entry", "signature", "slip")])
def test_a_withdrawal_is_a_slip_or_an_entry_with_its_signature(
    at_rest: World, secret: bytes, parts: tuple[str, ...]
) -> None:
    record = at_rest.make_record(secret)
    slip = to_hex(encode_slip(signed_slip(record, secret)))
    whole = {**at_rest.withdrawal_of(record, secret), "slip": slip}
    body = {name: whole[name] for name in parts}
    withdrawal_refused(at_rest, body, 422, "request-invalid", "body")
