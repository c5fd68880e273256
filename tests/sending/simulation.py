"""A sender, its database and a chain under combined faults that one number draws.

Everything that may go wrong goes wrong at once: replies get lost, nodes lag, pools are emptied,
blocks are taken back, the chain comes back shorter, the key is used elsewhere, prices rise, nodes
call good bytes invalid, and the sender dies at any step or loses its key to another. Then the
faults end; what was promised must have happened once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, text

from indexer.rpc import ChainUnreachable
from node import tables
from node.contracts import Deployment
from node.db import SENDER_ROLE, role_engine
from node.sending.answers import Answer
from node.sending.chain import Head, Request, Reverted, SenderChain, Sighting
from node.sending.fence import Fenced
from node.sending.sender import Progress, Sender, SenderSettings
from node.signers import KeySigner, LegacyTransaction
from protocol.types import to_hex
from tests.sending.fault_chain import WRONG_WORD, Killed
from tests.sending.model_chain import Bytes, ModelChain
from tests.sending.turning_clock import TurningClock

FINALITY_BLOCKS = 6
REORGANISATION_MAX = 5
"""Deeper ones take back what is final: `take_back_finals` plays those, as crashes of an embedded
chain."""
TURNS = 30
HEALING_STEPS_MAX = 400
ISSUERS = (b"\x01" * 20, b"\x02" * 20)
SETTINGS = SenderSettings(
    batch_seconds=0.0,
    poll_seconds=0.1,
    finality_blocks=FINALITY_BLOCKS,
    head_poll_seconds=0.0,
    idempotency_days=7,
    window=4,
    gas_price_max_wei=10**9,
    refusal_finality_blocks=REORGANISATION_MAX,
)


class PlayedChain(SenderChain, Protocol):
    """A chain that does what a story wants; `price_min_wei` is what its pool asks for; `needs`
    names calls that it refuses before others, for which contracts have rules of their own."""

    price_min_wei: int
    needs: dict[bytes, bytes]

    @property
    def nonce(self) -> int:
        """The account's."""

    def look_up(self, sender: bytes, hashes: Sequence[bytes], behind: int = 0) -> Sighting:
        """By a node that lags as many blocks behind."""

    def estimate(self, sender: bytes, request: Request, price_wei: int, behind: int = 0) -> int:
        """By a node that lags as many blocks behind."""

    def take(self, raw: bytes) -> Answer:
        """The pool's answer."""

    def mine(self) -> None:
        """A block of all that may come next."""

    def lose_pool(self) -> None:
        """As a restart of its nodes."""

    def take_back(self, depth: int, keeps_pool: bool) -> None:
        """Drops the newest blocks; their transactions return to the pool, or all of it is lost."""

    def transactions(self) -> Iterator[Bytes]:
        """All of the story's in blocks that did what they say, in order."""


@dataclass
class Faults:
    """What goes wrong between a sender and the chain; `draw` decides each time."""

    chain: PlayedChain
    draw: random.Random
    is_healed: bool = False
    dies_in: int | None = None
    wrong_words: int = 0
    """How many more offers are called invalid, though they are not."""
    all_are_wrong: bool = False
    """Whether every node does so, or the first one alone."""

    def _happens(self, chance: float) -> bool:
        return not self.is_healed and self.draw.random() < chance

    def _step(self) -> None:
        """The sender may die at any of its requests."""
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.dies_in = None
                raise Killed

    def _ask(self, ask: Callable[[], Any]) -> Any:
        self._step()
        if self._happens(0.05):
            raise ChainUnreachable("silent")
        answer = ask()
        if self._happens(0.05):
            raise ChainUnreachable("the reply got lost")
        self._step()
        return answer

    def _lag(self) -> int:
        """Blocks that a node behind the balancer does not have yet."""
        return self.draw.randint(1, 4) if self._happens(0.1) else 0

    def _calls_invalid(self, everywhere: bool) -> bool:
        """Now and then for once, or for a while."""
        if self.is_healed or not self.wrong_words:
            return self._happens(0.03)
        self.wrong_words -= 1
        return self.all_are_wrong or not everywhere

    def identity(self) -> tuple[int, bytes]:
        return self._ask(self.chain.identity)

    def head(self) -> Head:
        return self._ask(self.chain.head)

    def look_up(self, sender: bytes, hashes: Sequence[bytes]) -> Sighting:
        def ask() -> Sighting:
            seen = self.chain.look_up(sender, hashes, self._lag())
            return replace(seen, mined={}) if self._happens(0.05) else seen

        return self._ask(ask)

    def estimate(self, sender: bytes, request: Request, price_wei: int) -> int:
        return self._ask(lambda: self.chain.estimate(sender, request, price_wei, self._lag()))

    def suggested_price(self) -> int:
        return self._ask(self.chain.suggested_price)

    def broadcast(self, raw: bytes, everywhere: bool) -> tuple[Answer, str]:
        def ask() -> tuple[Answer, str]:
            if self._happens(0.05):
                return Answer.NO_FUNDS, "insufficient funds"
            if self._happens(0.05):
                return Answer.UNCLEAR, "internal error"
            if self._calls_invalid(everywhere):
                return WRONG_WORD
            if self._happens(0.05):
                return Answer.TAKEN, ""  # and forgotten
            return self.chain.broadcast(raw, everywhere)

        return self._ask(ask)

    def refusal(self, sender: bytes, request: Request, block_number: int) -> Reverted | None:
        return self._ask(lambda: self.chain.refusal(sender, request, block_number))

    def who_used(
        self, sender: bytes, nonce: int, first: int, last: int
    ) -> tuple[bytes, int] | None:
        return self._ask(lambda: self.chain.who_used(sender, nonce, first, last))


@dataclass
class Simulation:
    """One seed's story. `owner` may write the database, whose address is `url`."""

    seed: int
    url: str
    owner: Engine
    deployment: Deployment
    signer: KeySigner
    chain: PlayedChain
    issuers: Sequence[bytes] = ISSUERS
    leaves: list[bytes] = field(default_factory=list)
    foreign: int = 0
    events: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.faults = Faults(self.chain, self.draw)
        self.clock = TurningClock()
        self.engine = role_engine(self.url, SENDER_ROLE)
        self.sender = self._start()

    def run(self) -> None:
        """The story, its healing, and what must be true then."""
        try:
            for _ in range(TURNS):
                self._turn()
                self._step()
            self.faults.is_healed = True
            self._heal()
            self._require_once()
        finally:
            self.engine.dispose()

    def _start(self) -> Sender:
        sender = Sender(
            self.engine, self.faults, self.signer, self.deployment, SETTINGS, self.clock
        )
        sender.take_over()
        return sender

    def _turn(self) -> None:
        turns: list[tuple[str, int, Callable[[], None]]] = [
            ("promise", 6, self._promise),
            ("promise two", 2, self._promise_two),
            ("mine", 8, self.chain.mine),
            ("wait", 4, lambda: self.clock.turn(self.draw.choice([0.1, 1.0, 6.0]))),
            ("lose the pool", 2, self.chain.lose_pool),
            ("take back", 2, self._take_back),
            ("come back shorter", 1, self._come_back_shorter),
            ("use the nonce elsewhere", 1, self._use_elsewhere),
            ("raise the price", 1, self._raise_price),
            ("call good bytes invalid", 2, self._call_invalid),
            ("die", 3, self._die_soon),
            ("take over", 1, self._take_over),
        ]
        [(name, _, act)] = self.draw.choices(turns, [weight for _, weight, _ in turns])
        self.events[name] += 1
        act()

    def _step(self) -> None:
        try:
            self.sender.step()
        except ChainUnreachable:
            self.clock.turn(1.0)
        except (Killed, Fenced):
            self.engine.dispose()
            self.faults.dies_in = None
            self.sender = self._start()

    # -- what happens ----------------------------------------------------------------------------

    def _promise(self) -> None:
        with self.owner.begin() as connection:
            for _ in range(self.draw.choice([1, 1, 3])):
                leaf = self.draw.randbytes(32)
                self._write(connection, "anchor", leaf, leaf, self.draw.choice(self.issuers), {})

    def _promise_two(self) -> None:
        """The second of which is refused before the first one is in a block."""
        first, second = self.draw.randbytes(32), self.draw.randbytes(32)
        self.chain.needs[second] = first
        issuer = self.draw.choice(self.issuers)
        with self.owner.begin() as connection:
            for each in (first, second):
                payload = {
                    "organisation": to_hex(issuer),
                    "serviceAddress": "https://node.example",
                    "didDocumentHash": to_hex(each),
                }
                self._write(connection, "describe", each, issuer, issuer, payload)

    def _write(
        self,
        connection: Connection,
        kind: str,
        subject: bytes,
        order_key: bytes,
        issuer: bytes,
        payload: dict[str, str],
    ) -> None:
        self.leaves.append(subject)
        connection.execute(
            insert(tables.outbox).values(
                organisation_id=issuer,
                kind=kind,
                subject=subject,
                order_key=order_key,
                payload=payload,
            )
        )

    def _take_back(self) -> None:
        depth = self.draw.randint(1, REORGANISATION_MAX)
        self.chain.take_back(depth, keeps_pool=self.draw.random() < 0.5)
        for _ in range(depth + 1):
            if self.draw.random() < 0.7:
                self.chain.mine()

    def _come_back_shorter(self) -> None:
        """As after a crash of the embedded chain, finals included."""
        self.chain.take_back(self.draw.randint(1, 2 * FINALITY_BLOCKS), keeps_pool=False)

    def _use_elsewhere(self) -> None:
        """Only where nothing of ours stands in a block to be taken back and fight for it again."""
        signed = self.signer.sign(
            LegacyTransaction(self.chain.nonce, 10**9, 21_000, b"\x07" * 20, 0, b"")
        )
        if self.chain.take(signed.raw) is Answer.TAKEN:
            self.foreign += 1
            self.chain.mine()

    def _raise_price(self) -> None:
        self.chain.price_min_wei = self.draw.choice([0, 100, 10_000])

    def _call_invalid(self) -> None:
        self.faults.wrong_words = self.draw.randint(1, 12)
        self.faults.all_are_wrong = self.draw.random() < 0.5

    def _die_soon(self) -> None:
        self.faults.dies_in = self.draw.randint(0, 12)

    def _take_over(self) -> None:
        """Another sender gets the key; the one that had it does not know yet."""
        resumed, self.sender = self.sender, self._start()
        self._step()
        try:
            resumed.step()
        except (ChainUnreachable, Fenced, Killed):
            self.faults.dies_in = None

    # -- the end ---------------------------------------------------------------------------------

    def _heal(self) -> None:
        for _ in range(HEALING_STEPS_MAX):
            try:
                if self.sender.step() is Progress.IDLE and self._all_done():
                    return
            except (Killed, Fenced):
                self.sender = self._start()
            self.chain.mine()
            self.clock.turn(1.0)
        raise AssertionError(f"seed {self.seed}: no end; {self._states()}; {self._stuck()}")

    def _all_done(self) -> bool:
        return set(self._states()) <= {"final"}

    def _states(self) -> Counter[str]:
        with self.owner.connect() as connection:
            rows = connection.execute(text("SELECT state FROM node.outbox")).scalars()
            return Counter(rows)

    def _stuck(self) -> list[Any]:
        """What is left, for whoever reads of a failure."""
        statement = text(
            "SELECT t.nonce, t.state, t.is_open, t.block_number, o.state AS act"
            " FROM node.transactions AS t FULL JOIN node.outbox AS o USING (transaction_id)"
            " WHERE t.is_open OR o.state NOT IN ('final') ORDER BY t.nonce"
        )
        with self.owner.connect() as connection:
            rows = connection.execute(statement).all()
        return [*rows, f"chain: nonce {self.chain.nonce}, {self.chain.price_min_wei} wei"]

    def _require_once(self) -> None:
        carried = Counter(
            leaf
            for transaction in self.chain.transactions()
            for leaf in self.leaves
            if leaf in transaction.data
        )
        wrong = {leaf.hex(): carried[leaf] for leaf in self.leaves if carried[leaf] != 1}
        assert not wrong, f"seed {self.seed}: {wrong}"


def model_of(deployment: Deployment) -> ModelChain:
    """The chain in memory that takes a deployment's sender for its own."""
    return ModelChain(bytes.fromhex(deployment.genesis_hash[2:]), deployment.chain_id)


def empty(owner: Engine) -> None:
    """The tables as they were before the first story."""
    with owner.begin() as connection:
        connection.execute(
            text("TRUNCATE node.outbox, node.attempts, node.transactions, node.sender_terms")
        )
