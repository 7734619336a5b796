"""The private servers of the test harness do what tests rely on."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.harness.postgres import PostgresServer
from tests.harness.server_process import find_program


async def ask(url: str, sql: str) -> str:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            return str((await connection.execute(text(sql))).scalar_one())
    finally:
        await engine.dispose()


async def test_a_database_is_fresh_and_of_a_supported_version(postgres: PostgresServer, postgres_url: str) -> None:
    other_url = postgres.create_database()
    assert postgres_url != other_url
    assert int(await ask(postgres_url, "SHOW server_version_num")) >= 150_000
    assert await ask(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    assert await ask(postgres_url, "SHOW server_encoding") == "UTF8"
    postgres.drop_database(other_url)


async def test_a_durable_server_keeps_what_was_committed_when_it_is_killed() -> None:
    server = PostgresServer(durable=True)
    try:
        server.start()
        url = server.create_database()
        database = url.rpartition("/")[2]
        server.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        server.kill()
        server.start()
        assert await ask(url, "SELECT answer FROM kept") == "42"
        assert server.query("SHOW fsync") == "on"
    finally:
        server.stop()


def test_a_missing_program_names_the_package_to_install() -> None:
    with pytest.raises(RuntimeError, match="apt-get install postgresql-15"):
        find_program("no-such-program", "postgresql-15")
