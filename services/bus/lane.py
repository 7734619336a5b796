"""The messages of one queue, handled one after the other. Knows nothing of AMQP but what ``Delivery`` says."""

import asyncio
import logging
from typing import Protocol

from services.bus.delivery import BusCounters, Outcome, attempt, retry_pause_s
from services.bus.port import BusLimits, Subscription
from services.runtime.tasks import Shutdown

log = logging.getLogger(__name__)


class Delivery(Protocol):
    """One delivery by a broker. It is settled once, by ``accept`` or ``refuse``; both may raise anything."""

    @property
    def body(self) -> bytes: ...

    @property
    def failed_before(self) -> int:
        """How many deliveries of this message to this group failed before."""

    @property
    def redelivered(self) -> bool: ...

    @property
    def lapsed(self) -> bool:
        """Whether it can no longer be settled: the broker has taken it back and will deliver it again."""

    async def accept(self) -> None:
        """It was handled."""

    async def refuse(self, *, again: bool) -> None:
        """It was not handled: to be delivered again (counted by the broker), or to the dead letters."""


class Lane:
    """The worker of one queue of one subscription.

    It outlives reconnects: a message that comes again after a loss waits until the handler that still runs on it ends,
    so that within a process nothing is handled twice at the same time.
    """

    def __init__(self, subscription: Subscription, limits: BusLimits, counters: BusCounters, closing: Shutdown) -> None:
        self._subscription = subscription
        self._limits = limits
        self._counters = counters
        self._closing = closing
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()  # bounded by what the broker hands out at once
        self._task = asyncio.create_task(self._run())

    def put(self, delivery: Delivery) -> None:
        """Handle this one after those before it."""
        self._inbox.put_nowait(delivery)

    async def finish(self) -> None:
        """After ``closing`` was requested: wait for the handler that runs, but not longer than the limits say."""
        try:
            async with asyncio.timeout(self._limits.close_timeout_s):
                await self._inbox.join()
        except TimeoutError:
            log.warning("handler did not finish in time", extra={"group": self._subscription.group})
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            delivery = await self._inbox.get()
            try:
                await self._handle(delivery)
            except Exception as error:  # noqa: BLE001 - a lane must not die
                # Its connection went meanwhile. The broker delivers it again: at least once, never less.
                log.info("message not settled", extra={"group": self._subscription.group, "error": repr(error)})
            finally:
                self._inbox.task_done()

    async def _handle(self, delivery: Delivery) -> None:
        if self._closing.requested or (delivery.lapsed and self._subscription.group is not None):
            return
        self._counters.delivered += 1
        self._counters.redelivered += delivery.redelivered
        outcome = await attempt(self._subscription, delivery.body, self._limits)
        if self._subscription.group is None:
            self._counters.dropped += outcome is not Outcome.HANDLED
            await delivery.accept()
        elif outcome is Outcome.HANDLED:
            await delivery.accept()
        elif outcome is Outcome.POISON:
            await delivery.refuse(again=False)
            self._counters.dead += 1
        else:
            await self._failed(delivery)

    async def _failed(self, delivery: Delivery) -> None:
        failed = delivery.failed_before + 1
        if failed < self._limits.delivery_limit:
            # Held while we wait, so that nothing overtakes it. On close it is left to the end of the connection.
            if await self._closing.sleep(retry_pause_s(self._limits, failed)):
                await delivery.refuse(again=True)
        else:
            await delivery.refuse(again=True)  # once too often: the broker makes it a dead letter, and says why
            self._counters.dead += 1
