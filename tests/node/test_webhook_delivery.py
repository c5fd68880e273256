"""Deliveries of webhooks: in order, at least once, to receivers that fail in every way."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from indexer.queries.feed import START, parse_position
from node.db import WEBHOOKS_ROLE, async_engine
from node.ledger_news import LedgerNews
from node.webhook_delivery import SKIPPED_BLOCKS, Delivery, DeliverySettings, pause_seconds
from node.webhook_secrets import new_webhook_secret, seal_webhook_secret
from tests.indexer.feed_reader import FeedReader
from tests.indexer.test_feed import anchor, at_head, forget_acts
from tests.own_chain import OwnChain, OwnDatabase
from tests.webhook_receiver import Receiver, open_receiver

MASTER_KEY = secrets.token_bytes(32)
SETTINGS = DeliverySettings(finality_blocks=3, private_addresses=True, failure_days=5)
LEAVES = ["LeavesAnchored"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@dataclass(slots=True)
class Hook:
    """One webhook in a database of the test's own, and who delivers to it."""

    database: OwnDatabase
    delivery: Delivery
    webhook_id: bytes
    secret: str

    @property
    def row(self) -> Any:
        [row] = self.database.sql("SELECT * FROM node.webhooks")
        return row

    async def deliver(self) -> None:
        """Until nothing is left or the receiver refuses."""
        while await self.delivery.deliver_page(self.row):
            pass

    def expected(self, **wanted: Any) -> list[str]:
        reader = FeedReader(self.database.owner, names=frozenset(LEAVES), **wanted)
        return [message.event.event_id for message in reader.read_all()]


@pytest.fixture
async def hook(own_database: OwnDatabase, receiver: Receiver) -> AsyncIterator[Hook]:
    """Leaves alone, final or not, from the beginning."""
    webhook_id, secret = secrets.token_bytes(16), new_webhook_secret()
    sealed = seal_webhook_secret(secret, webhook_id, MASTER_KEY)
    own_database.sql(
        "INSERT INTO node.webhooks (webhook_id, organisation_id, url, names, include_unfinal,"
        " sealed_secret, wrapped_key, position)"
        " VALUES (:id, 'organisation', :url, :names, true, :sealed, :key, :position)",
        id=webhook_id,
        url=receiver.url,
        names=LEAVES,
        sealed=sealed.ciphertext,
        key=sealed.wrapped_key,
        position=str(START),
    )
    engine = async_engine(own_database.url, WEBHOOKS_ROLE, 2)
    delivery = Delivery(engine, LedgerNews(own_database.url), MASTER_KEY, SETTINGS)
    yield Hook(own_database, delivery, webhook_id, secret)
    await engine.dispose()


async def test_messages_come_in_order_and_signed(hook: Hook, receiver: Receiver) -> None:
    anchor(hook.database, 4)
    at_head(hook.database.indexer(), hook.database)
    await hook.deliver()
    bodies = receiver.verified(hook.secret)
    assert [body["id"] for body in bodies] == receiver.ids() == hook.expected() != []
    assert hook.row.position == bodies[-1]["position"]
    assert {headers["content-type"] for headers, _ in receiver.requests} == {"application/json"}
    with pytest.raises(WebhookVerificationError):
        receiver.verified(new_webhook_secret())
    await hook.deliver()
    assert len(receiver.requests) == len(bodies)


@pytest.mark.parametrize("status", [500, 429, 404, 302, 199 + 101])
async def test_what_is_not_taken_is_sent_again_and_nothing_overtakes_it(
    hook: Hook, receiver: Receiver, status: int
) -> None:
    anchor(hook.database, 3)
    at_head(hook.database.indexer(), hook.database)
    expected = hook.expected()
    receiver.answer = lambda count: status if count in (2, 3) else 200
    receiver.location = receiver.url + "/elsewhere"
    await hook.deliver()
    assert receiver.ids() == expected[:2]
    row = hook.row
    assert (row.attempts, row.last_failure) == (1, f"The receiver answered {status}.")
    assert row.next_attempt_at > row.failing_since
    await hook.deliver()
    assert hook.row.attempts == 2
    assert hook.row.failing_since == row.failing_since
    await hook.deliver()
    assert receiver.ids() == [expected[0], expected[1], expected[1], *expected[1:]]
    row = hook.row
    assert (row.attempts, row.failing_since, row.last_failure) == (0, None, None)


async def test_a_receiver_that_is_away_is_a_failure_like_others(hook: Hook) -> None:
    anchor(hook.database, 1)
    at_head(hook.database.indexer(), hook.database)
    hook.database.sql("UPDATE node.webhooks SET url = 'http://127.0.0.1:1/'")
    await hook.deliver()
    assert hook.row.attempts == 1
    assert hook.row.last_failure
    assert hook.row.position == str(START)


async def test_a_receiver_that_is_gone_is_asked_no_more(hook: Hook, receiver: Receiver) -> None:
    anchor(hook.database, 1)
    at_head(hook.database.indexer(), hook.database)
    receiver.answer = lambda count: 410
    await hook.deliver()
    assert hook.row.disabled_reason == "The receiver answered 410 Gone."


async def test_after_days_of_failure_a_webhook_is_disabled(hook: Hook, receiver: Receiver) -> None:
    anchor(hook.database, 1)
    at_head(hook.database.indexer(), hook.database)
    receiver.answer = lambda count: 500
    age = "UPDATE node.webhooks SET failing_since = now() - make_interval(days => :days, mins => 1)"
    for days, is_disabled in ((4, False), (5, True)):
        hook.database.sql(age, days=days)
        await hook.deliver()
        assert (hook.row.disabled_reason is not None) == is_disabled
    assert "5 days" in hook.row.disabled_reason


async def test_final_blocks_alone_are_told_unless_asked_otherwise(
    own_chain: OwnChain, hook: Hook, receiver: Receiver
) -> None:
    hook.database.sql("UPDATE node.webhooks SET include_unfinal = false")
    indexer = hook.database.indexer()
    anchor(hook.database, 5)
    at_head(indexer, hook.database)
    await hook.deliver()
    final, every = hook.expected(final_only=True), hook.expected()
    assert receiver.ids() == final
    assert every[: len(final)] == final
    assert len(every) - len(final) == SETTINGS.finality_blocks
    own_chain.mine(SETTINGS.finality_blocks)
    at_head(indexer, hook.database)
    await hook.deliver()
    assert receiver.ids() == every
    assert all(body["final"] for body in receiver.verified(hook.secret))


async def test_what_is_not_for_a_webhook_is_read_once(
    own_chain: OwnChain, hook: Hook, receiver: Receiver
) -> None:
    """Hundreds of blocks without a message move its position, a few do not."""
    indexer = hook.database.indexer()
    anchor(hook.database, 1)
    at_head(indexer, hook.database)
    await hook.deliver()
    stood = parse_position(hook.row.position)
    own_chain.mine(SKIPPED_BLOCKS // 2)
    at_head(indexer, hook.database)
    await hook.deliver()
    assert parse_position(hook.row.position) == stood
    own_chain.mine(SKIPPED_BLOCKS)
    at_head(indexer, hook.database)
    await hook.deliver()
    assert parse_position(hook.row.position).block_number > stood.block_number + SKIPPED_BLOCKS
    anchor(hook.database, 1)
    at_head(indexer, hook.database)
    await hook.deliver()
    assert receiver.ids() == hook.expected()


async def test_what_is_taken_back_is_told_with_the_same_id(
    own_chain: OwnChain, hook: Hook, receiver: Receiver
) -> None:
    indexer = hook.database.indexer()
    with own_chain.taken_back():
        anchor(hook.database, 2)
        at_head(indexer, hook.database)
        await hook.deliver()
    taken = receiver.ids()[-2:]
    forget_acts(hook.database)
    anchor(hook.database, 1)
    at_head(indexer, hook.database)
    receiver.requests.clear()
    await hook.deliver()
    assert receiver.ids()[:2] == [f"{taken[1]}-removed", f"{taken[0]}-removed"]
    bodies = receiver.verified(hook.secret)
    assert [(body["id"], body["removed"]) for body in bodies[:2]] == [
        (taken[1], True),
        (taken[0], True),
    ]
    assert [body["id"] for body in bodies[2:]] == hook.expected()[-1:]


async def test_who_is_set_back_during_a_delivery_gets_everything_again(
    hook: Hook, receiver: Receiver
) -> None:
    anchor(hook.database, 3)
    at_head(hook.database.indexer(), hook.database)

    def set_back_once(count: int) -> int:
        if count == 2:
            hook.database.sql("UPDATE node.webhooks SET position = :start", start=str(START))
        return 200

    hook.database.sql("UPDATE node.webhooks SET position = '0-1-0'")
    receiver.answer = set_back_once
    await hook.deliver()
    expected = hook.expected()
    assert receiver.ids() == expected[:2] + expected


class Killed(BaseException):
    """Stands for kill -9."""


@pytest.mark.parametrize("died_at", [1, 2, 3])
async def test_a_kill_after_an_answer_repeats_one_message_and_loses_none(
    hook: Hook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, died_at: int
) -> None:
    anchor(hook.database, 3)
    at_head(hook.database.indexer(), hook.database)

    async def dies(delivery: Delivery, *position: Any) -> bool:
        if len(receiver.requests) == died_at:
            raise Killed
        return await move(delivery, *position)

    move = Delivery._move
    with monkeypatch.context() as patched:
        patched.setattr(Delivery, "_move", dies)
        with pytest.raises(Killed):
            await hook.deliver()
    await hook.deliver()
    expected = hook.expected()
    assert receiver.ids() == expected[:died_at] + expected[died_at - 1 :]


async def test_a_secret_moved_to_another_webhook_signs_nothing(
    hook: Hook, receiver: Receiver
) -> None:
    anchor(hook.database, 1)
    at_head(hook.database.indexer(), hook.database)
    hook.database.sql("UPDATE node.webhooks SET webhook_id = sha256(webhook_id)")
    await hook.deliver()
    assert receiver.requests == []
    assert "does not open" in hook.row.last_failure


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://10.0.0.1/", "http://[::1]/"])
async def test_a_name_that_turns_private_is_not_called(
    hook: Hook, receiver: Receiver, url: str
) -> None:
    anchor(hook.database, 1)
    at_head(hook.database.indexer(), hook.database)
    hook.database.sql("UPDATE node.webhooks SET url = :url", url=url)
    hook.delivery._settings = DeliverySettings(3, private_addresses=False, failure_days=5)
    await hook.deliver()
    assert "not public" in hook.row.last_failure
    assert receiver.requests == []


def test_pauses_double_up_to_an_hour() -> None:
    for attempts in range(40):
        longest = min(2**attempts, 3_600)
        assert all(longest / 2 <= pause_seconds(attempts) <= longest for _ in range(20))


async def test_the_body_is_json_and_says_what_happened(hook: Hook, receiver: Receiver) -> None:
    anchor(hook.database, 1)
    at_head(hook.database.indexer(), hook.database)
    await hook.deliver()
    body = json.loads(receiver.requests[-1][1])
    assert body.keys() == {
        "id",
        "position",
        "removed",
        "name",
        "contract",
        "blockNumber",
        "blockHash",
        "blockTime",
        "transactionHash",
        "logIndex",
        "final",
        "arguments",
    }
