"""What the other node says it has done counts by its signature, record by record."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from protocol.entries import leaf_of
from protocol.record import Record
from protocol.tokens import CONFIRMATION_TYPE, DELIVERY_TYPE
from protocol.types import to_hex
from tests.records.signed_tokens import Jwk, new_key, signed
from tests.records.test_strangers import RECORDS, key_of_first, key_of_second
from tests.records.two_nodes import SECOND_OPERATOR, TwoNodes
from tests.stage import wait_until


def test_one_bad_confirmation_leaves_that_record_alone_unconfirmed(nodes: TwoNodes) -> None:
    records = [nodes.make_record(bytes([0xB0 + number]) * 32) for number in range(4)]
    odd = records[1]
    together: list[int] = []

    def spoiled(path: str, answer: bytes) -> bytes:
        if path != RECORDS:
            return answer
        results = json.loads(answer)["results"]
        about = [each for each in records if any(is_about(one, each) for one in results)]
        together.append(len(about))
        for result in results:
            if is_about(result, odd):
                result["confirmation"] += "x"
        return json.dumps({"results": results}).encode()

    nodes.passage.rewrite = spoiled
    try:
        with nodes.deliverer_held():
            nodes.world.grant(*records)
        for record in records:
            if record is not odd:
                nodes.wait_for_deliveries(record, [("record", "delivered")])
        assert together[0] == len(records), "all were in one request"
        wait_until(lambda: nodes.show(odd)["deliveries"][0]["lastFailure"], "the reason")
        [delivery] = nodes.show(odd)["deliveries"]
        assert delivery["state"] == "waiting"
        assert delivery["lastFailure"].startswith("The signed token is refused:")
    finally:
        nodes.passage.rewrite = lambda path, answer: answer
    nodes.wait_for_deliveries(odd, [("record", "delivered")])


def is_about(result: Jwk, record: Record) -> bool:
    """Whether a confirmation names the record's leaf."""
    payload = result["confirmation"].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return bool(told["leaf"] == to_hex(leaf_of(record.entry)))


def test_a_confirmation_that_proves_nothing_is_not_believed(nodes: TwoNodes) -> None:
    """Whoever answers at the recipient's address: only the signature of who may confirm counts."""
    leaves: list[str] = []
    first = nodes.first.settings.operator_did

    def facts(**changes: Any) -> Jwk:
        own = {
            "confirmed": "stored",
            "leaf": leaves[-1],
            "recipient": to_hex(nodes.recipient.id),
            "chainId": nodes.world.chain_id,
            "registry": to_hex(nodes.world.address("ConsentRegistry")),
        }
        head = {"iss": SECOND_OPERATOR, "aud": first, "iat": int(time.time())}
        return {**head, **own, **changes}

    right = key_of_second(nodes)
    forgeries: list[Any] = [
        lambda: None,
        lambda: "nothing",
        lambda: signed(SECOND_OPERATOR, new_key(), facts(), CONFIRMATION_TYPE),
        lambda: signed(first, key_of_first(nodes), facts(iss=first), CONFIRMATION_TYPE),
        lambda: signed(SECOND_OPERATOR, right, facts(), DELIVERY_TYPE),
        lambda: signed(SECOND_OPERATOR, right, facts(leaf="0x" + "00" * 32), CONFIRMATION_TYPE),
        lambda: signed(SECOND_OPERATOR, right, facts(confirmed="erased"), CONFIRMATION_TYPE),
        lambda: signed(SECOND_OPERATOR, right, facts(aud=SECOND_OPERATOR), CONFIRMATION_TYPE),
        lambda: signed(SECOND_OPERATOR, right, facts(chainId=1), CONFIRMATION_TYPE),
    ]
    for number, forge in enumerate(forgeries):
        record = nodes.make_record(bytes([0x90 + number]) * 32)
        leaves.append(to_hex(leaf_of(record.entry)))

        def forged(path: str, answer: bytes, forge: Any = forge) -> bytes:
            if path != RECORDS:
                return answer
            [result] = json.loads(answer)["results"]
            return json.dumps({"results": [{**result, "confirmation": forge()}]}).encode()

        nodes.passage.rewrite = forged
        try:
            nodes.world.grant(record)

            def tried(record: Record = record) -> bool:
                return bool(nodes.show(record)["deliveries"][0]["lastFailure"])

            wait_until(tried, "a failure")
            assert nodes.deliveries(record) == [("record", "waiting")], number
        finally:
            nodes.passage.rewrite = lambda path, answer: answer
        nodes.wait_for_deliveries(record, [("record", "delivered")])
