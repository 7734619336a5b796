"""A connection that comes back by itself. Knows nothing of AMQP: ``rabbit`` dials and hangs up."""

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from services.bus.port import BusUnavailable

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
#: Attempts that are logged; all would fill the log of a night without a broker.
_LOGGED_ATTEMPTS = frozenset({1, 10, 100, 1000})

ConnectionT = TypeVar("ConnectionT")

#: Connects and makes ready to use, or raises BusUnavailable with nothing left open. Calls the function it is given
#: when the connection, or anything that was set up on it, is lost.
Dial = Callable[[Callable[[], None]], Awaitable[ConnectionT]]


class Link(Generic[ConnectionT]):
    """One connection: dialled by ``open``, dialled again whenever it is lost, until ``close``.

    ``hang_up`` is bounded in time and never raises, since it may be given a connection whose other end is gone.
    """

    def __init__(self, name: str, dial: Dial[ConnectionT], hang_up: Callable[[ConnectionT], Awaitable[None]]) -> None:
        self._name = name
        self._dial = dial
        self._hang_up = hang_up
        self._lost = asyncio.Event()
        self._generation = 0
        self._keeper: asyncio.Task[None] | None = None
        #: None before ``open``, while the other side is away, and after ``close``.
        self.current: ConnectionT | None = None

    async def open(self) -> None:
        """Dial once. Raises BusUnavailable."""
        await self._connect()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Hang up for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._disconnect()

    def restart(self) -> None:
        """Hang up and dial again: something on this connection is broken."""
        self._lost.set()

    async def _keep(self) -> None:
        while True:
            await self._lost.wait()
            log.warning("connection lost", extra={"connection": self._name})
            await self._disconnect()
            pause_s = _FIRST_PAUSE_S
            for attempt in itertools.count(1):
                await asyncio.sleep(random.uniform(0.5, 1) * pause_s)  # noqa: S311 - jitter, not a secret
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                try:
                    await self._connect()
                except BusUnavailable as error:
                    if attempt in _LOGGED_ATTEMPTS:
                        log.warning("cannot connect", extra={"connection": self._name, "error": error.detail})
                else:
                    log.info("connection restored", extra={"connection": self._name, "attempts": attempt})
                    break

    async def _connect(self) -> None:
        self._generation += 1
        generation = self._generation

        def lost() -> None:
            if generation == self._generation:  # or it is the farewell of an earlier connection
                self._lost.set()

        self._lost.clear()
        self.current = await self._dial(lost)

    async def _disconnect(self) -> None:
        self._generation += 1
        connection, self.current = self.current, None
        if connection is not None:
            await self._hang_up(connection)
