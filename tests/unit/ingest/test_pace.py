"""When media counts as late: judged by the frames' own clock, with room for cameras whose clock is wrong."""

import pytest

from services.ingest.pace import Pace


def fed(*, fps: float, media_per_s: float, for_s: float, pace: Pace | None = None, since: float = 0.0) -> Pace:
    """A stream that was looked at twice a second."""
    pace = pace or Pace()
    for tick in range(int(for_s * 2)):
        frames = int((tick / 2) * fps) + 1
        arrived = since + (frames - 1) / fps
        pace.note(arrived, since + (frames - 1) / fps * media_per_s, int(since * 1000) + frames)
    return pace


def test_live_media_keeps_up() -> None:
    assert not fed(fps=25, media_per_s=1.0, for_s=20).lags(over_s=5)


def test_a_twentieth_of_real_time_lags() -> None:
    assert fed(fps=1.25, media_per_s=0.05, for_s=10).lags(over_s=5)


def test_nothing_is_said_too_early() -> None:
    pace = fed(fps=1.25, media_per_s=0.05, for_s=3)
    assert not pace.lags(over_s=5)
    assert pace.lags(over_s=1)


@pytest.mark.parametrize("fps", [0.2, 0.5, 1.0])
def test_few_frames_are_not_late_frames(fps: float) -> None:
    assert not fed(fps=fps, media_per_s=1.0, for_s=40).lags(over_s=5)


def test_a_camera_that_makes_fewer_frames_in_the_dark_and_stamps_them_as_ever_does_not_lag() -> None:
    assert not fed(fps=8, media_per_s=8 / 25, for_s=20).lags(over_s=5)


def test_a_media_clock_of_another_rate_than_told_does_not_lag() -> None:
    assert not fed(fps=25, media_per_s=8_000 / 90_000, for_s=20).lags(over_s=5)


def test_the_past_is_forgotten_within_seconds() -> None:
    pace = fed(fps=1.25, media_per_s=0.05, for_s=20)
    assert not fed(fps=25, media_per_s=1.0, for_s=4, pace=pace, since=20.0).lags(over_s=5)


def test_after_a_pause_it_begins_anew() -> None:
    pace = fed(fps=1.25, media_per_s=0.05, for_s=20)
    pace.forget()
    assert not pace.lags(over_s=0)
