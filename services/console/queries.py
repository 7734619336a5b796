"""The read side of the console: what registry, aggregator and programme wrote, joined for a page in one question.

Writes nothing. Every question takes a scope, or ids of rows that were found within it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select

from services.aggregator.tables import CameraHealth, FacilityState, FacilityStateChange
from services.contracts.ids import CameraId, FacilityId, ProvinceUnitId
from services.contracts.ladder import Condition, Reason, State
from services.contracts.scope import ProvinceScope
from services.programme.stages import Stage
from services.programme.tables import FacilityStage
from services.registry.tables import Camera, CameraLease, Facility, Worker
from services.storage.database import Transactions, database_now

#: Ids in one IN list; SQLite allows 32,766 parameters.
_IDS_MAX = 5000


class FacilityGroup(NamedTuple):
    """So many facilities of a unit are alike."""

    unit_id: ProvinceUnitId
    state: State
    stage: Stage
    has_cameras: bool
    facilities: int


class CameraGroup(NamedTuple):
    """So many enabled cameras are alike. ``facility_id`` is None where the question was about all of them."""

    facility_id: FacilityId | None
    maintenance: bool
    record_only: bool
    known: Condition | None
    cameras: int


class FacilityLine(NamedTuple):
    """A facility in a list."""

    id: FacilityId
    code: str
    name: str
    unit_id: ProvinceUnitId
    state: State
    since: datetime


class FacilityMore(NamedTuple):
    """What a list tells besides."""

    reasons: tuple[Reason, ...]
    stage: Stage


class StateChange(NamedTuple):
    """A facility's state changed."""

    at: datetime
    was: State
    now: State
    reasons: tuple[Reason, ...]


class ConsoleQueries:
    """Each method is one transaction of one to three statements, whatever the number of rows."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def facility_groups(self, scope: ProvinceScope) -> Sequence[FacilityGroup]:
        """All facilities in scope, counted by what the overview tells apart."""
        has_cameras = exists().where(Camera.facility_id == Facility.id)
        query = (
            select(Facility.province_unit_id, FacilityState.state, FacilityStage.stage, has_cameras, func.count())
            .outerjoin(FacilityState, FacilityState.facility_id == Facility.id)
            .outerjoin(FacilityStage, FacilityStage.facility_id == Facility.id)
            .group_by(Facility.province_unit_id, FacilityState.state, FacilityStage.stage, has_cameras)
        )
        async with self._transactions.read() as session:
            rows = (await session.execute(_within(query, scope))).all()
        return [
            FacilityGroup(unit, state or State.UNKNOWN, stage or Stage.LISTED, bool(watched), count)
            for unit, state, stage, watched, count in rows
        ]

    async def camera_groups(self, scope: ProvinceScope) -> Sequence[CameraGroup]:
        """All enabled cameras in scope."""
        kind = (Camera.maintenance, Camera.record_only, CameraHealth.condition)
        query = (
            select(*kind, func.count())
            .join(Facility, Facility.id == Camera.facility_id)
            .outerjoin(CameraHealth, CameraHealth.camera_id == Camera.id)
            .where(Camera.enabled)
            .group_by(*kind)
        )
        async with self._transactions.read() as session:
            rows = (await session.execute(_within(query, scope))).all()
        return [CameraGroup(None, *row) for row in rows]

    async def troubled(self, scope: ProvinceScope, limit: int) -> Sequence[FacilityLine]:
        """Facilities that are not as they should be, the newest trouble first. One without cameras is none."""
        troubled = FacilityState.state.in_((State.DISCONNECTED, State.DEGRADED)) | (
            (FacilityState.state == State.UNKNOWN) & exists().where(Camera.facility_id == Facility.id)
        )
        query = _lines().where(troubled).order_by(FacilityState.since.desc(), Facility.id).limit(limit)
        async with self._transactions.read() as session:
            return _read_lines((await session.execute(_within(query, scope))).all())

    async def facilities(self, scope: ProvinceScope, unit_id: ProvinceUnitId | None) -> Sequence[FacilityLine]:
        """All facilities in scope, or those of one unit, in order of their codes."""
        query = _lines().order_by(Facility.code)
        if unit_id is not None:
            query = query.where(Facility.province_unit_id == unit_id)
        async with self._transactions.read() as session:
            return _read_lines((await session.execute(_within(query, scope))).all())

    async def more_of(
        self, facility_ids: Collection[FacilityId]
    ) -> tuple[Mapping[FacilityId, FacilityMore], Sequence[CameraGroup]]:
        """Reasons, stage and camera counts of the facilities of one page."""
        ids = _bounded(facility_ids)
        more = (
            select(Facility.id, FacilityState.reasons, FacilityStage.stage)
            .outerjoin(FacilityState, FacilityState.facility_id == Facility.id)
            .outerjoin(FacilityStage, FacilityStage.facility_id == Facility.id)
            .where(Facility.id.in_(ids))
        )
        kind = (Camera.facility_id, Camera.maintenance, Camera.record_only, CameraHealth.condition)
        cameras = (
            select(*kind, func.count())
            .outerjoin(CameraHealth, CameraHealth.camera_id == Camera.id)
            .where(Camera.enabled, Camera.facility_id.in_(ids))
            .group_by(*kind)
        )
        async with self._transactions.read() as session:
            found = {
                facility_id: FacilityMore(
                    _reasons([Reason.NO_CAMERAS] if reasons is None else reasons), stage or Stage.LISTED
                )
                for facility_id, reasons, stage in (await session.execute(more)).all()
            }
            return found, [CameraGroup(*row) for row in (await session.execute(cameras)).all()]

    async def watchers(self, camera_ids: Collection[CameraId]) -> Mapping[CameraId, str]:
        """Name of the worker that holds the lease on each camera now."""
        async with self._transactions.read() as session:
            rows = await session.execute(
                select(CameraLease.camera_id, Worker.name)
                .join(Worker, Worker.id == CameraLease.worker_id)
                .where(
                    CameraLease.camera_id.in_(_bounded(camera_ids)),
                    CameraLease.expires_at > await database_now(session),
                )
            )
            return {row[0]: row[1] for row in rows.all()}

    async def recent_changes(self, facility_id: UUID, limit: int) -> Sequence[StateChange]:
        """Changes of a facility's state, newest first."""
        query = (
            select(FacilityStateChange)
            .where(FacilityStateChange.facility_id == facility_id)
            .order_by(FacilityStateChange.id.desc())
            .limit(limit)
        )
        async with self._transactions.read() as session:
            rows = (await session.scalars(query)).all()
        return [StateChange(row.at, row.was, row.now, _reasons(row.reasons)) for row in rows]


def _within(query: Any, scope: ProvinceScope) -> Any:
    return query if scope.units is None else query.where(Facility.province_unit_id.in_(scope.units))


def _lines() -> Any:
    since = func.coalesce(FacilityState.since, Facility.created_at)
    return select(
        Facility.id, Facility.code, Facility.name, Facility.province_unit_id, FacilityState.state, since
    ).outerjoin(FacilityState, FacilityState.facility_id == Facility.id)


def _read_lines(rows: Sequence[Any]) -> Sequence[FacilityLine]:
    return [
        FacilityLine(facility_id, code, name, unit_id, state or State.UNKNOWN, since)
        for facility_id, code, name, unit_id, state, since in rows
    ]


def _reasons(codes: Sequence[str]) -> tuple[Reason, ...]:
    return tuple(Reason(code) for code in codes)


def _bounded(ids: Collection[UUID]) -> Collection[UUID]:
    if len(ids) > _IDS_MAX:
        raise ValueError(f"a page has at most {_IDS_MAX} rows")
    return ids
