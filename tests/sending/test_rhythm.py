"""Withdrawals are spread over a block's time, so that none waits for two blocks."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.sending.acts import Act, choose_next
from node.sending.chain import Head, Mined, Sighting
from node.sending.rhythm import PERIOD_SECONDS_MAX, Rhythm
from tests.own_chain import OwnDatabase
from tests.sending.fault_chain import FaultChain, hooked
from tests.sending.model_chain import BLOCK_GAS_MAX
from tests.sending.simulation import model_of
from tests.sending.turning_clock import TurningClock

WINDOW = 4


def rhythm_of(period: float, blocks: int = 10) -> tuple[Rhythm, float]:
    """Of a chain that was looked at as each of its blocks came, and when the last one did."""
    rhythm = Rhythm()
    for number in range(1, blocks + 1):
        rhythm.saw(number, number * period)
    return rhythm, blocks * period


def longest_wait(rhythm: Rhythm, start: float, period: float, window: int) -> float:
    """Of withdrawals that come all the time: from its coming to its block, in blocks' times, the
    longest of any that came within one block's time."""
    sent = []
    for tick in range(1_000):
        now = start + tick * period / 1_000
        if len(sent) < window and rhythm.is_worth_a_place(len(sent), now):
            sent.append(now)
    # Who comes after the last transaction of this block is in the next one.
    return (start + 2 * period - sent[-1]) / period


@given(st.floats(0.5, 12.0))
def test_nobody_waits_much_longer_than_a_block(period: float) -> None:
    rhythm, start = rhythm_of(period)
    assert longest_wait(rhythm, start, period, WINDOW) <= 1.13
    assert longest_wait(rhythm, start, period, 64) <= 1.13


def test_the_first_goes_at_once_and_nobody_waits_for_a_rhythm_that_is_not_known() -> None:
    unknown = Rhythm()
    assert all(unknown.is_worth_a_place(under_way, 0.0) for under_way in range(WINDOW))
    rhythm, start = rhythm_of(2.0)
    assert rhythm.is_worth_a_place(0, start)
    assert not rhythm.is_worth_a_place(1, start + 0.9)
    assert rhythm.is_worth_a_place(1, start + 1.1)


def test_a_block_that_is_late_is_waited_for_no_longer() -> None:
    rhythm, start = rhythm_of(2.0)
    assert rhythm.is_worth_a_place(3, start + 2.5)


def test_an_idle_chain_without_empty_blocks_has_no_rhythm() -> None:
    rhythm, _ = rhythm_of(PERIOD_SECONDS_MAX + 1)
    assert rhythm.period_seconds is None


def test_a_chain_that_comes_back_shorter_keeps_its_rhythm() -> None:
    rhythm, start = rhythm_of(2.0)
    rhythm.saw(5, start + 0.1)
    rhythm.saw(6, start + 2.1)
    assert rhythm.period_seconds == pytest.approx(2.0)


def act(number: int, kind: str) -> Act:
    key = number.to_bytes(32)
    return Act(number, b"i" * 20, kind, key, key, 0, age_seconds=100.0)


def test_the_last_place_is_the_withdrawals_and_a_withdrawal_that_waits_stops_no_other() -> None:
    waiting = [act(1, "settle"), act(2, "withdraw"), act(3, "anchor"), act(4, "withdraw")]
    withdrawals = [waiting[1], waiting[3]]
    assert choose_next(waiting, (), 0.0, others_may=False) == withdrawals
    assert choose_next(waiting[1:], (), 0.0, withdrawals_may=False) == [waiting[2]]
    assert choose_next(withdrawals, (), 0.0, withdrawals_may=False) == []


def test_a_receipt_tells_of_a_block_that_came_after_the_head_was_named() -> None:
    head = Head(7, b"7" * 32)
    mined = {b"t": Mined(8, b"8" * 32, True, 21_000, ())}
    assert Sighting(head, 1, {}, BLOCK_GAS_MAX).newest_block == 7
    assert Sighting(head, 1, mined, BLOCK_GAS_MAX).newest_block == 8


def test_withdrawals_after_an_idle_time_leave_places_for_those_after_them(
    own_database: OwnDatabase, clock: TurningClock
) -> None:
    """The sender looks at an idle chain now and then: the block that came since it looked last is
    no reason to hurry."""
    chain, period = model_of(own_database.chain.deployment), 2.0
    seen = FaultChain(chain)
    sender = own_database.sender(seen, clock=clock, head_poll_seconds=0.5)
    looks = round(period / 0.1)
    for _ in range(10):
        for look in range(looks):
            if look == 0:
                chain.mine()
            sender.step()
            clock.turn(0.1)
    chain.mine()  # seen by nobody yet: the last look was a while ago

    def withdraw(*_arguments: object) -> object:
        own_database.promise_withdrawal(secrets.token_bytes(32), secrets.token_bytes(32))
        return FaultChain.PASSED

    withdraw()
    with hooked(seen.before, estimate=withdraw):  # another one comes while each is prepared
        sender.step()
        assert len(chain.pool) == 1
        clock.turn(period / 2)
        sender.step()
        assert len(chain.pool) == 2
