"""Times, ages and numbers as people of either language read them. Pure.

Times of day are Viet Nam's, wherever the browser is: everybody in the room must read the same time.
"""

import math
from datetime import date, datetime

from services.console.language import Language
from services.programme.local_time import VIET_NAM

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CODECS = {"h264": "H.264", "h265": "H.265", "mjpeg": "MJPEG"}
_UNITS = {
    Language.EN: {"d": "d", "h": "h", "m": "min", "s": "s"},
    Language.VI: {"d": "ngày", "h": "giờ", "m": "phút", "s": "giây"},
}


def duration(seconds: float, language: Language) -> str:
    """At most two units: ``45 s``, ``12 min``, ``2 h 5 min``, ``3 d 4 h``. What lies in the future is ``0 s``."""
    whole = max(0, math.floor(seconds))
    minutes, rest_s = divmod(whole, 60)
    hours, rest_m = divmod(minutes, 60)
    days, rest_h = divmod(hours, 24)
    if days:
        parts = [(days, "d"), (rest_h, "h")]
    elif hours:
        parts = [(hours, "h"), (rest_m, "m")]
    elif minutes:
        parts = [(minutes, "m")]
    else:
        parts = [(rest_s, "s")]
    shown = [part for index, part in enumerate(parts) if index == 0 or part[0]]
    return " ".join(f"{count}\u00a0{_UNITS[language][unit]}" for count, unit in shown)


def day(value: date, language: Language) -> str:
    """``24 Nov 2026`` or ``24/11/2026``."""
    if language is Language.VI:
        return f"{value:%d/%m/%Y}"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime, now: datetime, language: Language) -> str:
    """The time of day, with the day unless it is today."""
    local, today = value.astimezone(VIET_NAM), now.astimezone(VIET_NAM).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%H:%M} {day(local.date(), language)}"


def full_moment(value: datetime, language: Language) -> str:
    """With seconds, day and zone."""
    local = value.astimezone(VIET_NAM)
    return f"{local:%H:%M:%S} {day(local.date(), language)} (UTC+7)"


def clock(value: datetime) -> str:
    """``16:21:58``."""
    return f"{value.astimezone(VIET_NAM):%H:%M:%S}"


def number(value: float, language: Language, decimals: int = 0) -> str:
    """With the separators of the language; a fraction that is zero is left out."""
    text = f"{value:,.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,")) if language is Language.VI else text


def bit_rate(kbps: float, language: Language) -> str:
    """``428 kb/s`` or ``1.2 Mb/s``."""
    if kbps < 1000:
        return f"{number(kbps, language)}\u00a0kb/s"
    return f"{number(kbps / 1000, language, 1)}\u00a0Mb/s"


def codec(name: str) -> str:
    """A codec as people write it."""
    return _CODECS.get(name, name.upper())


def capital(text: str) -> str:
    """With a capital letter at the beginning."""
    return text[:1].upper() + text[1:]
