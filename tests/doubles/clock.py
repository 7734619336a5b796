"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

from services.runtime.clock import SystemClock


class StillClock:
    """Satisfies ``runtime.clock.Clock``."""

    def __init__(self, now: datetime = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class SlippingClock:
    """The machine's clock, which may slip forward: as it looks to a process that stood still meanwhile."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._slipped_s = 0.0
        #: Slips so far at every reading of the monotonic hand: a process that always comes late.
        self.slips_each_time_s = 0.0

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._slipped_s)

    def monotonic(self) -> float:
        self._slipped_s += self.slips_each_time_s
        return self._clock.monotonic() + self._slipped_s

    def slip(self, seconds: float) -> None:
        self._slipped_s += seconds
