"""One look after the other at a sampled camera: when each has shown enough, and who holds it open meanwhile."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from services.runtime.bell import Bell
from services.runtime.clock import Clock

#: A picture that is still in doubt so long after frames were proved is left to the next look. A frozen, covered or
#: blurred one is found by then; one that moved is not (docs/decisions/0023-watch-policies.md).
_PICTURE_WITHIN_S = 150.0
#: How long one request for live media holds a session open. Longer than live media is muxed without a request.
LIVE_HOLD_S = 40.0


class Sample:
    """What the present look has shown."""

    def __init__(self, clock: Clock, hold_s: float = LIVE_HOLD_S) -> None:
        self._clock = clock
        self._hold_s = hold_s
        self._proved = Bell()
        self._judged = Bell()
        self._held_until = clock.monotonic()

    def begin(self) -> None:
        """Another look begins."""
        self._proved.clear()
        self._judged.clear()

    async def take(self, watching: Coroutine[Any, Any, None]) -> None:
        """Let a stream be watched until it has shown enough. Raises what ends the watching before."""
        running, enough = asyncio.create_task(watching), asyncio.create_task(self._enough())
        try:
            await asyncio.wait({running, enough}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            for task in (running, enough):
                task.cancel()
            await asyncio.gather(running, enough, return_exceptions=True)

    def proved(self) -> None:
        """Frames were proved."""
        self._proved.set()

    def judged(self) -> None:
        """The picture was judged, and another look soon would not help to judge it better."""
        self._judged.set()

    @property
    def shown(self) -> bool:
        """Whether this look has shown all it was for."""
        return self._proved.is_set() and self._judged.is_set()

    def hold(self) -> None:
        """Somebody wants to see the camera live; said again and again for as long."""
        self._held_until = self._clock.monotonic() + self._hold_s

    @property
    def held(self) -> bool:
        """Whether somebody wants to see it."""
        return self._clock.monotonic() < self._held_until

    async def _enough(self) -> None:
        """Wait until frames were proved and the picture was judged, and nobody holds it open."""
        await self._proved.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PICTURE_WITHIN_S):
                await self._judged.wait()
        while self.held:  # noqa: ASYNC110 - time passes, no event
            await asyncio.sleep(self._held_until - self._clock.monotonic())
