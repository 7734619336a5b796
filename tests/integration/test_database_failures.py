"""A database that goes away is an error of ours with a name, and comes back by itself."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.storage.database import Database, DatabaseUnavailable
from tests.harness.postgres import PostgresServer


@pytest.fixture
def own_server():  # type: ignore[no-untyped-def]
    """A server that this test may kill."""
    server = PostgresServer(durable=True)
    server.start()
    yield server
    server.stop()


async def test_a_killed_server_is_unavailable_and_then_there_again(own_server: PostgresServer) -> None:
    database = Database(own_server.create_database())
    try:
        await database.ping()
        async with database.write() as session:
            await session.execute(text("CREATE TABLE kept (n int)"))
        own_server.kill()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await database.ping()
        own_server.start()
        async with asyncio.timeout(20):
            while True:
                try:
                    async with database.write() as session:
                        await session.execute(text("INSERT INTO kept VALUES (1)"))
                except DatabaseUnavailable:
                    await asyncio.sleep(0.1)
                else:
                    break
    finally:
        await database.close()


async def test_a_deadlock_is_told_as_something_to_repeat(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        async with database.write() as session:
            await session.execute(text("CREATE TABLE pair (n int primary key, v int)"))
            await session.execute(text("INSERT INTO pair VALUES (1, 0), (2, 0)"))

        both_hold_one = asyncio.Barrier(2)

        async def change(first: int, second: int) -> None:
            async with database.write() as session:
                await session.execute(text("UPDATE pair SET v = v + 1 WHERE n = :n"), {"n": first})
                await both_hold_one.wait()
                await session.execute(text("UPDATE pair SET v = v + 1 WHERE n = :n"), {"n": second})

        results = await asyncio.gather(change(1, 2), change(2, 1), return_exceptions=True)
        assert sum(isinstance(result, DatabaseUnavailable) for result in results) == 1, results
    finally:
        await database.close()


async def test_a_statement_of_ours_that_is_wrong_stays_what_it_is(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        with pytest.raises(ProgrammingError):
            async with database.read() as session:
                await session.execute(text("SELEKT 1"))
    finally:
        await database.close()
