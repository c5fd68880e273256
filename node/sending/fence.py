"""Only the newest holder of a key may write: a fence that every change passes.

Whoever takes a key over begins a term. Each transaction of the database asks whether its term is
still the key's, so that a sender who was paused, lost its lock and resumes does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select, text, update

from node import tables

_FIRST = text(
    "INSERT INTO node.sender_terms (sender, term) VALUES (:sender, 0) ON CONFLICT DO NOTHING"
)


class Fenced(Exception):
    """Another sender has taken over the key."""


class Fence:
    """Of one key."""

    def __init__(self, engine: Engine, sender: bytes) -> None:
        self.sender = sender
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._term: int | None = None

    def take_over(self) -> None:
        """Begins a new term; waits for changes that the one before has begun."""
        terms = tables.sender_terms
        with self._engine.begin() as connection:
            connection.execute(_FIRST, {"sender": self.sender})
            self._term = connection.execute(
                update(terms)
                .where(terms.c.sender == self.sender)
                .values(term=terms.c.term + 1)
                .returning(terms.c.term)
            ).scalar_one()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that changes nothing; each statement is a transaction of its own."""
        with self._reading.connect() as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """One transaction of this term, committed after the block. Raises Fenced."""
        terms = tables.sender_terms
        statement = (
            select(terms.c.term)
            .where(terms.c.sender == self.sender, terms.c.term == self._term)
            .with_for_update(read=True)
        )
        with self._engine.begin() as connection:
            if connection.execute(statement).one_or_none() is None:
                raise Fenced("Another sender holds this key now.")
            yield connection
