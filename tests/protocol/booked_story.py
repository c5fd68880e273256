"""Random histories over many months, and their postings as the books hold them."""

from __future__ import annotations

from hypothesis import strategies as st

from protocol.booking import BookedPosting, book
from protocol.periods import period_of
from protocol.types import UnixSeconds
from tests.protocol.ledger_story import PERIOD, Story

DAY_SECONDS = 86_400

ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["issue", "deposit", "settle", "settle late", "claim", "pay out", "redeem", "mistake"]
        ),
        st.integers(1, 50_000),
        st.integers(0, 40 * DAY_SECONDS),
    ),
    max_size=25,
)
"""What is done, how much of it, and how many seconds pass before the next act."""


def tell(acts: list[tuple[str, int, int]]) -> Story:
    """A history over many months, in which vouchers come late."""
    story = Story().begin()
    story.issue(10**9)
    story.deposit(5 * 10**8)
    for act, amount, pause in acts:
        match act:
            case "settle":
                story.settle(amount % 500 + 1, period_of(story.time))
            case "settle late":
                story.settle(amount % 500 + 1, PERIOD)
            case "issue":
                story.issue(amount)
            case "deposit":
                story.deposit(amount)
            case "claim":
                story.claim(amount)
            case "pay out":
                story.pay_out_commission()
            case "redeem":
                story.redeem(amount)
            case "mistake":
                story.send_by_mistake(amount)
        story.time = UnixSeconds(story.time + pause)
    return story


def booked(story: Story) -> list[BookedPosting]:
    """The story's journal as the books hold it."""
    found: list[BookedPosting] = []
    for origin, posting in story.state.journal:
        place = (origin.block_number, origin.log_index)
        index = found[-1].posting_index + 1 if found and found[-1].place[:2] == place else 0
        found.append(book(posting, origin, index))
    return found


def months_of(postings: list[BookedPosting]) -> range:
    """From the month before the first posting to the month after the last one."""
    return range(postings[0].booking_month - 1, postings[-1].booking_month + 2)
