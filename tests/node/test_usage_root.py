"""A voucher's root is the tree over the uses themselves, from the first use to the last."""

from __future__ import annotations

import secrets

from node.commands.record_uses import use_leaf
from protocol.entries import leaf_of
from protocol.merkle_reference import root_of_reference
from protocol.types import to_hex
from tests.stage import World

USES = (
    "SELECT consent_leaf, used_at, random FROM node.uses"
    " WHERE agreement_id = :agreement ORDER BY position"
)


def test_each_voucher_is_over_all_uses_of_the_month(world: World) -> None:
    agreement = world.conclude()
    record = world.make_record(secrets.token_bytes(32), agreement_id=agreement)
    world.grant(record)
    world.wait_for_state(record, "active")
    leaf = to_hex(leaf_of(record.entry))
    recorded = 0
    for count in (1, 2, 1, 9, 4):
        body = {"agreementId": to_hex(agreement), "consents": [leaf] * count}
        voucher = world.consumer.client.post("/v1/usages", body)["voucher"]
        recorded += count
        rows = world.node.sql(USES, agreement=agreement)
        leaves = [use_leaf(row.consent_leaf, row.used_at, row.random) for row in rows]
        assert (voucher["units"], len(leaves)) == (recorded, recorded)
        assert voucher["usageRoot"] == to_hex(root_of_reference(leaves))
