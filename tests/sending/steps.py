"""Everything a sender does to the outside, step by step, and a death before or after any step.

A step is a request to the chain, a statement of a transaction that changes the database, or its
COMMIT. A death after a COMMIT is one whose reply is lost.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from tests.sending.fault_chain import FaultChain, Killed


class Steps:
    """Counts; at step `number` it dies, `before` or `after` it."""

    def __init__(self, number: int | None = None, moment: str = "before") -> None:
        self.names: list[str] = []
        self._number = number
        self._moment = moment

    def begin(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) - 1 == self._number and self._moment == "before":
            raise Killed(name)

    def end(self, name: str) -> None:
        if len(self.names) - 1 == self._number and self._moment == "after":
            raise Killed(name)

    def watch_chain(self, chain: FaultChain) -> None:
        for method in ("identity", "head", "look_up", "estimate", "broadcast", "refusal"):
            chain.before[method] = self._before(method)
            chain.after[method] = self._after(method)

    def watch_database(self, engine: Engine) -> None:
        @event.listens_for(engine, "before_cursor_execute")
        def begin(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.begin(statement.split("\n", maxsplit=1)[0][:60])

        @event.listens_for(engine, "after_cursor_execute")
        def end(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.end(statement.split("\n", maxsplit=1)[0][:60])

        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            self.begin("COMMIT")
            commit(connection)
            self.end("COMMIT")

        # Of its events SQLAlchemy has none that comes after a COMMIT.
        engine.dialect.do_commit = do_commit  # type: ignore[method-assign]

    def _before(self, method: str) -> Any:
        def hook(*_arguments: Any) -> Any:
            self.begin(method)
            return FaultChain.PASSED

        return hook

    def _after(self, method: str) -> Any:
        def hook(answer: Any, *_arguments: Any) -> Any:
            self.end(method)
            return answer

        return hook
