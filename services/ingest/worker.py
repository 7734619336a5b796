"""One worker, put together: relay, media processes, ONVIF, sessions, live media. ``assembly`` gives it its ports."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from dataclasses import dataclass, field

from services.bus.port import Bus
from services.contracts.camera import CameraAssignment, WorkerIdentity
from services.contracts.discovery import DiscoveryOrder
from services.contracts.errors import Unavailable
from services.contracts.ids import CameraId, new_id
from services.contracts.messages import Message
from services.contracts.networks import CameraNetworks
from services.ingest.auth_budget import AuthBudget
from services.ingest.connect_gate import ConnectGate
from services.ingest.device_events.hub import DeviceEvents
from services.ingest.discovery.jobs import DiscoveryJobs, OnReport
from services.ingest.discovery.scan import Scan
from services.ingest.live import LiveMuxers
from services.ingest.media.host import MediaHost
from services.ingest.media_endpoint import media_app
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.onvif.memory import HostMemory
from services.ingest.ports import Directory
from services.ingest.reporter import Reporter
from services.ingest.rtsp.reactor import PAUSE_MAX_S, Reactor
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import Upstream
from services.ingest.session import CameraSession
from services.ingest.supervisor import Supervisor
from services.ingest.tls_slots import TlsSlots
from services.ingest.tools import LookStatistics, SessionSettings, Tools
from services.runtime.certificates import make_run_certificate
from services.runtime.clock import Clock
from services.runtime.http_server import HttpServer
from services.runtime.tasks import Shutdown

log = logging.getLogger(__name__)


#: Probes wait far more than they work; what works at the same time is bounded in the media process.
_PROBE_THREADS = 48
_SEARCH_THREADS = 16
#: A recorder with 64 channels is asked for two streams of each.
_SEARCH_INTERROGATION_S = 60.0


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What one worker may do."""

    name: str = ""
    reaches: tuple[str, ...] = ()
    capacity: int = 500
    lease_ttl_s: float = 20.0
    connects_at_once: int = 64
    site_connects_max: int = 4
    tls_cameras_max: int = 32
    probe_processes: int = 1
    device_events: bool = True
    live_streams_max: int = 32
    #: Where live media is served to an API in another process; None in one process.
    media_host: str | None = None
    media_port: int = 0
    media_advertise_host: str = ""
    session: SessionSettings = field(default_factory=SessionSettings)


def default_name() -> str:
    """Name of a worker that was given none: two on one host must differ."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Worker:
    """Start it, run it until shutdown, close it."""

    def __init__(
        self, settings: WorkerSettings, directory: Directory, bus: Bus, networks: CameraNetworks, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.identity = WorkerIdentity(
            worker_id=new_id(), name=settings.name or default_name(), reaches=settings.reaches
        )
        known_hosts = HostMemory()
        self.onvif = ZeepOnvifGateway(clock=clock, memory=known_hosts)
        #: Of its own, since searches ask hosts that hang, all channels of recorders, and many at once.
        self._searching = ZeepOnvifGateway(
            threads=_SEARCH_THREADS, interrogation_s=_SEARCH_INTERROGATION_S, clock=clock, memory=known_hosts
        )
        self.reactor = Reactor(clock, pause_max_s=min(PAUSE_MAX_S, settings.session.settle_down_s / 10))
        self.looks = LookStatistics()
        self.device_events = DeviceEvents(clock, networks, memory=known_hosts)
        self._relay = Relay()
        self._probing = MediaHost(settings.probe_processes, threads_per_process=_PROBE_THREADS)
        self._muxing = MediaHost(1, threads_per_process=settings.live_streams_max)
        self.reporter = Reporter(self.identity.worker_id, bus)
        self.live = LiveMuxers(
            self._feed, self._relay, self._muxing, settings.live_streams_max, clock, coming=self._coming
        )
        self._networks = networks
        self._directory = directory
        self.discoveries = DiscoveryJobs(lambda: self.identity, directory, self._new_search)
        self._started = contextlib.AsyncExitStack()
        self._supervisor: Supervisor | None = None

    @property
    def supervisor(self) -> Supervisor:
        """There once the worker is started."""
        if self._supervisor is None:
            raise RuntimeError("the worker is not started")
        return self._supervisor

    async def start(self) -> None:
        """Start relay, media processes and, in a split deployment, the media endpoint. What fails leaves nothing behind."""
        try:
            await self._start_parts()
        except BaseException:
            await self.close()
            raise
        tools = Tools(
            worker=self.identity,
            directory=self._directory,
            onvif=self.onvif,
            reactor=self.reactor,
            relay=self._relay,
            media=self._probing,
            networks=self._networks,
            budget=AuthBudget(self._clock),
            reporter=self.reporter,
            connecting=ConnectGate(self._settings.connects_at_once, per_site=self._settings.site_connects_max),
            settings=self._settings.session,
            clock=self._clock,
            looks=self.looks,
            tls_slots=TlsSlots(self._settings.tls_cameras_max),
            device_events=self.device_events if self._settings.device_events else None,
        )

        def new_session(assignment: CameraAssignment) -> CameraSession:
            return CameraSession(assignment, tools)

        self._supervisor = Supervisor(
            self.identity,
            self._settings.capacity,
            self._settings.lease_ttl_s,
            self._directory,
            new_session,
            self._clock,
        )

    async def run(self, shutdown: Shutdown) -> None:
        """Watch and report until shutdown; then give the leases back and send what is left."""
        reporting = Shutdown()
        sending = asyncio.create_task(self.reporter.run(reporting), name="reporter")
        searching = asyncio.create_task(self.discoveries.run(shutdown), name="searches")
        try:
            await self.supervisor.run(shutdown)
        finally:
            searching.cancel()
            await asyncio.gather(searching, return_exceptions=True)
            reporting.request()
            await sending
            await self._send_rest()

    async def close(self) -> None:
        """End everything that ``start`` started."""
        await self._started.aclose()

    async def _start_parts(self) -> None:
        self._started.push_async_callback(self.onvif.close)
        self._started.push_async_callback(self._searching.close)
        self._started.push_async_callback(self.device_events.close)
        self._started.callback(self.reactor.close)
        await self._relay.start()
        self._started.push_async_callback(self._relay.close)
        for media in (self._probing, self._muxing):
            await media.start()
            self._started.push_async_callback(media.close)
        self._started.push_async_callback(self.live.close)
        if self._settings.media_host is not None:
            await self._serve_media(self._settings.media_host)

    async def _send_rest(self) -> None:
        try:
            async with asyncio.timeout(3.0):
                await self.reporter.flush()
        except (Unavailable, TimeoutError):
            log.warning("reports were not sent", extra={"count": self.reporter.backlog})

    async def _serve_media(self, host: str) -> None:
        certificate = make_run_certificate(self.identity.name)
        self._started.callback(certificate.remove)
        token = secrets.token_urlsafe(32)
        endpoint = HttpServer(
            media_app(token, self.live, self.onvif, self._networks),
            host,
            self._settings.media_port,
            certificate=certificate.certificate_file,
            key=certificate.key_file,
            graceful_s=2,
        )
        port = await endpoint.start()
        self._started.push_async_callback(endpoint.stop)
        shown = self._settings.media_advertise_host or host
        self.identity = self.identity.model_copy(
            update={
                "media_url": f"https://{f'[{shown}]' if ':' in shown else shown}:{port}",
                "media_certificate": certificate.certificate_pem,
                "media_token": token,
            }
        )

    async def on_nudge(self, message: Message) -> None:
        """The registry changed: look now what there is to do."""
        await self.supervisor.on_nudge(message)
        await self.discoveries.on_nudge(message)

    def _new_search(self, order: DiscoveryOrder, on_report: OnReport) -> Scan:
        return Scan(order, self._searching, self._networks, self._clock, on_report)

    def _feed(self, camera_id: CameraId) -> Upstream | None:
        session = self.supervisor.session_of(camera_id)
        if not isinstance(session, CameraSession):
            return None
        session.wanted_live()
        return session.upstream

    def _coming(self, camera_id: CameraId) -> bool:
        session = self.supervisor.session_of(camera_id)
        return isinstance(session, CameraSession) and session.coming
