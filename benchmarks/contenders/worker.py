"""A whole ``Worker`` of this project: leases, sessions, the judge of pictures, reports on a bus. Only the registry is a
double, kept in memory. Tells every change of a camera's verdict, as the aggregator would read it, when it is on the bus.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from benchmarks.orders import obey, say
from services.aggregator.derive import Observation, observe
from services.bus.memory import MemoryBus
from services.bus.port import BusLimits, Subscription
from services.contracts.camera import LeaseRef, RtspSource, Snapshot, WorkerIdentity
from services.contracts.ids import CameraId, new_id
from services.contracts.messages import CameraHealthReported, Message
from services.contracts.networks import CameraNetworks
from services.ingest.session import CameraSession
from services.ingest.tools import SessionSettings
from services.ingest.worker import Worker, WorkerSettings
from services.runtime.clock import SystemClock
from services.runtime.file_limit import raise_file_limit
from services.runtime.tasks import Shutdown
from tests.doubles.directory import ScriptedDirectory, an_assignment

#: As in the field: a site has 5 to 16 cameras.
_CAMERAS_PER_SITE = 10
_ALL_UP_S = 600.0
_CONDITIONS = {
    Observation.PROVED: "online",
    Observation.IMPAIRED: "degraded",
    Observation.LOST: "offline",
    Observation.UNSETTLED: "unsettled",
}


class _Directory(ScriptedDirectory):
    """Counts pictures instead of keeping them: they would be taken for the worker's memory."""

    pictures = 0

    async def put_snapshot(self, worker: WorkerIdentity, lease: LeaseRef, snapshot: Snapshot) -> None:  # noqa: ARG002 - the port's signature
        self.pictures += 1


class _EndedAttempts(logging.Handler):
    """Counts what the sessions themselves call the end of an attempt: after each, one step of the back-off is waited for."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.by_camera: Counter[UUID] = Counter()
        logger = logging.getLogger("services.ingest.session")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "camera attempt ended":
            self.by_camera[record.__dict__["camera_id"]] += 1


class _Watched:
    def __init__(self, settings: SessionSettings) -> None:
        clock = SystemClock()
        self._directory = _Directory(clock)
        self._bus = MemoryBus(BusLimits(), "/benchmarks/worker")
        self._session_settings = settings
        self._clock = clock
        self._attempts = _EndedAttempts()
        self._worker: Worker | None = None
        self._running: asyncio.Task[None] | None = None
        self._shutdown = Shutdown()
        self._cameras: list[CameraId] = []
        self._index: dict[CameraId, int] = {}
        self._verdicts: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._changed = asyncio.Event()

    async def handle(self, order: dict[str, Any]) -> dict[str, Any]:
        match order["do"]:
            case "begin":
                await self._begin(order["streams"])
            case "open":
                await self._begin(order["streams"])
                async with asyncio.timeout(_ALL_UP_S):
                    await self._all_online()
                gc.collect()
                return {"open": len(self._cameras)}
            case "ended_attempts":
                return {"ended_attempts": [self._attempts.by_camera[camera_id] for camera_id in self._cameras]}
            case "count":
                return self._count()
        return {}

    async def close(self) -> None:
        self._shutdown.request()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        if self._worker is not None:
            await self._worker.close()
        await self._bus.close()

    async def _begin(self, streams: Sequence[tuple[str, int, str]]) -> None:
        site = new_id()
        for index, (address, port, path) in enumerate(streams):
            if index % _CAMERAS_PER_SITE == 0:
                site = new_id()
            source = RtspSource(address=address, port=port, path=path)
            camera = self._directory.add(an_assignment(source, facility_id=site))
            self._cameras.append(camera.camera_id)
            self._index[camera.camera_id] = index
        settings = WorkerSettings(name="benchmark", capacity=len(streams), session=self._session_settings)
        networks = CameraNetworks([ip_network("127.0.0.0/8")])
        await self._bus.open()
        await self._bus.subscribe(Subscription((CameraHealthReported,), self._on_reports, None))
        self._worker = Worker(settings, self._directory, self._bus, networks, self._clock)
        await self._worker.start()
        self._running = asyncio.create_task(self._worker.run(self._shutdown))

    async def _on_reports(self, message: Message) -> None:
        assert isinstance(message, CameraHealthReported)
        for report in message.reports:
            index = self._index[report.camera_id]
            condition = _CONDITIONS[observe(report)]
            deciding = tuple(reason.value for reason in report.reasons if reason.deciding)
            if self._verdicts.get(index) != (condition, deciding):
                self._verdicts[index] = condition, deciding
                say({"event": "verdict", "camera": index, "condition": condition, "reasons": deciding})
                self._changed.set()

    async def _all_online(self) -> None:
        while sum(condition == "online" for condition, _ in self._verdicts.values()) < len(self._cameras):
            self._changed.clear()
            await self._changed.wait()

    def _count(self) -> dict[str, Any]:
        assert self._worker is not None
        counted: list[dict[str, int]] = []
        for camera_id in self._cameras:
            session = self._worker.supervisor.session_of(camera_id)
            counters = session.upstream.counters if isinstance(session, CameraSession) and session.upstream else None
            counted.append(
                {
                    "frames": counters.frames,
                    "key_frames": counters.key_frames,
                    "packets": counters.packets,
                    "octets": counters.bytes,
                    "sequence_gaps": counters.sequence_gaps,
                }
                if counters is not None
                else dict.fromkeys(("frames", "key_frames", "packets", "octets", "sequence_gaps"), 0)
            )
        return {
            "counted": counted,
            "frames": [one["frames"] for one in counted],
            "judged": self._worker.looks.taken,
            "looks": asdict(self._worker.looks),
            "pictures": self._directory.pictures,
            "found": sorted({reason for _, reasons in self._verdicts.values() for reason in reasons}),
            "reactor": asdict(self._worker.reactor.statistics),
        }


async def _run(settings: SessionSettings) -> None:
    raise_file_limit()
    watched = _Watched(settings)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await obey(watched.handle)
    finally:
        await watched.close()


def main() -> None:
    usual = SessionSettings()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contenders.worker", description=__doc__)
    parser.add_argument("--picture-every-s", type=float, default=usual.picture_every_s)
    parser.add_argument("--frozen-after-s", type=float, default=usual.frozen_after_s)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_run(SessionSettings(picture_every_s=given.picture_every_s, frozen_after_s=given.frozen_after_s)))


if __name__ == "__main__":
    main()
