"""The time that a device tells."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.onvif.clock import device_time, offset_s


def test_a_proper_time_is_read_as_utc() -> None:
    assert device_time(2026, 11, 24, 8, 9, 10) == datetime(2026, 11, 24, 8, 9, 10, tzinfo=UTC)


def test_a_leap_second_is_a_time() -> None:
    assert device_time(2016, 12, 31, 23, 59, 60) == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "parts",
    [
        (None, None, None, None, None, None),
        (2026, 11, 24, 8, 9, None),
        (0, 0, 0, 0, 0, 0),
        (1, 1, 1, 0, 0, 0),
        (9999, 12, 31, 23, 59, 59),
        (2026, 13, 1, 0, 0, 0),
        (2026, 2, 30, 0, 0, 0),
        (2024, 8, 17, 20, 61, 0),
        (10**30, 1, 1, 0, 0, 0),
        (2026, 1, 1, 0, 0, -5),
        ("2026", 1, 1, 0, 0, 0),
    ],
)
def test_quirk_3_no_time_or_nonsense_is_none(parts: tuple[object, ...]) -> None:
    """agsh/onvif pull request 65, home-assistant/core issue 124086 (minute 61) and pull request 66357 (0000-00-00)."""
    assert device_time(*parts) is None


def test_the_offset_is_measured_against_the_middle_of_the_call() -> None:
    asked = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
    assert offset_s(asked + timedelta(hours=1, seconds=1), asked, asked + timedelta(seconds=2)) == 3600.0
    assert offset_s(asked - timedelta(days=365), asked, asked) == -365 * 86400
