"""A real session with a scripted camera on loopback; the media processes are scripted."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from services.contracts.camera import CameraAssignment, CameraReport, Credentials, RtspSource
from services.contracts.ladder import Rung
from services.ingest.reporter import Reporter
from services.ingest.rtsp.relay import Relay
from services.ingest.session import CameraSession
from services.ingest.tools import SessionSettings, Tools
from services.runtime.clock import Clock, SystemClock
from services.runtime.tasks import Shutdown
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import WORKER, ScriptedDirectory, an_assignment
from tests.doubles.ingest_tools import QUICK, some_tools
from tests.doubles.media import ScriptedMedia
from tests.doubles.rtsp_camera import Script, ScriptedCamera

LOGIN = ("admin", "right")


@dataclass
class Rig:
    camera: ScriptedCamera
    directory: ScriptedDirectory
    media: ScriptedMedia
    bus: RecordingBus
    tools: Tools
    session: CameraSession
    assignment: CameraAssignment

    @property
    def reports(self) -> list[CameraReport]:
        return self.bus.reports

    @property
    def last(self) -> CameraReport:
        return self.bus.reports[-1]

    async def until(self, condition: Callable[[CameraReport], bool], within_s: float = 3.0) -> CameraReport:
        """Wait for the last report to be so."""
        await until(lambda: bool(self.reports) and condition(self.last), within_s)
        return self.last

    async def up(self) -> None:
        await self.until(lambda report: report.settled and report.rung is Rung.PICTURE)

    def cut(self) -> None:
        """The camera ends all its connections."""
        for writer in tuple(self.camera.open_connections):
            writer.transport.abort()

    def change(self, **members: object) -> CameraAssignment:
        """The registry changed the camera, and the supervisor says so."""
        self.assignment = self.directory.change(self.assignment.camera_id, **members)
        self.session.update(self.assignment)
        return self.assignment

    def enter(self, password: str, version: int) -> None:
        """Credentials were entered anew."""
        entered = with_password(self.directory, self.assignment, version, password)
        self.change(credential_version=version, credential_fingerprint=entered.credential_fingerprint)

    def attempts(self) -> int:
        """How often a password came to the camera."""
        return sum("authorization" in heard.headers and heard.method == "DESCRIBE" for heard in self.camera.heard)


async def until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass
class Given:
    """What a test begins with."""

    script: Script = field(default_factory=Script)
    password: str | None = None
    refusals: int = 0
    settings: SessionSettings = QUICK
    failing_in: dict[str, Exception] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    #: Members of the assignment.
    members: dict[str, object] = field(default_factory=dict)
    #: The dice of its pauses.
    uniform: Callable[[float, float], float] = random.uniform
    clock: Clock = field(default_factory=SystemClock)
    start_after_s: float = 0.0


@contextlib.asynccontextmanager
async def session(given: Given | None = None, *, ends_by_stop: bool = True) -> AsyncIterator[Rig]:
    given = given or Given()
    clock, media, bus, relay = given.clock, ScriptedMedia(), RecordingBus(), Relay()
    directory = ScriptedDirectory(clock)
    directory.failing_in |= given.failing_in
    for method in given.late:
        directory.hold_back(method)
    reporter, reporting = Reporter(WORKER.worker_id, bus, gather=lambda: 0.0), Shutdown()
    tools = some_tools(
        directory=directory, media=media, relay=relay, reporter=reporter, settings=given.settings, clock=clock
    )
    async with ScriptedCamera(given.script) as camera:
        assignment = an_assignment(RtspSource(address="127.0.0.1", port=camera.port, path="/cam"), **given.members)
        if given.password is not None:
            assignment = with_password(directory, assignment, 1, given.password, refusals=given.refusals)
        directory.add(assignment)
        one = Rig(camera, directory, media, bus, tools, CameraSession(assignment, tools, given.uniform), assignment)
        sending = asyncio.create_task(reporter.run(reporting))
        one.session.start(given.start_after_s)
        try:
            yield one
        finally:
            if ends_by_stop:
                await one.session.stop()
            reporting.request()
            await sending
            await relay.close()
    assert relay._mounts == {}


def with_password(
    directory: ScriptedDirectory, assignment: CameraAssignment, version: int, password: str, refusals: int = 0
) -> CameraAssignment:
    """Credentials were entered for this camera."""
    directory.credentials[assignment.camera_id] = Credentials(username=LOGIN[0], password=password, version=version)
    members = {"credential_version": version, "credential_fingerprint": f"{password}", "refusals": refusals}
    return assignment.model_copy(update=members)
