"""`GET /v1/vouchers`: page by page, however many an organisation holds."""

from __future__ import annotations

import pytest

from node.client import NodeClient
from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.stage import Json, World

COUNT = 5


def all_pages(client: NodeClient, agreement: str, limit: int) -> list[Json]:
    found: list[Json] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("/v1/vouchers", agreement=agreement, limit=limit, **after)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def months_back(world: World, voucher: Json, months: int) -> None:
    """Makes the kept voucher one of an earlier month, as somebody signs who settles late."""
    world.node.sql(
        "UPDATE node.vouchers SET period = period - :months WHERE usage_root = :root",
        months=months,
        root=bytes.fromhex(voucher["voucher"]["usageRoot"].removeprefix("0x")),
    )


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_voucher_signed_last_comes_first_whatever_month_it_is_of(
    world: World, secret: bytes, limit: int
) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secret, agreement_id=agreement)
    for signed in range(COUNT):
        voucher = world.use(record, 1)
        world.consumer.client.post("/v1/vouchers", voucher)
        months_back(world, voucher, months=signed % 3)
    found = [each["voucher"] for each in all_pages(world.consumer.client, to_hex(agreement), limit)]
    assert [each["units"] for each in found] == [5, 4, 3, 2, 1]
    assert len({each["period"] for each in found}) == 3
    assert found[0]["period"] < found[-1]["period"]


@pytest.mark.parametrize("limit", [1, 2, COUNT, 100])
def test_pages_of_vouchers_are_all_of_them(world: World, secret: bytes, limit: int) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secret, agreement_id=agreement)
    vouchers = [world.use(record, 1) for _ in range(COUNT)]
    for voucher in vouchers:
        world.consumer.client.post("/v1/vouchers", voucher)
    settled = world.consumer.client.post("/v1/settlements", vouchers[-1])
    for client in (world.consumer.client, world.provider.client):
        found = all_pages(client, to_hex(agreement), limit)
        assert [each["voucher"]["units"] for each in found] == [5, 4, 3, 2, 1]
        ids = [each.pop("settlementId") for each in found]
        assert ids[0] == settled["settlementId"]
        assert found == vouchers[::-1]


def test_a_page_begins_after_a_voucher_of_the_callers_own(world: World) -> None:
    path = f"/v1/vouchers?agreement={to_hex(world.agreement)}"
    answer = send(world.consumer.client, "GET", f"{path}&after=0x{'12' * 32}")
    problem = assert_problem(answer, 422, "request-invalid", "after")
    assert "0x1212" in problem["detail"]
    answer = send(world.consumer.client, "GET", f"{path}&limit=101")
    assert_problem(answer, 422, "request-invalid", "limit")
