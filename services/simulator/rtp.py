"""RTP as a camera sends it: payloads of H.264 (RFC 6184) and H.265 (RFC 7798), interleaved framing, sender reports."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from services.simulator.pictures import AccessUnit, Codec, Loop, nal_type

PAYLOAD_TYPE = 96
CLOCK_RATE = 90_000
#: Fits an Ethernet frame with all headers, as cameras choose it although TCP would not need it.
PAYLOAD_MAX = 1400

_FU_A = 28
_FU_H265 = 49
_NTP_EPOCH_OFFSET_S = 2_208_988_800
_INTERLEAVED_RTP = struct.Struct(">BBHBBHII")


@dataclass(frozen=True, slots=True)
class FramePayloads:
    """The RTP payloads of one picture, in order."""

    payloads: tuple[bytes, ...]
    key: bool
    size: int


@lru_cache(maxsize=256)
def packetize(loop: Loop) -> tuple[FramePayloads, ...]:
    """All pictures of a loop as RTP payloads. Kept, since every mount that plays the loop needs the same."""
    frames = []
    for unit in loop.units:
        payloads = tuple(_payloads(loop.codec, unit))
        frames.append(FramePayloads(payloads, unit.key, sum(map(len, payloads))))
    return tuple(frames)


def _payloads(codec: Codec, unit: AccessUnit) -> Iterator[bytes]:
    for nal in unit.nals:
        if len(nal) <= PAYLOAD_MAX:
            yield nal
        elif codec is Codec.H264:
            header = bytes([nal[0] & 0xE0 | _FU_A])
            yield from _fragments(header, nal_type(codec, nal), nal[1:])
        else:
            header = bytes([nal[0] & 0x81 | _FU_H265 << 1, nal[1]])
            yield from _fragments(header, nal_type(codec, nal), nal[2:])


def _fragments(header: bytes, kind: int, body: bytes) -> Iterator[bytes]:
    """Fragmentation units: RFC 6184 section 5.8, RFC 7798 section 4.4.3. Start is bit 7, end is bit 6 of the FU header."""
    room = PAYLOAD_MAX - len(header) - 1
    for offset in range(0, len(body), room):
        start = 0x80 if offset == 0 else 0
        end = 0x40 if offset + room >= len(body) else 0
        yield header + bytes([start | end | kind]) + body[offset : offset + room]


def interleave(frame: FramePayloads, *, channel: int, sequence: int, rtp_time: int, ssrc: int) -> bytes:
    """All packets of one picture with their interleaved headers (RFC 2326 section 10.12), ready to be written."""
    parts = []
    last = len(frame.payloads) - 1
    for index, payload in enumerate(frame.payloads):
        marker = 0x80 if index == last else 0
        parts.append(
            _INTERLEAVED_RTP.pack(
                0x24,
                channel,
                len(payload) + 12,
                0x80,
                marker | PAYLOAD_TYPE,
                (sequence + index) & 0xFFFF,
                rtp_time,
                ssrc,
            )
        )
        parts.append(payload)
    return b"".join(parts)


def interleaved(channel: int, packet: bytes) -> bytes:
    """One packet with its interleaved header."""
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


def sender_report(*, ssrc: int, now: datetime, rtp_time: int, packets: int, octets: int) -> bytes:
    """A compound RTCP packet: sender report and canonical name (RFC 3550 sections 6.4.1 and 6.5)."""
    since_epoch = now.timestamp() + _NTP_EPOCH_OFFSET_S
    seconds = int(since_epoch)
    fraction = int((since_epoch - seconds) * 2**32)
    report = struct.pack(
        ">BBHIIIIII",
        0x80,
        200,
        6,
        ssrc,
        seconds & 0xFFFFFFFF,
        fraction,
        rtp_time,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return report + _canonical_name(ssrc)


def goodbye(ssrc: int) -> bytes:
    """A compound RTCP packet that ends a source: empty receiver report, canonical name, BYE (RFC 3550 section 6.6)."""
    return struct.pack(">BBHI", 0x80, 201, 1, ssrc) + _canonical_name(ssrc) + struct.pack(">BBHI", 0x81, 203, 1, ssrc)


def _canonical_name(ssrc: int) -> bytes:
    name = b"simulator"
    # One chunk: source, item (type 1, length, text), at least one zero byte, to a multiple of four.
    items = struct.pack(">BB", 1, len(name)) + name
    items += b"\0" * (4 - len(items) % 4)
    return struct.pack(">BBHI", 0x81, 202, 1 + len(items) // 4, ssrc) + items
