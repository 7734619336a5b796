"""All SQL of the registry but that of leases. Every question about facilities takes a scope."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from services.contracts.scope import ProvinceScope
from services.registry.tables import AuthAttempt, Camera, Device, Facility, Protocol, ProvinceUnit, SnapshotRow
from services.storage.database import AsyncSession
from services.storage.paging import PageRequest


def _within(query: Any, scope: ProvinceScope) -> Any:
    if scope.units is None:
        return query
    return query.where(Facility.province_unit_id.in_(scope.units))


async def facility(session: AsyncSession, scope: ProvinceScope, facility_id: UUID) -> Facility | None:
    query = select(Facility).where(Facility.id == facility_id)
    return (await session.scalars(_within(query, scope))).one_or_none()


async def facility_locked(session: AsyncSession, scope: ProvinceScope, facility_id: UUID) -> Facility | None:
    """The facility, kept from changing under us until the transaction ends."""
    query = select(Facility).where(Facility.id == facility_id).with_for_update(of=Facility)
    return (await session.scalars(_within(query, scope))).one_or_none()


async def facilities(
    session: AsyncSession, scope: ProvinceScope, page: PageRequest, *, units: Collection[str] | None, code: str | None
) -> Sequence[Facility]:
    query = _within(select(Facility), scope).order_by(Facility.id).limit(page.limit + 1)
    if units is not None:
        query = query.where(Facility.province_unit_id.in_(units))
    if code is not None:
        query = query.where(Facility.code == code)
    if page.after is not None:
        query = query.where(Facility.id > page.after)
    return (await session.scalars(query)).all()


async def camera(session: AsyncSession, scope: ProvinceScope, camera_id: UUID) -> Camera | None:
    query = select(Camera).join(Facility, Camera.facility_id == Facility.id).where(Camera.id == camera_id)
    return (await session.scalars(_within(query, scope))).unique().one_or_none()


async def cameras(
    session: AsyncSession,
    scope: ProvinceScope,
    page: PageRequest,
    *,
    facility_id: UUID | None = None,
    units: Collection[str] | None = None,
) -> Sequence[Camera]:
    query = _within(select(Camera).join(Facility, Camera.facility_id == Facility.id), scope)
    query = query.order_by(Camera.id).limit(page.limit + 1)
    if facility_id is not None:
        query = query.where(Camera.facility_id == facility_id)
    if units is not None:
        query = query.where(Facility.province_unit_id.in_(units))
    if page.after is not None:
        query = query.where(Camera.id > page.after)
    return (await session.scalars(query)).unique().all()


async def camera_by_key(session: AsyncSession, source_key: str) -> Camera | None:
    return (await session.scalars(select(Camera).where(Camera.source_key == source_key))).unique().one_or_none()


async def count_cameras(session: AsyncSession, facility_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(Camera.facility_id == facility_id)) or 0


async def cameras_of_facility(session: AsyncSession, facility_id: UUID) -> Sequence[Camera]:
    return (await session.scalars(select(Camera).where(Camera.facility_id == facility_id))).unique().all()


async def device(session: AsyncSession, scope: ProvinceScope, device_id: UUID) -> Device | None:
    query = select(Device).join(Facility, Device.facility_id == Facility.id).where(Device.id == device_id)
    return (await session.scalars(_within(query, scope))).one_or_none()


async def devices(
    session: AsyncSession, scope: ProvinceScope, page: PageRequest, *, facility_id: UUID | None
) -> Sequence[Device]:
    query = _within(select(Device).join(Facility, Device.facility_id == Facility.id), scope)
    query = query.order_by(Device.id).limit(page.limit + 1)
    if facility_id is not None:
        query = query.where(Device.facility_id == facility_id)
    if page.after is not None:
        query = query.where(Device.id > page.after)
    return (await session.scalars(query)).all()


async def device_at(
    session: AsyncSession, facility_id: UUID, protocol: Protocol, address: str, port: int
) -> Device | None:
    return (
        await session.scalars(
            select(Device).where(
                Device.facility_id == facility_id,
                Device.protocol == protocol,
                Device.address == address,
                Device.port == port,
            )
        )
    ).one_or_none()


async def retell_cameras(session: AsyncSession, device_id: UUID) -> None:
    """Workers that watch cameras of this device must learn anew what it is."""
    await session.execute(
        update(Camera).where(Camera.device_id == device_id).values(watch_version=Camera.watch_version + 1)
    )


async def delete_unused_device(session: AsyncSession, device_id: UUID) -> None:
    """Delete a device that gives no camera any more."""
    used = await session.scalar(select(func.count()).where(Camera.device_id == device_id))
    if not used:
        await session.execute(delete(Device).where(Device.id == device_id))


async def auth_attempt(session: AsyncSession, device_id: UUID, fingerprint: str) -> AuthAttempt | None:
    return await session.get(AuthAttempt, (device_id, fingerprint))


async def refused_since(session: AsyncSession, device_id: UUID, since: datetime) -> bool:
    """Whether a device has refused any credentials since then."""
    query = select(func.count()).where(
        AuthAttempt.device_id == device_id, AuthAttempt.refusals > 0, AuthAttempt.at >= since
    )
    return bool(await session.scalar(query))


async def snapshot(session: AsyncSession, camera_id: UUID) -> SnapshotRow | None:
    return await session.get(SnapshotRow, camera_id)


async def snapshots(session: AsyncSession, camera_ids: Collection[UUID]) -> Sequence[SnapshotRow]:
    return (await session.scalars(select(SnapshotRow).where(SnapshotRow.camera_id.in_(camera_ids)))).all()


async def province_units(session: AsyncSession) -> Sequence[ProvinceUnit]:
    return (await session.scalars(select(ProvinceUnit).order_by(ProvinceUnit.id))).all()


async def facility_ids_with_units(session: AsyncSession, scope: ProvinceScope) -> Sequence[tuple[UUID, str]]:
    """Every facility in scope with its province unit, for counts per province."""
    query = _within(select(Facility.id, Facility.province_unit_id), scope)
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
