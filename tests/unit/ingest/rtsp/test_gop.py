"""The newest group of pictures: complete from its parameter sets on, and bounded."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.gop import GopKeeper
from services.ingest.rtsp.payload import KEY, PARAMETERS, SLICE
from services.ingest.rtsp.rtp import NEW_UNIT, TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from tests.doubles.rtp_packets import CLOCK_RATE, h264_units


def keep(keeper: GopKeeper, *packets: tuple[int, bytes]) -> list[bool]:
    return [keeper.add(flags, packet) for flags, packet in packets]


def test_a_group_begins_with_its_key_frame_and_goes_on_to_the_next() -> None:
    keeper = GopKeeper(1000)
    begun = keep(
        keeper,
        (SLICE | NEW_UNIT, b"p0"),
        (SLICE | NEW_UNIT, b"p1"),
        (KEY | SLICE | NEW_UNIT, b"i2"),
        (KEY | SLICE, b"i2'"),
        (SLICE | NEW_UNIT, b"p3"),
    )
    assert begun == [False, False, True, False, False]
    assert keeper.packets() == [b"i2", b"i2'", b"p3"]
    assert keep(keeper, (KEY | SLICE | NEW_UNIT, b"i4")) == [True]
    assert keeper.packets() == [b"i4"]


def test_before_a_key_frame_nothing_is_given_and_little_is_kept() -> None:
    keeper = GopKeeper(1000)
    keep(keeper, *[(SLICE | NEW_UNIT, b"x" * 100)] * 50)
    assert keeper.packets() == []
    assert keeper._size == 100


def test_parameter_sets_belong_to_the_key_frame_behind_them() -> None:
    own_unit = [(PARAMETERS | NEW_UNIT, b"sps"), (PARAMETERS, b"pps"), (KEY | SLICE | NEW_UNIT, b"idr")]
    same_unit = [(NEW_UNIT, b"aud"), (PARAMETERS, b"sps"), (KEY | SLICE, b"idr")]
    timestamp_of_before = [(PARAMETERS, b"sps"), (KEY | SLICE | NEW_UNIT, b"idr")]
    for packets in (own_unit, same_unit, timestamp_of_before):
        keeper = GopKeeper(1000)
        keep(keeper, (KEY | SLICE | NEW_UNIT, b"old"), (SLICE | NEW_UNIT, b"p"), *packets)
        assert keeper.packets() == [packet for _, packet in packets]


def test_parameter_sets_before_another_picture_do_not_drag_it_along() -> None:
    keeper = GopKeeper(1000)
    keep(
        keeper,
        (KEY | SLICE | NEW_UNIT, b"old"),
        (PARAMETERS | NEW_UNIT, b"sps"),
        (SLICE, b"p"),
        (KEY | SLICE | NEW_UNIT, b"idr"),
    )
    assert keeper.packets() == [b"idr"]


def test_a_group_that_outgrows_the_limit_is_dropped_until_the_next_key_frame() -> None:
    keeper = GopKeeper(250)
    keep(keeper, (KEY | SLICE | NEW_UNIT, b"i" * 100), (SLICE | NEW_UNIT, b"p" * 100))
    assert len(keeper.packets()) == 2
    assert keep(keeper, (SLICE | NEW_UNIT, b"p" * 100), (SLICE | NEW_UNIT, b"p" * 10)) == [False, False]
    assert keeper.packets() == []
    assert keep(keeper, (KEY | SLICE | NEW_UNIT, b"i")) == [True]
    assert keeper.packets() == [b"i"]


def test_a_key_frame_that_alone_outgrows_the_limit_does_not_begin_half_way() -> None:
    keeper = GopKeeper(250)
    packets = [(KEY | SLICE | NEW_UNIT, b"i" * 200), (KEY | SLICE, b"i" * 200), (KEY | SLICE, b"i" * 200)]
    assert keep(keeper, *packets) == [True, False, False]
    assert keeper.packets() == []


def test_what_is_kept_of_a_stream_is_its_last_group() -> None:
    receiver = TrackReceiver(VideoTrack(96, "H264", CLOCK_RATE), Counters())
    keeper = GopKeeper(10**6)
    units = list(islice(h264_units(gop=10), 37))
    for packet in (packet for unit in units for packet in unit):
        keeper.add(receiver.packet(bytearray(packet), 0, len(packet), 0.0), packet)
    assert keeper.packets() == [packet for unit in units[30:] for packet in unit]


flags = st.sampled_from([0, SLICE, KEY | SLICE, PARAMETERS]).flatmap(
    lambda kind: st.sampled_from([kind, kind | NEW_UNIT])
)


@given(st.lists(st.tuples(flags, st.integers(1, 120)), max_size=60))
def test_it_never_keeps_more_than_its_limit(packets: list[tuple[int, int]]) -> None:
    keeper = GopKeeper(300)
    for kind, size in packets:
        begins = keeper.add(kind, bytes(size))
        kept = keeper.packets()
        assert keeper._size == sum(map(len, keeper._packets)) <= 300
        assert kept or not begins
