"""``vonggac keys``: make and revoke API keys where the database is, before there is any operator."""

import argparse
import asyncio
import sys
from uuid import UUID

from services.access.audit import Audit
from services.access.keys import ApiKeys
from services.access.roles import Role
from services.contracts.scope import EVERYWHERE
from services.migrations import runner
from services.registry import provinces
from services.runtime import logs
from services.runtime.clock import SystemClock
from services.settings import Settings
from services.storage.database import Database
from services.storage.paging import PageRequest


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print it, alone on the last line")
    create.add_argument("--name", required=True, help="who or what the key is for")
    create.add_argument("--role", required=True, choices=[role.value for role in Role])
    create.add_argument(
        "--province", nargs="+", action="extend", default=[], metavar="CODE", help="24 or 24@2025; none: all"
    )
    revoke = actions.add_parser("revoke", help="let a key work no longer")
    revoke.add_argument("id", type=UUID)
    actions.add_parser("list", help="list the keys, without their secrets")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    logs.configure("warning", plain=True)
    return asyncio.run(_run(arguments, settings))


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    database = Database(settings.resolved_database_url)
    try:
        await runner.require_newest(database)
        clock = SystemClock()
        keys = ApiKeys(database, Audit(database, clock), provinces.scope_of, clock)
        if arguments.action == "create":
            return await _create(keys, arguments)
        if arguments.action == "revoke":
            await keys.revoke(EVERYWHERE, arguments.id, revoked_by=None)
            return 0
        await _list(keys)
        return 0
    finally:
        await database.close()


async def _create(keys: ApiKeys, arguments: argparse.Namespace) -> int:
    units = []
    for code in arguments.province:
        unit = provinces.parse_unit(code)
        if unit is None:
            print(f"vonggac: no province unit has the code {code}; see GET /v1/provinces", file=sys.stderr)
            return 2
        units.append(unit.id)
    row, key = await keys.create(arguments.name, Role(arguments.role), units)
    reach = ", ".join(sorted(units)) or "all provinces"
    print(f"{row.role} key {row.id} for {row.name}, reaching {reach}; it is shown this once only:")
    print(key, flush=True)
    return 0


async def _list(keys: ApiKeys) -> None:
    page = await keys.keys(EVERYWHERE, PageRequest(500))
    for row, units in page.items:
        state = "revoked" if row.revoked_at else "active"
        print(f"{row.id}  vg_{row.prefix}  {row.role:<10}  {state:<7}  {','.join(units) or 'all':<12}  {row.name}")
