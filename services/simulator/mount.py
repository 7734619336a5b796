"""One stream of a device: paces a loop of pictures and hands the same packets to all its viewers.

Without viewers no timer runs and nothing is spent.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.simulator.faults import Fault
from services.simulator.junk import junk
from services.simulator.pictures import Loop, Variant
from services.simulator.rtp import (
    CLOCK_RATE,
    FramePayloads,
    goodbye,
    interleave,
    interleaved,
    packetize,
    sender_report,
)

#: How much slower than real time a slow camera is.
SLOWDOWN = 20
REPORT_EVERY_S = 5.0
#: A timer that is later than this does not catch up: a camera that was held up does not send faster afterwards.
_CATCH_UP_S = 0.5


class Viewer(Protocol):
    """Who receives a mount's packets. RTCP travels on ``rtp_channel + 1``."""

    rtp_channel: int

    def deliver(self, data: bytes) -> None:
        """Send, after whatever is still held. Never waits; may end the viewer if it does not keep up."""

    def hold(self, data: bytes) -> None:
        """Keep to be sent bit by bit."""

    def drip(self, count: int) -> None:
        """Send the next ``count`` bytes of what is held."""

    def cut(self) -> None:
        """End the connection at once."""

    def finish(self) -> None:
        """End the connection after what was sent."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Where in the stream a viewer comes in: the first packet it will get (RTP-Info)."""

    sequence: int
    rtp_time: int


@dataclass(slots=True)
class _Seat:
    viewer: Viewer
    started: bool = False
    frames: int = 0


class Mount:
    """The stream at one path. Used from the event loop only."""

    def __init__(self, path: str, title: str, loop_of: Callable[[Variant], Loop], now: Callable[[], datetime]) -> None:
        self.path = path
        self.title = title
        self.ssrc = secrets.randbits(32)
        self.fault = Fault.NONE
        self._loop_of = loop_of
        self._now = now
        self._seats: dict[int, _Seat] = {}
        self._timer: asyncio.Handle | None = None
        self._deadline = 0.0
        self._born = asyncio.get_running_loop().time()
        self._base_time = secrets.randbits(32)
        self._media_time = 0
        self._sequence = secrets.randbits(16)
        self._packets = self._octets = self._position = self._ticks = 0
        self._next_report = 0.0
        self._random = random.Random(path)  # noqa: S311 - junk is to be repeatable
        self._loop = loop_of(Variant.MOVING)
        self._frames = packetize(self._loop)
        self._drip_bytes = 0

    @property
    def viewers(self) -> int:
        return len(self._seats)

    @property
    def loop(self) -> Loop:
        """What is played now."""
        return self._loop

    def switch(self, fault: Fault) -> None:
        """Suffer from this fault from now on. The loop of ``variant_under(fault)`` should be recorded already."""
        self.fault = fault
        self._show(variant_under(fault))
        for seat in self._all_seats():
            if fault in {Fault.OFF, Fault.WRONG_PASSWORD}:
                seat.viewer.cut()
            else:
                seat.viewer.deliver(b"")

    def join(self, viewer: Viewer) -> Cue:
        """Let a viewer in at the next key frame."""
        self._seats[id(viewer)] = _Seat(viewer)
        if self._timer is None:
            self._position = 0
            clock = asyncio.get_running_loop()
            self._media_time = max(self._media_time, self._due(clock.time()) - self._step)
            self._deadline = clock.time()
            self._timer = clock.call_soon(self._tick)
        return self._cue()

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer; unknown ones are ignored."""
        self._seats.pop(id(viewer), None)
        if not self._seats and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        clock = asyncio.get_running_loop()
        now = clock.time()
        self._deadline = max(self._deadline + 1 / self._loop.format.fps, now - _CATCH_UP_S)
        self._timer = clock.call_at(self._deadline, self._tick)
        self._ticks += 1
        match self.fault:
            case Fault.SILENT:
                return
            case Fault.SLOW:
                self._crawl()
            case _:
                self._keep_time(now)
                self._send()
                if now >= self._next_report:
                    self._next_report = now + REPORT_EVERY_S
                    self._report(self._started())

    def _send(self) -> None:
        for viewer, data in self._next_frame():
            viewer.deliver(data)
        if self.fault is Fault.END:
            for seat in self._all_seats():
                if seat.frames >= self._loop.format.fps:
                    seat.viewer.deliver(interleaved(seat.viewer.rtp_channel + 1, goodbye(self.ssrc)))
                    seat.viewer.finish()

    def _crawl(self) -> None:
        """Of every twenty ticks one takes a picture, and each sends a twentieth of it."""
        if self._ticks % SLOWDOWN == 0:
            for viewer, data in self._next_frame():
                viewer.hold(data)
                self._drip_bytes = 1 + len(data) // SLOWDOWN
        for seat in self._started():
            seat.viewer.drip(self._drip_bytes)

    def _next_frame(self) -> list[tuple[Viewer, bytes]]:
        """Go on to the next picture; what each viewer is to get of it."""
        frame = self._frames[self._position]
        self._position = (self._position + 1) % len(self._frames)
        self._media_time += self._step
        seats = self._admit() if frame.key else [seat for seat in self._all_seats() if seat.started]
        sent: dict[int, bytes] = {}
        for seat in seats:
            seat.frames += 1
            channel = seat.viewer.rtp_channel
            if channel not in sent:
                sent[channel] = self._packets_of(frame, channel)
        self._sequence += len(frame.payloads)
        self._packets += len(frame.payloads)
        self._octets += frame.size
        return [(seat.viewer, sent[seat.viewer.rtp_channel]) for seat in seats]

    def _packets_of(self, frame: FramePayloads, channel: int) -> bytes:
        data = interleave(
            frame, channel=channel, sequence=self._sequence, rtp_time=self._rtp(self._media_time), ssrc=self.ssrc
        )
        return junk(data, self._random) if self.fault is Fault.GARBAGE else data

    def _admit(self) -> list[_Seat]:
        """At a key frame everybody is in; newcomers first learn how RTP time relates to the device's clock."""
        seats = self._all_seats()
        newcomers = [seat for seat in seats if not seat.started]
        for seat in newcomers:
            seat.started = True
        if self.fault is not Fault.SLOW:
            self._report(newcomers)
        return seats

    def _report(self, seats: list[_Seat]) -> None:
        if not seats:
            return
        report = sender_report(
            ssrc=self.ssrc,
            now=self._now(),
            rtp_time=self._rtp(self._due(asyncio.get_running_loop().time())),
            packets=self._packets,
            octets=self._octets,
        )
        for seat in seats:
            seat.viewer.deliver(interleaved(seat.viewer.rtp_channel + 1, report))

    def _keep_time(self, now: float) -> None:
        """Media time is the time since the mount was made; after a pause it jumps there, it never goes back."""
        due = self._due(now)
        if due - self._media_time > CLOCK_RATE * _CATCH_UP_S * 2:
            self._media_time = due - self._step

    def _cue(self) -> Cue:
        """Count the packets up to the next key frame."""
        sequence, media_time = self._sequence, self._media_time + self._step
        for offset in range(len(self._frames)):
            frame = self._frames[(self._position + offset) % len(self._frames)]
            if frame.key:
                break
            sequence += len(frame.payloads)
            media_time += self._step
        return Cue(sequence & 0xFFFF, self._rtp(media_time))

    def _show(self, variant: Variant) -> None:
        loop = self._loop_of(variant)
        if loop is not self._loop:
            self._loop = loop
            self._frames = packetize(loop)
            self._position = 0

    @property
    def _step(self) -> int:
        return CLOCK_RATE // self._loop.format.fps

    def _due(self, now: float) -> int:
        return int((now - self._born) * CLOCK_RATE)

    def _rtp(self, media_time: int) -> int:
        return (self._base_time + media_time) & 0xFFFFFFFF

    def _all_seats(self) -> list[_Seat]:
        return list(self._seats.values())

    def _started(self) -> list[_Seat]:
        return [seat for seat in self._all_seats() if seat.started]


def variant_under(fault: Fault) -> Variant:
    """What the picture shows while this fault lasts."""
    return {Fault.FROZEN: Variant.STILL, Fault.BLACK: Variant.BLACK}.get(fault, Variant.MOVING)
