"""What follows for a transaction without a receipt, and what nodes mean: as plain functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.sending.answers import Answer, is_about_gas, meaning_of
from node.sending.fees import first_price, raised_price
from node.sending.rules import (
    REFUSALS_MIN,
    Move,
    Offered,
    Patience,
    can_never_be_valid,
    next_move,
)

PATIENCE = Patience(blocks=3, seconds=5.0)
PRICES = st.integers(0, 10**18)


def move(
    nonce_on_chain: int = 7,
    offered: Offered | None = None,
    head: int = 100,
    now: float = 0.0,
    may_raise: bool = False,
) -> Move:
    return next_move(7, nonce_on_chain, offered, head, now, PATIENCE, may_raise)


def test_what_this_process_has_not_offered_is_offered() -> None:
    assert move() is Move.BROADCAST


def test_what_is_used_is_looked_into_never_offered() -> None:
    assert move(nonce_on_chain=8) is Move.INVESTIGATE
    assert move(nonce_on_chain=8, offered=Offered(100, 0.0)) is Move.WAIT
    assert move(nonce_on_chain=8, offered=Offered(97, 0.0)) is Move.INVESTIGATE


@pytest.mark.parametrize(("head", "now"), [(103, 0.0), (100, 5.0)])
def test_patience_ends_with_blocks_or_seconds(head: int, now: float) -> None:
    assert move(offered=Offered(100, 0.0)) is Move.WAIT
    assert move(offered=Offered(100, 0.0), head=head, now=now) is Move.SPREAD
    again = Offered(100, 0.0, times=2)
    assert move(offered=again, head=head, now=now, may_raise=True) is Move.RAISE


def test_what_was_called_too_cheap_offers_more_at_once_where_it_may() -> None:
    cheap = Offered(100, 0.0, is_underpriced=True)
    assert move(offered=cheap, may_raise=True) is Move.RAISE
    assert move(offered=cheap, may_raise=False) is Move.WAIT


def test_what_one_node_calls_invalid_is_offered_to_all_at_once_then_after_each_pause() -> None:
    by_the_first = Offered(100, 0.0, is_invalid=True)
    assert move(offered=by_the_first, may_raise=True) is Move.SPREAD
    by_all = Offered(100, 0.0, times=2, is_invalid=True, refusals=1)
    assert move(offered=by_all) is Move.WAIT
    assert move(offered=by_all, head=103, may_raise=True) is Move.SPREAD


def test_what_every_node_calls_invalid_again_and_again_is_filled_unless_it_is_in_a_block() -> None:
    invalid = Offered(100, 0.0, is_invalid=True, refusals=REFUSALS_MIN)
    assert move(offered=invalid) is Move.FILL
    assert move(offered=invalid, nonce_on_chain=8) is not Move.FILL


@pytest.mark.parametrize(
    ("data", "gas", "is_never_valid"),
    [
        (b"", 21_000, False),
        (b"", 20_999, True),
        (b"\x00\x01", 21_020, False),
        (b"\x00\x01", 21_019, True),
        (b"", 30_000_000, False),
        (b"", 30_000_001, True),
    ],
)
def test_what_no_block_can_hold_is_known_by_its_own_figures(
    data: bytes, gas: int, is_never_valid: bool
) -> None:
    assert can_never_be_valid(data, gas, block_gas_max=30_000_000) is is_never_valid


@given(
    nonce_on_chain=st.integers(0, 20),
    offered=st.none()
    | st.builds(
        Offered,
        at_block=st.integers(0, 200),
        at=st.floats(0, 100),
        times=st.integers(1, 5),
        is_underpriced=st.booleans(),
        is_invalid=st.booleans(),
        refusals=st.integers(0, 5),
    ),
    may_raise=st.booleans(),
)
def test_nothing_is_offered_whose_nonce_is_used(
    nonce_on_chain: int, offered: Offered | None, may_raise: bool
) -> None:
    chosen = move(nonce_on_chain, offered, head=200, now=100.0, may_raise=may_raise)
    if nonce_on_chain > 7:
        assert chosen in (Move.WAIT, Move.INVESTIGATE)
    else:
        assert chosen is not Move.INVESTIGATE


@given(offered=PRICES, suggested=PRICES, limit=PRICES)
def test_a_raise_is_one_that_pools_take_and_never_above_the_limit(
    offered: int, suggested: int, limit: int
) -> None:
    raised = raised_price(offered, suggested, limit)
    least = offered + max(1, -(-offered * 125 // 1_000))  # Nethermind's rule is the strictest
    if raised is None:
        assert offered + max(1, -(-offered * 13 // 100)) > limit
    else:
        assert least <= raised <= limit
    assert first_price(suggested, limit) <= limit


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("already known", Answer.TAKEN),
        ("Known transaction", Answer.TAKEN),
        ("ALREADY_EXISTS: already known", Answer.TAKEN),
        ("transaction already imported", Answer.TAKEN),
        ("nonce too low: next nonce 5, tx nonce 3", Answer.NONCE_USED),
        ("Nonce too low", Answer.NONCE_USED),
        ("OldNonce, Current nonce: 5", Answer.NONCE_USED),
        ("replacement transaction underpriced", Answer.UNDERPRICED),
        ("transaction underpriced: tip needed 1, tip permitted 0", Answer.UNDERPRICED),
        ("Gas price below configured minimum gas price", Answer.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x0", Answer.UNDERPRICED),
        ("insufficient funds for gas * price + value", Answer.NO_FUNDS),
        ("Upfront cost exceeds account balance", Answer.NO_FUNDS),
        ("Transaction nonce is too distant from current sender nonce", Answer.TOO_EARLY),
        ("Nonce too high", Answer.TOO_EARLY),
        ("gapped-nonce tx from delegated accounts", Answer.TOO_EARLY),
        ("exceeds block gas limit", Answer.INVALID),
        ("Transaction gas limit exceeds block gas limit", Answer.INVALID),
        ("intrinsic gas too low", Answer.INVALID),
        ("oversized data: transaction size 140000, limit 131072", Answer.INVALID),
        ("something went wrong", Answer.UNCLEAR),
        ("", Answer.UNCLEAR),
    ],
)
def test_the_words_of_nodes_are_understood(said: str, means: Answer) -> None:
    assert meaning_of(said) is means


def test_an_estimate_without_room_is_known_by_its_words() -> None:
    assert is_about_gas("gas required exceeds allowance (30000000)")
    assert is_about_gas("Out of gas: gas required exceeds allowance: 30000000")
    assert not is_about_gas("execution reverted")
