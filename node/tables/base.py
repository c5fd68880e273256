"""What all tables share: the schema, and columns that recur."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData, Numeric, func

metadata = MetaData(schema="node")

Unsigned64 = Numeric(20, 0)


def created_at() -> Column[object]:
    """When the row was written."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())
