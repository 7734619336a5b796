"""A real session hears what its device notices: looks are hurried, nothing is judged by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from services.contracts.camera import (
    CameraAssignment,
    CameraReport,
    Channel,
    Credentials,
    DeviceFacts,
    DeviceStream,
    Interrogation,
    OnvifSource,
    RtspSource,
)
from services.contracts.ladder import Reason, Rung
from services.ingest.device_events.hub import DeviceEvents
from services.ingest.reporter import Reporter
from services.ingest.rtsp.relay import Relay
from services.ingest.session import CameraSession
from services.ingest.tools import Tools
from services.runtime.clock import SystemClock
from services.runtime.tasks import Shutdown
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import WORKER, ScriptedDirectory, an_assignment
from tests.doubles.ingest_tools import QUICK, some_tools
from tests.doubles.media import ScriptedMedia
from tests.doubles.onvif_events import Bent, EventDevice, message, tampering
from tests.doubles.onvif_security import HttpDigest
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.doubles.session_rig import with_password
from tests.integration.device_events.listening import events, until

#: Regular looks are so rare that none comes within a test but those hinted at.
RARE = replace(QUICK, picture_every_s=600.0)
MOTION = message("tns1:VideoSource/MotionAlarm", {"Source": "source2"}, {"State": "true"})


class Told:
    """Satisfies ``ports.OnvifGateway`` as far as a session asks: a recorder with two channels."""

    def __init__(self, camera: ScriptedCamera, auth_mode: str) -> None:
        self._camera = camera
        self._auth_mode = auth_mode

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        stream = DeviceStream(
            role="main",
            profile="main2",
            source=RtspSource(address=self._camera.host, port=self._camera.port, path="/cam"),
            original_uri=self._camera.url,
        )
        channels = tuple(
            Channel(profile=f"main{n}", profiles=(f"main{n}",), sources=(f"source{n}", f"config{n}"), name=f"{n}")
            for n in (1, 2)
        )
        facts = DeviceFacts.model_validate({"auth_mode": self._auth_mode, "clock_offset_s": 0.0})
        return Interrogation(device=facts, channels=channels, streams=(stream,))


@dataclass
class Rig:
    camera: ScriptedCamera
    device: EventDevice
    media: ScriptedMedia
    bus: RecordingBus
    directory: ScriptedDirectory
    hub: DeviceEvents
    tools: Tools
    #: What the dice of the session say.
    pause_s: float = 0.05
    session: CameraSession = field(init=False)

    @property
    def last(self) -> CameraReport:
        return self.bus.reports[-1]

    async def up_and_listening(self) -> None:
        await until(lambda: bool(self.bus.reports) and self.last.settled and self.last.rung is Rung.PICTURE)
        await until(lambda: bool(self.device.asked("PullMessages")))
        # The looks at a new stream are over: the first, the one as a player, the ones in doubt.
        await quiet(lambda: len(self.media.looks))


async def quiet(count: Callable[[], int]) -> None:
    """Until this has not grown for a while."""
    seen = -1
    while seen != count():
        seen = count()
        await asyncio.sleep(0.3)


@contextlib.asynccontextmanager
async def rig(
    bent: Bent | None = None, *, password: str = "", mode: str = "none", **members: object
) -> AsyncIterator[Rig]:
    clock, media, bus, relay = SystemClock(), ScriptedMedia(), RecordingBus(), Relay()
    directory = ScriptedDirectory(clock)
    reporter, reporting = Reporter(WORKER.worker_id, bus, gather=lambda: 0.0), Shutdown()
    async with (
        ScriptedCamera(Script(password=password)) as camera,
        EventDevice(bent) as device,
        events() as hub,
    ):
        tools = replace(
            some_tools(directory=directory, media=media, relay=relay, reporter=reporter, settings=RARE, clock=clock),
            onvif=Told(camera, mode),  # type: ignore[arg-type]  # what a session asks of it
            device_events=hub,
        )
        source = OnvifSource(address=device.address, port=device.port, profile="main2")
        assignment = an_assignment(source, **members)
        if password:
            assignment = with_password(directory, assignment, 1, password)
        directory.add(assignment)
        one = Rig(camera, device, media, bus, directory, hub, tools)
        one.session = session = CameraSession(assignment, tools, lambda _least, _most: one.pause_s)
        sending = asyncio.create_task(reporter.run(reporting))
        session.start()
        try:
            yield one
        finally:
            await session.stop()
            reporting.request()
            await sending
            await relay.close()


async def test_tampering_is_looked_at_at_once_and_nothing_is_said_of_it_by_itself() -> None:
    async with rig() as one:
        await one.up_and_listening()
        looks, reports = len(one.media.looks), len(one.bus.reports)
        one.device.tell(tampering("source2"))
        await until(lambda: len(one.media.looks) > looks)
        assert all(report.rung is Rung.PICTURE and not report.reasons for report in one.bus.reports[reports:])


async def test_what_the_other_channel_shows_is_no_hint_for_this_one() -> None:
    async with rig() as one:
        await one.up_and_listening()
        looks = len(one.media.looks)
        one.device.tell(tampering("source1"), tampering("config1"))
        await asyncio.sleep(0.5)
        assert len(one.media.looks) == looks
        one.device.tell(tampering("config2"))
        await until(lambda: len(one.media.looks) > looks)


async def test_motion_costs_no_look() -> None:
    async with rig() as one:
        await one.up_and_listening()
        looks = len(one.media.looks)
        one.device.tell(MOTION)
        await until(lambda: one.hub.statistics.hints == 1)
        await asyncio.sleep(0.3)
        assert len(one.media.looks) == looks


async def test_failed_storage_is_shown_as_long_as_the_device_says_so() -> None:
    topic = "tns1:Device/HardwareFailure/StorageFailure"
    async with rig() as one:
        await one.up_and_listening()
        one.device.tell(message(topic, {"Token": "disk1"}, {"Failed": "true"}))
        await until(lambda: one.last.reasons == (Reason.STORAGE_FAILED,))
        assert one.last.rung is Rung.PICTURE
        one.device.tell(message(topic, {"Token": "disk1"}, {"Failed": "false"}))
        await until(lambda: not one.last.reasons)


async def test_a_camera_that_is_down_is_tried_when_its_recorder_sees_it_again() -> None:
    async with rig() as one:
        await one.up_and_listening()
        loss = ("tns1:VideoSource/SignalLoss", {"Source": "source2"})
        one.device.tell(message(*loss, {"State": "true"}))
        await until(lambda: one.hub.statistics.hints == 1)
        one.camera.script.answers["DESCRIBE"] = ("404 Not Found", ())
        for writer in tuple(one.camera.open_connections):
            writer.transport.abort()
        await until(lambda: one.last.reasons == (Reason.NOT_FOUND,))
        one.pause_s = 3600.0  # the next attempt is not due within this test
        await quiet(lambda: len(one.camera.heard))
        del one.camera.script.answers["DESCRIBE"]
        one.device.tell(message(*loss, {"State": "false"}))
        await until(lambda: one.last.rung is Rung.PICTURE)


async def test_a_session_that_ends_unsubscribes() -> None:
    async with rig() as one:
        await one.up_and_listening()
    assert one.device.ended == 1
    assert not one.device.points


async def test_a_sampled_camera_does_not_listen() -> None:
    async with rig(sample_every_s=600) as one:
        await until(lambda: bool(one.bus.reports) and one.last.settled)
        await asyncio.sleep(0.3)
        assert not one.device.requests


async def test_a_password_changed_on_site_costs_one_attempt_which_counts() -> None:
    security = HttpDigest("admin", "right")
    async with rig(Bent(security=security), password="right", mode="digest") as one:
        await one.up_and_listening()
        security.password = "changed"
        signed = len(one.device.signed)
        one.device.tell(tampering("source2"))
        await until(lambda: len(one.device.signed) > signed)
        await asyncio.sleep(1.5)
        assert len(one.device.signed) == signed + 1
        assert _refusals(one.tools, one.session.assignment) == 1
        entered = with_password(one.directory, one.session.assignment, 2, "changed").model_copy(update={"version": 2})
        one.camera.script.password = "changed"
        one.session.update(entered)
        await until(lambda: one.device.created == 2)


def _refusals(tools: Tools, assignment: CameraAssignment) -> int:
    return tools.budget._account(assignment).refusals
