"""Viet Nam's time. People agree on days, and a day begins there at 17:00 UTC of the day before."""

from datetime import date, datetime, timedelta, timezone

#: UTC+7 all year; Viet Nam has no daylight saving time.
VIET_NAM = timezone(timedelta(hours=7), "UTC+7")


def local_day(moment: datetime) -> date:
    """The day in Viet Nam at this moment."""
    return moment.astimezone(VIET_NAM).date()
