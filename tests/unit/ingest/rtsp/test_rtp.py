"""A received track: frames by timestamp, losses by sequence number, media time by the camera's clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.payload import KEY, PARAMETERS, SLICE
from services.ingest.rtsp.rtp import BAD, FOREIGN, NEW_UNIT, TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from tests.doubles.rtp_packets import CLOCK_RATE, SSRC, fragments, h264_units, rtp, stap_a

FRAME = CLOCK_RATE // 25


class Track:
    """A receiver with an easier hand."""

    def __init__(self, encoding: str = "H264") -> None:
        self.counters = Counters()
        self.receiver = TrackReceiver(VideoTrack(96, encoding, CLOCK_RATE), self.counters)

    def take(self, packet: bytes, now: float = 0.0) -> int:
        return self.receiver.packet(bytearray(b"??" + packet + b"??"), 2, 2 + len(packet), now)

    def frames(self, *timestamps: int) -> None:
        for number, timestamp in enumerate(timestamps):
            self.take(rtp(b"\x41x", sequence=number, timestamp=timestamp))


def test_frames_key_frames_packets_and_bytes_are_counted() -> None:
    track = Track()
    units = [unit for unit, _ in zip(h264_units(gop=10), range(25), strict=False)]
    for unit in units:
        for packet in unit:
            track.take(packet, now=5.0)
    counters = track.counters
    assert (counters.frames, counters.key_frames) == (25, 3)
    assert counters.packets == sum(map(len, units))
    assert counters.bytes == sum(len(packet) for unit in units for packet in unit)
    assert (counters.sequence_gaps, counters.packets_lost, counters.bad_packets) == (0, 0, 0)
    assert counters.last_frame_at == 5.0
    assert counters.media_time_s == pytest.approx(24 / 25)


def test_the_flags_tell_where_an_access_unit_and_a_key_frame_begin() -> None:
    track = Track()
    first, second = fragments(b"\x65" + bytes(300), 200)
    assert track.take(rtp(stap_a(b"\x67a", b"\x68b"), sequence=0)) == PARAMETERS | NEW_UNIT
    assert track.take(rtp(first, sequence=1)) == KEY | SLICE
    assert track.take(rtp(second, sequence=2)) == KEY | SLICE
    assert track.take(rtp(b"\x41p", sequence=3, timestamp=FRAME)) == SLICE | NEW_UNIT


def test_parameter_sets_alone_are_no_frame() -> None:
    track = Track()
    track.take(rtp(b"\x67sps", timestamp=1), now=9.0)
    assert (track.counters.frames, track.counters.last_frame_at) == (0, None)


def test_a_frame_counts_when_it_begins_and_only_once() -> None:
    track = Track()
    for number in range(3):
        track.take(rtp(b"\x41x", sequence=number), now=float(number))
    assert (track.counters.frames, track.counters.last_frame_at) == (1, 0.0)


@pytest.mark.parametrize(
    ("sequences", "gaps", "lost"),
    [
        ([0, 1, 2], 0, 0),
        ([65534, 65535, 0, 1], 0, 0),
        ([10, 12, 13], 1, 1),
        ([10, 15, 30], 2, 18),
        ([65530, 3], 1, 8),
        ([10, 9], 1, 0),  # backwards: begun anew or out of order, but nothing is missing
        ([10, 10], 1, 0),
    ],
)
def test_jumps_of_the_sequence_number_are_counted(sequences: list[int], gaps: int, lost: int) -> None:
    track = Track()
    for number, sequence in enumerate(sequences):
        track.take(rtp(b"\x41x", sequence=sequence, timestamp=number))
    assert (track.counters.sequence_gaps, track.counters.packets_lost) == (gaps, lost)


def test_the_extended_sequence_number_grows_over_the_wrap() -> None:
    track = Track()
    for sequence in (65534, 65535, 0, 1):
        track.take(rtp(b"\x41x", sequence=sequence))
    assert track.receiver.highest_sequence == 65536 + 1


@pytest.mark.parametrize(
    ("timestamps", "media_time_s"),
    [
        ([0, FRAME, 2 * FRAME], 0.08),
        ([2**32 - FRAME, 0, FRAME], 0.08),
        ([0, 3 * FRAME, FRAME, 2 * FRAME, 6 * FRAME], 0.24),  # B-frames are sent after what they are shown before
        ([0, FRAME, 10_000_000, 10_000_000 + FRAME], 0.08),  # a leap of the camera's clock is no progress
        ([10_000_000, 0, FRAME], 0.04),  # nor is one backwards
        ([0, 0, 0], 0.0),
    ],
)
def test_media_time_is_progress_of_the_cameras_clock(timestamps: list[int], media_time_s: float) -> None:
    track = Track()
    track.frames(*timestamps)
    assert track.counters.media_time_s == pytest.approx(media_time_s)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x60\0\0", id="too short"),
        pytest.param(rtp(b"\x41x", first=0x40), id="version 1"),
        pytest.param(rtp(b"", first=0x8F), id="sources beyond the end"),
        pytest.param(rtp(b"", first=0x90), id="an extension beyond the end"),
        pytest.param(rtp(b"x" * 8, first=0x90, extra=b"\0\0\xff\xff"), id="a long extension beyond the end"),
        pytest.param(rtp(b"\x41\xff", first=0xA0), id="padding beyond the beginning"),
    ],
)
def test_what_is_no_packet_is_bad_and_not_counted(packet: bytes) -> None:
    track = Track()
    assert track.take(packet) == BAD
    assert track.counters == Counters()


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(rtp(b"\x65x", first=0x82, extra=bytes(8)), id="two sources"),
        pytest.param(rtp(b"\x65x", first=0x90, extra=b"\xbe\xde\0\1" + bytes(4)), id="an extension"),
        pytest.param(rtp(b"\x65x" + b"\0\0\3", first=0xA0), id="padding"),
        pytest.param(rtp(b"\x65x\1", first=0xB1, extra=bytes(4) + b"\0\0\0\0"), id="all of them"),
    ],
)
def test_the_payload_is_found_behind_whatever_stands_before_it(packet: bytes) -> None:
    assert Track().take(packet) == KEY | SLICE | NEW_UNIT


def test_an_empty_payload_is_a_packet_and_no_frame() -> None:
    track = Track()
    assert track.take(rtp(b"")) == NEW_UNIT
    assert (track.counters.packets, track.counters.frames) == (1, 0)


def test_another_payload_type_is_foreign() -> None:
    track = Track()
    assert track.take(rtp(b"\x41x", payload_type=8)) == FOREIGN
    assert track.take(rtp(b"\x41x", payload_type=96 | 0x80)) == SLICE | NEW_UNIT  # with the marker bit
    assert track.counters.packets == 1


def test_the_rest_of_an_old_session_is_foreign() -> None:
    # live555 mixes the packets of a session that was not torn down into the next one: moonfire-nvr issue 209.
    track = Track()
    for number in range(100):
        track.take(rtp(b"\x41x", sequence=number, timestamp=number * FRAME))
        assert track.take(rtp(b"\x41x", sequence=9000 + number, timestamp=5, ssrc=SSRC + 1)) == FOREIGN
    assert (track.counters.frames, track.counters.sequence_gaps) == (100, 0)
    assert track.receiver.ssrc == SSRC


def test_a_source_that_stays_alone_is_believed() -> None:
    track = Track()
    track.frames(0, FRAME)
    taken = [track.take(rtp(b"\x41x", sequence=n, timestamp=n * FRAME, ssrc=SSRC + 1)) for n in range(40)]
    assert taken[:31] == [FOREIGN] * 31
    assert FOREIGN not in taken[31:]
    assert track.receiver.ssrc == SSRC + 1
    assert track.counters.sequence_gaps == 0


@given(st.binary(max_size=80), st.sampled_from(["H264", "H265", "JPEG"]))
def test_no_packet_raises(packet: bytes, encoding: str) -> None:
    track = Track(encoding)
    for data in (packet, b"\xb5\x60" + packet, rtp(packet)):
        assert track.take(data) in range(BAD, FOREIGN + 1)
