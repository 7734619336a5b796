"""RTP packets of a picture nobody drew: right in every header, with filler for slices."""

import struct
from collections.abc import Iterator
from itertools import count

CLOCK_RATE = 90_000
SSRC = 0x1234_5678
PAYLOAD_TYPE = 96

#: NAL units of H.264, by their first byte.
SPS, PPS, IDR, SLICE = b"\x67", b"\x68", b"\x65", b"\x41"


def rtp(
    payload: bytes,
    *,
    sequence: int = 0,
    timestamp: int = 0,
    ssrc: int = SSRC,
    payload_type: int = PAYLOAD_TYPE,
    first: int = 0x80,
    extra: bytes = b"",
) -> bytes:
    """One packet; ``extra`` stands between header and payload (contributing sources, an extension)."""
    header = struct.pack(">BBHII", first, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
    return header + extra + payload


def interleaved(packet: bytes, channel: int = 0) -> bytes:
    """The packet as it travels in an RTSP connection."""
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet


def fragments(nal: bytes, size: int) -> list[bytes]:
    """The FU-A payloads of one H.264 NAL unit."""
    body = nal[1:]
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    indicator = bytes([(nal[0] & 0xE0) | 28])
    return [
        indicator + bytes([(nal[0] & 0x1F) | (0x80 if i == 0 else 0) | (0x40 if i == len(pieces) - 1 else 0)]) + piece
        for i, piece in enumerate(pieces)
    ]


def stap_a(*nals: bytes) -> bytes:
    """Several H.264 NAL units in one payload."""
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def h264_units(
    *, gop: int = 10, frame_bytes: int = 500, sequence: int = 0, timestamp: int = 0
) -> Iterator[list[bytes]]:
    """Endless access units of H.264 at 25 frames/s, each a list of packets; every ``gop``-th is a key frame, with its
    parameter sets in a packet of their own before it."""
    numbers = count(sequence)
    for frame in count():
        at = timestamp + frame * (CLOCK_RATE // 25)
        key = frame % gop == 0
        payloads = [stap_a(SPS + b"\1" * 9, PPS + b"\1" * 4)] if key else []
        payloads += fragments((IDR if key else SLICE) + bytes([frame & 0xFF]) * frame_bytes, 200)
        yield [rtp(payload, sequence=next(numbers), timestamp=at) for payload in payloads]


def sender_report(*, unix_time_s: float, timestamp: int, ssrc: int = SSRC) -> bytes:
    """An RTCP sender report."""
    ntp = int((unix_time_s + 2_208_988_800) * 2**32)
    return struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp & 0xFFFFFFFF, 7, 9)


def goodbye(ssrc: int = SSRC) -> bytes:
    """An RTCP BYE."""
    return struct.pack(">BBHI", 0x81, 203, 1, ssrc)
