"""Leases cameras and keeps one session running for each: claim, renew, fence, release.

A worker never believes longer than the database that it may watch a camera: every lease has a deadline on this
process's monotonic clock, counted from the moment its renewal was *sent*, and earlier than the TTL by a margin.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.contracts.camera import CameraAssignment, Claim, LeaseRef, Renewal, WorkerIdentity
from services.contracts.errors import ServiceError, Unavailable
from services.contracts.ids import CameraId
from services.contracts.messages import Message
from services.ingest.ports import CameraDirectory
from services.runtime.clock import Clock
from services.runtime.tasks import Shutdown, repeat

log = logging.getLogger(__name__)

CLAIM_EVERY_S = 2.0
#: A lease is renewed four times before it would end, and given up a sixth of its length before.
RENEWALS_PER_TTL = 4
FENCE_MARGIN = 1 / 6
RENEW_BATCH = 500


class Session(Protocol):
    """One watched camera. Implementation: ``session.CameraSession``."""

    assignment: CameraAssignment

    def start(self) -> None:
        """Begin to watch."""

    def update(self, assignment: CameraAssignment) -> None:
        """Camera, device or credentials changed: look again at once."""

    async def stop(self) -> None:
        """Stop watching and close the connection, within a second or two."""


@dataclass(slots=True)
class _Held:
    session: Session
    deadline: float


class Supervisor:
    """One worker's cameras."""

    def __init__(
        self,
        worker: WorkerIdentity,
        capacity: int,
        ttl_s: float,
        directory: CameraDirectory,
        new_session: Callable[[CameraAssignment], Session],
        clock: Clock,
    ) -> None:
        self._worker = worker
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._directory = directory
        self._new_session = new_session
        self._clock = clock
        self._held: dict[CameraId, _Held] = {}
        self._nudged = asyncio.Event()
        self._directory_failing: str | None = "The directory has not answered yet."
        self.claimed = 0
        self.fenced = 0

    @property
    def held(self) -> int:
        """Cameras watched now."""
        return len(self._held)

    def session_of(self, camera_id: CameraId) -> Session | None:
        held = self._held.get(camera_id)
        return held.session if held is not None else None

    async def on_nudge(self, _: Message) -> None:
        """The registry changed: claim and renew now instead of at the next round."""
        self._nudged.set()

    async def check_directory(self) -> None:
        """For the readiness probe. Raises Unavailable while the directory does not answer."""
        if self._directory_failing is not None:
            raise Unavailable(self._directory_failing)

    async def run(self, shutdown: Shutdown) -> None:
        """Watch until shutdown, then stop all sessions and give the leases back."""
        async with asyncio.TaskGroup() as group:
            group.create_task(
                repeat(
                    "renew and claim", shutdown, min(CLAIM_EVERY_S, self._renew_every_s), self._round, wake=self._nudged
                )
            )
            group.create_task(repeat("fence", shutdown, min(0.5, self._ttl_s / 20), self._fence))
        await self._release_all()

    @property
    def _renew_every_s(self) -> float:
        return self._ttl_s / RENEWALS_PER_TTL

    async def _round(self) -> None:
        """Renew what is due, claim what is free. A directory that does not answer is tolerated until the fence."""
        try:
            await self._directory.announce(self._worker)
            await self._renew()
            await self._claim()
        except ServiceError as error:
            if self._directory_failing != error.detail:
                log.warning("directory does not answer", extra={"error": error.detail})
            self._directory_failing = error.detail
        else:
            if self._directory_failing is not None:
                log.info("directory answers")
            self._directory_failing = None

    async def _claim(self) -> None:
        if self.held >= self._capacity:
            return
        sent = self._clock.monotonic()
        assignments = await self._directory.claim_cameras(self._worker, Claim(held=self.held, capacity=self._capacity))
        for assignment in assignments:
            held = self._held.pop(assignment.camera_id, None)
            if held is not None:  # we had lost it without knowing; the old session has an old epoch
                await held.session.stop()
            session = self._new_session(assignment)
            self._held[assignment.camera_id] = _Held(session, self._deadline(sent, self._ttl_s))
            session.start()
        if assignments:
            self.claimed += len(assignments)
            log.info("cameras leased", extra={"count": len(assignments), "held": self.held})

    async def _renew(self) -> None:
        held = list(self._held.values())
        for start in range(0, len(held), RENEW_BATCH):
            batch = [
                (_ref(one.session.assignment), one.session.assignment.version)
                for one in held[start : start + RENEW_BATCH]
            ]
            sent = self._clock.monotonic()
            await self._apply(await self._directory.renew_leases(self._worker, batch), sent)

    async def _apply(self, renewal: Renewal, sent: float) -> None:
        for ref in renewal.held:
            held = self._held.get(ref.camera_id)
            if held is not None and held.session.assignment.epoch == ref.epoch:
                held.deadline = max(held.deadline, self._deadline(sent, renewal.ttl_s))
        for assignment in renewal.changed:
            held = self._held.get(assignment.camera_id)
            if held is not None and held.session.assignment.epoch == assignment.epoch:
                held.session.update(assignment)
        for ref in renewal.lost:
            held = self._held.get(ref.camera_id)
            if held is not None and held.session.assignment.epoch == ref.epoch:
                log.info("lease lost", extra={"camera_id": ref.camera_id, "epoch": ref.epoch})
                await self._drop(ref.camera_id)

    async def _fence(self) -> None:
        now = self._clock.monotonic()
        for camera_id in [camera_id for camera_id, held in self._held.items() if held.deadline <= now]:
            log.warning("lease not renewed in time, watching stops", extra={"camera_id": camera_id})
            self.fenced += 1
            await self._drop(camera_id)

    async def _drop(self, camera_id: CameraId) -> None:
        held = self._held.pop(camera_id, None)
        if held is not None:
            await held.session.stop()

    async def _release_all(self) -> None:
        held, self._held = list(self._held.values()), {}
        await asyncio.gather(*(one.session.stop() for one in held))
        refs = [_ref(one.session.assignment) for one in held]
        try:
            async with asyncio.timeout(5.0):
                for start in range(0, len(refs), RENEW_BATCH):
                    await self._directory.release_leases(self._worker, refs[start : start + RENEW_BATCH])
        except (ServiceError, TimeoutError) as error:
            log.warning("leases not released, they will run out", extra={"count": len(refs), "error": str(error)})
        else:
            log.info("leases released", extra={"count": len(refs)})

    def _deadline(self, sent: float, ttl_s: float) -> float:
        return sent + ttl_s * (1 - FENCE_MARGIN)


def _ref(assignment: CameraAssignment) -> LeaseRef:
    return LeaseRef(camera_id=assignment.camera_id, epoch=assignment.epoch)
