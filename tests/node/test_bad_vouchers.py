"""Vouchers that are not settled: each with the contract's own reason, and no money moves."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import Any

import pytest

from node.intake.completion import CompletedLine
from protocol.periods import period_label, period_of
from protocol.signatures import sign_digest
from protocol.signing import Voucher, typed_data_voucher, voucher_digest
from protocol.types import AgreementId, Hash32, OrganisationId, Period, Units, UnixSeconds, to_hex
from tests.refusals import refused
from tests.stage import TWO_LINES, Json, World, hash_of

ROUTES = ("/v1/vouchers", "/v1/settlements")
LARGEST = CompletedLine(payee="provider", category=1, unit_price_minor=2**64 - 1, free_units=0)


def this_month() -> Period:
    return period_of(UnixSeconds(int(time.time())))


def make_voucher(world: World, **changes: Any) -> Voucher:
    made = Voucher(
        world.agreement, world.consumer.id, this_month(), Units(1_000), Hash32(bytes(32))
    )
    return replace(made, **changes)


def body_of(world: World, voucher: Voucher) -> Json:
    shape = {
        "agreementId": to_hex(voucher.agreement_id),
        "consumer": to_hex(voucher.consumer),
        "period": period_label(voucher.period),
        "units": voucher.units,
        "usageRoot": to_hex(voucher.usage_root),
    }
    data = typed_data_voucher(voucher, world.chain_id, world.address("UsageSettlement"))
    return world.sign_voucher(shape, data)


def voucher_refused(world: World, body: Json, status: int, slug: str, field: str) -> None:
    """By both routes, and without a base unit moved on chain."""
    before = money(world)
    for path in ROUTES:
        sent = {name: value for name, value in body.items() if name != "upTo"}
        asked = body if path == "/v1/settlements" else sent
        refused(world, world.consumer.client, path, asked, status, slug, field)
    assert money(world) == before


def money(world: World) -> list[int]:
    settlement, token = world.contract("UsageSettlement"), world.contract("UsageToken")
    held = token.functions.balanceOf(settlement.address).call()
    return [held, settlement.functions.commissionOwed().call()]


def test_a_voucher_settled_before_moves_nothing(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    voucher = world.use(world.grant_active(secret, agreement_id=agreement), 2)
    world.settle(voucher)
    voucher_refused(world, voucher, 409, "voucher-not-newer", "voucher.units")
    older = body_of(world, make_voucher(world, agreement_id=agreement, units=Units(1)))
    voucher_refused(world, older, 409, "voucher-not-newer", "voucher.units")


def test_a_voucher_of_nothing_is_refused(at_rest: World) -> None:
    body = body_of(at_rest, make_voucher(at_rest, units=Units(0)))
    voucher_refused(at_rest, body, 409, "voucher-not-newer", "voucher.units")


def test_a_voucher_on_its_way_is_not_promised_twice(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    voucher = world.use(world.grant_active(secret, agreement_id=agreement), 1)
    client, slug = world.provider.client, "settlement-queued"
    with world.node.held("sender"):
        world.provider.client.post("/v1/settlements", voucher)
        refused(world, client, "/v1/settlements", voucher, 409, slug, None)


def test_a_voucher_mined_and_not_indexed_yet_is_not_promised_twice(
    world: World, secret: bytes
) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    voucher = world.use(world.grant_active(secret, agreement_id=agreement), 1)
    client = world.provider.client
    with world.node.held("indexer"):
        queued = client.post("/v1/settlements", voucher)
        path = f"/v1/settlements/{queued['settlementId']}"
        client.wait_for(
            lambda: client.get(path)["state"],
            lambda state: state in ("mined", "final"),
            "the block",
        )
        refused(world, client, "/v1/settlements", voucher, 409, "settlement-queued", None)
    assert client.get(path)["state"] in ("mined", "final")


@pytest.mark.parametrize("above", [1, 10**12])
def test_a_voucher_above_the_deposit_is_refused(world: World, above: int) -> None:
    line = replace_price(1_000)
    agreement = world.conclude((line,))
    world.deposit(agreement, 1_000_000)
    units = Units(1_000 + above)
    body = body_of(world, make_voucher(world, agreement_id=agreement, units=units))
    voucher_refused(world, body, 409, "deposit-too-small", "voucher.units")


def replace_price(unit_price_minor: int) -> CompletedLine:
    return TWO_LINES[0].model_copy(update={"unit_price_minor": unit_price_minor})


def test_a_voucher_for_the_whole_deposit_is_settled_in_full(world: World, secret: bytes) -> None:
    agreement = world.conclude((replace_price(1_000),))
    world.deposit(agreement, 3_000)
    voucher = world.use(world.grant_active(secret, agreement_id=agreement), 3)
    assert world.settle(voucher)["lines"][0]["grossMinor"] == 3_000
    settlement = world.contract("UsageSettlement").functions
    assert (
        settlement.depositOf(agreement, world.web3.to_checksum_address(world.consumer.id)).call()
        == 0
    )


def test_amounts_beyond_128_bits_are_refused_and_not_wrapped(world: World) -> None:
    agreement = world.conclude((LARGEST, LARGEST))
    units = Units(2**64 - 1)
    body = body_of(world, make_voucher(world, agreement_id=agreement, units=units))
    client, slug = world.provider.client, "deposit-too-small"
    problem = refused(world, client, "/v1/settlements", body, 409, slug, "voucher.units")
    needed = int(problem["values"]["needed"])
    assert needed == 2 * (2**64 - 1) ** 2
    assert needed > 2**128


@pytest.mark.parametrize(
    "units", [2**64, 2**300, -1, 1.5, 4.0, True, "1 000", " 4", "04", "+4", "4.0", str(2**64), None]
)
def test_units_that_are_no_64_bit_number_are_refused(at_rest: World, units: Any) -> None:
    body = body_of(at_rest, make_voucher(at_rest))
    body["voucher"]["units"] = units
    voucher_refused(at_rest, body, 422, "request-invalid", "voucher.units")


@pytest.mark.parametrize("up_to", [2**64, -1])
def test_a_part_that_is_no_64_bit_number_is_refused(at_rest: World, up_to: int) -> None:
    body = {**body_of(at_rest, make_voucher(at_rest)), "upTo": up_to}
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/settlements", body, 422, "request-invalid", "upTo")


def test_a_part_larger_than_the_voucher_is_refused(at_rest: World) -> None:
    body = {**body_of(at_rest, make_voucher(at_rest, units=Units(999))), "upTo": 1_000}
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/settlements", body, 422, "up-to-above-voucher", "upTo")


def test_a_period_that_has_not_begun_is_refused(at_rest: World) -> None:
    body = body_of(at_rest, make_voucher(at_rest, period=Period(this_month() + 1)))
    voucher_refused(at_rest, body, 422, "period-not-begun", "voucher.period")


def test_a_period_outside_the_validity_is_refused(at_rest: World) -> None:
    before = Period(period_of(at_rest.terms[at_rest.agreement].valid_from) - 1)
    body = body_of(at_rest, make_voucher(at_rest, period=before))
    voucher_refused(at_rest, body, 422, "period-outside-validity", "voucher.period")


@pytest.mark.parametrize("period", ["2026-13", "2026-00", "1969-12", "26-01", "2026-1", "", 11])
def test_a_period_that_is_no_month_is_refused(at_rest: World, period: Any) -> None:
    body = body_of(at_rest, make_voucher(at_rest))
    body["voucher"]["period"] = period
    voucher_refused(at_rest, body, 422, "request-invalid", "voucher.period")


def test_an_agreement_that_nobody_concluded_is_refused(at_rest: World) -> None:
    unknown = AgreementId(hash_of(6))
    body = body_of(at_rest, make_voucher(at_rest, agreement_id=unknown))
    voucher_refused(at_rest, body, 404, "agreement-not-found", "voucher.agreementId")


def test_an_agreement_that_was_never_in_force_is_refused(world: World) -> None:
    proposed = world.propose(world.make_terms())
    body = body_of(world, make_voucher(world, agreement_id=proposed))
    voucher_refused(world, body, 409, "agreement-never-active", "voucher.agreementId")


def test_who_is_no_party_or_is_paid_does_not_consume(at_rest: World) -> None:
    operator = OrganisationId(at_rest.story.stage.operator_id)
    body = body_of(at_rest, make_voucher(at_rest, consumer=operator))
    voucher_refused(at_rest, body, 422, "consumer-not-party", "voucher.consumer")
    body = body_of(at_rest, make_voucher(at_rest, consumer=at_rest.provider.id))
    voucher_refused(at_rest, body, 422, "consumer-is-payee", "voucher.consumer")


def test_a_signature_by_another_account_is_refused(at_rest: World) -> None:
    voucher = make_voucher(at_rest)
    digest = voucher_digest(voucher, at_rest.chain_id, at_rest.address("UsageSettlement"))
    forged = to_hex(sign_digest(secrets.token_bytes(32), digest))
    body = body_of(at_rest, voucher)
    wrong_signatures = (forged, "0x", "0x11", "0x" + "00" * 65, "0x" + "ff" * 65)
    for signature in wrong_signatures:
        wrong = {**body, "signature": signature}
        voucher_refused(at_rest, wrong, 422, "voucher-signature-invalid", "signature")
    by_provider = {
        **body,
        "signer": to_hex(at_rest.provider.account),
        "signature": to_hex(at_rest.provider.sign(digest)),
    }
    voucher_refused(at_rest, by_provider, 422, "voucher-signature-invalid", "signature")


def test_a_signature_over_other_units_is_refused(at_rest: World) -> None:
    body = body_of(at_rest, make_voucher(at_rest))
    body["voucher"]["units"] += 1
    voucher_refused(at_rest, body, 422, "voucher-signature-invalid", "signature")


def test_a_voucher_is_kept_only_over_the_uses_recorded_here(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 10_000_000)
    recorded = world.use(world.grant_active(secret, agreement_id=agreement), 3)
    root = Hash32(bytes.fromhex(recorded["voucher"]["usageRoot"][2:]))
    client, path = world.consumer.client, "/v1/vouchers"
    other = make_voucher(world, agreement_id=agreement, units=Units(3))
    body = body_of(world, other)
    refused(world, client, path, body, 422, "voucher-refused", "voucher.usageRoot")
    more = replace(other, units=Units(4), usage_root=root)
    body = body_of(world, more)
    refused(world, client, path, body, 422, "voucher-refused", "voucher.units")
    fewer = replace(other, units=Units(2), usage_root=root)
    body = body_of(world, fewer)
    refused(world, client, path, body, 422, "voucher-refused", "voucher.usageRoot")


def test_more_units_than_any_database_counts_are_refused_where_nothing_costs(world: World) -> None:
    agreement = world.conclude(())
    units = Units(2**64 - 1)
    body = body_of(world, make_voucher(world, agreement_id=agreement, units=units))
    client = world.consumer.client
    refused(world, client, "/v1/vouchers", body, 422, "voucher-refused", "voucher.units")


def test_a_consumers_voucher_is_kept_by_the_consumer_alone(world: World, secret: bytes) -> None:
    voucher = world.use(world.grant_active(secret), 1)
    client, slug = world.provider.client, "voucher-refused"
    refused(world, client, "/v1/vouchers", voucher, 422, slug, "voucher.consumer")
