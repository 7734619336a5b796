"""Migrations give exactly the tables in code, on each kind of database."""

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from services.migrations import runner
from services.migrations.env_types import render_item
from services.migrations.metadata import metadata
from services.storage.database import Database


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, "render_item": render_item}
    )
    return list(compare_metadata(context, metadata))


def constraints(connection: Connection) -> dict[str, Any]:
    """Everything that autogenerate does not compare: checks, primary keys, comments, actions of foreign keys."""
    inspector = inspect(connection)
    found: dict[str, Any] = {}
    for table in sorted(inspector.get_table_names()):
        if table == "alembic_version":
            continue
        found[table] = {
            "checks": sorted((check["name"], check["sqltext"]) for check in inspector.get_check_constraints(table)),
            "key": inspector.get_pk_constraint(table),
            "unique": sorted(str(sorted(one["column_names"])) for one in inspector.get_unique_constraints(table)),
            "foreign": sorted(
                (str(one["constrained_columns"]), one["referred_table"], str(one["options"]))
                for one in inspector.get_foreign_keys(table)
            ),
            "columns": [
                (column["name"], column["nullable"], column.get("comment")) for column in inspector.get_columns(table)
            ],
            "indexes": sorted(
                (str(one["name"]), str(one["column_names"]), one["unique"]) for one in inspector.get_indexes(table)
            ),
        }
    return found


async def test_migrations_give_the_tables_in_code(database_url: str) -> None:
    database = Database(database_url)
    try:
        assert await runner.migrate(database) == (None, runner.newest_revision())
        assert await database.run(differences) == []
        migrated = await database.run(constraints)

        def rebuild(connection: Connection) -> None:
            metadata.drop_all(connection)
            metadata.create_all(connection)
            connection.commit()

        await database.run(rebuild)
        assert await database.run(constraints) == migrated
    finally:
        await database.close()


async def test_migrating_again_changes_nothing_and_the_reference_data_is_there(database_url: str) -> None:
    database = Database(database_url)
    try:
        await runner.migrate(database)
        newest = runner.newest_revision()
        assert await runner.migrate(database) == (newest, newest)
        async with database.read() as session:
            count = await session.scalar(text("SELECT count(*) FROM province_unit"))
        assert count == 97
        await runner.require_newest(database)
    finally:
        await database.close()


async def test_a_database_that_was_not_migrated_says_what_to_do(database_url: str) -> None:
    database = Database(database_url)
    try:
        with pytest.raises(runner.SchemaOutdated, match="vonggac migrate"):
            await runner.require_newest(database)
    finally:
        await database.close()


async def test_several_processes_that_migrate_at_once_do_it_once(postgres_url: str) -> None:
    databases = [Database(postgres_url) for _ in range(3)]
    try:
        results = await asyncio.gather(*(runner.migrate(database) for database in databases))
    finally:
        for database in databases:
            await database.close()
    newest = runner.newest_revision()
    assert sorted(results, key=str) == sorted([(None, newest), (newest, newest), (newest, newest)], key=str)


def test_every_column_and_table_says_what_it_is() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if not column.comment
        and not column.primary_key
        and not column.foreign_keys
        and column.name not in {"was", "now"}
    ]
    assert silent == []
    for table in metadata.tables.values():
        assert table.comment is not None, table.name
        assert "Written by: " in table.comment, f"{table.name} does not name its only writer"
