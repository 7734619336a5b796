"""What sessions share, with a double in every place that the test does not fill."""

from ipaddress import ip_network

from services.contracts.camera import AuthOutcome, Credentials, DeviceFacts, Interrogation, OnvifSource
from services.contracts.networks import CameraNetworks
from services.contracts.worker_endpoint import ClockSet
from services.ingest.auth_budget import AuthBudget
from services.ingest.connect_gate import ConnectGate
from services.ingest.ports import CameraDirectory, OnvifGateway, StreamMedia
from services.ingest.reporter import Reporter
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.relay import Relay
from services.ingest.tools import SessionSettings, Tools
from services.runtime.clock import Clock, SystemClock
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import WORKER, ScriptedDirectory
from tests.doubles.media import ScriptedMedia

#: Judged as by default, but more than ten times as fast.
QUICK = SessionSettings(
    settle_up_s=0.2, settle_down_s=0.4, heartbeat_s=1.0, picture_every_s=0.1, frozen_after_s=25.0, keyless_max_s=0.4
)


class NoOnvif:
    """Satisfies ``ports.OnvifGateway`` where no camera has ONVIF."""

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        raise AssertionError("nobody has ONVIF here")

    async def identify(self, source: OnvifSource, credentials: Credentials | None) -> DeviceFacts:
        raise AssertionError("nobody has ONVIF here")

    async def set_clock(self, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        raise AssertionError("nobody has ONVIF here")

    async def try_sign_in(self, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        raise AssertionError("nobody has ONVIF here")


def some_tools(
    *,
    directory: CameraDirectory | None = None,
    onvif: OnvifGateway | None = None,
    relay: Relay | None = None,
    media: StreamMedia | None = None,
    networks: CameraNetworks | None = None,
    reporter: Reporter | None = None,
    settings: SessionSettings = QUICK,
    clock: Clock | None = None,
) -> Tools:
    """Tools for cameras on 127.0.0.0/8."""
    running = clock or SystemClock()
    return Tools(
        worker=WORKER,
        directory=directory or ScriptedDirectory(running),
        onvif=onvif or NoOnvif(),
        reactor=Reactor(running, pause_max_s=0.02),
        relay=relay or Relay(),
        media=media or ScriptedMedia(),
        networks=networks or CameraNetworks([ip_network("127.0.0.0/8")]),
        budget=AuthBudget(running),
        reporter=reporter or Reporter(WORKER.worker_id, RecordingBus()),
        connecting=ConnectGate(8),
        settings=settings,
        clock=running,
    )
