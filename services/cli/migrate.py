"""``vonggac migrate``: bring the database to the newest revision."""

import argparse
import asyncio

from services.migrations import runner
from services.runtime import logs
from services.settings import Settings
from services.storage.database import Database


def add(parser: argparse.ArgumentParser) -> None:
    del parser  # everything is in the settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    del arguments
    logs.configure(settings.log_level, plain=True)
    before, after = asyncio.run(_migrate(settings))
    print(f"already at revision {after}" if before == after else f"migrated from {before or 'empty'} to {after}")
    return 0


async def _migrate(settings: Settings) -> tuple[str | None, str | None]:
    database = Database(settings.resolved_database_url)
    try:
        return await runner.migrate(database)
    finally:
        await database.close()
