"""One session with one camera over asyncio: opened within bounds, counted, kept alive, fanned out to relay clients."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

from services.contracts.camera import AuthOutcome, Credentials, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp import rtcp
from services.ingest.rtsp.auth import Authorizer
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.fanout import Fanout, Subscription
from services.ingest.rtsp.framing import Demultiplexer
from services.ingest.rtsp.link import Link
from services.ingest.rtsp.messages import Message
from services.ingest.rtsp.outcomes import connect_fault, lost_fault
from services.ingest.rtsp.rtp import BAD, FOREIGN, TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import State
from services.ingest.rtsp.urls import request_url
from services.runtime.clock import Clock

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Bounds of one session with a camera."""

    connect_s: float = 3.0
    reply_s: float = 5.0
    #: From the first SYN to the answer to PLAY.
    open_s: float = 12.0
    teardown_s: float = 1.0
    #: A camera that sends more for long is flooding us, and the session ends: ten times the bit rate of a good 4K
    #: stream. What piled up in the kernel during a stall of ours fits into the burst.
    bytes_per_s: int = 8_000_000
    burst_bytes: int = 32_000_000
    #: Frames on our channels that are no RTP or RTCP, in a row; each good one makes up for a quarter.
    bad_packets: int = 100
    #: What we may owe a camera that does not read our words.
    unsent_bytes: int = 64 * 1024
    gop_bytes: int = 4 * _MIB
    #: For each relay client, beyond the group of pictures it begins with.
    queue_bytes: int = 2 * _MIB
    report_every_s: float = 5.0
    #: The kernel gives up a connection on which nothing we sent was acknowledged for so long.
    unacknowledged_s: float = 20.0


class Upstream:
    """One session with one camera. ``open``, then ``run`` in a task of its own; ``close`` at any time.

    It connects to ``source.address`` and nowhere else, whatever the camera says. From ``open`` on media is read and
    counted, whether or not ``run`` runs; keep-alives and receiver reports are sent by ``run``.
    """

    def __init__(
        self,
        source: RtspSource,
        credentials: Credentials | None,
        *,
        clock: Clock,
        on_rung: Callable[[Rung], None] = lambda _: None,
        limits: UpstreamLimits = UpstreamLimits(),  # noqa: B008 - frozen
        allow_basic: bool = False,
        hold_gop: bool = False,
    ) -> None:
        """ValueError when the address of the source is not a plain IP address.

        ``on_rung`` is called once for each rung reached, lowest first, from within the loop; it must not block or
        raise. ``allow_basic``: the password may be sent in the clear.
        """
        self._source = source
        self._session = ClientSession(request_url(source), Authorizer(credentials, allow_basic=allow_basic))
        self._clock = clock
        self._on_rung = on_rung
        self._limits = limits
        self._fanout = Fanout(limits.gop_bytes, limits.queue_bytes)
        self._fanout.hold_gop = hold_gop
        self._demultiplexer = Demultiplexer(self._on_frame, self._on_message)
        self._transport: asyncio.Transport | None = None
        self._receiver: TrackReceiver | None = None
        self._rtp_channel = self._rtcp_channel = -1
        self._progress = asyncio.Event()  # something came of the camera's words, or of the lack of them
        self._over = asyncio.Event()
        self._fault: CameraFault | None = None
        self._closing = False
        self._now = clock.monotonic()
        self._allowance = float(limits.burst_bytes)
        self._badness = 0
        self._own_ssrc = secrets.randbits(32)
        self._own_name = secrets.token_hex(8)
        self._last_report = 0
        self._last_report_at = 0.0
        #: What was counted; the same object for the whole life of the session.
        self.counters = Counters()
        #: The highest rung proved so far.
        self.rung = Rung.UNREACHABLE
        #: The camera's wall clock minus ours, by its last sender report; None before one.
        self.clock_offset_s: float | None = None

    @property
    def track(self) -> VideoTrack | None:
        """The video that is received; None before it was set up and after the end."""
        return None if self._over.is_set() or self._receiver is None else self._session.track

    @property
    def auth(self) -> AuthOutcome | None:
        """ACCEPTED once the camera accepted our credentials. Refusals are told by the CameraFault of ``open``."""
        return self._session.auth

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
        keep_alive_s, report_s = self._session.keep_alive_interval_s, self._limits.report_every_s
        keep_alive_at = self._clock.monotonic() + keep_alive_s
        report_at = self._clock.monotonic() + report_s
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(keep_alive_at, report_at) - self._clock.monotonic())):
                    await self._over.wait()
            now = self._clock.monotonic()
            if self._session.state is not State.PLAYING:
                await self._over.wait()
                break
            if now >= report_at:
                report_at = now + report_s
                self._send(self._receiver_report(now))
            if now >= keep_alive_at:
                keep_alive_at = now + keep_alive_s
                self._send(self._session.keep_alive())
        if self._fault is not None:
            raise self._fault

    async def close(self) -> None:
        """Say TEARDOWN, wait briefly for the answer, disconnect. Idempotent, in any state."""
        self._closing = True
        self._progress.set()
        self._fanout.end()
        if self._transport is not None and not self._over.is_set():
            self._send(self._session.close())
            if self._session.state is State.CLOSING:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.teardown_s):
                        await self._over.wait()
            self._transport.abort()
        self._over.set()

    # Opening

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._limits.connect_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: Link(self), self._source.address, self._source.port
                )
        except OSError as error:
            fault = connect_fault(error)
            if fault is None:
                raise
            raise fault from error

    async def _handshake(self) -> None:
        self._send(self._session.start())
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
                self._send(self._session.close())
            self._transport.abort()

    # The link

    def connected(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._limits.unacknowledged_s * 1000))
        self._climb(Rung.REACHABLE)

    def received(self, buffer: bytearray, start: int, end: int) -> int:
        now = self._clock.monotonic()
        limits = self._limits
        self._allowance = min(limits.burst_bytes, self._allowance + (now - self._now) * limits.bytes_per_s)
        self._now = now
        try:
            consumed = self._demultiplexer.consume(buffer, start, end)
            self._allowance -= consumed - start
            if self._allowance < 0:
                raise RtspProtocolError(f"more than {limits.bytes_per_s} bytes/s")
        except CameraFault as fault:
            self._fail(fault)
            return end
        except RtspProtocolError as error:
            self._fail(CameraFault(Reason.PROTOCOL_ERROR, self._session.rung, str(error)))
            return end
        self.counters.sample(now)
        if self._fanout.active:
            self._fanout.flush()
        return consumed

    def lost(self, error: Exception | None) -> None:
        if not self._closing and self._fault is None:
            self._fault = lost_fault(self.rung, error)
        self._over.set()
        self._progress.set()
        self._fanout.end()

    def writable(self, ready: bool) -> None:
        """Nothing: what we may owe is bounded in ``_send``."""

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

    def _send(self, data: bytes) -> None:
        if not data or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._limits.unsent_bytes:
            self._fail(CameraFault(Reason.PROTOCOL_ERROR, self.rung, "the camera does not read what we send"))

    # What the camera sends

    def _on_message(self, message: Message) -> None:
        session = self._session
        before = session.state
        if before in {State.CLOSED, State.FAILED}:
            return
        answer = session.receive(message)
        self._climb(session.rung)
        if before is State.SETTING_UP and session.state is State.STARTING:
            assert session.track is not None  # noqa: S101 - it was set up
            self._receiver = TrackReceiver(session.track, self.counters)
            self._rtp_channel, self._rtcp_channel = session.channels
            self._demultiplexer.channels = frozenset(session.channels)
        self._send(answer)
        if answer or session.state is not before:
            self._progress.set()
        if session.state is State.CLOSED and self._transport is not None:
            self._transport.close()

    def _on_frame(self, buffer: bytearray, channel: int, start: int, end: int) -> None:
        if channel == self._rtp_channel:
            flags = self._receiver.packet(buffer, start, end, self._now)  # type: ignore[union-attr]
            if flags == BAD:
                self._count_bad()
                return
            if self._badness:
                self._badness -= 1
            if self._fanout.active and not flags & FOREIGN:
                self._fanout.packet(flags, buffer, start, end)
        elif channel == self._rtcp_channel:
            self._on_rtcp(bytes(buffer[start:end]))
        # Other channels are passed over: some cameras send audio that nobody set up.

    def _count_bad(self) -> None:
        self.counters.bad_packets += 1
        self._badness += 4
        if self._badness >= 4 * self._limits.bad_packets:
            raise RtspProtocolError(f"{self._limits.bad_packets} frames that are not RTP")

    def _on_rtcp(self, packet: bytes) -> None:
        assert self._receiver is not None  # noqa: S101 - it has a channel
        try:
            heard = rtcp.parse(packet)
        except RtspProtocolError:
            self._count_bad()
            return
        if self._receiver.ssrc in heard.gone:
            raise CameraFault(Reason.ENDED, self.rung, "the camera said goodbye")
        if heard.report is not None and heard.report.ssrc == self._receiver.ssrc:
            self._last_report = heard.report.ntp_middle
            self._last_report_at = self._now
            self.clock_offset_s = heard.report.unix_time_s - self._clock.now().timestamp()
            if self._fanout.active:
                self._fanout.report(heard.report.encode())

    def _receiver_report(self, now: float) -> bytes:
        receiver = self._receiver
        if receiver is None or receiver.ssrc is None:
            return b""
        report = rtcp.receiver_report(
            own_ssrc=self._own_ssrc,
            media_ssrc=receiver.ssrc,
            lost=self.counters.packets_lost,
            highest_sequence=receiver.highest_sequence,
            last_report=self._last_report,
            delay_s=now - self._last_report_at,
            name=self._own_name,
        )
        return b"$" + self._rtcp_channel.to_bytes(1, "big") + len(report).to_bytes(2, "big") + report
