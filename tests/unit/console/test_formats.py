"""Times, ages and numbers in either language, and which language it is."""

from datetime import UTC, date, datetime

import pytest

from services.console import formats
from services.console.language import Language, accepted_language, parse_language

NOW = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)  # 23:30 in Viet Nam


@pytest.mark.parametrize(
    ("seconds", "en", "vi"),
    [
        (-5, "0 s", "0 giây"),
        (0.9, "0 s", "0 giây"),
        (59.99, "59 s", "59 giây"),
        (60, "1 min", "1 phút"),
        (3599, "59 min", "59 phút"),
        (3600, "1 h", "1 giờ"),
        (7500, "2 h 5 min", "2 giờ 5 phút"),
        (86_399, "23 h 59 min", "23 giờ 59 phút"),
        (86_400, "1 d", "1 ngày"),
        (3 * 86_400 + 4 * 3600 + 59, "3 d 4 h", "3 ngày 4 giờ"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, en: str, vi: str) -> None:
    assert formats.duration(seconds, Language.EN).replace("\u00a0", " ") == en
    assert formats.duration(seconds, Language.VI).replace("\u00a0", " ") == vi


def test_a_moment_of_today_is_told_without_its_day() -> None:
    assert formats.moment(datetime(2026, 11, 24, 1, 5, tzinfo=UTC), NOW, Language.EN) == "08:05"


def test_today_is_the_day_in_viet_nam() -> None:
    before_midnight = datetime(2026, 11, 24, 16, 59, tzinfo=UTC)
    after_midnight = datetime(2026, 11, 24, 17, 1, tzinfo=UTC)
    assert formats.moment(before_midnight, after_midnight, Language.EN) == "23:59 24 Nov 2026"
    assert formats.moment(before_midnight, after_midnight, Language.VI) == "23:59 24/11/2026"


def test_a_full_moment_names_its_zone() -> None:
    assert formats.full_moment(NOW, Language.VI) == "23:30:00 24/11/2026 (UTC+7)"
    assert formats.clock(NOW) == "23:30:00"


def test_a_day_is_written_as_people_write_it() -> None:
    assert formats.day(date(2021, 5, 3), Language.EN) == "3 May 2021"
    assert formats.day(date(2021, 5, 3), Language.VI) == "03/05/2021"


@pytest.mark.parametrize(
    ("value", "decimals", "en", "vi"),
    [(1234567, 0, "1,234,567", "1.234.567"), (24.96, 1, "25", "25"), (24.84, 1, "24.8", "24,8"), (0, 1, "0", "0")],
)
def test_numbers_have_the_separators_of_the_language(value: float, decimals: int, en: str, vi: str) -> None:
    assert formats.number(value, Language.EN, decimals) == en
    assert formats.number(value, Language.VI, decimals) == vi


def test_a_bit_rate_has_the_unit_that_fits() -> None:
    assert formats.bit_rate(428.4, Language.EN) == "428\u00a0kb/s"
    assert formats.bit_rate(1234.0, Language.VI) == "1,2\u00a0Mb/s"


def test_codecs_are_written_as_their_standards_are() -> None:
    assert [formats.codec(name) for name in ("h264", "h265", "vp9")] == ["H.264", "H.265", "VP9"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.EN),
        ("vi", Language.VI),
        ("vi-VN,vi;q=0.9,en;q=0.8", Language.VI),
        ("en-GB,en;q=0.9,vi;q=0.8", Language.EN),
        ("fr, vi;q=0.3, en;q=0.2", Language.VI),
        ("de", Language.EN),
        ("vi;q=0, en;q=0.1", Language.EN),
        ("vi;q=abc", Language.EN),
        (";;;,,q=,=", Language.EN),
        ("VI", Language.VI),
    ],
)
def test_the_language_is_the_one_the_browser_likes_best(header: str, language: Language) -> None:
    assert accepted_language(header) is language


def test_only_our_languages_are_languages() -> None:
    assert parse_language("vi") is Language.VI
    assert [parse_language(text) for text in (None, "", "fr", "VI")] == [None] * 4
