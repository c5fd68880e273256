"""What projecting an event needs to know of earlier ones: price lines of agreements, how many
leaves the log has, how many units are settled.

It is remembered from the events that went by, and read from the index where it was not. So that a
reading may be projected while the one before it is still being written.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from indexer.queries.agreements import price_lines_of
from indexer.queries.consents import count_leaves, last_batch_block
from indexer.queries.settlements import last_settlement_block, settled_units
from protocol.agreement import PriceLine
from protocol.types import AgreementId, OrganisationId, Period, Units

SettledKey = tuple[AgreementId, OrganisationId, Period]


class LogGap(Exception):
    """An event does not continue where the index stands: the node left logs out.

    It continues what `contract` told; `since` is the last block that the index has for certain of
    that, None for none. `place` is the event's block and log index, `put_aside` are those of logs
    of that contract which nothing explains and which are not written yet.
    """

    def __init__(self, reason: str, contract: str, since: int | None) -> None:
        super().__init__(reason)
        self.contract = contract
        self.since = since
        self.place = (0, 0)
        self.put_aside: Sequence[tuple[int, int]] = ()


class Known:
    """Of one index."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.forget()

    def forget(self) -> None:
        """Drops all, for when rows were taken back."""
        self._lines: dict[AgreementId, tuple[PriceLine, ...]] = {}
        self._settled: dict[SettledKey, Units] = {}
        self._leaves: int | None = None

    def take_lines(self, agreement_id: AgreementId, lines: tuple[PriceLine, ...]) -> None:
        """Notes the price lines of an agreement that was just proposed."""
        self._lines[agreement_id] = lines

    def lines_of(self, agreement_id: AgreementId) -> tuple[PriceLine, ...]:
        """The price lines of an agreement. Raises LogGap if it was never proposed."""
        if agreement_id not in self._lines:
            with self._engine.connect() as connection:
                lines = price_lines_of(connection, agreement_id)
            if lines is None:
                raise LogGap(
                    f"agreement 0x{agreement_id.hex()} was never proposed",
                    "AgreementRegistry",
                    None,
                )
            self._lines[agreement_id] = lines
        return self._lines[agreement_id]

    def take_leaves(self, first_index: int, size: int) -> None:
        """Notes a batch. Raises LogGap unless it begins where the log ends."""
        if self._leaves is None:
            with self._engine.connect() as connection:
                self._leaves = count_leaves(connection)
        if first_index != self._leaves:
            with self._engine.connect() as connection:
                since = last_batch_block(connection)
            reason = f"a batch begins at leaf {first_index}, the log has {self._leaves}"
            raise LogGap(reason, "ConsentRegistry", since)
        self._leaves += size

    def take_settlement(self, key: SettledKey, from_units: Units, to_units: Units) -> None:
        """Notes a settlement. Raises LogGap unless it begins at what is settled."""
        if key not in self._settled:
            with self._engine.connect() as connection:
                self._settled[key] = settled_units(connection, *key)
        if from_units != self._settled[key]:
            with self._engine.connect() as connection:
                since = last_settlement_block(connection, *key)
            raise LogGap(
                f"a settlement of agreement 0x{key[0].hex()} begins at {from_units} units, "
                f"{self._settled[key]} are settled",
                "UsageSettlement",
                since,
            )
        self._settled[key] = to_units
