"""Whom the node tells what: receivers of events, and whoever watches it."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
)

from node.tables.base import created_at, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("names", ARRAY(Text), nullable=False),
    Column("include_unfinal", Boolean, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("position", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failing_since", DateTime(timezone=True)),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_failure", Text),
    Column("disabled_reason", Text),
    created_at(),
)

process_metrics = Table(
    "process_metrics",
    metadata,
    Column("process", Text, primary_key=True),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("exposition", Text, nullable=False),
)
"""What each process counts, as it told last, in Prometheus' text format."""
