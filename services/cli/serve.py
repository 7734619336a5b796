"""``vonggac serve``: run a role."""

import argparse
import asyncio
import sys

from services import assembly
from services.migrations import runner
from services.runtime import logs
from services.runtime.file_limit import raise_file_limit
from services.settings import Settings, role_faults
from services.storage.database import Database


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", choices=sorted(assembly.ROLES), default="all")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    faults = role_faults(settings, arguments.role)
    for fault in faults:
        print(f"vonggac: {fault}", file=sys.stderr)
    if faults:
        return 2
    logs.configure(settings.log_level, plain=settings.log_format == "plain")
    raise_file_limit()
    asyncio.run(_serve(settings, arguments.role))
    return 0


async def _serve(settings: Settings, role: assembly.Role) -> None:
    if role == "all":
        await migrate_own_file(settings)
    await assembly.serve(settings, role)


async def migrate_own_file(settings: Settings) -> None:
    """An all-in-one process keeps the schema of its own SQLite file current; a shared database is the operator's."""
    database = Database(settings.resolved_database_url)
    try:
        if database.is_sqlite:
            await runner.migrate(database)
    finally:
        await database.close()
