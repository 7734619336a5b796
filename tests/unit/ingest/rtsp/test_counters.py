"""Rates over a sliding window, worked out when they are read."""

import pytest

from services.ingest.rtsp.counters import Counters, Rates


def run(counters: Counters, start_s: float, seconds: float, fps: int, frame_bytes: int, gop: int = 50) -> float:
    """Frames arrive evenly; returns when the last one came."""
    now = start_s
    for frame in range(round(seconds * fps)):
        now = start_s + frame / fps
        counters.frames += 1
        counters.bytes += frame_bytes
        counters.media_time_s += 1 / fps
        if frame % gop == 0:
            counters.note_key_frame()
        counters.sample(now)
    return now


def test_a_steady_stream_has_its_rates() -> None:
    counters = Counters()
    now = run(counters, 100.0, seconds=30, fps=25, frame_bytes=5000)
    rates = counters.rates(now)
    assert rates.fps == pytest.approx(25, abs=0.2)
    assert rates.bitrate_kbps == pytest.approx(1000, abs=10)
    assert rates.keyframe_interval_s == pytest.approx(2.0)


def test_too_little_gives_no_rate() -> None:
    counters = Counters()
    assert counters.rates(5.0) == Rates(None, None, None)
    now = run(counters, 0.0, seconds=0.8, fps=25, frame_bytes=10)
    assert counters.rates(now) == Rates(None, None, None)


def test_the_window_slides() -> None:
    counters = Counters()
    run(counters, 0.0, seconds=60, fps=25, frame_bytes=5000)
    now = run(counters, 60.0, seconds=11, fps=10, frame_bytes=5000)
    assert counters.rates(now).fps == pytest.approx(10, abs=0.2)


def test_a_stream_that_stands_still_sinks_to_nothing() -> None:
    counters = Counters()
    now = run(counters, 0.0, seconds=20, fps=25, frame_bytes=5000)
    assert counters.rates(now + 5).fps == pytest.approx(12.5, abs=1)
    assert counters.rates(now + 60).fps == pytest.approx(0, abs=0.5)


def test_samples_are_few_however_often_is_read() -> None:
    counters = Counters()
    run(counters, 0.0, seconds=100, fps=100, frame_bytes=1)
    assert len(counters._samples) <= 21
    assert len(counters._key_times) <= 9
