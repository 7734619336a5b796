"""One request to a media process, as its caller and its process share it."""

import asyncio
from collections import deque
from collections.abc import Callable

from services.ingest.media.results import MuxOverrun
from services.ingest.media.wire import Frame

# Events that may wait for their reader.
_EVENTS_MAX = 12


class Call:
    """One request under way. ``next`` gives its events; it is freed when its thread in the child is through."""

    def __init__(self, number: int, lingers_s: float, cancel: Callable[["Call"], None]) -> None:
        self.number = number
        self.lingers_s = lingers_s
        self.timer: asyncio.TimerHandle | None = None
        self.answered = False
        self._cancel = cancel
        self._events: deque[Frame] = deque()
        self._failure: Exception | None = None
        self._wake = asyncio.Event()

    async def next(self) -> Frame:
        """The next event. Raises MediaHostLost or MuxOverrun."""
        while not self._events:
            if self._failure is not None:
                raise self._failure
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def cancel(self) -> None:
        """Nobody waits for this any more. May be repeated, and come too late."""
        self._cancel(self)

    def put(self, frame: Frame) -> None:
        """Called by the process: an event came."""
        if self._failure is not None:
            return
        if len(self._events) >= _EVENTS_MAX:
            self._events.clear()
            self.fail(MuxOverrun(f"{_EVENTS_MAX} events were waiting to be read"))
            self.cancel()
            return
        self._events.append(frame)
        self._wake.set()

    def fail(self, failure: Exception) -> None:
        """Called by the process: no event will come any more."""
        self._failure = self._failure or failure
        self._wake.set()
