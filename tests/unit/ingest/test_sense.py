"""When what a device sends counts as nonsense."""

from services.ingest.sense import Sense

WINDOW_S = 5.0


def fed(*, bytes_per_s: int, good_share: float, for_s: float) -> Sense:
    """A stream that was looked at twice a second."""
    sense = Sense(WINDOW_S)
    for tick in range(int(for_s * 2) + 1):
        received = tick * bytes_per_s // 2
        sense.note(tick / 2, received, int(received * good_share))
    return sense


def test_a_stream_makes_sense() -> None:
    assert not fed(bytes_per_s=50_000, good_share=0.98, for_s=20).nonsense


def test_noise_does_not() -> None:
    assert fed(bytes_per_s=50_000, good_share=0.1, for_s=20).nonsense


def test_nothing_is_said_too_early() -> None:
    assert not fed(bytes_per_s=50_000, good_share=0.0, for_s=3).nonsense


def test_a_stream_that_stopped_is_no_nonsense_for_its_keep_alives() -> None:
    assert not fed(bytes_per_s=100, good_share=0.0, for_s=60).nonsense


def test_a_stream_found_again_makes_sense_within_the_window() -> None:
    sense = fed(bytes_per_s=50_000, good_share=0.0, for_s=20)
    for tick in range(10):
        sense.note(20 + tick / 2, 1_000_000 + tick * 25_000, tick * 25_000)
    assert not sense.nonsense
