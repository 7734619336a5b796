"""A sampled camera with a real stream and the real decoder: how often it is connected to is counted on the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network

from services.contracts.camera import CameraReport, RtspSource
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.tools import SessionSettings
from services.ingest.worker import Worker, WorkerSettings
from services.runtime.clock import SystemClock
from services.runtime.tasks import Shutdown
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import ScriptedDirectory, an_assignment
from tests.harness.gst_server import GstMount, GstServer

#: Shorter than the interface allows, so that a test need not wait for a minute.
EVERY_S = 2


@dataclass
class Line:
    """The line to a camera: every connection passes here, and the test may cut it."""

    to_port: int
    port: int = 0
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    #: New connections are ended at once.
    down: bool = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.down:
            writer.transport.abort()
            return
        self.open.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to_port)
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            self.open.discard(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    line = Line(port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()


@dataclass
class Rig:
    worker: Worker
    bus: RecordingBus
    line: Line

    @property
    def last(self) -> CameraReport:
        return self.bus.reports[-1]

    @property
    def rests(self) -> set[datetime]:
        """The moments of the last look that were told while it rested: one for each look."""
        return {report.observed_at for report in self.bus.reports if report.watch == "resting"}

    async def until(self, condition: Callable[[], bool], within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not self.bus.reports or not condition():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def sampled_camera() -> AsyncIterator[Rig]:
    clock, bus, shutdown = SystemClock(), RecordingBus(), Shutdown()
    directory = ScriptedDirectory(clock)
    settings = WorkerSettings(name="w", session=SessionSettings(settle_up_s=0.5, settle_down_s=1.0, heartbeat_s=0.2))
    networks = CameraNetworks([ip_network("127.0.0.0/8")])
    async with GstServer([GstMount(gop=15)]) as server, line_to(server.port) as line:
        source = RtspSource(address="127.0.0.1", port=line.port, path="/cam")
        directory.add(an_assignment(source, sample_every_s=EVERY_S))
        worker = Worker(settings, directory, bus, networks, clock)
        await worker.start()
        running = asyncio.create_task(worker.run(shutdown))
        try:
            yield Rig(worker, bus, line)
        finally:
            shutdown.request()
            await running
            await worker.close()


async def test_a_look_connects_proves_disconnects_and_comes_again() -> None:
    async with sampled_camera() as one:
        for looks in (1, 2, 3):
            await one.until(lambda looks=looks: len(one.rests) == looks)  # type: ignore[misc]
            assert one.last.settled
            assert one.last.rung is Rung.PICTURE
            assert (one.last.stream.codec, one.last.stream.width) == ("h264", 640)
            await one.until(lambda: not one.line.open, within_s=2.0)
            assert one.line.connections == looks, "one connection for each look"
        assert all(report.rung is Rung.PICTURE for report in one.bus.reports if report.settled)


async def test_a_line_that_is_down_during_one_attempt_is_no_loss_and_one_that_stays_down_is() -> None:
    async with sampled_camera() as one:
        await one.until(lambda: one.last.watch == "resting")
        one.line.down = True
        before = one.line.connections
        await one.until(lambda: one.line.connections == before + 1)
        one.line.down = False
        await one.until(lambda: len(one.rests) == 2)
        assert one.line.connections == before + 2
        assert all(report.rung is Rung.PICTURE for report in one.bus.reports if report.settled)
        one.line.down = True
        await one.until(lambda: one.last.settled and one.last.rung is not Rung.PICTURE, within_s=30.0)
        assert one.last.reasons in {(Reason.ENDED,), (Reason.PROTOCOL_ERROR,), (Reason.REFUSED,)}
        assert one.line.connections == before + 5, "three attempts before it counts"


async def test_a_viewer_brings_a_resting_camera_back_and_plays_it() -> None:
    async with sampled_camera() as one:
        await one.until(lambda: one.last.watch == "resting")
        camera_id = one.last.camera_id
        window = await one.worker.live.window(camera_id)
        assert window.width == 640
        await asyncio.sleep(EVERY_S * 1.5)
        assert len(one.line.open) == 1, "held while somebody looks"
        later = await one.worker.live.window(camera_id)
        assert later.segments[-1].index > window.segments[-1].index
