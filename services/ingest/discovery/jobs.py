"""Searches that the directory wants run: taken one at a time, told about while they run, ended when told so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from services.contracts.camera import WorkerIdentity
from services.contracts.discovery import DiscoveryOrder, DiscoveryReport
from services.contracts.errors import Forbidden, ServiceError, Unavailable
from services.contracts.messages import Message
from services.ingest.ports import DiscoveryDesk
from services.runtime.tasks import Shutdown, repeat

log = logging.getLogger(__name__)

CLAIM_EVERY_S = 2.0
#: The last report is tried so often: without it the search would be run again by somebody else.
_LAST_TRIES = 5
_LAST_PAUSE_S = 2.0

OnReport = Callable[[DiscoveryReport], Awaitable[None]]


class Search(Protocol):
    """One search. Implementation: ``scan.Scan``."""

    async def run(self) -> DiscoveryReport:
        """Search until done or cancelled; never raises for what hosts do."""

    def cancel(self) -> None:
        """End soon, with what was found."""


class DiscoveryJobs:
    """Runs the searches of one worker."""

    def __init__(
        self,
        worker: Callable[[], WorkerIdentity],
        desk: DiscoveryDesk,
        new_search: Callable[[DiscoveryOrder, OnReport], Search],
        *,
        last_pause_s: float = _LAST_PAUSE_S,
    ) -> None:
        self._worker = worker
        self._desk = desk
        self._new_search = new_search
        self._last_pause_s = last_pause_s
        self._wake = asyncio.Event()
        self._failing = False
        #: Searches finished since the start.
        self.finished = 0

    async def on_nudge(self, _: Message) -> None:
        """The registry changed: ask at once whether there is something to search."""
        self._wake.set()

    async def run(self, shutdown: Shutdown) -> None:
        """Take searches until shutdown. One that runs then is left to another worker, which begins it anew."""
        await repeat("search", shutdown, CLAIM_EVERY_S, lambda: self._take_one(shutdown), wake=self._wake, least_s=0.2)

    async def _take_one(self, shutdown: Shutdown) -> None:
        try:
            order = await self._desk.claim_discovery(self._worker())
        except Forbidden:
            return  # not announced yet: the first claim of cameras does that
        except ServiceError as error:
            # The claim of cameras says the same, and decides whether this worker is ready.
            if not self._failing:
                log.warning("no searches to be had", extra={"error": error.detail})
            self._failing = True
            return
        self._failing = False
        if order is not None:
            await self._search(order, shutdown)

    async def _search(self, order: DiscoveryOrder, shutdown: Shutdown) -> None:
        held = True

        async def tell(report: DiscoveryReport) -> None:
            nonlocal held
            reply = await self._desk.report_discovery(self._worker(), order.discovery_id, report)
            if not reply.go_on:
                held = False
                search.cancel()

        search = self._new_search(order, tell)
        log.info("search begins", extra={"discovery_id": order.discovery_id, "facility_id": order.facility_id})
        running = asyncio.create_task(search.run())
        stopping = asyncio.create_task(shutdown.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                return
            report = running.result()
        finally:
            for task in (running, stopping):
                task.cancel()
            await asyncio.gather(running, stopping, return_exceptions=True)
        if held:
            await self._tell_last(order, report)
        self.finished += 1
        log.info("search ended", extra={"discovery_id": order.discovery_id, "found": len(report.found), "held": held})
        self._wake.set()  # the next one need not wait

    async def _tell_last(self, order: DiscoveryOrder, report: DiscoveryReport) -> None:
        for attempt in range(_LAST_TRIES):
            try:
                await self._desk.report_discovery(self._worker(), order.discovery_id, report)
            except Unavailable as error:
                if attempt + 1 == _LAST_TRIES:
                    log.warning("findings not delivered", extra={"error": error.detail, "found": len(report.found)})
                    return
                await asyncio.sleep(self._last_pause_s)
            except ServiceError as error:
                log.warning("findings refused", extra={"error": error.detail, "found": len(report.found)})
                return
            else:
                return
