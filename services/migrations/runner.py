"""Runs migrations on a database, one process at a time, and says whether a database is at the newest revision."""

import contextlib
from collections.abc import Iterator

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import services.migrations.metadata  # noqa: F401 - whoever opens the database knows all its tables: they name one another
from services.contracts.errors import Unavailable
from services.storage.database import Database

#: Key of the session-level advisory lock on PostgreSQL; Alembic has no lock of its own.
_LOCK = 0x766F6E67676163


class SchemaOutdated(Unavailable):
    """The database is not at the newest revision. Run `vonggac migrate`."""

    code = "schema-outdated"


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "services:migrations")
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The newest revision in code."""
    config = Config()
    config.set_main_option("script_location", "services:migrations")
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None  # noqa: S101 - there is at least one revision in the package
    return head


def _present_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    with _alone(connection):
        before = _present_revision(connection)
        command.upgrade(_config(connection), "head")
        connection.commit()
        return before, _present_revision(connection)


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Wait until no other process migrates. SQLite is locked by the migration's own BEGIN IMMEDIATE."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        connection.commit()


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Bring the database to the newest revision. Returns the revisions before and after."""
    before, after = await database.run(_upgrade)
    return before, after


async def require_newest(database: Database) -> None:
    """Raises SchemaOutdated."""
    present = await database.run(_present_revision)
    newest = newest_revision()
    if present != newest:
        raise SchemaOutdated(
            f"The database is at revision {present or 'none'}, this program needs {newest}. Run `vonggac migrate`."
        )
