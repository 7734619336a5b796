"""Any order of presentation times becomes a timeline that MP4 takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.media.timeline import Broken, Dropped, Placed, Timeline, first_pts

TICKS = 90_000
STEP = 3_600


def timeline(reorder: int = 0) -> Timeline:
    return Timeline(ticks_per_s=TICKS, step=STEP, reorder=reorder)


def test_without_reordering_decoding_time_is_presentation_time_from_zero() -> None:
    line = timeline()

    assert [line.place(500 + number * STEP) for number in range(3)] == [
        Placed(0, 0),
        Placed(STEP, STEP),
        Placed(2 * STEP, 2 * STEP),
    ]


def test_b_frames_are_decoded_at_the_pace_they_are_shown() -> None:
    line = timeline(reorder=2)
    order = [0, 4, 2, 1, 3, 8, 6, 5, 7]

    placed = [line.place(place * STEP) for place in order]

    assert [(one.pts // STEP, one.dts // STEP) for one in placed if isinstance(one, Placed)] == [
        (2, 0),
        (6, 1),
        (4, 2),
        (3, 3),
        (5, 4),
        (10, 5),
        (8, 6),
        (7, 7),
        (9, 8),
    ]


def test_b_frames_that_were_not_announced_end_the_timeline_and_tell_the_depth() -> None:
    line = timeline()
    assert isinstance(line.place(0), Placed)
    assert isinstance(line.place(4 * STEP), Placed)
    placing = line.place(2 * STEP)

    assert isinstance(placing, Broken)
    assert placing.reorder == 1


@pytest.mark.parametrize("jump", [31 * TICKS, -2 * TICKS, -(2**31)])
def test_a_jump_ends_the_timeline(jump: int) -> None:
    line = timeline()
    line.place(0)
    placing = line.place(jump)

    assert placing == Broken(0, "timestamps jumped")


def test_a_gap_of_half_a_minute_is_kept() -> None:
    line = timeline()
    line.place(0)

    assert line.place(30 * TICKS) == Placed(30 * TICKS, 30 * TICKS)


def test_a_repeated_time_is_dropped() -> None:
    line = timeline()
    line.place(0)
    line.place(STEP)

    assert line.place(STEP) == Dropped()
    assert line.place(2 * STEP) == Placed(2 * STEP, 2 * STEP)


def test_a_few_missing_times_are_bridged_and_many_end_the_timeline() -> None:
    line = timeline()
    line.place(0)
    bridged = [line.place(None) for _ in range(8)]

    assert bridged == [Placed(number * STEP, number * STEP) for number in range(1, 9)]
    assert isinstance(line.place(None), Broken)


def test_a_timeline_cannot_begin_without_a_time() -> None:
    assert isinstance(timeline().place(None), Broken)


@given(
    reorder=st.integers(0, 4),
    steps=st.lists(st.one_of(st.none(), st.integers(-40 * TICKS, 40 * TICKS)), min_size=1, max_size=80),
)
def test_whatever_comes_decoding_times_grow_and_never_pass_presentation_times(
    reorder: int, steps: list[int | None]
) -> None:
    line = timeline(reorder)
    last_dts = -1
    pts = 10**6
    for step in steps:
        pts += step or 0
        placing = line.place(None if step is None else pts)
        if isinstance(placing, Broken):
            assert 0 <= placing.reorder <= 4
            break
        if isinstance(placing, Placed):
            assert last_dts < placing.dts <= placing.pts
            last_dts = placing.dts


@given(
    groups=st.lists(st.permutations([1, 2, 3]), min_size=1, max_size=20),
    jitter=st.lists(st.integers(-300, 300), min_size=80, max_size=80),
)
def test_no_frame_of_a_well_formed_stream_is_lost(groups: list[list[int]], jitter: list[int]) -> None:
    """Groups of an anchor and three B-frames in any order, with clock jitter: depth 3 places them all."""
    line = timeline(reorder=3)
    order = [0]
    for number, group in enumerate(groups):
        order += [4 * number + 4, *(4 * number + place for place in group)]
    placed = [line.place(place * STEP + jitter[place % 80]) for place in order]

    assert all(isinstance(one, Placed) for one in placed)


@pytest.mark.parametrize(
    ("first", "following", "expected"),
    [
        (None, [3600, 7200, 10800], 0),
        (0, [3600, 7200, 10800], 0),
        (5_000_000, [3600, 7200, 10800], 0),
        (-900_000, [3600], 0),
        # With B-frames the earliest of those that follow is the next shown.
        (None, [10800, 3600, 7200], 0),
        # A camera of one frame in 900 ms is believed.
        (0, [81_000], 0),
    ],
)
def test_the_first_time_is_mended_from_those_that_follow(
    first: int | None, following: list[int], expected: int
) -> None:
    assert first_pts(first, following, STEP, TICKS) == expected
