"""Leases cameras and keeps one session running for each: claim, renew, fence, release.

A worker never believes longer than the database that it may watch a camera: every lease has a deadline on this
process's monotonic clock, counted from the moment its renewal was *sent*, and earlier than the TTL by a margin.
Renewing, claiming and fencing run apart, so that a directory or a camera that is slow to answer delays no other.
"""

import asyncio
import contextlib
import functools
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.contracts.camera import CameraAssignment, Claim, LeaseRef, Renewal, WorkerIdentity
from services.contracts.errors import ServiceError, Unavailable
from services.contracts.ids import CameraId
from services.contracts.messages import Message
from services.ingest.policy import start_delay_s
from services.ingest.ports import CameraDirectory
from services.runtime.clock import Clock
from services.runtime.tasks import Shutdown, repeat

log = logging.getLogger(__name__)

CLAIM_EVERY_S = 2.0
#: A lease is renewed four times before it would end, and given up a sixth of its length before.
RENEWALS_PER_TTL = 4
FENCE_MARGIN = 1 / 6
RENEW_BATCH = 500
#: At the end: how long answers under way are waited for, then sessions that stop, then the releases.
_LAST_ANSWER_S = 2.0
_STOP_S = 5.0
_RELEASE_S = 5.0


class Session(Protocol):
    """One watched camera. Implementation: ``session.CameraSession``."""

    assignment: CameraAssignment

    def start(self, after_s: float = 0.0) -> None:
        """Begin to watch after so many seconds."""

    def update(self, assignment: CameraAssignment) -> None:
        """Camera, device or credentials changed: look again at once."""

    async def stop(self) -> None:
        """Stop watching and reporting at once, and close the connection within a second or two."""


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
        *,
        gap_s: float = 0.5,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """``ttl_s`` is what leases are expected to last; the directory's word counts from the first renewal on.

        ``gap_s`` is the least pause between two rounds: nudges come in swarms, when a province is registered for example.
        """
        self._worker = worker
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._directory = directory
        self._new_session = new_session
        self._clock = clock
        self._gap_s = gap_s
        self._uniform = uniform
        self._held: dict[CameraId, _Held] = {}
        self._ending: dict[CameraId, asyncio.Task[None]] = {}
        self._renew_now = asyncio.Event()
        self._claim_now = asyncio.Event()
        #: What the directory does not answer now, and how it failed.
        self._failing = {"claim": "The directory has not answered yet."}
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
        self._renew_now.set()
        self._claim_now.set()

    async def check_directory(self) -> None:
        """For the readiness probe. Raises Unavailable while the directory does not answer."""
        for failure in self._failing.values():
            raise Unavailable(failure)

    async def run(self, shutdown: Shutdown) -> None:
        """Watch until shutdown, then stop all sessions and give the leases back."""
        renew_every_s = self._ttl_s / RENEWALS_PER_TTL
        claim_every_s = min(CLAIM_EVERY_S, renew_every_s)
        asking = [
            asyncio.create_task(
                repeat("renew", shutdown, renew_every_s, self._renew, wake=self._renew_now, least_s=self._gap_s)
            ),
            asyncio.create_task(
                repeat("claim", shutdown, claim_every_s, self._claim, wake=self._claim_now, least_s=self._gap_s)
            ),
        ]
        # Goes on until the last session has stopped, whatever takes long at the end.
        fencing = asyncio.create_task(repeat("fence", Shutdown(), min(0.5, self._ttl_s / 20), self._fence))
        try:
            await shutdown.wait()
            await asyncio.wait(asking, timeout=_LAST_ANSWER_S)
        finally:
            for task in asking:
                task.cancel()
            try:
                await self._release_all()
            finally:
                fencing.cancel()
                await asyncio.gather(*asking, fencing, return_exceptions=True)

    async def _claim(self) -> None:
        """Say that we live, and claim what is free."""
        with self._asking("claim"):
            await self._directory.announce(self._worker)
            if self.held < self._capacity:
                sent = self._clock.monotonic()
                claim = Claim(held=self.held, capacity=self._capacity)
                await self._begin(await self._directory.claim_cameras(self._worker, claim), sent)

    async def _begin(self, assignments: Sequence[CameraAssignment], sent: float) -> None:
        """Watch what was leased to us."""
        deadline = self._deadline(sent)
        if assignments and deadline <= self._clock.monotonic():
            log.warning("leases came too late", extra={"count": len(assignments)})
            await self._directory.release_leases(self._worker, [_ref(one) for one in assignments])
            return
        for assignment in assignments:
            before = self._end(assignment.camera_id)
            held = self._held[assignment.camera_id] = _Held(self._new_session(assignment), deadline)
            if before is None:
                held.session.start(start_delay_s(len(assignments), self._uniform))
            else:  # some cameras serve only one session at a time
                before.add_done_callback(functools.partial(self._start, held))
        if assignments:
            self.claimed += len(assignments)
            self._renew_now.set()  # tells how long the leases really last
            self._claim_now.set()  # one answer holds a part only of what is free when many come up at once
            log.info("cameras leased", extra={"count": len(assignments), "held": self.held})

    def _start(self, held: _Held, _: "asyncio.Task[None]") -> None:
        """The session before this one has ended."""
        if self._held.get(held.session.assignment.camera_id) is held:
            held.session.start()

    async def _renew(self) -> None:
        """Prolong all leases. A directory that does not answer is tolerated until the fence."""
        held = [one.session.assignment for one in self._held.values()]
        with self._asking("renew"):
            for start in range(0, len(held), RENEW_BATCH):
                batch = held[start : start + RENEW_BATCH]
                sent = self._clock.monotonic()
                renewal = await self._directory.renew_leases(self._worker, [(_ref(one), one.version) for one in batch])
                surplus = self._apply(renewal, sent)
                if surplus:
                    await self._directory.release_leases(self._worker, surplus)

    def _apply(self, renewal: Renewal, sent: float) -> list[LeaseRef]:
        """Take the answer in. Gives the leases that were prolonged though we had given them up meanwhile."""
        self._ttl_s = renewal.ttl_s
        surplus = []
        for ref in renewal.held:
            held = self._holding(ref)
            if held is not None:
                held.deadline = self._deadline(sent)
            else:
                surplus.append(ref)
        for assignment in renewal.changed:
            held = self._holding(_ref(assignment))
            if held is not None:
                held.session.update(assignment)
        for ref in renewal.lost:
            if self._holding(ref) is not None:
                log.info("lease lost", extra={"camera_id": ref.camera_id, "epoch": ref.epoch})
                self._end(ref.camera_id)
        return surplus

    async def _fence(self) -> None:
        """Stop what was not renewed in time. Does not wait for it: others may be due in a moment."""
        now = self._clock.monotonic()
        for camera_id in [camera_id for camera_id, held in self._held.items() if held.deadline <= now]:
            log.warning("lease not renewed in time, watching stops", extra={"camera_id": camera_id})
            self.fenced += 1
            self._end(camera_id)

    def _end(self, camera_id: CameraId) -> "asyncio.Task[None] | None":
        """Hold a camera no longer. Gives the stopping of its session, if one is being stopped."""
        held = self._held.pop(camera_id, None)
        if held is not None:
            stopping = self._ending[camera_id] = asyncio.create_task(_stopped(held.session))
            stopping.add_done_callback(lambda done: self._ended(camera_id, done))
        return self._ending.get(camera_id)

    def _ended(self, camera_id: CameraId, done: "asyncio.Task[None]") -> None:
        if self._ending.get(camera_id) is done:
            del self._ending[camera_id]

    async def _release_all(self) -> None:
        refs = [_ref(held.session.assignment) for held in self._held.values()]
        for camera_id in list(self._held):
            self._end(camera_id)
        if self._ending:
            await asyncio.wait(self._ending.values())  # each is bounded
        try:
            async with asyncio.timeout(_RELEASE_S):
                for start in range(0, len(refs), RENEW_BATCH):
                    await self._directory.release_leases(self._worker, refs[start : start + RENEW_BATCH])
        except (ServiceError, TimeoutError) as error:
            log.warning("leases not released, they will run out", extra={"count": len(refs), "error": str(error)})
        else:
            log.info("leases released", extra={"count": len(refs)})

    def _holding(self, ref: LeaseRef) -> _Held | None:
        held = self._held.get(ref.camera_id)
        return held if held is not None and held.session.assignment.epoch == ref.epoch else None

    def _deadline(self, sent: float) -> float:
        return sent + self._ttl_s * (1 - FENCE_MARGIN)

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Whether the directory answers: told once in the log, and at any time by ``check_directory``."""
        try:
            yield
        except ServiceError as error:
            if self._failing.get(what) != error.detail:
                log.warning("directory does not answer", extra={"asked": what, "error": error.detail})
            self._failing[what] = error.detail
        except Exception:
            self._failing[what] = "Asking the directory failed unexpectedly."
            raise
        else:
            if self._failing.pop(what, None) is not None:
                log.info("directory answers", extra={"asked": what})


def _ref(assignment: CameraAssignment) -> LeaseRef:
    return LeaseRef(camera_id=assignment.camera_id, epoch=assignment.epoch)


async def _stopped(session: Session) -> None:
    try:
        async with asyncio.timeout(_STOP_S):
            await session.stop()
    except TimeoutError:
        log.warning("session takes long to stop", extra={"camera_id": session.assignment.camera_id})
    except Exception:
        log.exception("session did not stop cleanly", extra={"camera_id": session.assignment.camera_id})
