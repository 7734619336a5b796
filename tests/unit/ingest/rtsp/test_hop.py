"""The short way through media must count exactly as the long way, whatever stands between the packets."""

import random
from dataclasses import fields
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.rtsp.counters import Counters
from tests.doubles.rtp_packets import SSRC, h264_units, interleaved, rtp, sender_report
from tests.unit.ingest.rtsp.test_intake import Camera

_MEDIA = [packet for unit in islice(h264_units(gop=4, frame_bytes=400), 30) for packet in unit]
_ODD = [
    interleaved(sender_report(unix_time_s=1_700_000_000, timestamp=5), 1),
    interleaved(rtp(b"\x41xyz", payload_type=101)),  # another track on our channel
    interleaved(rtp(b"\x41xyz", ssrc=SSRC + 1)),  # another source
    interleaved(rtp(b"\x41xyz", sequence=7, timestamp=77, first=0x90, extra=b"\xbe\xde\0\0")),  # a header extension
    interleaved(rtp(b"", sequence=9)),
    interleaved(rtp(b"\x09\xf0", sequence=11, timestamp=99)),  # an access unit delimiter
    interleaved(rtp(b"\x7c", sequence=12, timestamp=100)),  # a fragment of nothing
    interleaved(b"\x80", 0),
    interleaved(b"sound", 6),
    b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n",
    b"\r\n\r\n",
    b"noise",
]


def counted(counters: Counters) -> dict[str, object]:
    return {field.name: getattr(counters, field.name) for field in fields(Counters) if not field.name.startswith("_")}


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_both_ways_count_the_same(seed: int) -> None:
    """Packets left out, repeated and mixed with other things, cut into any pieces."""
    dice = random.Random(seed)
    pieces: list[bytes] = []
    for packet in _MEDIA:
        what = dice.choice(["send"] * 12 + ["drop", "twice", "odd"])
        if what == "odd":
            pieces.append(dice.choice(_ODD))
        if what != "drop":
            pieces.append(interleaved(packet))
        if what == "twice":
            pieces.append(interleaved(packet))
    stream = b"".join(pieces)
    cuts = sorted(dice.randrange(len(stream)) for _ in range(dice.randrange(7)))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    results = []
    for copying in (False, True):
        camera = Camera()
        camera.fanout.hold_gop = copying  # copies are made of packets one by one
        rest = b""
        for part in parts:
            buffer = bytearray(rest + part)
            consumed = camera.intake.receive(buffer, 0, len(buffer), camera.now)
            rest = bytes(buffer[consumed:])
        results.append(counted(camera.intake.counters))
    times = [result.pop("media_time_s") for result in results]
    assert times[0] == pytest.approx(times[1])
    assert results[0] == results[1]
    assert results[0]["frames"]


def test_delimiters_go_the_short_way_too() -> None:
    """gst-rtsp-server sends one before each picture: 14 bytes of RTP."""
    units = [
        [rtp(b"\x09\xf0", sequence=at, timestamp=at), rtp(b"\x41abc", sequence=at + 1, timestamp=at)]
        for at in range(0, 200, 2)
    ]
    camera = Camera()
    camera.send(packet for unit in units for packet in unit)
    assert (camera.intake.counters.frames, camera.intake.counters.packets) == (100, 200)
    # The last ones are too near to the end of what has come.
    assert camera.intake._demultiplexer.frames <= 3


def test_packets_that_nobody_copies_are_not_handed_out() -> None:
    camera = Camera()
    camera.send(_MEDIA)
    assert camera.intake.counters.packets == len(_MEDIA)
    handed_out = camera.intake._demultiplexer.frames
    assert handed_out <= 1, "the first one, by which the source becomes known"
