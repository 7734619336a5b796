"""All SQL of the aggregator's writing side."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.aggregator.derive import Standing
from services.aggregator.tables import (
    CameraConditionChange,
    CameraHealth,
    FacilityState,
    FacilityStateChange,
)
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Reason, State
from services.storage.database import AsyncSession


async def lock_facility(session: AsyncSession, facility_id: UUID, now: datetime) -> FacilityState:
    """The facility's state row, made if it is new, locked until the transaction ends: one writer a facility."""
    row = await session.get(FacilityState, facility_id, with_for_update=True)
    if row is None:
        row = FacilityState(facility_id=facility_id, state=State.UNKNOWN, reasons=[], since=now, derived_at=now)
        session.add(row)
        await session.flush()
    return row


async def health_of(session: AsyncSession, facility_id: UUID) -> dict[UUID, CameraHealth]:
    rows = await session.scalars(select(CameraHealth).where(CameraHealth.facility_id == facility_id))
    return {row.camera_id: row for row in rows}


async def silent_facilities(
    session: AsyncSession, now: datetime, limit: int
) -> Sequence[tuple[UUID, Collection[UUID]]]:
    """Facilities with cameras that count as known though the last word on them stands no longer, with those cameras."""
    rows = await session.execute(
        select(CameraHealth.facility_id, CameraHealth.camera_id)
        .where(CameraHealth.base != Condition.UNKNOWN, CameraHealth.stale_at < now)
        .order_by(CameraHealth.stale_at)
        .limit(limit)
    )
    found: dict[UUID, list[UUID]] = {}
    for facility_id, camera_id in rows.all():
        found.setdefault(facility_id, []).append(camera_id)
    return list(found.items())


def standing_of(row: CameraHealth) -> Standing:
    return Standing(
        base=row.base,
        condition=row.condition,
        rung=row.rung,
        reasons=tuple(Reason(code) for code in row.reasons),
        since=row.since,
        changes=tuple(datetime.fromisoformat(moment) for moment in row.changes),
    )


def keep_standing(row: CameraHealth, standing: Standing) -> None:
    row.base = standing.base
    row.condition = standing.condition
    row.rung = standing.rung
    row.reasons = [str(reason) for reason in standing.reasons]
    row.since = standing.since
    row.changes = [moment.isoformat() for moment in standing.changes]


def note_condition_change(session: AsyncSession, row: CameraHealth, was: Condition, at: datetime) -> None:
    session.add(
        CameraConditionChange(
            id=new_id(),
            camera_id=row.camera_id,
            facility_id=row.facility_id,
            was=was,
            now=row.condition,
            rung=row.rung,
            reasons=list(row.reasons),
            at=at,
        )
    )


def note_state_change(session: AsyncSession, row: FacilityState, was: State, at: datetime) -> None:
    session.add(
        FacilityStateChange(
            id=new_id(), facility_id=row.facility_id, was=was, now=row.state, reasons=list(row.reasons), at=at
        )
    )
