"""How the demo tells what happens: a line a fact, a transaction with its gas and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from hexbytes import HexBytes
from rich.console import Console
from web3 import Web3

from node.wallet import Receipt

NOT_IN_DOCUMENT = "not in the document"


@dataclass(slots=True)
class Step:
    """One step of the line."""

    number: int
    title: str
    facts: list[dict[str, Any]] = field(default_factory=list)
    transactions: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class Narrator:
    """Prints for people, or collects for machines."""

    def __init__(
        self,
        console: Console,
        web3: Web3,
        show_statement: Callable[[dict[str, Any]], None],
        quiet: bool,
    ) -> None:
        self._console = console
        self._web3 = web3
        self._show_statement = show_statement
        self._quiet = quiet
        self.steps: list[Step] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One numbered step; its time is that of the block."""
        step = Step(len(self.steps) + 1, title)
        self.steps.append(step)
        self._print(f"\n[bold]{step.number}. {title}[/bold]")
        started = time.monotonic()
        yield
        step.seconds = round(time.monotonic() - started, 3)
        self._print(f"   [dim]{step.seconds:.2f} s[/dim]")

    def fact(self, name: str, value: object, in_document: bool = True) -> None:
        """One fact; marked where no document says it."""
        entry: dict[str, Any] = {"name": name, "value": str(value)}
        if not in_document:
            entry["note"] = NOT_IN_DOCUMENT
        self.steps[-1].facts.append(entry)
        mark = "" if in_document else f"  [yellow]({NOT_IN_DOCUMENT})[/yellow]"
        self._print(f"   {name:<22} {value}{mark}")

    def sent(self, what: str, receipt: Receipt) -> None:
        """A transaction that a wallet sent."""
        self._transaction(what, receipt.transaction_hash, receipt.gas_used, receipt.seconds)

    def mined(self, what: str, transaction_hash: str, started: float) -> None:
        """A transaction that the node's sender brought to the chain since `started`."""
        receipt = self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
        self._transaction(what, transaction_hash, receipt["gasUsed"], time.monotonic() - started)

    def statement(self, statement: dict[str, Any]) -> None:
        """The statement as a table."""
        if not self._quiet:
            self._show_statement(statement)

    def as_json(self) -> list[dict[str, Any]]:
        """All steps."""
        return [asdict(step) for step in self.steps]

    def _transaction(self, what: str, transaction_hash: str, gas: int, seconds: float) -> None:
        self.steps[-1].transactions.append(
            {"what": what, "hash": transaction_hash, "gas": gas, "seconds": round(seconds, 3)}
        )
        self._print(
            f"   [cyan]tx[/cyan] {what:<19} {transaction_hash}  {gas:>9,} gas  {seconds:6.2f} s"
        )

    def _print(self, line: str) -> None:
        if not self._quiet:
            self._console.print(line, soft_wrap=True)
