"""A posting that is never made, though its event is there, shows at the head."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.audit import BooksDiffer
from indexer.projections import postings
from tests.indexer.conftest import Bench
from tests.indexer.histories import transactions_of
from tests.protocol.ledger_story import Story

ACTS: dict[str, Callable[[Story], object]] = {
    "issue": lambda story: story.issue(7),
    "deposit": lambda story: story.deposit(7),
    "settle": lambda story: story.settle(40),
    "claim": lambda story: story.claim(3),
    "pay_out_commission": lambda story: story.pay_out_commission(),
    "leave": lambda story: story.leave(7),
    "redeem": lambda story: story.redeem(7),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_a_posting_that_is_never_made_halts_the_index(
    bench: Bench, act: Callable[[Story], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story().begin()
    story.issue(1_000_000)
    story.deposit(500_000)
    assert story.settle(60)
    story.claim(100)
    for transaction in transactions_of(story.events):
        bench.chain.mine(transaction)
        bench.index.follow(bench.chain)
    before, told = bench.index.digest(), len(story.events)
    act(story)
    with monkeypatch.context() as patch:
        patch.setattr(postings, "postings_of", lambda *_: ())
        for transaction in transactions_of(story.events[told:]):
            bench.chain.mine(transaction)
        with pytest.raises(BooksDiffer, match="in the books"):
            bench.index.follow(bench.chain)
    assert bench.index.digest() == before
    assert bench.index.reach(bench.chain) == bench.replayed()
