"""Migrations give exactly the tables in code, on each kind of database."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

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


_FACILITY, _DEVICE, _WATCHED, _RECORDED = (f"0189000000007000800000000000000{digit}" for digit in "1234")
#: Rows as revision 0001 knew them.
THE_FIRST_ROWS = [
    f"""INSERT INTO facility (id, code, name, province_unit_id, kind, designated_enterprise, reach, version, created_at,
        updated_at) VALUES ('{_FACILITY}', 'F1', 'F', '2021-24', 'other', 'viettel', 'default', 1, :now, :now)""",
    f"""INSERT INTO device (id, facility_id, protocol, host, address, port, created_at)
        VALUES ('{_DEVICE}', '{_FACILITY}', 'rtsp', '10.0.0.9', '10.0.0.9', 554, :now)""",
    *(
        f"""INSERT INTO camera (id, facility_id, device_id, name, zone, source_key, enabled, maintenance, record_only,
        version, watch_version, created_at, updated_at) VALUES ('{camera}', '{_FACILITY}', '{_DEVICE}', '{name}', 'gate',
        '{name}', {"NOT :no"}, :no, {record_only}, 1, 1, :now, :now)"""
        for camera, name, record_only in ((_WATCHED, "watched", ":no"), (_RECORDED, "recorded", "NOT :no"))
    ),
    f"""INSERT INTO stream (id, camera_id, role, port, path)
        VALUES ('{_FACILITY}', '{_WATCHED}', 'main', 554, '/')""",
    f"""INSERT INTO camera_health (camera_id, facility_id, worker_id, epoch, sequence, base, condition, rung, reasons,
        since, changes, observed_at, received_at, settled_at, stream, watch) VALUES ('{_WATCHED}', '{_FACILITY}',
        '{_DEVICE}', 1, 1, 'online', 'online', 'picture', '[]', :now, '[]', :now, :now, :now, '{{}}', 'relay')""",
]


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


async def test_cameras_of_the_first_tables_keep_their_settings_and_all_that_belongs_to_them(database_url: str) -> None:
    database = Database(database_url)

    def to_the_first_tables(connection: Connection) -> None:
        command.upgrade(runner._config(connection), "0001")
        connection.commit()

    try:
        await database.run(to_the_first_tables)
        async with database.write() as session:
            for statement in THE_FIRST_ROWS:
                await session.execute(text(statement), {"now": datetime(2026, 1, 1, tzinfo=UTC), "no": False})
        assert await runner.migrate(database) == ("0001", runner.newest_revision())
        async with database.read() as session:
            cameras = await session.execute(
                text("SELECT name, watch_policy, sample_every_s, stream_choice FROM camera ORDER BY name")
            )
            assert [tuple(row) for row in cameras] == [
                ("recorded", "record_only", None, "auto"),
                ("watched", None, None, "auto"),
            ]
            for table in ("stream", "camera_health"):
                assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 1, table
            stale = await session.scalar(text("SELECT count(*) FROM camera_health WHERE stale_at IS NOT NULL"))
            assert stale == 1
        for wrong in ("watch_policy = 'often'", "sample_every_s = 59", "stream_choice = 'third'"):
            with pytest.raises(IntegrityError):
                async with database.write() as session:
                    await session.execute(text(f"UPDATE camera SET {wrong}"))
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
