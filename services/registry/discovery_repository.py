"""All SQL of searches: their rows, what hosts said to credentials, and the sets of a site."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from services.contracts.discovery import FOUND_MAX
from services.contracts.scope import ProvinceScope
from services.registry.discovery_tables import (
    CredentialSet,
    DeviceChange,
    Discovery,
    DiscoveryAttempt,
    DiscoveryKind,
    DiscoveryStatus,
)
from services.registry.tables import AuthAttempt, Camera, Device, Facility
from services.storage.database import AsyncSession
from services.storage.paging import PageRequest


def _within(query: Any, scope: ProvinceScope) -> Any:
    return query if scope.units is None else query.where(Facility.province_unit_id.in_(scope.units))


async def discovery(
    session: AsyncSession, scope: ProvinceScope, discovery_id: UUID, *, locked: bool = False
) -> Discovery | None:
    """A search in scope; ``locked``: kept from changing under us until the transaction ends."""
    query = select(Discovery).join(Facility, Discovery.facility_id == Facility.id).where(Discovery.id == discovery_id)
    if locked:
        query = query.with_for_update(of=Discovery)
    return (await session.scalars(_within(query, scope))).one_or_none()


async def discoveries(
    session: AsyncSession, scope: ProvinceScope, page: PageRequest, *, facility_id: UUID | None
) -> Sequence[Discovery]:
    query = _within(select(Discovery).join(Facility, Discovery.facility_id == Facility.id), scope)
    query = query.order_by(Discovery.id).limit(page.limit + 1)
    if facility_id is not None:
        query = query.where(Discovery.facility_id == facility_id)
    if page.after is not None:
        query = query.where(Discovery.id > page.after)
    return (await session.scalars(query)).all()


async def count_running(session: AsyncSession, facility_id: UUID) -> int:
    """Searches of a facility that somebody asked for and that run now."""
    query = select(func.count()).where(
        Discovery.facility_id == facility_id,
        Discovery.status == DiscoveryStatus.RUNNING,
        Discovery.kind == DiscoveryKind.ASKED,
    )
    return await session.scalar(query) or 0


async def searched_since(session: AsyncSession, facility_id: UUID, since: datetime) -> bool:
    """Whether the registry itself has looked for devices of a facility since then."""
    query = select(func.count()).where(
        Discovery.facility_id == facility_id,
        Discovery.kind == DiscoveryKind.SEARCH,
        or_(Discovery.created_at >= since, Discovery.status == DiscoveryStatus.RUNNING),
    )
    return bool(await session.scalar(query))


async def claimable(
    session: AsyncSession, scope: ProvinceScope, reaches: Collection[str], silent_since: datetime, attempts_max: int
) -> Discovery | None:
    """The oldest search that no living worker runs, locked for this transaction.

    On PostgreSQL rows that another claim holds are skipped; on SQLite there is one writer anyway.
    """
    query = (
        select(Discovery)
        .join(Facility, Discovery.facility_id == Facility.id)
        .where(Discovery.status == DiscoveryStatus.RUNNING, Discovery.attempts < attempts_max)
        .where(or_(Discovery.worker_id.is_(None), Discovery.heartbeat_at < silent_since))
        .order_by(Discovery.created_at, Discovery.id)
        .limit(1)
        .with_for_update(of=Discovery, skip_locked=True)
    )
    if reaches:
        query = query.where(Facility.reach.in_(reaches))
    found: Discovery | None = (await session.scalars(_within(query, scope))).one_or_none()
    return found


async def runs_one(session: AsyncSession, worker_id: UUID, heard_since: datetime) -> bool:
    """Whether a worker runs a search now."""
    query = select(func.count()).where(
        Discovery.worker_id == worker_id,
        Discovery.status == DiscoveryStatus.RUNNING,
        Discovery.heartbeat_at >= heard_since,
    )
    return bool(await session.scalar(query))


async def unattended(
    session: AsyncSession, waiting_since: datetime, silent_since: datetime, attempts_max: int
) -> Sequence[Discovery]:
    """Running searches that nobody came for in time, or that were lost too often, locked for this transaction."""
    query = (
        select(Discovery)
        .where(Discovery.status == DiscoveryStatus.RUNNING)
        .where(
            or_(
                func.coalesce(Discovery.heartbeat_at, Discovery.created_at) < waiting_since,
                (Discovery.attempts >= attempts_max) & (Discovery.heartbeat_at < silent_since),
            )
        )
        .with_for_update(of=Discovery, skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def forget(session: AsyncSession, *, secrets: datetime, searches: datetime, attempts: datetime) -> None:
    """Erase what is older: credentials of searches, searches, and what hosts said to credentials."""
    await session.execute(
        update(Discovery)
        .where(Discovery.credentials.is_not(None), Discovery.created_at < secrets)
        .values(credentials=None)
    )
    await session.execute(delete(Discovery).where(Discovery.created_at < searches))
    await session.execute(delete(DiscoveryAttempt).where(DiscoveryAttempt.at < attempts))


async def attempt(session: AsyncSession, reach: str, address: str, fingerprint: str) -> DiscoveryAttempt | None:
    return await session.get(DiscoveryAttempt, (reach, address, fingerprint))


async def attempts(session: AsyncSession, reach: str, since: datetime) -> Sequence[DiscoveryAttempt]:
    """What hosts of a reach have refused since then, the latest of them."""
    query = select(DiscoveryAttempt).where(
        DiscoveryAttempt.reach == reach, DiscoveryAttempt.refusals > 0, DiscoveryAttempt.at >= since
    )
    return (await session.scalars(query.order_by(DiscoveryAttempt.at.desc()).limit(FOUND_MAX))).all()


async def attempt_for_update(
    session: AsyncSession, reach: str, address: str, fingerprint: str, now: datetime
) -> DiscoveryAttempt:
    """The row to count in. Two searches may meet at one host: whoever comes second waits for the first."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {
        "reach": reach,
        "address": address,
        "fingerprint": fingerprint,
        "refusals": 0,
        "locked_out": False,
        "at": now,
    }
    await session.execute(dialect.insert(DiscoveryAttempt).values(row).on_conflict_do_nothing())
    return await session.get_one(DiscoveryAttempt, (reach, address, fingerprint), with_for_update=True)


async def device_attempts(session: AsyncSession, facility_id: UUID) -> Sequence[tuple[str, AuthAttempt]]:
    """What registered devices of a facility have refused, with the address of each."""
    query = (
        select(Device.address, AuthAttempt)
        .join(Device, Device.id == AuthAttempt.device_id)
        .where(Device.facility_id == facility_id, AuthAttempt.refusals > 0)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def devices_of(session: AsyncSession, facility_id: UUID) -> Sequence[Device]:
    """All devices of a facility, in order of registration."""
    query = select(Device).where(Device.facility_id == facility_id).order_by(Device.id)
    return (await session.scalars(query)).all()


async def cameras_of(session: AsyncSession, device_ids: Collection[UUID]) -> Sequence[Camera]:
    """All cameras of these devices."""
    query = select(Camera).where(Camera.device_id.in_(device_ids)).order_by(Camera.id)
    return (await session.scalars(query)).unique().all()


async def cameras_by_key(session: AsyncSession, keys: Collection[str]) -> dict[str, Camera]:
    """Cameras with these source keys, wherever they are."""
    rows = (await session.scalars(select(Camera).where(Camera.source_key.in_(keys)))).unique()
    return {camera.source_key: camera for camera in rows}


async def credential_sets(session: AsyncSession, facility_id: UUID) -> Sequence[CredentialSet]:
    """The sets of a facility in the order in which they are tried."""
    query = select(CredentialSet).where(CredentialSet.facility_id == facility_id)
    return (await session.scalars(query.order_by(CredentialSet.position, CredentialSet.id))).all()


async def credential_set(
    session: AsyncSession, scope: ProvinceScope, set_id: UUID
) -> tuple[CredentialSet, Facility] | None:
    query = (
        select(CredentialSet, Facility)
        .join(Facility, CredentialSet.facility_id == Facility.id)
        .where(CredentialSet.id == set_id)
    )
    row = (await session.execute(_within(query, scope))).one_or_none()
    return None if row is None else (row[0], row[1])


async def changes(session: AsyncSession, device_id: UUID, page: PageRequest) -> Sequence[DeviceChange]:
    query = select(DeviceChange).where(DeviceChange.device_id == device_id).order_by(DeviceChange.id)
    if page.after is not None:
        query = query.where(DeviceChange.id > page.after)
    return (await session.scalars(query.limit(page.limit + 1))).all()


async def unacknowledged(session: AsyncSession, device_id: UUID) -> Sequence[DeviceChange]:
    query = select(DeviceChange).where(DeviceChange.device_id == device_id, DeviceChange.acknowledged_at.is_(None))
    return (await session.scalars(query)).all()
