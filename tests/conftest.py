"""Fixtures that many tests need: databases and brokers, private, started when the first test asks for one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import hypothesis
import pytest

from services.bus.memory import MemoryBus
from services.bus.port import BusLimits
from services.bus.rabbit import RabbitBus
from tests.harness.application import Application, running_application
from tests.harness.bus import GROUPS, LIMITS, AnyBus
from tests.harness.postgres import PostgresServer
from tests.harness.rabbitmq import RabbitServer

# A busy machine must not fail a test: how long something takes is measured by benchmarks.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database in a file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'vonggac.db'}"


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitServer]:
    """One RabbitMQ for the whole run. A test that kills it starts it again."""
    server = RabbitServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def rabbit_url(rabbit: RabbitServer) -> Iterator[str]:
    """A fresh virtual host of the broker."""
    url = rabbit.create_vhost()
    yield url
    rabbit.delete_vhost(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def application(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Application]:
    """The API on a SQLite file."""
    async with running_application(sqlite_url, tmp_path) as running:
        yield running


@pytest.fixture
async def application_on_each(database_url: str, tmp_path: Path) -> AsyncIterator[Application]:
    """The API on each kind of database."""
    async with running_application(database_url, tmp_path) as running:
        yield running


OpenBus: TypeAlias = Callable[..., Awaitable[AnyBus]]


@pytest.fixture(params=["memory", "rabbit"])
async def open_bus(request: pytest.FixtureRequest) -> AsyncIterator[OpenBus]:
    """Opens buses that meet each other: ``await open_bus(limits)``.

    Over RabbitMQ each is what a further process of the system would have; in memory they are one and the same.
    """
    opened: list[AnyBus] = []
    url = request.getfixturevalue("rabbit_url") if request.param == "rabbit" else None

    async def open_one(limits: BusLimits = LIMITS) -> AnyBus:
        if url is None and opened:
            return opened[0]
        bus: AnyBus
        if url is None:
            bus = MemoryBus(limits, "/tests/1", GROUPS)
        else:
            bus = RabbitBus(url, limits, f"/tests/{len(opened) + 1}", "tests", GROUPS)
        await bus.open()
        opened.append(bus)
        return bus

    yield open_one
    for bus in opened:
        await bus.close()


@pytest.fixture
async def bus(open_bus: OpenBus) -> AnyBus:
    """An open bus of each implementation, with the groups and bounds of ``tests.harness.bus``."""
    return await open_bus()
