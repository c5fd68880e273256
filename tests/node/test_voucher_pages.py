"""`GET /v1/vouchers`: page by page, however many an organisation holds."""

from __future__ import annotations

import pytest

from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.stage import Json, World

COUNT = 5


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
        found: list[Json] = []
        after: dict[str, str] = {}
        while True:
            page = client.get("/v1/vouchers", agreement=to_hex(agreement), limit=limit, **after)
            assert len(page["items"]) <= limit
            found += page["items"]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
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
