"""The API over a real database in this process, with devices and live media scripted."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services import assembly
from services.access.keys import ApiKeys
from services.access.roles import Role
from services.aggregator.service import Aggregator
from services.api.app import wrapped
from services.contracts.camera import WorkerIdentity
from services.contracts.ids import new_id
from services.migrations import runner
from services.registry import provinces
from services.registry.directory import LocalDirectory
from services.runtime.tasks import Shutdown
from services.settings import Settings
from services.storage.database import Database
from tests.doubles.hls import ScriptedHls
from tests.doubles.interrogator import ScriptedInterrogator
from tests.doubles.resolver import TableResolver

#: Where tests register cameras; nothing connects there.
CAMERA_NETWORK = "10.20.0.0/16"


@dataclass
class Application:
    """A running API and what stands behind it."""

    process: assembly.Process
    parts: assembly.RegistryParts
    app: FastAPI
    transport: httpx.ASGITransport
    interrogator: ScriptedInterrogator
    hls: ScriptedHls
    aggregator: Aggregator
    keys: ApiKeys
    #: Whoever reports on cameras here; one worker, since two would share them.
    watcher: WorkerIdentity = field(default_factory=lambda: WorkerIdentity(worker_id=new_id(), name="watcher"))

    @property
    def database(self) -> Database:
        return self.parts.database

    @property
    def paths(self) -> set[str]:
        """The path of every route, of API and console."""
        return {str(getattr(route, "path", "")) for route in self.app.router.routes}

    @property
    def directory(self) -> LocalDirectory:
        """The registry as a worker of this process sees it."""
        return LocalDirectory(self.parts.desk)

    async def key(self, role: Role, *units: str) -> str:
        """A new key in clear; ``units`` are ids such as ``2021-93``."""
        _, key = await self.keys.create(f"test {role}", role, units)
        return key

    def client(self, key: str | None) -> httpx.AsyncClient:
        """A client that sends this key. Errors inside the app are answers, as in production."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(transport=self.transport, base_url="http://testserver", headers=headers)

    async def client_of(self, role: Role, *units: str) -> httpx.AsyncClient:
        return self.client(await self.key(role, *units))


#: A SQLite file at the newest revision, once this process has made one: migrating each anew costs more than most tests.
_migrated: list[bytes] = []


async def _migrate(url: str) -> None:
    file = Path(url.removeprefix("sqlite+aiosqlite:///")) if url.startswith("sqlite") else None
    fresh = file is not None and not file.exists()
    if file is not None and fresh and _migrated:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated[0])
        return
    database = Database(url)
    await runner.migrate(database)
    await database.close()
    if file is not None and fresh:
        _migrated.append(file.read_bytes())


@contextlib.asynccontextmanager
async def running_application(database_url: str, data_dir: Path, **settings: Any) -> AsyncIterator[Application]:
    """Migrate the database and run the API and an aggregator on it, without a worker."""
    configured = Settings(
        database_url=database_url,
        data_dir=data_dir,
        camera_networks=settings.pop("camera_networks", (ip_network(CAMERA_NETWORK),)),
        **settings,
    )
    await _migrate(configured.resolved_database_url)
    interrogator, hls = ScriptedInterrogator(), ScriptedHls()
    async with contextlib.AsyncExitStack() as stack:
        bus = assembly.open_bus(configured, "all")
        process = assembly.Process(configured, Shutdown(), bus, stack)
        parts = await assembly.add_registry(process)
        aggregator = await assembly.add_aggregator(process)
        app = assembly.build_app(process, parts, interrogator, hls, TableResolver())
        await bus.open()
        stack.push_async_callback(bus.close)
        for subscription in process.subscriptions:
            await bus.subscribe(subscription)
        yield Application(
            process,
            parts,
            app,
            httpx.ASGITransport(wrapped(app), raise_app_exceptions=False),
            interrogator,
            hls,
            aggregator,
            ApiKeys(parts.database, parts.audit, provinces.scope_of, process.clock),
        )
