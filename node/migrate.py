"""Brings both schemas up to date: the index's history and the node's history (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from node.config import PROJECT_ROOT
from node.db import API_ROLE, INDEXER_ROLE, SENDER_ROLE, WEBHOOKS_ROLE

HISTORIES = (
    ("indexing", PROJECT_ROOT / "indexer" / "migrations"),
    ("node", PROJECT_ROOT / "node" / "migrations"),
)
MIGRATION_LOCK = 0x50545830
ROLE_EXISTS = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")


def migrate(engine: Engine) -> None:
    """Upgrades both schemas in one transaction; a second call changes nothing."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        for role in (API_ROLE, SENDER_ROLE, INDEXER_ROLE, WEBHOOKS_ROLE):
            if not connection.execute(ROLE_EXISTS, {"role": role}).scalar_one():
                connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
        for schema, location in HISTORIES:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
            command.upgrade(alembic_config(schema, location, connection), "head")


def alembic_config(schema: str, location: Path, connection: object) -> Config:
    """Alembic's settings for one history, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(location))
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    return config
