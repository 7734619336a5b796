"""``vonggac demo``: everything in one process, with a simulated site registered through the API. What `make run` runs."""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

from services import assembly
from services.access.audit import Audit
from services.access.keys import ApiKeys
from services.access.roles import Role
from services.cli.demo_site import register_site
from services.cli.serve import migrate_own_file
from services.registry import provinces
from services.runtime import logs
from services.runtime.clock import SystemClock
from services.runtime.http_client import HttpClient, trusting
from services.runtime.tasks import Shutdown
from services.settings import Settings, role_faults
from services.storage.database import Database

log = logging.getLogger(__name__)

_SIMULATOR_START_S = 60.0


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cameras", type=int, default=4, help="cameras of the simulated site (default 4)")
    parser.add_argument("--recorder-channels", type=int, default=4, help="channels of its recorder (default 4)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    if not settings.camera_networks:
        settings = settings.model_copy(update={"camera_networks": (ip_network("127.0.0.0/8"),)})
    faults = role_faults(settings, "all")
    for fault in faults:
        print(f"vonggac: {fault}", file=sys.stderr)
    if faults:
        return 2
    logs.configure("warning" if settings.log_level == "info" else settings.log_level, plain=True)
    asyncio.run(_demo(arguments, settings))
    return 0


async def _demo(arguments: argparse.Namespace, settings: Settings) -> None:
    shutdown = Shutdown()
    shutdown.on_signals()
    print("Starting the simulated site …", flush=True)
    async with _simulator(arguments, settings) as site:
        await migrate_own_file(settings)
        key = await _operator_key(settings)
        async with assembly.opened(settings, "all", shutdown) as process:
            running = asyncio.create_task(assembly.run(process))
            listening = asyncio.create_task(process.listening.wait())
            await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
            listening.cancel()
            if process.listening.is_set():
                url = settings.public_url or f"http://{settings.host}:{process.api_port}"
                await _introduce(url, f"http://{settings.host}:{process.api_port}", key, site)
            await running


async def _introduce(url: str, api: str, key: str, site: dict[str, Any]) -> None:
    client = HttpClient(api, key, trusting(None), timeout_s=30.0)
    try:
        names = await register_site(client, site)
    finally:
        await client.close()
    print(
        f"\n  Console   {url}/\n  Key       {key}   (role operator; sign in with it)\n"
        f"  API       {url}/openapi.json\n  Faults    {site['control_url']}   e.g. "
        f"vonggac simulate --set-fault {site['control_url']} camera-1 frozen\n"
        f"\n  Registered: {', '.join(names)}. Cameras come up within a few seconds; stop with Ctrl-C.\n",
        flush=True,
    )


async def _operator_key(settings: Settings) -> str:
    database, clock = Database(settings.resolved_database_url), SystemClock()
    try:
        keys = ApiKeys(database, Audit(database, clock), provinces.scope_of, clock)
        _, key = await keys.create("demo operator", Role.OPERATOR, [], replace=True)
    finally:
        await database.close()
    return key


@contextlib.asynccontextmanager
async def _simulator(arguments: argparse.Namespace, settings: Settings) -> AsyncIterator[dict[str, Any]]:
    """The simulator as a process of its own; gives what it says of its site."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services",
        "simulate",
        "--cameras",
        str(arguments.cameras),
        "--recorder-channels",
        str(arguments.recorder_channels),
        "--ports-file",
        str(settings.data_dir / "simulator-ports.json"),
        stdout=asyncio.subprocess.PIPE,
        limit=4 * 1024 * 1024,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with asyncio.timeout(_SIMULATOR_START_S):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("READY "):
            raise OSError("the simulator did not start; see its message above")
        yield json.loads(line.removeprefix("READY "))
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(5.0):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
