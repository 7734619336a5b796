"""Numbers that frames carry, and what counts as sent."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.replay.clips import FPS, GROUP_FRAMES
from benchmarks.replay.feed import STEP, Feed, Reel, Tally, _frame, frames_between, timestamp_of
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.rtp import TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from services.simulator.rtp import FramePayloads

_IDR, _SLICE = b"\x65", b"\x41"


class Packet(NamedTuple):
    channel: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes


def a_reel(name: str = "reel", *, groups: int = 1, packets: int = 2, fill: bytes = b"x") -> Reel:
    frames = []
    for index in range(groups * GROUP_FRAMES):
        key = index % GROUP_FRAMES == 0
        payloads = tuple((_IDR if key else _SLICE) + fill * (9 + place) for place in range(packets))
        frames.append(_frame(FramePayloads(payloads, key, sum(map(len, payloads)))))
    return Reel(name, tuple(frames), ())


def packets_of(data: bytes | bytearray) -> Iterator[Packet]:
    """Interleaved RTP taken apart."""
    position = 0
    while position < len(data):
        dollar, channel, size, _, second, sequence, timestamp, ssrc = struct.unpack_from(">BBHBBHII", data, position)
        assert dollar == 0x24
        payload = bytes(data[position + 16 : position + 4 + size])
        yield Packet(channel, sequence, timestamp, ssrc, bool(second & 0x80), payload)
        position += 4 + size


def test_a_frame_carries_its_number_in_all_its_packets() -> None:
    feed = Feed(a_reel(), number=7, ssrc=0xABCD, sequence=65535)
    first, second = packets_of(feed.next())
    assert first.timestamp == second.timestamp == 7 * STEP
    assert (first.sequence, second.sequence) == (65535, 0)
    assert first.ssrc == second.ssrc == 0xABCD
    assert (first.marker, second.marker) == (False, True)
    third, _ = packets_of(feed.next())
    assert (third.sequence, third.timestamp) == (1, 8 * STEP)


def test_numbers_outlive_the_turn_of_the_clock() -> None:
    last = (1 << 32) // STEP
    assert timestamp_of(last + 1) < timestamp_of(last)
    assert frames_between(timestamp_of(last - 1), timestamp_of(last + 2)) == 4
    assert frames_between(timestamp_of(3), timestamp_of(3)) == 1


def test_what_was_sent_is_what_a_receiver_counts() -> None:
    feed = Feed(a_reel(packets=3), number=GROUP_FRAMES - 5, ssrc=1)
    counters = Counters()
    receiver = TrackReceiver(VideoTrack(payload_type=96, encoding="H264", clock_rate=90_000), counters)
    for _ in range(2 * GROUP_FRAMES):
        data = feed.next()
        position = 0
        while position < len(data):
            size = int.from_bytes(data[position + 2 : position + 4], "big")
            if data[position + 1] == 0:
                receiver.packet(bytearray(data), position + 4, position + 4 + size, 0.0)
            position += 4 + size
    assert feed.sent == Tally(counters.frames, counters.key_frames, counters.packets, counters.bytes)
    assert (feed.sent.frames, feed.sent.key_frames, feed.sent.packets) == (2 * GROUP_FRAMES, 2, 6 * GROUP_FRAMES)
    assert counters.sequence_gaps == 0


def test_sender_reports_come_on_their_own_channel_and_are_not_counted() -> None:
    feed = Feed(a_reel(packets=1), number=5 * FPS - 1, ssrc=1)
    media, report = packets_of(feed.next())
    assert (media.channel, report.channel) == (0, 1)
    assert feed.sent == Tally(1, 0, 1, 12 + len(media.payload))


def test_another_clip_begins_with_a_key_frame_and_without_a_gap() -> None:
    feed = Feed(a_reel("calm", packets=1), number=GROUP_FRAMES - 2, ssrc=1)
    feed.play(a_reel("lively", packets=4, fill=b"y"))
    shown = [list(packets_of(feed.next())) for _ in range(3)]
    assert [len(packets) for packets in shown] == [1, 1, 4]
    assert shown[2][0].payload[:1] == _IDR
    assert [packet.sequence for packets in shown for packet in packets] == [0, 1, 2, 3, 4, 5]


def test_whoever_changes_to_a_clone_sees_no_seam() -> None:
    feed = Feed(a_reel(packets=2), number=3, ssrc=9)
    feed.next()
    other = feed.clone()
    expected = [packet[:4] for packet in packets_of(feed.next())]
    assert [packet[:4] for packet in packets_of(other.next())] == expected
    assert other.sent == feed.sent
