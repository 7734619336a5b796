"""Rates of a stream from its packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.media.measure import Packet, Rates, rates


def stream(
    *, fps: float = 25, gop: int = 25, frames: int = 63, key_bytes: int = 20_000, frame_bytes: int = 2_000
) -> list[Packet]:
    return [
        Packet(number / fps, 100 + number / fps, frame_bytes if number % gop else key_bytes, number % gop == 0)
        for number in range(frames)
    ]


def test_whole_groups_of_pictures_are_measured() -> None:
    told = rates(stream())

    assert told == Rates(25.0, (20_000 + 24 * 2_000) * 8 / 1000, 1.0)


def test_a_single_key_frame_leaves_its_interval_open() -> None:
    told = rates(stream(gop=1000))

    assert told.keyframe_interval_s is None
    assert told.fps == 25.0
    assert told.bitrate_kbps == pytest.approx((20_000 + 61 * 2_000) * 8 / 1000 / (62 / 25), abs=0.1)


def test_b_frames_change_no_rate() -> None:
    ordered = stream()
    shuffled = []
    for start in (0, 25, 50):
        shuffled.append(ordered[start])
        # Each anchor comes before the two frames that are shown before it.
        for place in range(start + 1, min(start + 25, 62), 3):
            shuffled += [ordered[place + 2], ordered[place], ordered[place + 1]]

    assert rates(shuffled) == rates(ordered)


def test_b_frames_that_are_still_to_come_do_not_lower_the_frame_rate() -> None:
    ordered = stream(gop=1000)
    shuffled = ordered[:1]
    for place in range(1, 61, 3):
        shuffled += [ordered[place + 2], ordered[place], ordered[place + 1]]

    assert rates(shuffled[:-2]).fps == pytest.approx(25.0, rel=0.001)


def test_a_burst_from_the_server_s_buffer_is_measured_by_its_own_times() -> None:
    burst = [packet._replace(arrived_monotonic=100.0) for packet in stream()]

    assert rates(burst).fps == 25.0


def test_times_that_stand_still_are_replaced_by_arrival() -> None:
    lying = [packet._replace(media_s=7.0) for packet in stream()]

    assert rates(lying).fps == pytest.approx(25.0, rel=0.01)


def test_missing_times_are_replaced_by_arrival() -> None:
    assert rates([packet._replace(media_s=None) for packet in stream()]).fps == pytest.approx(25.0, rel=0.01)


def test_only_what_follows_a_jump_is_measured() -> None:
    jumping = [
        packet._replace(media_s=(packet.media_s or 0) + (500 if place >= 10 else 0))
        for place, packet in enumerate(stream())
    ]

    assert rates(jumping).fps == pytest.approx(25.0)


@pytest.mark.parametrize("packets", [[], stream(frames=1), stream(frames=5)], ids=["none", "one", "too-short"])
def test_too_little_is_not_measured(packets: list[Packet]) -> None:
    assert rates(packets) == Rates(None, None, None)


@given(
    st.lists(
        st.builds(
            Packet,
            media_s=st.one_of(st.none(), st.floats(-1e6, 1e6)),
            arrived_monotonic=st.floats(0, 1e6),
            size=st.integers(0, 10**7),
            key=st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_a_camera_stamps_rates_are_positive_or_unknown(packets: list[Packet]) -> None:
    told = rates(packets)

    assert all(value is None or value >= 0 for value in told)
