"""Tables of these pages as files for programs: amounts, months and times as the figures of the
governance have them, the same in every language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Response

from node.api.governance.tables import Cell, Column, Kind, Table, to_csv


def csv_file(name: str, columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]]) -> Response:
    """A download by RFC 4180."""
    headings = [Column(column, "", kind) for column, kind in columns.items()]
    cells = [[Cell(value) for value in row] for row in rows]
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(to_csv(Table(name, headings, cells)), 200, headers, "text/csv")
