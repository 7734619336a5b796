"""Simulated time: an event loop that jumps to the next timer as soon as nothing else is left to do."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_BEGAN = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: what it was to wait for is added to the time instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("everybody waits for somebody else, for ever")
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """No connection to the outside may be used in it: its answers would come at any time, or never."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """Satisfies ``runtime.clock.Clock`` within a ``VirtualLoop``."""

    def now(self) -> datetime:
        return _BEGAN + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run from beginning to end, however long it believes to last. For tests that are not coroutines themselves."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
