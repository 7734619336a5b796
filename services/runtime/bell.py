"""A bell that tasks wait for: ``asyncio.Event`` in an eighth of its memory.

An Event holds a deque for its waiters, 760 bytes before anybody waits. A watched camera has seven of them, which was a
tenth of all that a camera costs (docs/performance.md). Most bells have one waiter, or none.
"""

import asyncio


class Bell:
    """Rings until it is cleared. Belongs to one event loop."""

    __slots__ = ("_ringing", "_waiters")

    def __init__(self) -> None:
        self._ringing = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        """Whether it rings."""
        return self._ringing

    def set(self) -> None:
        """Ring: whoever waits goes on, and whoever comes later does not wait."""
        self._ringing = True
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Be silent again."""
        self._ringing = False

    async def wait(self) -> None:
        """Wait until it rings; at once while it does."""
        if self._ringing:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            # Cancelled: nobody else takes it off.
            if self._waiters is not None and waiter in self._waiters:
                self._waiters.remove(waiter)
