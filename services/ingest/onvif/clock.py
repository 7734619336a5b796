"""The device's clock. WS-Security signs the time, so a device with a wrong clock refuses a right password.

Evidence: home-assistant/core issues 121952 and 91587, lumeohq/onvif-rs issue 79.
"""

from datetime import UTC, datetime

#: After a loss of power clocks begin at 1970 or 2000. Beyond, we could not reckon with the time at all.
_YEARS = range(1900, 2201)


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
