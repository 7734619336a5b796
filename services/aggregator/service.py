"""The aggregator: takes reports, notices silence, writes states once per change, tells the bus."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.aggregator import repository
from services.aggregator.derive import FlappingRule, Observation, advance, derive_facility, observe
from services.aggregator.ports import Plans, Publisher, Roster
from services.aggregator.tables import CameraHealth, FacilityState
from services.contracts.camera import CameraReport
from services.contracts.errors import Unavailable
from services.contracts.ids import FacilityId
from services.contracts.ladder import Condition, Reason, State
from services.contracts.messages import CameraHealthReported, FacilityStateChanged, Message, RosterChanged
from services.contracts.roster import KnownLease
from services.storage.database import AsyncSession, Transactions, database_now

log = logging.getLogger(__name__)

#: Cameras one pass of the sweep looks at; what is left waits for the next.
SWEEP_MAX = 2000
REVIEW_PAUSE_S = 0.01


@dataclass(slots=True)
class AggregatorCounters:
    """What happened since the start, for metrics."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    silenced: int = 0
    state_changes: int = 0
    sweeps_skipped: int = 0
    by_state: dict[str, int] = field(default_factory=dict)


class Aggregator:
    """Concludes. Every method is one transaction, then what changed is published."""

    def __init__(
        self,
        transactions: Transactions,
        roster: Roster,
        plans: Plans,
        publisher: Publisher,
        flapping: FlappingRule,
        stale_after: timedelta,
    ) -> None:
        self._transactions = transactions
        self._roster = roster
        self._plans = plans
        self._publisher = publisher
        self._flapping = flapping
        self._stale_after = stale_after
        self.counters = AggregatorCounters()

    async def on_message(self, message: Message) -> None:
        """Handle one message of the group ``health``."""
        if isinstance(message, CameraHealthReported):
            await self.on_camera_health(message)
        elif isinstance(message, RosterChanged):
            await self.refresh(message.facility_id)

    async def on_camera_health(self, message: CameraHealthReported) -> None:
        """Take the reports of one worker on one facility: those under a lease it holds, each at most once."""
        change = None
        try:
            async with self._transactions.write() as session:
                roster = await self._roster.roster_of(session, message.facility_id)
                if roster is None:
                    self.counters.refused += len(message.reports)
                    return
                now = await database_now(session)
                state = await repository.lock_facility(session, message.facility_id, now)
                known = await repository.health_of(session, message.facility_id)
                own = {camera.camera_id for camera in roster}
                leases = await self._roster.leases_of(session, [report.camera_id for report in message.reports])
                for report in message.reports:
                    if report.camera_id not in own or not _entitled(message.worker_id, report, leases):
                        self.counters.refused += 1
                        log.warning(
                            "report without a lease",
                            extra={
                                "camera_id": report.camera_id,
                                "worker_id": message.worker_id,
                                "epoch": report.epoch,
                            },
                        )
                        continue
                    self._take(session, message, report, known, now)
                change = await self._derive(session, state, now)
        except IntegrityError as error:
            # Facility or camera was deleted, or another aggregator made the same row, between our reading and writing.
            # The message comes again and then finds things as they are.
            raise Unavailable("The facility changed while its reports were taken.") from error
        await self._tell(change)

    async def refresh(self, facility_id: FacilityId) -> None:
        """Derive a facility anew, because its list of cameras or its plan changed."""
        async with self._transactions.write() as session:
            if await self._roster.roster_of(session, facility_id) is None:
                return
            now = await database_now(session)
            change = await self._derive(session, await repository.lock_facility(session, facility_id, now), now)
        await self._tell(change)

    async def review(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Derive every facility anew, in case a nudge was lost. Slow on purpose: nobody waits for it."""
        async with self._transactions.read() as session:
            facilities = await self._roster.facility_ids(session)
        for facility_id in facilities:
            if stopping():
                return
            await self.refresh(facility_id)
            await asyncio.sleep(REVIEW_PAUSE_S)

    async def sweep(self) -> int:
        """Make cameras unknown that nobody told of for too long. Returns how many."""
        async with self._transactions.read() as session:
            silent = await repository.silent_facilities(session, await database_now(session), SWEEP_MAX)
        silenced = 0
        for facility_id, cameras in silent:
            silenced += await self._silence(facility_id, cameras)
        return silenced

    async def _silence(self, facility_id: FacilityId, cameras: Collection[UUID]) -> int:
        silenced = 0
        async with self._transactions.write() as session:
            now = await database_now(session)
            state = await repository.lock_facility(session, facility_id, now)
            known = await repository.health_of(session, facility_id)
            leases = await self._roster.leases_of(session, cameras)
            for camera_id in cameras:
                row = known.get(camera_id)
                if row is None or row.base is Condition.UNKNOWN or row.stale_at is None or row.stale_at >= now:
                    continue  # reported or deleted since we looked
                lease = leases.get(camera_id)
                watched = lease is not None and lease.worker_id is not None and lease.expires_at > now
                reason = Reason.CENTRE_STALLED if watched else Reason.WORKER_LOST
                self._move(session, row, Observation.SILENCE, (reason,), now)
                silenced += 1
            change = await self._derive(session, state, now)
        self.counters.silenced += silenced
        await self._tell(change)
        return silenced

    def _stands_for(self, report: CameraReport) -> timedelta:
        """How long from now on a settled report stands: that on a sampled camera until after its next look."""
        return self._stale_after if report.fresh_for_s is None else timedelta(seconds=report.fresh_for_s)

    def _take(
        self,
        session: AsyncSession,
        message: CameraHealthReported,
        report: CameraReport,
        known: dict[UUID, CameraHealth],
        now: datetime,
    ) -> None:
        row = known.get(report.camera_id)
        if row is not None and (report.epoch, report.sequence) <= (row.epoch, row.sequence):
            self.counters.repeated += 1
            return
        observation = observe(report)
        if row is None:
            first = advance(None, Observation.SILENCE, report.rung, (Reason.NOT_WATCHED,), now, self._flapping)
            row = CameraHealth(camera_id=report.camera_id, facility_id=message.facility_id)
            repository.keep_standing(row, first)
            session.add(row)
            known[report.camera_id] = row
        row.worker_id, row.epoch, row.sequence = message.worker_id, report.epoch, report.sequence
        row.observed_at, row.received_at = report.observed_at, now
        if report.settled:
            row.stale_at = now + self._stands_for(report)
        row.watch = report.watch
        row.stream = report.stream.model_dump(mode="json")
        self._move(session, row, observation, report.reasons, now, report)
        self.counters.accepted += 1

    def _move(
        self,
        session: AsyncSession,
        row: CameraHealth,
        observation: Observation,
        reasons: tuple[Reason, ...],
        now: datetime,
        report: CameraReport | None = None,
    ) -> None:
        before = repository.standing_of(row)
        rung = report.rung if report is not None else row.rung
        after = advance(before, observation, rung, reasons, now, self._flapping)
        repository.keep_standing(row, after)
        if after.condition is not before.condition:
            repository.note_condition_change(session, row, before.condition, now)

    async def _derive(self, session: AsyncSession, row: FacilityState, now: datetime) -> FacilityStateChanged | None:
        """Derive and, if something changed, write. Returns what to tell."""
        await session.flush()
        roster = await self._roster.roster_of(session, row.facility_id) or ()
        known = await repository.health_of(session, row.facility_id)
        zones = await self._plans.compulsory_zones(session, row.facility_id)
        verdict = derive_facility(
            roster, {camera_id: repository.standing_of(health) for camera_id, health in known.items()}, zones
        )
        reasons = [str(reason) for reason in verdict.reasons]
        was: State = row.state
        if verdict.state is was and reasons == row.reasons:
            return None
        row.reasons, row.derived_at = reasons, now
        if verdict.state is not was:
            row.state, row.since = verdict.state, now
            repository.note_state_change(session, row, was, now)
            self.counters.state_changes += 1
        return FacilityStateChanged(
            facility_id=row.facility_id, was=was, now=row.state, since=row.since, reasons=verdict.reasons
        )

    async def _tell(self, change: FacilityStateChanged | None) -> None:
        if change is None:
            return
        if change.was is not change.now:
            log.info(
                "facility state changed",
                extra={
                    "facility_id": change.facility_id,
                    "was": change.was.value,
                    "now": change.now.value,
                    "reasons": ",".join(change.reasons),
                },
            )
        try:
            await self._publisher.publish(change)
        except Unavailable as error:
            # The row is written; listeners that missed it read the row.
            log.warning("state change not published", extra={"facility_id": change.facility_id, "error": error.detail})


def _entitled(worker_id: UUID, report: CameraReport, leases: Mapping[UUID, KnownLease]) -> bool:
    lease = leases.get(report.camera_id)
    return lease is not None and lease.worker_id == worker_id and lease.epoch == report.epoch


class SweepGuard:
    """Keeps the sweep from judging on stale data: after a stall of our own one pass is skipped.

    If the process stood still, or the database was away, then the reports of that time are still on their way. Every
    camera would look silent at once though none is. ZoneMinder's watchdog learned this the hard way: after a database
    outage it restarted its whole fleet.
    """

    def __init__(self, every_s: float, settle_s: float, started_at: float) -> None:
        self._every_s = every_s
        self._settle_s = settle_s
        self._last = started_at
        self._not_before = started_at + settle_s

    def allow(self, now: float) -> bool:
        """Whether this pass may judge. ``now`` is monotonic seconds; called once per pass."""
        if now - self._last > 3 * self._every_s:
            self._not_before = now + self._settle_s
        self._last = now
        return now >= self._not_before

    def stumbled(self, now: float) -> None:
        """A pass failed, for example because the database was away."""
        self._not_before = now + self._settle_s
