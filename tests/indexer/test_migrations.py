"""The migrations make exactly the tables that the code describes, and may run again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text

from indexer import tables as indexer_tables
from node import tables as node_tables
from node.migrate import migrate

HISTORIES = {
    "indexing": (indexer_tables.metadata, {"ledger", "indexing"}),
    "node": (node_tables.metadata, {"node"}),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_the_database_is_what_the_code_describes(
    new_database: Callable[[], str], history: str
) -> None:
    metadata, schemas = HISTORIES[history]
    engine = create_engine(new_database())
    migrate(engine)
    assert differences(engine, metadata, schemas, history) == []
    with engine.begin() as connection:
        table = metadata.sorted_tables[0]
        connection.execute(text(f'ALTER TABLE {table.fullname} ADD COLUMN "surplus" integer'))
    assert differences(engine, metadata, schemas, history)
    engine.dispose()


def differences(
    engine: object, metadata: MetaData, schemas: set[str], history: str
) -> list[object]:
    def include(name: str | None, kind: str, parents: object) -> bool:
        return name in schemas if kind == "schema" else name != "alembic_version"

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": include,
                "compare_type": True,
                "version_table_schema": history,
            },
        )
        return list(compare_metadata(context, metadata))


def test_migrating_twice_changes_nothing(new_database: Callable[[], str]) -> None:
    engine = create_engine(new_database())
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO node.organisations (organisation_id, did, name) VALUES ('a', 'b', 'c')"
            )
        )
    migrate(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM node.organisations")) == 1
        versions = connection.execute(
            text(
                "SELECT version_num FROM node.alembic_version UNION ALL"
                " SELECT version_num FROM indexing.alembic_version"
            )
        ).all()
    assert len(versions) == 2
    engine.dispose()
