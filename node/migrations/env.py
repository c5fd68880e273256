"""Runs the migrations of the `node` schema on an open connection."""

from __future__ import annotations

from alembic import context

from node.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=context.config.attributes["schema"],
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
