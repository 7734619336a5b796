"""What others may know of the registry, asked within their own transaction. Satisfies ports of aggregator and programme."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from services.contracts.ids import CameraId, FacilityId
from services.contracts.roster import KnownLease, RosterCamera
from services.contracts.scope import ProvinceScope
from services.registry import lease_repository, repository
from services.registry.tables import Camera, Facility
from services.storage.database import AsyncSession


@dataclass(frozen=True, slots=True)
class FacilityFact:
    """What the programme needs of a facility."""

    facility_id: FacilityId
    code: str
    name: str
    province_unit_id: str
    designated_enterprise: str
    has_contact: bool


class RegistryRoster:
    """Rosters, leases and facts."""

    async def roster_of(self, session: AsyncSession, facility_id: FacilityId) -> Sequence[RosterCamera] | None:
        """The cameras of a facility; None if there is no such facility (any more)."""
        if await session.get(Facility, facility_id) is None:
            return None
        rows = await session.execute(
            select(Camera.id, Camera.zone, Camera.enabled, Camera.maintenance, Camera.record_only, Camera.name)
            .where(Camera.facility_id == facility_id)
            .order_by(Camera.id)
        )
        return [RosterCamera(*row) for row in rows.all()]

    async def leases_of(self, session: AsyncSession, cameras: Collection[CameraId]) -> Mapping[CameraId, KnownLease]:
        """The leases of these cameras as the database knows them, ended ones too."""
        return await lease_repository.leases(session, cameras)

    async def facility_fact(
        self, session: AsyncSession, scope: ProvinceScope, facility_id: FacilityId
    ) -> FacilityFact | None:
        """The facility, if it is in scope."""
        row = await repository.facility(session, scope, facility_id)
        return None if row is None else _fact(row)

    async def facility_facts(self, session: AsyncSession, scope: ProvinceScope) -> Sequence[FacilityFact]:
        """All facilities in scope, in order of their codes."""
        query = select(Facility).order_by(Facility.code)
        if scope.units is not None:
            query = query.where(Facility.province_unit_id.in_(scope.units))
        return [_fact(row) for row in (await session.scalars(query)).all()]

    async def camera_counts(self, session: AsyncSession) -> Mapping[FacilityId, int]:
        """How many cameras are registered at each facility that has any, the whole country over."""
        rows = await session.execute(select(Camera.facility_id, func.count()).group_by(Camera.facility_id))
        return {row[0]: row[1] for row in rows.all()}

    async def facility_ids(self, session: AsyncSession) -> Sequence[UUID]:
        """Ids of all facilities, for a slow pass over everything."""
        return (await session.scalars(select(Facility.id).order_by(Facility.id))).all()


def _fact(row: Facility) -> FacilityFact:
    return FacilityFact(
        facility_id=row.id,
        code=row.code,
        name=row.name,
        province_unit_id=row.province_unit_id,
        designated_enterprise=row.designated_enterprise,
        has_contact=bool(row.contact_name and (row.contact_phone or row.contact_email)),
    )
