"""The time that a device tells."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.onvif.clock import device_time, http_date, local_time, offset_s


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


@pytest.mark.parametrize(
    ("zone", "saving", "utc_hour"),
    [
        ("ICT-7", False, 5),
        ("CST-8", False, 4),
        ("GMT+05:30", False, 17),
        ("<+07>-7", False, 5),
        ("CET-1CEST", True, 10),
        ("CET-1CEST,M3.5.0,M10.5.0/3", False, 11),
        ("UTC0", False, 12),
        ("UTC-7", True, 5),
    ],
)
def test_quirk_3_local_time_is_reckoned_by_its_posix_zone(zone: str, saving: bool, utc_hour: int) -> None:
    """Where the sign says what is added to local time: ICT-7 is seven hours east."""
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    moment = local_time(noon, zone, saving=saving)
    assert moment is not None
    assert (moment.day, moment.hour) == (24, utc_hour)


@pytest.mark.parametrize("zone", [None, "", "7", "Asia/Ho_Chi_Minh", "IC-7"])
def test_quirk_3_without_a_zone_local_time_tells_nothing(zone: str | None) -> None:
    assert local_time(datetime(2026, 11, 24, tzinfo=UTC), zone, saving=False) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Tue, 24 Nov 2026 08:09:10 GMT", datetime(2026, 11, 24, 8, 9, 10, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 15:09:10 +0700", datetime(2026, 11, 24, 8, 9, 10, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:01 GMT", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("24 Nov 2026 08:09:10", datetime(2026, 11, 24, 8, 9, 10, tzinfo=UTC)),
        ("Tue, 99 Nov 2026 08:09:10 GMT", None),
        ("now", None),
        ("", None),
        (None, None),
    ],
)
def test_the_date_of_a_reply_is_a_moment_or_none(value: str | None, moment: datetime | None) -> None:
    assert http_date(value) == moment
