"""What must be true in the end, whatever happened: every effect once, every nonce used, one end."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocol.signatures import address_of
from tests.own_chain import OwnChain, OwnDatabase

DONE = ("mined", "final")


@dataclass
class Promised:
    """Acts in a database that must all be carried out on its chain."""

    database: OwnDatabase
    first_nonce: int
    anchored: list[bytes] = field(default_factory=list)
    withdrawn: list[tuple[bytes, bytes]] = field(default_factory=list)

    @classmethod
    def on(cls, database: OwnDatabase) -> Promised:
        return cls(database, database.chain.nonce())

    @property
    def chain(self) -> OwnChain:
        return self.database.chain

    def anchor(self) -> bytes:
        leaf = self.database.promise_anchor()
        self.anchored.append(leaf)
        return leaf

    def withdraw(self, leaf: bytes | None = None) -> None:
        secret, ended = secrets.token_bytes(32), leaf or secrets.token_bytes(32)
        self.database.promise_withdrawal(ended, secret)
        self.withdrawn.append((ended, secret))

    def has_none_waiting(self) -> bool:
        """Each act is in a block or has failed."""
        return not {"waiting", "sent"} & set(self.database.states())

    def require_done(self, fillers: int = 0, displaced: int = 0) -> None:
        """`fillers` and `displaced`: how many nonces were used by nothing of these acts."""
        counts = self.anchor_counts()
        assert [counts[leaf] for leaf in self.anchored] == [1] * len(self.anchored)
        self._require_withdrawn()
        rows = self.database.sql("SELECT state, failure FROM node.outbox")
        assert {row.state for row in rows} <= set(DONE), rows
        nonces = self.database.sql("SELECT nonce, state FROM node.transactions ORDER BY nonce")
        assert [row.nonce for row in nonces] == list(range(self.first_nonce, self.chain.nonce()))
        voids = [row for row in nonces if row.state == "void"]
        assert len(voids) == fillers + displaced

    def anchor_counts(self) -> Counter[bytes]:
        """How often the chain has anchored each leaf."""
        events = self.chain.events("ConsentRegistry", "LeavesAnchored")
        return Counter(leaf for event in events for leaf in event["args"]["leaves"])

    def _require_withdrawn(self) -> None:
        """Ended by one event each: a withdrawal that comes twice shows none the second time, but
        its transaction would be one too many."""
        registry = self.chain.contract("ConsentRegistry").functions
        for leaf, secret in self.withdrawn:
            holder = self.chain.web3.to_checksum_address(address_of(secret))
            assert registry.revocations(holder, leaf).call() > 0, leaf.hex()
        carried = self.database.sql(
            "SELECT count(*) AS n FROM node.outbox AS o"
            " JOIN node.transactions AS t USING (transaction_id)"
            " WHERE o.kind = 'withdraw' AND t.state IN ('mined', 'final')"
        )
        assert carried[0].n == len(self.withdrawn)


def nonces_of(database: OwnDatabase) -> Sequence[int]:
    """The nonces that were ever signed for."""
    rows = database.sql("SELECT nonce FROM node.transactions ORDER BY nonce")
    return [row.nonce for row in rows]
