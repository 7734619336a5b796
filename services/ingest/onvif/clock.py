"""The device's clock. WS-Security signs the time, so a device with a wrong clock refuses a right password.

Evidence: home-assistant/core issues 121952 and 91587, lumeohq/onvif-rs issue 79.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: After a loss of power clocks begin at 1970 or 2000. Beyond, we could not reckon with the time at all.
_YEARS = range(1900, 2201)
#: POSIX 1003.1 section 8.3: a name, and how much is added to local time to get UTC. So ICT-7 is Vietnam.
_POSIX_ZONE = re.compile(
    r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)(?P<sign>[+-]?)(?P<h>\d{1,2})(?::(?P<m>\d{2}))?(?::\d{2})?(?P<saving>[A-Za-z<].*)?"
)


def device_time(
    year: object, month: object, day: object, hour: object, minute: object, second: object
) -> datetime | None:
    """The moment that a device told, or None when it told none or nonsense.

    No UTCDateTime at all (agsh/onvif pull request 65), minute 61 (home-assistant/core issue 124086), 0000-00-00
    (home-assistant/core pull request 66357).
    """
    parts = (year, month, day, hour, minute, second)
    numbers = [part for part in parts if isinstance(part, int)]
    if len(numbers) != len(parts) or numbers[0] not in _YEARS:
        return None
    try:
        return datetime(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], min(numbers[5], 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def offset_s(device: datetime, asked: datetime, answered: datetime) -> float:
    """Device time minus ours in seconds. Devices tell whole seconds, so it is good to about one."""
    return round((device - (asked + (answered - asked) / 2)).total_seconds(), 3)


def local_time(local: datetime, zone: str | None, *, saving: bool) -> datetime | None:
    """The moment of a device that tells local time only, with its time zone as POSIX writes it (ONVIF Core
    specification, "TimeZone"); None without a zone that can be read. ``local`` has its numbers, labelled UTC."""
    match = _POSIX_ZONE.match(zone or "")
    if match is None:
        return None
    behind = timedelta(hours=int(match["h"]), minutes=int(match["m"] or 0))
    moment = local - behind if match["sign"] == "-" else local + behind
    return moment - timedelta(hours=1) if saving and match["saving"] else moment


def http_date(value: str | None) -> datetime | None:
    """The moment in a Date header; None when there is none."""
    try:
        moment = parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
    if moment is None or moment.year not in _YEARS:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
