"""All SQL of leases and workers. Leases are judged by the database's clock alone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update

from services.contracts.roster import KnownLease
from services.contracts.scope import ProvinceScope
from services.registry.tables import Camera, CameraLease, Device, Facility, Worker
from services.storage.database import AsyncSession


def _watchable(scope: ProvinceScope, reaches: Collection[str]) -> list[object]:
    conditions: list[object] = [Camera.enabled, ~Camera.record_only]
    if scope.units is not None:
        conditions.append(Facility.province_unit_id.in_(scope.units))
    if reaches:
        conditions.append(Facility.reach.in_(reaches))
    return conditions


async def worker(session: AsyncSession, worker_id: UUID) -> Worker | None:
    return await session.get(Worker, worker_id)


async def living_workers(session: AsyncSession, since: datetime) -> Sequence[Worker]:
    """Workers heard of since then, newest last."""
    return (await session.scalars(select(Worker).where(Worker.heartbeat_at >= since).order_by(Worker.id))).all()


async def forget_workers(session: AsyncSession, before: datetime) -> None:
    """Delete workers not heard of for long that hold no lease row any more."""
    held = exists().where(CameraLease.worker_id == Worker.id)
    await session.execute(delete(Worker).where(Worker.heartbeat_at < before, ~held))


async def watchable_by_reach(session: AsyncSession, scope: ProvinceScope, reaches: Collection[str]) -> dict[str, int]:
    """How many cameras there are to watch in each reach."""
    query = (
        select(Facility.reach, func.count())
        .select_from(Camera)
        .join(Facility, Camera.facility_id == Facility.id)
        .where(*_watchable(scope, reaches))  # type: ignore[arg-type]
        .group_by(Facility.reach)
    )
    return {row[0]: row[1] for row in (await session.execute(query)).all()}


async def free_cameras(
    session: AsyncSession,
    scope: ProvinceScope,
    reaches: Collection[str],
    now: datetime,
    *,
    free_since: datetime | None,
    limit: int,
) -> Sequence[Camera]:
    """Cameras nobody watches, longest free first, locked for this transaction.

    With ``free_since``, only those that have been free at least since then. On PostgreSQL rows that another claim
    holds are skipped; on SQLite there is one writer anyway.
    """
    free_from = func.coalesce(CameraLease.expires_at, Camera.created_at)
    query = (
        select(Camera)
        .join(Facility, Camera.facility_id == Facility.id)
        .join(Device, Camera.device_id == Device.id)
        .outerjoin(CameraLease, CameraLease.camera_id == Camera.id)
        .where(*_watchable(scope, reaches))  # type: ignore[arg-type]
        .where(or_(CameraLease.camera_id.is_(None), CameraLease.expires_at <= now))
        .order_by(free_from, Camera.id)
        .limit(limit)
        .with_for_update(of=Camera, skip_locked=True)
    )
    if free_since is not None:
        query = query.where(free_from <= free_since)
    return (await session.scalars(query)).unique().all()


async def grant(
    session: AsyncSession, cameras: Collection[UUID], worker_id: UUID, now: datetime, expires_at: datetime
) -> dict[UUID, int]:
    """Lease these cameras, which the caller has locked, and return their new epochs.

    A lease that somebody took meanwhile is left alone: on PostgreSQL the row lock of ``free_cameras`` was taken on
    the camera, and the lease is checked again here.
    """
    rows = await session.scalars(select(CameraLease).where(CameraLease.camera_id.in_(cameras)).with_for_update())
    known = {lease.camera_id: lease for lease in rows}
    epochs = {}
    for camera_id in cameras:
        lease = known.get(camera_id)
        if lease is None:
            lease = CameraLease(camera_id=camera_id, epoch=0, expires_at=now)
            session.add(lease)
        elif lease.expires_at > now:
            continue
        lease.epoch += 1
        lease.worker_id = worker_id
        lease.expires_at = expires_at
        epochs[camera_id] = lease.epoch
    await session.flush()
    return epochs


async def held(session: AsyncSession, worker_id: UUID, now: datetime) -> dict[UUID, tuple[int, Camera]]:
    """Epoch and camera of every lease this worker holds now on a camera that is still to be watched."""
    query = (
        select(CameraLease.epoch, Camera)
        .join(Camera, Camera.id == CameraLease.camera_id)
        .where(
            CameraLease.worker_id == worker_id,
            CameraLease.expires_at > now,
            Camera.enabled,
            ~Camera.record_only,
        )
    )
    return {camera.id: (epoch, camera) for epoch, camera in (await session.execute(query)).unique().all()}


async def prolong(session: AsyncSession, worker_id: UUID, cameras: Collection[UUID], expires_at: datetime) -> None:
    await session.execute(
        update(CameraLease)
        .where(CameraLease.worker_id == worker_id, CameraLease.camera_id.in_(cameras))
        .values(expires_at=expires_at)
    )


async def release(session: AsyncSession, worker_id: UUID, epochs: dict[UUID, int], now: datetime) -> None:
    """End leases of this worker now. The row stays, so that the epoch goes on growing."""
    rows = await session.scalars(
        select(CameraLease)
        .where(CameraLease.worker_id == worker_id, CameraLease.camera_id.in_(epochs))
        .with_for_update()
    )
    for lease in rows:
        if lease.epoch == epochs[lease.camera_id]:
            lease.worker_id, lease.expires_at = None, now
    await session.flush()


async def holder(session: AsyncSession, camera_id: UUID, now: datetime) -> Worker | None:
    """The worker that holds the lease on a camera now."""
    query = (
        select(Worker)
        .join(CameraLease, CameraLease.worker_id == Worker.id)
        .where(CameraLease.camera_id == camera_id, CameraLease.expires_at > now)
    )
    return (await session.scalars(query)).one_or_none()


async def leases(session: AsyncSession, cameras: Collection[UUID]) -> dict[UUID, KnownLease]:
    """The leases of these cameras as they stand, ended ones too."""
    rows = await session.execute(
        select(CameraLease.camera_id, CameraLease.worker_id, CameraLease.epoch, CameraLease.expires_at).where(
            CameraLease.camera_id.in_(cameras)
        )
    )
    return {row[0]: KnownLease(row[1], row[2], row[3]) for row in rows.all()}
