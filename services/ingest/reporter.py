"""Sends reports: each change of a camera, in order, and heartbeats in between; one message per facility."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from services.bus.port import Bus, BusFull
from services.contracts.camera import CameraReport
from services.contracts.errors import Unavailable
from services.contracts.ids import CameraId, FacilityId
from services.contracts.messages import CameraHealthReported
from services.runtime.tasks import Shutdown

log = logging.getLogger(__name__)

#: Reports in one message; a facility with more cameras gets several.
BATCH_MAX = 200
#: Changes that wait for the broker; beyond it the oldest are dropped, and counted.
BACKLOG_MAX = 20_000
_GATHER_S = 0.05
_RETRY_S = 1.0


@dataclass(slots=True)
class _Queue:
    """What waits for one facility: changes in order, and the latest heartbeat of each camera."""

    changes: deque[CameraReport] = field(default_factory=deque)
    heartbeats: dict[CameraId, CameraReport] = field(default_factory=dict)


class Reporter:
    """Changes are never coalesced, heartbeats are. While the broker is away both wait, within bounds."""

    def __init__(
        self,
        worker_id: UUID,
        bus: Bus,
        gather: Callable[[], float] = lambda: _GATHER_S,
        backlog_max: int = BACKLOG_MAX,
    ) -> None:
        self._worker_id = worker_id
        self._bus = bus
        self._gather = gather
        self._backlog_max = backlog_max
        self._queues: dict[FacilityId, _Queue] = {}
        self._waiting = asyncio.Event()
        self._backlog = 0
        self.sent = 0
        self.dropped = 0

    @property
    def backlog(self) -> int:
        """Changes not sent yet."""
        return self._backlog

    def change(self, facility_id: FacilityId, report: CameraReport) -> None:
        """Send this report soon, whatever comes after it."""
        queue = self._queues.setdefault(facility_id, _Queue())
        queue.changes.append(report)
        queue.heartbeats.pop(report.camera_id, None)
        self._backlog += 1
        if self._backlog > self._backlog_max:
            self._drop_oldest()
        self._waiting.set()

    def heartbeat(self, facility_id: FacilityId, report: CameraReport) -> None:
        """Send this report, unless a later one of the same camera comes first."""
        self._queues.setdefault(facility_id, _Queue()).heartbeats[report.camera_id] = report
        self._waiting.set()

    async def run(self, shutdown: Shutdown) -> None:
        """Send until shutdown; ``flush`` then sends what is left. Whatever fails is tried again."""
        failing = False
        while not shutdown.requested:
            waiting = asyncio.ensure_future(self._waiting.wait())
            stopping = asyncio.ensure_future(shutdown.wait())
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            stopping.cancel()
            await shutdown.sleep(self._gather())
            try:
                await self.flush()
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("reports cannot be sent")
                elif not failing:
                    log.warning("reports wait for the broker", extra={"error": error.detail})
                failing = True
                await shutdown.sleep(_RETRY_S)
            else:
                if failing:
                    log.info("reports flow again", extra={"dropped": self.dropped})
                failing = False

    async def flush(self) -> None:
        """Send everything that waits. Raises Unavailable; what was not sent still waits.

        A queue of the broker that is full holds up the facilities behind it, and no others.
        """
        self._waiting.clear()
        full: BusFull | None = None
        try:
            for facility_id in list(self._queues):
                try:
                    await self._flush_facility(facility_id)
                except BusFull as error:
                    full = error
            if full is not None:
                raise full
        except Exception:
            self._waiting.set()
            raise

    async def _flush_facility(self, facility_id: FacilityId) -> None:
        queue = self._queues[facility_id]
        while queue.changes or queue.heartbeats:
            changes = [queue.changes[index] for index in range(min(len(queue.changes), BATCH_MAX))]
            room = BATCH_MAX - len(changes) if len(changes) == len(queue.changes) else 0
            beats = list(queue.heartbeats.values())[:room]
            await self._bus.publish(
                CameraHealthReported(facility_id=facility_id, worker_id=self._worker_id, reports=(*changes, *beats))
            )
            for change in changes:
                if queue.changes and queue.changes[0] is change:  # otherwise dropped for want of room meanwhile
                    queue.changes.popleft()
                    self._backlog -= 1
            for beat in beats:
                if queue.heartbeats.get(beat.camera_id) is beat:
                    del queue.heartbeats[beat.camera_id]
            self.sent += len(changes) + len(beats)
        if not queue.changes and not queue.heartbeats:
            self._queues.pop(facility_id, None)

    def _drop_oldest(self) -> None:
        longest = max(self._queues.values(), key=lambda queue: len(queue.changes))
        longest.changes.popleft()
        self._backlog -= 1
        self.dropped += 1
