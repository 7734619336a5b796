"""One session with one camera: opened under asyncio within bounds, then read by a reactor, counted, kept alive, fanned
out to relay clients."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from services.contracts.camera import AuthOutcome, Credentials, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.auth import Authorizer
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.datagrams import DatagramPair
from services.ingest.rtsp.fanout import Fanout, Subscription
from services.ingest.rtsp.gathering import Gathering, can_be_gathered
from services.ingest.rtsp.http_tunnel import TunnelWriter, begin_tunnel
from services.ingest.rtsp.intake import Intake, IntakeLimits
from services.ingest.rtsp.keyframe import Gathered
from services.ingest.rtsp.link import EagerLink, LazyLink
from services.ingest.rtsp.outcomes import connect_fault, lost_fault
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.sdp import VideoTrack
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import State
from services.ingest.rtsp.tls import begin_tls, certificate_of, check_certificate
from services.ingest.rtsp.urls import request_url
from services.runtime.bell import Bell
from services.runtime.clock import Clock

_MIB = 1024 * 1024
#: While somebody looks at copies they are wanted sooner than counting alone needs them.
_PAUSE_LIVE_S = 0.04
_PAUSE_URGENT_S = 0.1
#: A sender without a wall clock may tell the time since its start, or nothing (RFC 3550 section 6.4.1): years before 2000.
_WALL_CLOCK_SINCE = 946_684_800


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Bounds of one session with a camera."""

    connect_s: float = 3.0
    reply_s: float = 5.0
    #: From the first SYN to the answer to PLAY.
    open_s: float = 12.0
    teardown_s: float = 1.0
    #: The kernel gives up a connection on which nothing we sent was acknowledged for so long.
    unacknowledged_s: float = 20.0
    #: What we may owe a camera that does not read our words.
    unsent_bytes: int = 64 * 1024
    #: The largest group of pictures that is held.
    gop_bytes: int = 4 * _MIB
    #: For each relay client, beyond the group of pictures it begins with.
    queue_bytes: int = 2 * _MIB
    intake: IntakeLimits = field(default_factory=IntakeLimits)


class Upstream:
    """One session with one camera. ``open``, then ``run`` until it ends; ``close`` at any time.

    It connects to ``source.address`` and nowhere else, whatever the camera says. Once the camera plays, the reactor
    visits the connection: media is read and counted, and keep-alives and receiver reports are sent.
    """

    def __init__(
        self,
        source: RtspSource,
        credentials: Credentials | None,
        *,
        clock: Clock,
        reactor: Reactor,
        on_rung: Callable[[Rung], None] = lambda _: None,
        limits: UpstreamLimits = UpstreamLimits(),
        allow_basic: bool = False,
        certificate: str | None = None,
        hold_gop: bool = False,
        gather_first: int | None = None,
        tunnel: bool = False,
    ) -> None:
        """ValueError when the address of the source is not a plain IP address.

        ``on_rung`` is called once for each rung reached, lowest first, from within the loop; it must not block or
        raise. ``allow_basic``: the password may be sent in the clear. ``certificate``: the only one that is accepted
        under TLS, by its SHA-256; None accepts any. ``gather_first``: the very first key frame is
        gathered, with so many units after it; the first ``gather`` gives it. Some cameras send one in ten seconds.
        ``tunnel``: speak inside HTTP requests.
        """
        session = ClientSession(
            request_url(source),
            Authorizer(credentials, allow_basic=allow_basic),
            None if source.tls else self._udp_ports,
        )
        self._source = source
        self._clock = clock
        self._reactor = reactor
        self._on_rung = on_rung
        self._limits = limits
        self._fanout = Fanout(limits.gop_bytes, limits.queue_bytes)
        self._fanout.hold_gop = hold_gop
        #: What was counted; the same object for the whole life of the session.
        self.counters = Counters()
        self._session = session
        self._intake = Intake(session, self.counters, self._fanout, limits.intake)
        self._transport: asyncio.Transport | None = None
        self._link: LazyLink | EagerLink | None = None
        self._known_certificate = certificate
        #: SHA-256 of what the camera showed under TLS.
        self.certificate: str | None = None
        self._datagrams: DatagramPair | None = None
        self._tunnel = tunnel and not source.tls
        self._writer: TunnelWriter | None = None
        self._tick_at = 0.0
        #: Called after each visit with the monotonic time; must not raise.
        self.on_visit: Callable[[float], None] = lambda _: None
        #: Somebody waits for what comes: visit more often.
        self.urgent = False
        self._gathering = Gathering(self._intake, gather_first)
        self._progress = Bell()  # we have something new to say to the camera, or nothing more
        self._over = Bell()
        self._fault: CameraFault | None = None
        self._closing = False
        #: The highest rung proved so far.
        self.rung = Rung.UNREACHABLE

    @property
    def track(self) -> VideoTrack | None:
        """The video that is received; None before it was set up and after the end."""
        return self._session.track if self._intake.receiving and not self._over.is_set() else None

    @property
    def auth(self) -> AuthOutcome | None:
        """ACCEPTED once the camera accepted our credentials. Refusals are told by the CameraFault of ``open``."""
        return self._session.auth

    @property
    def clock_offset_s(self) -> float | None:
        """The camera's wall clock minus ours, by its last sender report; None before one, or if it tells no wall clock."""
        if self._intake.heard is None:
            return None
        report, heard_at = self._intake.heard
        if report.unix_time_s < _WALL_CLOCK_SINCE:
            return None
        return report.unix_time_s - (self._clock.now().timestamp() - (self._clock.monotonic() - heard_at))

    @property
    def hold_gop(self) -> bool:
        """Keep the newest group of pictures for the next subscriber. Costs a copy of each packet."""
        return self._fanout.hold_gop

    @hold_gop.setter
    def hold_gop(self, hold: bool) -> None:
        self._fanout.hold_gop = hold

    def subscribe(self, on_ready: Callable[[], None], on_end: Callable[[], None]) -> Subscription:
        """The media from the held group of pictures, or else the next key frame, on; see ``Fanout.subscribe``."""
        return self._fanout.subscribe(on_ready, on_end)

    @property
    def gathers(self) -> bool:
        """Whether key frames of this codec can be had by ``gather``."""
        return can_be_gathered(self.track)

    def gather(self, *, keys: int = 1, following: int = 0) -> "asyncio.Future[Gathered]":
        """The next key frame, or so many in a row, with the units that follow the first. One at a time: the one before
        is cancelled. When the session ends it never comes: ``run`` tells. ValueError unless ``gathers``.
        """
        if self.track is None:
            raise ValueError("no stream is received")
        return self._gathering.ask(self.track, keys=keys, following=following)

    def stop_gathering(self) -> None:
        """What was asked for is not wanted any more."""
        self._gathering.stop()

    async def open(self) -> VideoTrack:
        """Connect and have the camera play.

        Raises CameraFault; OSError when the connection failed for a reason of our own, such as too many open files.
        """
        try:
            async with asyncio.timeout(self._limits.open_s):
                await self._connect()
                await self._handshake()
        except TimeoutError as error:
            self._abandon()
            raise CameraFault(Reason.TIMEOUT, self.rung, f"no answer while {self._session.state.name}") from error
        except BaseException:
            self._abandon()
            raise
        track = self._session.track
        assert track is not None  # noqa: S101 - it plays
        return track

    async def run(self) -> None:
        """Keep the session until it ends. Returns after ``close``; otherwise raises the CameraFault that ended it."""
        if self.rung is not Rung.PLAYING:
            raise RuntimeError("run before open")
        await self._over.wait()
        if self._fault is not None:
            raise self._fault

    async def close(self) -> None:
        """Say TEARDOWN, wait briefly for the answer, disconnect. Idempotent, in any state."""
        self._closing = True
        self._progress.set()
        self._fanout.end()
        if self._transport is not None and not self._over.is_set():
            self._intake.close()
            self._flush()
            if self._link is not None:
                self._link.read_at_once()  # the answer
            try:
                if self._session.state is State.CLOSING:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._limits.teardown_s):
                            await self._over.wait()
            finally:
                # Also when we are cancelled meanwhile: nobody else would ever end this connection.
                self._transport.abort()
        self._over.set()
        self._close_others()

    # Opening

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self._source.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(self._limits.connect_s):
                await loop.sock_connect(sock, (self._source.address, self._source.port))
            self._climb(Rung.REACHABLE)
            if self._source.tls:
                link: LazyLink | EagerLink = EagerLink(self, self._clock)
                await begin_tls(link, sock, self._limits.reply_s)
            else:
                if self._tunnel:
                    self._writer = await begin_tunnel(
                        sock, self._source, reply_s=self._limits.reply_s, on_lost=self._tunnel_lost
                    )
                link = lazy = LazyLink(self, sock, self._reactor)
                await loop.create_connection(lambda: lazy, sock=sock)
        except OSError as error:
            sock.close()
            fault = connect_fault(error)
            if fault is None:
                raise
            raise fault from error
        except BaseException:
            sock.close()
            raise
        self._link = link
        if self._source.tls and self._transport is not None:
            self.certificate = certificate_of(self._transport)
            check_certificate(self.certificate, self._known_certificate)

    def _tunnel_lost(self) -> None:
        self._fail(CameraFault(Reason.ENDED, self.rung, "the way for our words through HTTP was closed"))

    async def _handshake(self) -> None:
        self._intake.start(self._clock.monotonic())
        self._flush()
        while self._session.state is not State.PLAYING:
            async with asyncio.timeout(self._limits.reply_s):
                await self._progress.wait()
            self._progress.clear()
            if self._fault is not None:
                raise self._fault
            if self._closing:
                raise CameraFault(Reason.ENDED, self.rung, "closed by us")

    def _abandon(self) -> None:
        """End an attempt that failed: a camera that already set up a session hears so, without waiting for it."""
        self._closing = True
        self._over.set()
        self._fanout.end()
        if self._transport is not None:
            if self._session.state is State.STARTING:
                self._intake.close()
                self._flush()
            self._transport.abort()
        self._close_others()

    # The link

    def connected(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._limits.unacknowledged_s * 1000))
        self._climb(Rung.REACHABLE)

    def received(self, buffer: bytearray, start: int, end: int) -> int:
        before = self._session.state
        try:
            consumed = self._intake.receive(buffer, start, end, self._clock.monotonic())
        except CameraFault as fault:
            self._fail(fault)
            return end
        if self._session.state is not before:
            self._climb(self._session.rung)
            self._progress.set()
            if self._session.state is State.CLOSED and self._transport is not None:
                self._transport.close()
            if before is State.SETTING_UP and self.track is not None:
                self._gathering.begin(self.track)
                if self._datagrams is not None:
                    self._datagrams.aim(self._session.server_ports)
            if before is State.STARTING and self._session.state is State.PLAYING and self._link is not None:
                self._link.read_lazily()
        self._flush()
        return consumed

    def visited(self, now: float) -> float:
        if now >= self._tick_at and self._session.state is State.PLAYING:
            try:
                self._tick_at = self._intake.tick(now)
            except CameraFault as fault:
                self._fail(fault)
            self._flush()
        self.on_visit(now)
        pause_s = self._reactor.pause_max_s
        if self._fanout.subscribed:
            pause_s = _PAUSE_LIVE_S
        elif self.urgent:
            pause_s = min(pause_s, _PAUSE_URGENT_S)
        return min(pause_s, max(self._tick_at - now, 0.0))

    def _udp_ports(self) -> tuple[int, int]:
        """The camera sends no media inside the connection: take it over UDP."""
        assert self._transport is not None  # noqa: S101 - the camera answered
        local = self._transport.get_extra_info("sockname")[0]
        try:
            self._datagrams = DatagramPair(local, self._source.address, self._on_datagram)
        except OSError as error:
            raise CameraFault(Reason.TRANSPORT_UNSUPPORTED, self.rung, f"RTP over UDP only, and {error}") from error
        self._intake.report_over_udp = self._datagrams.report
        return self._datagrams.ports

    def _on_datagram(self, kind: int, buffer: bytearray, end: int) -> None:
        if self._over.is_set():
            return
        try:
            self._intake.datagram(kind, buffer, end, self._clock.monotonic())
        except CameraFault as fault:
            self._fail(fault)

    def _close_others(self) -> None:
        """Ports and connections beside the first."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._writer is not None:
            self._writer.close()

    def lost(self, error: Exception | None) -> None:
        if not self._closing and self._fault is None:
            self._fault = lost_fault(self.rung, error)
        self._over.set()
        self._close_others()
        self._progress.set()
        self._fanout.end()

    def writable(self, ready: bool) -> None:
        """Nothing: what we may owe is bounded in ``_flush``."""

    def _fail(self, fault: CameraFault) -> None:
        if self._fault is None and not self._closing:
            self._fault = fault
            self._climb(fault.rung)
        if self._transport is not None:
            self._transport.abort()

    def _climb(self, rung: Rung) -> None:
        for step in Rung:
            if self.rung.height < step.height <= rung.height:
                self.rung = step
                self._on_rung(step)

    def _flush(self) -> None:
        data = self._intake.take_outgoing()
        if not data or self._transport is None or self._transport.is_closing():
            return
        self._progress.set()
        if self._writer is not None:
            unsent = self._writer.write(data)
        else:
            self._transport.write(data)
            unsent = self._transport.get_write_buffer_size()
        if unsent > self._limits.unsent_bytes:
            self._fail(CameraFault(Reason.PROTOCOL_ERROR, self.rung, "the camera does not read what we send"))
