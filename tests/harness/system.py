"""The whole system as its users run it: one process, or four on PostgreSQL and RabbitMQ. Spoken to over HTTP only."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.harness.server_process import ServerProcess, free_port

START_S = 30.0
POLL_S = 0.2

Json = dict[str, Any]


@dataclass
class System:
    """A running system. ``workers`` are its ingest processes by name; all in one, there is one process for everything."""

    url: str
    directory: Path
    environment: dict[str, str]
    processes: dict[str, ServerProcess] = field(default_factory=dict)
    #: Seconds between two questions of ``until``. Many that ask at once would measure what their asking costs.
    poll_s: float = POLL_S
    client: httpx.AsyncClient = field(init=False)
    _codes: int = 0

    @property
    def split(self) -> bool:
        return "all" not in self.processes

    # Processes

    def launch(self, name: str, role: str, **more: str) -> ServerProcess:
        """Start a process of a role; its log is ``<name>.log``."""
        command = [sys.executable, "-m", "services", "serve", "--role", role]
        process = ServerProcess(
            command, log=self.directory / f"{name}.log", env=self.environment | more, dies_by="KILL"
        )
        self.processes[name] = process
        return process

    def command(self, *arguments: str) -> str:
        """Run ``vonggac`` to its end; gives what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "services", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, role: str, *provinces: str) -> str:
        """A new key, as an operator makes it on the command line."""
        more = ("--province", *provinces) if provinces else ()
        return self.command("keys", "create", "--name", f"test {role}", "--role", role, *more).splitlines()[-1]

    async def until_ready(self) -> None:
        async with asyncio.timeout(START_S):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self.client.get("/readyz")).status_code == 200:
                        return
                for name, process in self.processes.items():
                    assert process.running, f"{name} ended:\n{process.log_tail()}"
                await asyncio.sleep(POLL_S)

    def log_of(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def logs(self) -> str:
        return "\n".join(self.log_of(name) for name in self.processes)

    # The interface

    async def post(self, path: str, body: Json, status: int = 201) -> Json:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        made: Json = answer.json()
        return made

    async def get(self, path: str, **params: str) -> Json:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        read: Json = answer.json()
        return read

    async def facility(self, **more: Any) -> str:
        """Register a facility; gives its id."""
        self._codes += 1
        code = f"T-{self._codes:03}"
        body = {"code": code, "name": f"Cơ sở {code}", "province_code": "93", **more}
        made: str = (await self.post("/v1/facilities", body))["id"]
        return made

    async def camera(
        self, facility_id: str, source: Json | str, zone: str = "gate", login: tuple[str, str] | None = None
    ) -> str:
        """Register a camera by RTSP address or by a whole source; gives its id."""
        body: Json = {
            "facility_id": facility_id,
            "name": f"Camera {zone}",
            "zone": zone,
            "source": {"kind": "rtsp", "url": source} if isinstance(source, str) else source,
        }
        if login is not None:
            body["credentials"] = {"username": login[0], "password": login[1]}
        made: str = (await self.post("/v1/cameras", body))["id"]
        return made

    async def camera_status(self, camera_id: str) -> Json:
        return await self.get(f"/v1/cameras/{camera_id}/status")

    async def facility_status(self, facility_id: str) -> Json:
        return await self.get(f"/v1/facilities/{facility_id}/status")

    async def until(
        self, read: Callable[[], Any], wanted: Callable[[Json], bool], within_s: float
    ) -> tuple[Json, float]:
        """Ask until the answer is as wanted; gives it and the seconds that took. Fails with the last answer."""
        started = time.monotonic()
        last: Json = {}
        while time.monotonic() - started < within_s:
            last = await read()
            if wanted(last):
                return last, time.monotonic() - started
            await asyncio.sleep(self.poll_s)
        raise AssertionError(f"not within {within_s} s; last: {json.dumps(last, ensure_ascii=False)}\n{self._tails()}")

    async def until_camera(self, camera_id: str, condition: str, within_s: float = 15.0) -> tuple[Json, float]:
        return await self.until(
            lambda: self.camera_status(camera_id), lambda status: status["condition"] == condition, within_s
        )

    async def until_facility(self, facility_id: str, state: str, within_s: float = 15.0) -> tuple[Json, float]:
        return await self.until(
            lambda: self.facility_status(facility_id), lambda status: status["state"] == state, within_s
        )

    def _tails(self) -> str:
        return "\n".join(f"--- {name}\n{process.log_tail()}" for name, process in self.processes.items())

    # The end

    async def stop(self) -> None:
        await self.client.aclose()
        for process in reversed(self.processes.values()):
            process.stop(signal.SIGTERM, timeout_s=20)


def environment(directory: Path, **settings: str) -> dict[str, str]:
    """What a process of the system gets: the machine's PATH and our settings, nothing else of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VONGGAC_")}
    ours = {
        "VONGGAC_DATA_DIR": str(directory),
        "VONGGAC_PORT": str(free_port()),
        "VONGGAC_CAMERA_NETWORKS": "127.0.0.0/8",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    return kept | ours | {f"VONGGAC_{name.upper()}": value for name, value in settings.items()}


@contextlib.asynccontextmanager
async def all_in_one(directory: Path, **settings: str) -> AsyncIterator[System]:
    """``vonggac serve --role all`` on SQLite and the bus in memory."""
    env = environment(directory, **settings)
    system = System(f"http://127.0.0.1:{env['VONGGAC_PORT']}", directory, env)
    system.command("migrate")
    system.client = _client(system)
    system.launch("all", "all")
    try:
        await system.until_ready()
        yield system
    finally:
        await system.stop()


@contextlib.asynccontextmanager
async def four_processes(
    directory: Path, database_url: str, bus_url: str, workers: int = 2, **settings: str
) -> AsyncIterator[System]:
    """One API, one aggregator and two workers that know neither database nor keys."""
    env = environment(directory, database_url=database_url, bus_url=bus_url, **settings)
    system = System(f"http://127.0.0.1:{env['VONGGAC_PORT']}", directory, env)
    system.command("migrate")
    system.client = _client(system)
    worker_key = system.key("worker")
    system.launch("api", "api")
    system.launch("aggregator", "aggregator")
    await system.until_ready()
    ports = [launch_worker(system, f"worker-{number}", worker_key) for number in range(1, workers + 1)]
    try:
        for port in ports:
            await until_probe_says_ready(port)
        yield system
    finally:
        await system.stop()


def launch_worker(system: System, name: str, key: str, **more: str) -> int:
    """A worker of its own process; gives the port of its probes. It has no database and a data directory of its own."""
    port = free_port()
    system.launch(
        name,
        "ingest",
        VONGGAC_DATABASE_URL="",
        VONGGAC_DATA_DIR=str(system.directory / name),
        VONGGAC_API_URL=system.url,
        VONGGAC_API_KEY=key,
        VONGGAC_WORKER_NAME=name,
        VONGGAC_OPS_PORT=str(port),
        **more,
    )
    return port


async def until_probe_says_ready(port: int) -> None:
    """Wait for a process without an API."""
    async with asyncio.timeout(START_S), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(POLL_S)


def _client(system: System) -> httpx.AsyncClient:
    key = system.key("operator")
    assert re.fullmatch(r"vg_\w{8}_[\w-]{43}", key)
    return httpx.AsyncClient(base_url=system.url, headers={"Authorization": f"Bearer {key}"}, timeout=20)
