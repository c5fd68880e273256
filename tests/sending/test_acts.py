"""Which acts go together and in which order, and how a batch hides who is in it."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.sending.acts import (
    BATCH_SIZE_MAX,
    ISSUERS_MAX,
    WITHDRAWALS_PER_CALL_MAX,
    Act,
    choose_next,
    pad_leaves,
)

BATCH_SECONDS = 0.5
ISSUERS = (b"\x01" * 20, b"\x02" * 20, b"\x03" * 20)
PADDED = (8, 64, 512, 1_000, 2_000, 5_000, 10_000)


def act(
    number: int,
    kind: str,
    subject: bytes,
    issuer: bytes | None = None,
    age: float = 9,
    attempts: int = 0,
) -> Act:
    return Act(number, issuer, kind, subject, subject, attempts, age)


def leaf(number: int) -> bytes:
    return number.to_bytes(32)


@st.composite
def outboxes(draw: st.DrawFn) -> list[Act]:
    """Acts in the order of their promise: a withdrawal stands after its consent, if that waits."""
    acts: list[Act] = []
    kinds = draw(
        st.lists(
            st.sampled_from(["anchor", "anchor", "withdraw", "withdraw-foreign", "sign", "settle"]),
            max_size=25,
        )
    )
    for number, kind in enumerate(kinds):
        age = draw(st.sampled_from([0.0, 0.4, 0.6, 60.0]))
        granted = [other.subject for other in acts if other.kind == "anchor"]
        ended = {other.subject for other in acts if other.kind == "withdraw"}
        open_leaves = [subject for subject in granted if subject not in ended]
        if kind == "anchor":
            issuer = draw(st.sampled_from(ISSUERS))
            acts.append(act(number, "anchor", leaf(number), issuer, age))
        elif kind == "withdraw" and open_leaves:
            acts.append(act(number, "withdraw", draw(st.sampled_from(open_leaves)), None, age))
        elif kind == "withdraw-foreign":
            acts.append(act(number, "withdraw", leaf(1_000 + number), None, age))
        elif kind in ("sign", "settle"):
            acts.append(act(number, kind, leaf(number), ISSUERS[0], age))
    return acts


@given(outboxes())
@settings(max_examples=300)
def test_everything_is_sent_once_and_nothing_overtakes_its_like(outbox: list[Act]) -> None:
    waiting, sent = [replace(item, age_seconds=60.0) for item in outbox], []
    while waiting:
        chosen = choose_next(waiting, (), BATCH_SECONDS)
        assert chosen, "acts wait for ever"
        assert len({item.kind for item in chosen}) == 1
        assert len({item.order_key for item in chosen}) == len(chosen)
        sent += chosen
        waiting = [item for item in waiting if item not in chosen]
    assert Counter(item.outbox_id for item in sent) == Counter(item.outbox_id for item in outbox)
    for key in {item.order_key for item in sent}:
        of_key = [item.outbox_id for item in sent if item.order_key == key]
        assert of_key == sorted(of_key)
    single = [item.outbox_id for item in sent if item.kind in ("sign", "settle")]
    assert single == sorted(single)


@given(outboxes(), st.data())
@settings(max_examples=300)
def test_a_choice_hurries_nobody_without_reason(outbox: list[Act], data: st.DataObject) -> None:
    keys = sorted({item.order_key for item in outbox})
    under_way = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    chosen = choose_next(outbox, under_way, BATCH_SECONDS)
    assert not {item.order_key for item in chosen} & under_way
    withdrawn = {item.subject for item in outbox if item.kind == "withdraw"}
    match chosen[0].kind if chosen else None:
        case "anchor":
            for issuer in {item.organisation_id for item in chosen}:
                own = [item for item in chosen if item.organisation_id == issuer]
                aged = any(item.age_seconds >= BATCH_SECONDS for item in own)
                assert aged or any(item.subject in withdrawn for item in own)
        case "sign" | "settle":
            assert len(chosen) == 1
        case None:
            free = [item for item in outbox if item.order_key not in under_way]
            assert all(item.kind in ("anchor", "withdraw") for item in free)


def test_several_issuers_share_a_transaction() -> None:
    outbox = [act(n, "anchor", leaf(n), n.to_bytes(20)) for n in range(ISSUERS_MAX + 1)]
    assert choose_next(outbox, (), BATCH_SECONDS) == outbox[:ISSUERS_MAX]


def test_together_issuers_have_no_more_than_a_batch() -> None:
    outbox = [act(n, "anchor", leaf(n), ISSUERS[n % 2]) for n in range(BATCH_SIZE_MAX + 2)]
    assert choose_next(outbox, (), BATCH_SECONDS) == outbox[::2]


def test_who_was_tried_in_vain_stands_alone() -> None:
    tried = [act(0, "anchor", leaf(0), ISSUERS[0], attempts=1)]
    fresh = [act(n, "anchor", leaf(n), ISSUERS[n]) for n in (1, 2)]
    assert choose_next([*tried, *fresh], (), BATCH_SECONDS) == tried
    assert choose_next([*fresh, *tried], (), BATCH_SECONDS) == fresh


def test_after_an_attempt_in_vain_half_as_many_go() -> None:
    outbox = [act(n, "anchor", leaf(n), ISSUERS[0], attempts=3) for n in range(BATCH_SIZE_MAX)]
    assert len(choose_next(outbox, (), BATCH_SECONDS)) == BATCH_SIZE_MAX // 8
    outbox = [replace(item, attempts=40) for item in outbox]
    assert len(choose_next(outbox, (), BATCH_SECONDS)) == 1


def test_consents_wait_for_company() -> None:
    young = [act(n, "anchor", leaf(n), ISSUERS[0], age=0.1) for n in range(3)]
    assert choose_next(young, (), BATCH_SECONDS) == []
    aged = [act(0, "anchor", leaf(0), ISSUERS[0], age=0.5), *young[1:]]
    assert choose_next(aged, (), BATCH_SECONDS) == aged


def test_a_full_batch_waits_no_longer() -> None:
    young = [act(n, "anchor", leaf(n), ISSUERS[0], age=0) for n in range(BATCH_SIZE_MAX + 5)]
    assert choose_next(young, (), BATCH_SECONDS) == young[:BATCH_SIZE_MAX]


def test_a_withdrawn_consent_waits_no_longer() -> None:
    young = [act(n, "anchor", leaf(n), ISSUERS[0], age=0) for n in range(3)]
    outbox = [*young, act(9, "withdraw", leaf(1))]
    assert choose_next(outbox, (), BATCH_SECONDS) == young


def test_a_withdrawal_passes_consents_that_wait() -> None:
    outbox = [act(0, "anchor", leaf(0), ISSUERS[0], age=0), act(1, "withdraw", leaf(7))]
    assert choose_next(outbox, (), BATCH_SECONDS) == outbox[1:]


def test_withdrawals_go_in_calls_of_a_size() -> None:
    outbox = [act(n, "withdraw", leaf(n)) for n in range(WITHDRAWALS_PER_CALL_MAX + 1)]
    assert choose_next(outbox, (), BATCH_SECONDS) == outbox[:WITHDRAWALS_PER_CALL_MAX]


def test_an_empty_outbox_gives_nothing() -> None:
    assert choose_next([], (), BATCH_SECONDS) == []


@pytest.mark.parametrize("count", [1, 7, 8, 9, 64, 65, 999, 1_000])
def test_a_batch_is_padded_with_leaves_that_nobody_can_tell(count: int) -> None:
    leaves = [secrets.token_bytes(32) for _ in range(count)]
    padded = pad_leaves(leaves)
    assert len(padded) == min(size for size in PADDED if size >= count)
    assert len(set(padded)) == len(padded)
    assert set(leaves) <= set(padded)
    assert {len(item) for item in padded} == {32}


def test_a_place_in_the_batch_tells_nothing() -> None:
    places = Counter(pad_leaves([b"\x09" * 32]).index(b"\x09" * 32) for _ in range(800))
    assert set(places) == set(range(8))
    assert max(places.values()) < 200
