"""Engine and sessions, and everything in which SQLite and PostgreSQL differ."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import MetaData, Uuid, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from services.contracts.errors import Unavailable
from services.storage.types import UtcDateTime


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), UUID: Uuid()}  # noqa: RUF012 - SQLAlchemy's own convention


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or gave up this change. Try again shortly."""

    code = "database-unavailable"


#: Classes of SQLSTATE that tell of the server and not of our statement: connection lost, transaction rolled back so
#: that others can go on, resources short, lock not had in time, operator intervened.
_TRY_AGAIN = ("08", "40", "53", "55", "57")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Failures of the database itself become Unavailable; faults in our statements stay what they are."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable from error
    except DBAPIError as error:
        sqlstate = str(getattr(error.orig, "sqlstate", ""))
        if error.connection_invalidated or sqlstate.startswith(_TRY_AGAIN):
            raise DatabaseUnavailable from error
        raise


class Transactions(Protocol):
    """What a service needs of the database. Implemented by Database."""

    def read(self) -> contextlib.AbstractAsyncContextManager[AsyncSession]:
        """A session whose transaction only reads; it sees one moment."""

    def write(self) -> contextlib.AbstractAsyncContextManager[AsyncSession]:
        """A session whose transaction commits when the block ends without an error."""


class Database:
    """One database, reached by short transactions.

    SQLite is kept in WAL mode with one writer at a time: writers of this process queue on a lock of ours, those of
    other processes on SQLite's busy timeout, and each begins with BEGIN IMMEDIATE, so that none fails half-way.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if self.is_sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {} if self.is_sqlite else {"pool_size": 10, "max_overflow": 10, "pool_pre_ping": True}
        self.engine: AsyncEngine = create_async_engine(url, **options)
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writer = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        with _translated():
            async with self._sessions() as session:
                await self._connect(session, {"vonggac_read": True} if self.is_sqlite else {})
                yield session

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        lock = self._writer if self.is_sqlite else contextlib.nullcontext()
        with _translated():
            async with lock, self._sessions() as session, session.begin():
                await self._connect(session, {})
                yield session

    async def _connect(self, session: AsyncSession, options: dict[str, bool]) -> None:
        try:
            await session.connection(execution_options=options)
        except OSError as error:
            raise DatabaseUnavailable from error

    async def ping(self) -> None:
        """Raise DatabaseUnavailable if the database does not answer."""
        async with self.read() as session:
            await session.execute(select(1))

    async def run(self, work: Callable[..., Any]) -> Any:
        """Run synchronous work, such as a migration, on a connection of its own."""
        async with self.engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self.engine.dispose()


async def database_now(session: AsyncSession) -> datetime:
    """The database's clock: the one clock by which leases are judged, whoever asks."""
    if session.get_bind().dialect.name == "sqlite":
        value = await session.scalar(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
    now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now.astimezone(UTC)


def violates(error: IntegrityError, *constraints: str) -> bool:
    """Whether the error is about one of these constraints.

    PostgreSQL names the constraint; SQLite only the columns, as ``table.column``, so give both.
    """
    told = str(error.orig)
    return any(constraint in told for constraint in constraints)


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        # Our BEGIN, not the driver's: the legacy one begins too late for BEGIN IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def began(connection: Any) -> None:
        reads = connection.get_execution_options().get("vonggac_read", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


__all__ = ["AsyncConnection", "AsyncSession", "Base", "Database", "Transactions", "database_now", "violates"]
