"""One series of frames that many cameras send in step: numbered, stamped once, shared by all of them.

A frame carries its number as its RTP timestamp: ``number * STEP``, modulo 2^32. So what a receiver counted can be held
against what was sent, frame by frame.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from benchmarks.replay.clips import FPS, GROUP_FRAMES, units_of
from services.simulator.pictures import MAIN, Codec, Loop
from services.simulator.rtp import (
    CLOCK_RATE,
    PAYLOAD_TYPE,
    FramePayloads,
    interleave,
    interleaved,
    packetize,
    sender_report,
)

STEP = CLOCK_RATE // FPS
_REPORT_EVERY_FRAMES = 5 * FPS
_FRAMING_BYTES = 4
#: Within an interleaved packet: sequence number, timestamp and source, behind the framing and two bytes of RTP.
_STAMP = struct.Struct(">HII")
_STAMP_OFFSET = 6


class Tally(NamedTuple):
    """What was sent. ``octets`` are those of RTP packets with their headers, without interleaved framing."""

    frames: int = 0
    key_frames: int = 0
    packets: int = 0
    octets: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: "Tally") -> "Tally":
        return Tally(*(a - b for a, b in zip(self, other, strict=True)))


def timestamp_of(number: int) -> int:
    """The RTP timestamp of a frame."""
    return number * STEP & 0xFFFFFFFF


def frames_between(first: int, last: int) -> int:
    """How many frames lie from one timestamp to another, both included. Less than half a turn of the clock apart."""
    return ((last - first) & 0xFFFFFFFF) // STEP + 1


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A packetised frame. ``buffer`` is stamped anew each time it is sent; ``offsets`` say where its packets begin."""

    buffer: bytearray
    offsets: tuple[int, ...]
    key: bool

    @property
    def octets(self) -> int:
        return len(self.buffer) - _FRAMING_BYTES * len(self.offsets)

    def stamp(self, sequence: int, timestamp: int, ssrc: int) -> None:
        """Write the numbers of this sending into all packets, the first of which has this sequence number."""
        pack_into, buffer = _STAMP.pack_into, self.buffer
        for index, offset in enumerate(self.offsets):
            pack_into(buffer, offset + _STAMP_OFFSET, (sequence + index) & 0xFFFF, timestamp, ssrc)


@dataclass(frozen=True, slots=True, eq=False)
class Reel:
    """A clip, packetised. ``parameter_sets`` are SPS and PPS."""

    name: str
    frames: tuple[Frame, ...]
    parameter_sets: tuple[bytes, ...]


@cache
def reel_of(name: str) -> Reel:
    """The packetised clip of this name."""
    units = tuple(units_of(name))
    if [unit.key for unit in units] != [index % GROUP_FRAMES == 0 for index in range(len(units))]:
        raise ValueError(f"the groups of pictures of {name} are not {GROUP_FRAMES} frames long")
    sets = tuple(nal for nal in units[0].nals if nal[0] & 0x1F in {7, 8})
    loop = Loop(Codec.H264, MAIN, units, sets, b"")
    return Reel(name, tuple(_frame(payloads) for payloads in packetize(loop)), sets)


def _frame(payloads: FramePayloads) -> Frame:
    data = interleave(payloads, channel=0, sequence=0, rtp_time=0, ssrc=0)
    offsets, position = [], 0
    for payload in payloads.payloads:
        offsets.append(position)
        position += _FRAMING_BYTES + 12 + len(payload)
    return Frame(bytearray(data), tuple(offsets), payloads.key)


class Feed:
    """Frame after frame of one clip, then of another when that was asked for and a key frame is due."""

    def __init__(self, reel: Reel, *, number: int, ssrc: int, sequence: int = 0) -> None:
        self.reel = reel
        #: Of the next frame.
        self.number = number
        self.ssrc = ssrc
        self.sequence = sequence
        self.sent = Tally()
        self._next_reel: Reel | None = None

    def clone(self) -> "Feed":
        """A feed that goes on from here by itself; whoever changes to it between two frames sees no seam."""
        other = Feed(self.reel, number=self.number, ssrc=self.ssrc, sequence=self.sequence)
        other.sent = self.sent
        other._next_reel = self._next_reel
        return other

    def play(self, reel: Reel) -> None:
        """Change to this clip at the next key frame."""
        self._next_reel = reel

    def next(self) -> bytearray:
        """All packets of the next frame, interleaved on channel 0, now and then followed by a sender report on 1.

        The bytes are good until the same frame of the same clip is sent again, by whatever feed.
        """
        if self._next_reel is not None and self.number % GROUP_FRAMES == 0:
            self.reel, self._next_reel = self._next_reel, None
        frame = self.reel.frames[self.number % len(self.reel.frames)]
        timestamp = timestamp_of(self.number)
        frame.stamp(self.sequence, timestamp, self.ssrc)
        packets = len(frame.offsets)
        self.sequence = (self.sequence + packets) & 0xFFFF
        self.number += 1
        self.sent = self.sent.plus(Tally(1, int(frame.key), packets, frame.octets))
        if self.number % _REPORT_EVERY_FRAMES:
            return frame.buffer
        report = sender_report(
            ssrc=self.ssrc,
            now=datetime.now(UTC),
            rtp_time=timestamp,
            packets=self.sent.packets,
            octets=self.sent.octets,
        )
        return frame.buffer + interleaved(1, report)


__all__ = ["PAYLOAD_TYPE", "Feed", "Frame", "Reel", "Tally", "frames_between", "reel_of", "timestamp_of"]
