"""Price lines of agreements, for events that name an agreement and not its terms."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from indexer import tables
from protocol import events
from protocol.agreement import PriceLine
from protocol.types import AgreementId, AmountMinor, Category, OrganisationId, Units

LinesOf = Callable[[AgreementId], tuple[PriceLine, ...]]


class TermsCache:
    """Lines by agreement, remembered from events and read from the index when missing."""

    def __init__(self) -> None:
        self._lines: dict[AgreementId, tuple[PriceLine, ...]] = {}

    def clear(self) -> None:
        """Forgets all."""
        self._lines.clear()

    def remember(self, event: object) -> None:
        """Keeps the lines of a proposal."""
        if isinstance(event, events.AgreementProposed):
            self._lines[event.agreement_id] = event.terms.lines

    def bound_to(self, connection: Connection) -> LinesOf:
        """A look-up that reads what it does not remember through this connection."""

        def lines_of(agreement_id: AgreementId) -> tuple[PriceLine, ...]:
            if agreement_id not in self._lines:
                statement = select(tables.agreements.c.lines).where(
                    tables.agreements.c.agreement_id == agreement_id
                )
                self._lines[agreement_id] = lines_from_json(
                    connection.execute(statement).scalar_one()
                )
            return self._lines[agreement_id]

        return lines_of


def lines_from_json(lines: list[dict[str, str | int]]) -> tuple[PriceLine, ...]:
    """Price lines from the column `agreements.lines`."""
    return tuple(
        PriceLine(
            payee=OrganisationId(bytes.fromhex(str(line["payee"])[2:])),
            category=Category(int(line["category"])),
            unit_price=AmountMinor(int(line["unit_price_minor"])),
            free_units=Units(int(line["free_units"])),
        )
        for line in lines
    )
