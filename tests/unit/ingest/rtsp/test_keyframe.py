"""Key frames put together from packets, and what is not put together."""

import base64
from collections.abc import Iterable

import pytest

from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.keyframe import START_CODE, UNIT_BYTES_MAX, Gathered, Gatherer, extradata
from services.ingest.rtsp.rtp import TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from tests.doubles.rtp_packets import IDR, PPS, SLICE, SPS, fragments, rtp, stap_a

H264 = VideoTrack(96, "H264", 90_000)
H265 = VideoTrack(96, "H265", 90_000)
SETS = (SPS + b"\1\2\3", PPS + b"\4\5")


def nals(*units: bytes) -> bytes:
    return b"".join(START_CODE + unit for unit in units)


class Feed:
    """Sends payloads, one timestamp each access unit, through the receiver that gives the flags."""

    def __init__(self, gatherer: Gatherer, track: VideoTrack = H264) -> None:
        self.gatherer = gatherer
        self._receiver = TrackReceiver(track, Counters())
        self._sequence = self._timestamp = 0
        self.now = 0.0

    def unit(self, payloads: Iterable[bytes], *, lose: int | None = None) -> Gathered | None:
        """Send one access unit; packet number ``lose`` of it does not arrive."""
        self._timestamp += 3600
        self.now += 0.04
        done = None
        for number, payload in enumerate(payloads):
            self._sequence += 1
            if number == lose:
                continue
            packet = bytearray(rtp(payload, sequence=self._sequence, timestamp=self._timestamp))
            flags = self._receiver.packet(packet, 0, len(packet), self.now)
            done = self.gatherer.packet(flags, packet, 0, len(packet), self.now) or done
        return done


def key(body: bytes = b"key" * 50) -> list[bytes]:
    return [stap_a(*SETS), *fragments(IDR + body, 40)]


def delta(body: bytes = b"delta") -> list[bytes]:
    return [SLICE + body]


def test_a_key_frame_comes_whole_with_its_parameter_sets() -> None:
    feed = Feed(Gatherer(H264))
    assert feed.unit(delta()) is None
    assert feed.unit(key()) is None
    arrived_at = feed.now
    gathered = feed.unit(delta())
    assert gathered is not None
    (unit,) = gathered.units
    assert (unit.key, unit.arrived_at) == (True, arrived_at)
    assert unit.data == nals(*SETS, IDR + b"key" * 50)
    assert (gathered.codec, gathered.extradata) == ("h264", b"")


def test_what_follows_the_first_and_the_next_key_frames_are_kept_as_asked() -> None:
    feed = Feed(Gatherer(H264, keys=2, following=2))
    sent = [key(b"1"), delta(b"a"), delta(b"b"), delta(b"c"), key(b"2")]
    assert [feed.unit(unit) for unit in sent] == [None] * 5
    gathered = feed.unit(delta(b"d"))
    assert gathered is not None
    assert [unit.key for unit in gathered.units] == [True, False, False, True]
    assert [unit.data[-1:] for unit in gathered.units] == [b"1", b"a", b"b", b"2"]


@pytest.mark.parametrize("lost", [0, 1, 2, 4])
def test_a_key_frame_with_a_packet_missing_is_not_shown(lost: int) -> None:
    feed = Feed(Gatherer(H264))
    feed.unit(delta())
    assert feed.unit(key(), lose=lost) is None
    feed.unit(delta())
    assert feed.gatherer.broken_keys <= 1
    feed.unit(key(b"whole"))
    gathered = feed.unit(delta())
    assert gathered is not None
    assert gathered.units[0].data == nals(*SETS, IDR + b"whole")


def test_what_follows_a_gap_follows_no_key_frame() -> None:
    feed = Feed(Gatherer(H264, following=2))
    for unit in (delta(), key(b"1"), delta(b"a")):
        feed.unit(unit)
    feed.unit([SLICE + b"b", SLICE + b"b"], lose=0)
    for unit in (delta(b"c"), key(b"2"), delta(b"d"), delta(b"e")):
        assert feed.unit(unit) is None
    gathered = feed.unit(delta(b"f"))
    assert gathered is not None
    assert [unit.data[-1:] for unit in gathered.units] == [b"2", b"d", b"e"]


def test_parameter_sets_with_a_timestamp_of_their_own_belong_to_the_next_picture() -> None:
    feed = Feed(Gatherer(H264))
    for unit in (delta(), [stap_a(*SETS)], [IDR + b"key"]):
        assert feed.unit(unit) is None
    gathered = feed.unit(delta())
    assert gathered is not None
    assert gathered.units[0].data == nals(*SETS, IDR + b"key")


def test_the_unit_that_was_under_way_when_we_began_is_not_taken() -> None:
    feed = Feed(Gatherer(H264))
    packets = fragments(IDR + b"k" * 200, 40)
    first = Feed(Gatherer(H264))
    first.unit(packets)  # as the first thing that comes it begins with a new timestamp
    assert first.unit(delta()) is not None
    packet = bytearray(rtp(packets[2], sequence=3, timestamp=77))
    assert feed.gatherer.packet(5, packet, 0, len(packet), 0.0) is None
    feed.unit(delta())
    assert feed.gatherer.broken_keys == 1


def test_an_endless_key_frame_is_given_up() -> None:
    feed = Feed(Gatherer(H264))
    body = b"k" * 60_000
    feed.unit(delta())
    payloads = [b"\x7c\x85" + body, *([b"\x7c\x05" + body] * (UNIT_BYTES_MAX // len(body) + 1))]
    assert feed.unit(payloads) is None
    assert feed.unit(delta()) is None
    assert feed.gatherer.broken_keys == 1
    feed.unit(key())
    assert feed.unit(delta()) is not None


def test_key_frames_of_which_none_is_whole_end_the_wait() -> None:
    feed = Feed(Gatherer(H264))
    feed.unit(delta())
    results = []
    for _ in range(12):
        results += [feed.unit(key(), lose=2), feed.unit(delta())]
    (given_up,) = [result for result in results if result is not None][:1]
    assert given_up.units == ()
    whole_in_between = Feed(Gatherer(H264, keys=9))
    whole_in_between.unit(delta())
    for number in range(14):
        assert whole_in_between.unit(key(), lose=2 if number % 2 else None) is None


def test_h265_fragments_and_aggregates() -> None:
    vps, sps, pps = b"\x40\x01v", b"\x42\x01s", b"\x44\x01p"
    idr = b"\x26\x01" + b"k" * 90
    aggregated = b"\x60\x01" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in (vps, sps, pps))
    pieces = [idr[2 + at : 2 + at + 40] for at in range(0, 90, 40)]
    fus = [
        b"\x62\x01" + bytes([19 | (0x80 if number == 0 else 0) | (0x40 if number == 2 else 0)]) + piece
        for number, piece in enumerate(pieces)
    ]
    feed = Feed(Gatherer(H265), H265)
    feed.unit([b"\x02\x01delta"])
    assert feed.unit([aggregated, *fus]) is None
    gathered = feed.unit([b"\x02\x01delta"])
    assert gathered is not None
    assert gathered.codec == "h265"
    assert gathered.units[0].data == nals(vps, sps, pps, idr)


def test_the_sets_of_the_session_description_come_along() -> None:
    texts = [base64.b64encode(one).decode() for one in SETS]
    track = VideoTrack(96, "H264", 90_000, {"sprop-parameter-sets": f"{texts[0]},{texts[1]},***"})
    assert extradata(track) == nals(*SETS)
    started = base64.b64encode(START_CODE + SETS[0]).decode()  # as some cameras write it
    assert extradata(VideoTrack(96, "H264", 90_000, {"sprop-parameter-sets": started})) == nals(SETS[0])


def test_codecs_that_are_not_put_together_are_refused() -> None:
    with pytest.raises(ValueError, match="JPEG"):
        Gatherer(VideoTrack(26, "JPEG", 90_000))
