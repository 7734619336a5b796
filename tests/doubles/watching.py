"""A session with a camera, or several, that the test runs itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from services.contracts.camera import CameraAssignment, CameraReport, Credentials, RtspSource
from services.contracts.ladder import Rung
from services.contracts.networks import CameraNetworks
from services.ingest.reporter import Reporter
from services.ingest.rtsp.relay import Relay
from services.ingest.session import CameraSession
from services.ingest.tls_slots import TlsSlots
from services.runtime.clock import SystemClock
from services.runtime.tasks import Shutdown
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import WORKER, ScriptedDirectory, an_assignment
from tests.doubles.http_front import HttpFront
from tests.doubles.ingest_tools import some_tools
from tests.doubles.rtsp_camera import ScriptedCamera


@dataclass
class Seen:
    """What a session did and said."""

    directory: ScriptedDirectory
    bus: RecordingBus
    session: CameraSession
    assignment: CameraAssignment

    async def until(self, condition: Callable[[CameraReport], bool]) -> CameraReport:
        """The first last report that is so."""
        async with asyncio.timeout(4):
            while not (self.bus.reports and condition(self.bus.reports[-1])):
                await asyncio.sleep(0.005)
        return self.bus.reports[-1]

    async def up(self) -> None:
        await self.until(lambda report: report.settled and report.rung is Rung.PICTURE)

    async def down(self) -> CameraReport:
        return await self.until(lambda report: report.settled and report.rung is not Rung.PICTURE)


@contextlib.asynccontextmanager
async def watching(
    registered: ScriptedCamera | HttpFront,
    *,
    password: str | None = None,
    networks: CameraNetworks | None = None,
    tls_cameras_max: int = 32,
    **members: object,
) -> AsyncIterator[Seen]:
    """A session with a camera that is registered where ``registered`` is. ``members`` are those of its assignment."""
    clock, bus, relay = SystemClock(), RecordingBus(), Relay()
    directory = ScriptedDirectory(clock)
    reporter, reporting = Reporter(WORKER.worker_id, bus, gather=lambda: 0.0), Shutdown()
    tools = some_tools(directory=directory, relay=relay, reporter=reporter, clock=clock, networks=networks)
    tools = replace(tools, tls_slots=TlsSlots(tls_cameras_max))
    source = RtspSource(address=registered.host, port=registered.port, path="/cam", tls=registered.inside_tls)
    signed = {"credential_version": 1, "credential_fingerprint": "print"} if password else {}
    assignment = an_assignment(source, **signed, **members)
    if password is not None:
        directory.credentials[assignment.camera_id] = Credentials(username="admin", password=password, version=1)
    directory.add(assignment)
    session = CameraSession(assignment, tools)
    sending = asyncio.create_task(reporter.run(reporting))
    session.start()
    try:
        yield Seen(directory, bus, session, assignment)
    finally:
        await session.stop()
        reporting.request()
        await sending
        await relay.close()
