"""Random histories that the rules allow, as transactions for a scripted chain."""

from __future__ import annotations

import random

from protocol.events import (
    Approval,
    ConsentEnded,
    Event,
    GuardianAppointed,
    LeavesAnchored,
    OperatorDelegated,
    Origin,
    ParticipantDescribed,
    RecoveryAnnounced,
    RecoveryCancelled,
    WithdrawalRefused,
)
from protocol.merkle import root_of
from protocol.types import Leaf
from tests.indexer.scripted_chain import ScriptedChain
from tests.protocol.ledger_story import (
    CONSUMER_ACCOUNT,
    CONSUMER_HOLDING,
    EMPLOYER,
    PAYEE_ACCOUNT,
    REFERENCE,
    SCHOOL,
    Story,
)

MONEY_ACTS = (
    *("issue", "deposit", "settle", "settle", "settle"),
    *("claim", "pay_out_commission", "leave", "redeem"),
)


def tell(seed: int, acts: int) -> list[list[Event]]:
    """Transactions in their order: two organisations, an agreement, then acts of all kinds."""
    draw = random.Random(seed)
    story = Story().begin()
    for _ in range(acts):
        if draw.random() < 0.5:
            _act_with_money(story, draw)
        else:
            _act_with_consents(story, draw)
    return transactions_of(story.events)


def transactions_of(events: list[tuple[Event, Origin]]) -> list[list[Event]]:
    """The events of a story, one list a transaction."""
    transactions: list[list[Event]] = []
    for event, origin in events:
        if origin.log_index == 0:
            transactions.append([])
        transactions[-1].append(event)
    return transactions


def mine_history(chain: ScriptedChain, seed: int, acts: int = 40) -> None:
    """Mines a history, several transactions in some blocks and none in others."""
    mine_all(chain, tell(seed, acts), seed)


def mine_all(chain: ScriptedChain, transactions: list[list[Event]], seed: int) -> None:
    draw, left = random.Random(seed), list(transactions)
    while left:
        count = draw.choice((0, 1, 1, 2, 3))
        chain.mine(*left[:count], seconds=draw.randint(1, 90_000))
        del left[:count]


def _act_with_money(story: Story, draw: random.Random) -> None:
    name = draw.choice(MONEY_ACTS)
    held = story.state.money.get(CONSUMER_HOLDING, 0)
    match name:
        case "pay_out_commission":
            story.pay_out_commission()
        case "issue":
            story.issue(draw.randint(50_000, 500_000))
        case "deposit":
            if held:
                story.deposit(draw.randint(1, held))
        case "settle":
            story.settle(draw.randint(1, 60))
        case _:
            getattr(story, name)(draw.randint(1, 5_000))


def _act_with_consents(story: Story, draw: random.Random) -> None:
    known = [leaf for _, leaf in story.state.leaves]
    leaf = draw.choice(known) if known else Leaf(draw.randbytes(32))
    match draw.randint(0, 6):
        case 0 | 1 | 2:
            leaves = tuple(Leaf(draw.randbytes(32)) for _ in range(draw.choice((1, 2, 8, 13))))
            story.tell(anchored(leaves, story.state.log_size))
        case 3:
            who = draw.choice((SCHOOL, EMPLOYER, draw.randbytes(20)))
            if (who, leaf) not in story.state.endings:
                story.tell(ConsentEnded(who, leaf))
        case 4:
            story.tell(WithdrawalRefused(draw.randbytes(20), leaf))
        case 5:
            story.tell(ParticipantDescribed(SCHOOL, f"https://{seeded(draw)}.example", REFERENCE))
        case 6:
            story.tell(
                Approval(CONSUMER_ACCOUNT, PAYEE_ACCOUNT, 2**256 - 1),
                GuardianAppointed(draw.randbytes(20)),
                OperatorDelegated(SCHOOL, EMPLOYER, draw.randint(0, 31), draw.randint(0, 2**40)),
                RecoveryAnnounced(SCHOOL, draw.randbytes(20), story.time + 10),
                RecoveryCancelled(SCHOOL, draw.randbytes(20)),
            )


def seeded(draw: random.Random) -> str:
    """A text with what texts may hold."""
    return draw.choice(("node", "n\u00e9ud", "tab\there", "new\nline", "back\\slash", "\\N", "\\."))


def anchored(leaves: tuple[Leaf, ...], first_index: int) -> LeavesAnchored:
    return LeavesAnchored(SCHOOL, root_of(leaves), first_index, leaves)
