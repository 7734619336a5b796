"""The life of one subscription, from the first question to the last."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.contracts.camera import AuthOutcome
from services.ingest.device_events.exchange import Exchange, SignInRefused
from services.ingest.device_events.http import Cut, HostConnection
from services.ingest.device_events.messages import Operation
from services.ingest.device_events.pull_point import Ask, Over, PullPoint, Rest
from services.ingest.device_events.topics import Hint, read_hint
from services.ingest.onvif.soap import SoapFault
from services.ingest.onvif.transport import WireFault
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

#: Time for the last request. A subscription that could not be ended runs out within a minute.
FAREWELL_S = 3.0
#: A connection is not kept through a longer pause: the device would end it.
_IDLE_MAX_S = 5.0


@dataclass(slots=True)
class EventStatistics:
    """Of all subscriptions of one worker."""

    #: Subscriptions that devices have for us now.
    alive: int = 0
    #: Devices that had no place for one when they were asked last.
    full: int = 0
    #: Hints given to cameras.
    hints: int = 0
    #: Requests sent.
    requests: int = 0


class Subscription:
    """One host's. Made for one run."""

    def __init__(
        self,
        connection: HostConnection,
        exchange: Exchange,
        point: PullPoint,
        *,
        connecting: asyncio.Semaphore,
        parting: asyncio.Semaphore,
        statistics: EventStatistics,
        clock: Clock,
        on_hints: Callable[[Iterable[Hint]], None],
        on_refused: Callable[[AuthOutcome | None], None],
    ) -> None:
        """``connecting`` bounds how many subscriptions are being made at the same moment, ``parting`` how many ended."""
        self._connection = connection
        self._exchange = exchange
        self._point = point
        self._connecting = connecting
        self._parting = parting
        self._statistics = statistics
        self._clock = clock
        self._on_hints = on_hints
        self._on_refused = on_refused
        # What of it is counted.
        self._alive = self._full = False
        self._requests = 0

    async def run(self) -> None:
        """Ask until cancelled, or until there is nothing to ask. Unsubscribes at the end."""
        try:
            while True:
                step = self._point.next(self._clock.monotonic(), self._clock.now())
                if isinstance(step, Over):
                    log.info("no device events", extra={"device": self._name, "why": step.why.value})
                    return
                if isinstance(step, Rest):
                    await self._rest(step.until - self._clock.monotonic())
                    continue
                if step.operation in {Operation.PULL, Operation.RENEW}:
                    await self._ask(step)
                else:
                    async with self._connecting:
                        await (self._ask_to_the_end(step) if step.operation is Operation.CREATE else self._ask(step))
                self._count()
        finally:
            self._connection.close()  # a device that serves one at a time would not hear the last request otherwise
            await self._bid_farewell()

    async def _rest(self, seconds: float) -> None:
        if seconds > _IDLE_MAX_S:
            self._connection.close()
        await asyncio.sleep(max(0.0, seconds))

    async def _ask_to_the_end(self, ask: Ask) -> None:
        """Even when cancelled, for a moment: a subscription that was just made must be known, to be ended."""
        asking = asyncio.create_task(self._ask(ask))
        try:
            await asyncio.shield(asking)
        except asyncio.CancelledError:
            await asyncio.wait([asking], timeout=FAREWELL_S)
            raise
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _ask(self, ask: Ask) -> None:
        try:
            told = await self._exchange.ask(ask)
        except Cut:
            self._point.cut(ask, self._clock.monotonic())
        except WireFault as fault:
            log.debug("not told of events", extra={"device": self._name, "asked": ask.operation, "error": fault.detail})
            self._point.lost(ask, self._clock.monotonic())
        except SignInRefused as refusal:
            self._point.refused()
            self._on_refused(refusal.outcome)
        else:
            now = self._clock.monotonic()
            if told is None or isinstance(told, SoapFault):
                self._point.declined(ask, told, now)
                return
            notifications = self._point.answered(ask, told, now, self._clock.now())
            self._on_hints(hint for hint in map(read_hint, notifications) if hint is not None)

    @property
    def _name(self) -> str:
        return self._connection.endpoint.authority

    def _count(self) -> None:
        alive, full = self._point.alive, self._point.full
        if full and not self._full:
            log.info("no room for device events", extra={"device": self._name})
        self._statistics.alive += alive - self._alive
        self._statistics.full += full - self._full
        self._alive, self._full = alive, full
        self._statistics.requests += self._exchange.requests - self._requests
        self._requests = self._exchange.requests

    async def _bid_farewell(self) -> None:
        """End the subscription at the device, so that its place is free at once."""
        ask = self._point.farewell()
        self._point.full = False
        try:
            if ask is not None:
                with contextlib.suppress(TimeoutError, Cut, WireFault, SignInRefused):
                    async with self._parting, asyncio.timeout(FAREWELL_S):
                        await self._exchange.ask(ask)
        finally:
            self._connection.close()
            self._count()
