"""A chain seen through faults: the real one answers, and a test decides what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from indexer.rpc import ChainUnreachable
from node.sending.answers import Answer
from node.sending.chain import Head, Request, Reverted, SenderChain, Sighting

Hook = Callable[..., Any]
WRONG_WORD = (Answer.INVALID, "invalid sender")
"""What a node says that takes good bytes for bad ones."""


class Killed(BaseException):
    """Stands for kill -9: nothing of the process runs after it."""


@dataclass
class FaultChain:
    """Passes everything on to `real`; `before` and `after` hooks by the method's name.

    A hook before a call may raise, or give an answer in place of the chain's; one after it gets the
    answer first and gives another one.
    """

    real: SenderChain
    before: dict[str, Hook] = field(default_factory=dict)
    after: dict[str, Hook] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    PASSED: ClassVar = object()

    def _ask(self, method: str, *arguments: Any) -> Any:
        self.calls.append(method)
        hook = self.before.get(method)
        answer = hook(*arguments) if hook else self.PASSED
        if answer is self.PASSED:
            answer = getattr(self.real, method)(*arguments)
        hook = self.after.get(method)
        return hook(answer, *arguments) if hook else answer

    def identity(self) -> tuple[int, bytes]:
        return self._ask("identity")

    def head(self) -> Head:
        return self._ask("head")

    def look_up(self, sender: bytes, hashes: Sequence[bytes]) -> Sighting:
        return self._ask("look_up", sender, hashes)

    def estimate(self, sender: bytes, request: Request, price_wei: int) -> int:
        return self._ask("estimate", sender, request, price_wei)

    def suggested_price(self) -> int:
        return self._ask("suggested_price")

    def broadcast(self, raw: bytes, everywhere: bool) -> tuple[Answer, str]:
        return self._ask("broadcast", raw, everywhere)

    def refusal(self, sender: bytes, request: Request, block_number: int) -> Reverted | None:
        return self._ask("refusal", sender, request, block_number)

    def who_used(
        self, sender: bytes, nonce: int, first: int, last: int
    ) -> tuple[bytes, int] | None:
        return self._ask("who_used", sender, nonce, first, last)


def once(fault: Hook, passed: Any = FaultChain.PASSED) -> Hook:
    """A hook before a call that acts the first time only."""
    faults = [fault]

    def hook(*arguments: Any) -> Any:
        return faults.pop()(*arguments) if faults else passed

    return hook


def silent(*_arguments: Any) -> Any:
    """The node does not answer."""
    raise ChainUnreachable("no answer, as the test wants it")


def calls_invalid(times: int) -> Hook:
    """Every node calls good bytes invalid, so many times."""
    left = iter(range(times))

    def judge(_raw: bytes, _everywhere: bool) -> Any:
        return FaultChain.PASSED if next(left, None) is None else WRONG_WORD

    return judge


def first_calls_invalid() -> Hook:
    """The first node calls all bytes invalid; the others are asked only where all are."""
    return lambda _raw, everywhere: FaultChain.PASSED if everywhere else WRONG_WORD


def lost_reply(answer: Any, *_arguments: Any) -> Any:
    """The node did it, and its answer got lost."""
    raise ChainUnreachable(f"the answer {answer} got lost, as the test wants it")


def without_receipts(sighting: Sighting, *_arguments: Any) -> Sighting:
    """A node whose index of receipts lags."""
    return replace(sighting, mined={})


@contextmanager
def hooked(hooks: dict[str, Hook], **changes: Hook) -> Iterator[None]:
    """Hooks for the block."""
    before = dict(hooks)
    hooks.update(changes)
    try:
        yield
    finally:
        hooks.clear()
        hooks.update(before)
