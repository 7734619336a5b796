"""All that comes from one camera, taken in: messages go to the session, packets to the counters and to the fanout.

No I/O and no clock: whoever reads the socket hands in bytes and the time, and sends what ``take_outgoing`` gives.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault, HttpOnly
from services.ingest.rtsp import rtcp
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.errors import HttpSpoken, RtspProtocolError
from services.ingest.rtsp.fanout import Fanout
from services.ingest.rtsp.framing import Demultiplexer
from services.ingest.rtsp.keyframe import Gathered, Gatherer
from services.ingest.rtsp.messages import Message
from services.ingest.rtsp.rtp import BAD, FOREIGN, TrackReceiver
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import State

_FRAME_CHARGE = 256
_MESSAGE_CHARGE = 16 * 1024


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How much nonsense is borne, and how often we report."""

    #: A camera that sends more for long is flooding us, and the session ends: about four times the bit rate of a good
    #: 4K stream. What piled up in the kernel during a stall of ours fits into the burst. Small frames and messages cost
    #: us as much time as larger ones, so each is charged on top of its bytes.
    bytes_per_s: int = 8_000_000
    burst_bytes: int = 32_000_000
    #: Frames on our channels that are neither RTP nor RTCP, in a row; each good one makes up for a quarter.
    bad_packets: int = 100
    report_every_s: float = 5.0


class Intake:
    """One conversation with one camera, from the first request to the last packet."""

    def __init__(self, session: ClientSession, counters: Counters, fanout: Fanout, limits: IntakeLimits) -> None:
        self.session = session
        self.counters = counters
        self._fanout = fanout
        self._limits = limits
        self._demultiplexer = Demultiplexer(self._on_frame, self._on_message)
        self._receiver: TrackReceiver | None = None
        self._rtp_channel = self._rtcp_channel = -1
        self._outgoing = bytearray()
        self._now = 0.0
        self._allowance = float(limits.burst_bytes)
        self._badness = 0
        self._gatherer: Gatherer | None = None
        self._on_gathered: Callable[[Gathered], None] = lambda _: None
        #: Sends an RTCP packet where media does not come inside the connection.
        self.report_over_udp: Callable[[bytes], None] = lambda _: None
        self._hopped = 0  # packets of this read that went the short way
        self._rest_bytes = 0  # of what was offered and will be offered again
        self._keep_alive_at = self._report_at = 0.0
        self._own_ssrc = secrets.randbits(32)
        self._own_name = secrets.token_hex(8)
        #: The camera's last sender report, and when it came by the time handed in.
        self.heard: tuple[rtcp.SenderReport, float] | None = None

    @property
    def receiving(self) -> bool:
        """Whether a video track was set up."""
        return self._receiver is not None

    def start(self, now: float) -> None:
        """Make the first request."""
        self._now = now
        self._outgoing += self.session.start()

    def gather(self, gatherer: Gatherer | None, on_gathered: Callable[[Gathered], None]) -> None:
        """Offer packets to this one until all is together, and to the one before no more; None: to nobody."""
        self._gatherer = gatherer
        self._on_gathered = on_gathered

    def close(self) -> None:
        """Make the last request, if there is a session to end."""
        self._outgoing += self.session.close()

    def take_outgoing(self) -> bytes:
        """What is to be sent to the camera now."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def receive(self, buffer: bytearray, start: int, end: int, now: float) -> int:
        """Take in ``buffer[start:end]`` and return where the incomplete rest begins (see ``Demultiplexer.consume``).

        Raises CameraFault when the session is over by it; the connection must then be closed.
        """
        limits = self._limits
        self._allowance = min(limits.burst_bytes, self._allowance + (now - self._now) * limits.bytes_per_s)
        self._now = now
        self.counters.received += end - start - self._rest_bytes
        demultiplexer, counters = self._demultiplexer, self.counters
        # While nobody wants copies, packets need not be handed out one by one.
        plain = self._receiver is not None and self._gatherer is None and not self._fanout.active
        demultiplexer.hop = self._hop if plain else None
        frames = demultiplexer.frames
        try:
            consumed = demultiplexer.consume(buffer, start, end)
            self._charge(consumed - start + (demultiplexer.frames - frames + self._hopped) * _FRAME_CHARGE)
        except HttpSpoken as error:
            raise HttpOnly(self.session.rung, str(error)) from error
        except RtspProtocolError as error:
            raise CameraFault(Reason.PROTOCOL_ERROR, self.session.rung, str(error)) from error
        self._rest_bytes = end - consumed
        self._hopped = 0
        counters.sample(now)
        if self._fanout.active:
            self._fanout.flush()
        return consumed

    def datagram(self, kind: int, buffer: bytearray, end: int, now: float) -> None:
        """Take in an RTP (0) or RTCP (1) packet that came by itself: ``buffer[2:end]``, with its length before it.

        Raises CameraFault like ``receive``.
        """
        if self._receiver is None:
            return
        limits = self._limits
        self._allowance = min(limits.burst_bytes, self._allowance + (now - self._now) * limits.bytes_per_s)
        self._now = now
        self.counters.received += end - 2
        try:
            self._charge(end + _FRAME_CHARGE)
            self._on_frame(buffer, self._rtcp_channel if kind else self._rtp_channel, 2, end)
        except RtspProtocolError as error:
            raise CameraFault(Reason.PROTOCOL_ERROR, self.session.rung, str(error)) from error
        self.counters.sample(now)
        if self._fanout.active:
            self._fanout.flush()

    def tick(self, now: float) -> float:
        """Report and keep the session as far as it is due; return when to call next. While playing only."""
        if now >= self._report_at:
            self._report_at = now + self._limits.report_every_s
            if report := self._receiver_report(now):
                self._send_report(report)
        if now >= self._keep_alive_at:
            self._keep_alive_at = now + self.session.keep_alive_interval_s
            self._outgoing += self.session.keep_alive()
        return min(self._report_at, self._keep_alive_at)

    def _charge(self, cost: int) -> None:
        self._allowance -= cost
        if self._allowance < 0:
            raise RtspProtocolError(f"a flood of more than {self._limits.bytes_per_s} bytes/s")

    def _on_message(self, message: Message) -> None:
        self._charge(_MESSAGE_CHARGE)
        session = self.session
        before = session.state
        if before in {State.CLOSED, State.FAILED}:
            return
        self._outgoing += session.receive(message)
        if before is State.SETTING_UP and session.state is State.STARTING:
            assert session.track is not None  # noqa: S101 - it was set up
            self._receiver = TrackReceiver(session.track, self.counters)
            self._rtp_channel, self._rtcp_channel = session.channels
            self._demultiplexer.channels = frozenset(session.channels)
        elif before is State.STARTING and session.state is State.PLAYING:
            self._report_at = self._now + self._limits.report_every_s
            self._keep_alive_at = self._now + session.keep_alive_interval_s

    def _on_frame(self, buffer: bytearray, channel: int, start: int, end: int) -> None:
        if channel == self._rtp_channel:
            flags = self._receiver.packet(buffer, start, end, self._now)  # type: ignore[union-attr]
            if flags == BAD:
                self._count_bad()
                return
            if self._badness:
                self._badness -= 1
            if flags & FOREIGN:
                self.counters.received -= end - start
                return
            if self._gatherer is not None and (gathered := self._gatherer.packet(flags, buffer, start, end, self._now)):
                self._gatherer = None
                self._on_gathered(gathered)
            if self._fanout.active:
                self._fanout.packet(flags, buffer, start, end)
        elif channel == self._rtcp_channel:
            self._on_rtcp(bytes(buffer[start:end]))
        else:
            # Other channels are passed over: some cameras send audio that nobody set up.
            self.counters.received -= end - start

    def _hop(self, buffer: bytearray, position: int, end: int) -> int:
        counters = self.counters
        before = counters.packets
        position = self._receiver.hop(buffer, position, end, self._rtp_channel, self._now)  # type: ignore[union-attr]
        taken = counters.packets - before
        self._hopped += taken
        if self._badness:
            self._badness = max(0, self._badness - taken)
        return position

    def _count_bad(self) -> None:
        self.counters.bad_packets += 1
        self._badness += 4
        if self._badness >= 4 * self._limits.bad_packets:
            raise RtspProtocolError(f"{self._limits.bad_packets} frames that are not RTP")

    def _on_rtcp(self, packet: bytes) -> None:
        assert self._receiver is not None  # noqa: S101 - it has a channel
        try:
            told = rtcp.parse(packet)
        except RtspProtocolError:
            self._count_bad()
            return
        if self._receiver.ssrc in told.gone:
            raise CameraFault(Reason.ENDED, Rung.PLAYING, "the camera said goodbye")
        if told.report is not None and told.report.ssrc == self._receiver.ssrc:
            self.heard = (told.report, self._now)
            if self._fanout.active:
                self._fanout.report(told.report.encode())

    def _receiver_report(self, now: float) -> bytes:
        receiver = self._receiver
        if receiver is None or receiver.ssrc is None:
            return b""
        report, heard_at = self.heard or (None, now)
        return rtcp.receiver_report(
            own_ssrc=self._own_ssrc,
            media_ssrc=receiver.ssrc,
            lost=self.counters.packets_lost,
            highest_sequence=receiver.highest_sequence,
            last_report=report.ntp_middle if report else 0,
            delay_s=max(now - heard_at, 0.0),
            name=self._own_name,
        )

    def _send_report(self, packet: bytes) -> None:
        if self.session.over_udp:
            self.report_over_udp(packet)
        else:
            self._outgoing += b"$" + self._rtcp_channel.to_bytes(1, "big") + len(packet).to_bytes(2, "big") + packet
