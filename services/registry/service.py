"""The registry as integrators and the monitoring centre use it: facilities and devices."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.contracts.errors import PreconditionFailed, Unavailable
from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.messages import RosterChange, RosterChanged
from services.contracts.scope import ProvinceScope
from services.registry import provinces, repository
from services.registry.errors import (
    CameraAlreadyRegistered,
    DeviceNotFound,
    FacilityCodeTaken,
    FacilityHasCameras,
    FacilityNotFound,
    ProvinceUnknown,
)
from services.registry.ports import AuditLog, Publisher
from services.registry.snapshots import SnapshotFiles
from services.registry.sources import in_reach
from services.registry.tables import Camera, Device, Facility, FacilityKind
from services.runtime.clock import Clock
from services.storage.database import Transactions, violates
from services.storage.paging import Page, PageRequest, page_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewFacility:
    """A facility as an integrator describes it."""

    code: str
    name: str
    province_code: str
    province_edition: int = 2021
    kind: FacilityKind = FacilityKind.PROVINCE_RUN
    managing_authority: str | None = None
    designated_enterprise: str | None = None
    address: str | None = None
    contact_name: str | None = None
    contact_position: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    reach: str = "default"
    capacity: int | None = None


class Registry:
    """Facilities and devices. Cameras are in ``cameras.CameraRegistry``."""

    def __init__(
        self, transactions: Transactions, publisher: Publisher, audit: AuditLog, snapshots: SnapshotFiles, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._publisher = publisher
        self._audit = audit
        self._snapshots = snapshots
        self._clock = clock

    async def register_facility(self, principal: PrincipalId, scope: ProvinceScope, new: NewFacility) -> Facility:
        """Raises ProvinceUnknown (also for a province out of scope) or FacilityCodeTaken."""
        unit = provinces.find_unit(new.province_code, new.province_edition)
        if unit is None or not scope.covers(unit.id):
            raise ProvinceUnknown
        now = self._clock.now()
        facility = Facility(
            id=new_id(),
            code=new.code,
            name=new.name,
            province_unit_id=unit.id,
            kind=new.kind,
            managing_authority=new.managing_authority,
            designated_enterprise=new.designated_enterprise or provinces.designated_enterprise(unit),
            address=new.address,
            contact_name=new.contact_name,
            contact_position=new.contact_position,
            contact_phone=new.contact_phone,
            contact_email=new.contact_email,
            reach=new.reach,
            capacity=new.capacity,
            created_at=now,
            updated_at=now,
        )
        try:
            async with self._transactions.write() as session:
                session.add(facility)
                await session.flush()
                await session.refresh(facility, ["province_unit"])
                await self._audit.record(
                    session,
                    principal_id=principal,
                    action="facility.register",
                    subject=str(facility.id),
                    province_unit_id=unit.id,
                )
        except IntegrityError as error:
            if violates(error, "uq_facility_code", "facility.code"):
                raise FacilityCodeTaken from error
            raise
        await self.nudge(facility.id, RosterChange.FACILITY_CHANGED)
        return facility

    async def facility(self, scope: ProvinceScope, facility_id: FacilityId) -> Facility:
        """Raises FacilityNotFound."""
        async with self._transactions.read() as session:
            return _found(await repository.facility(session, scope, facility_id))

    async def facilities(
        self, scope: ProvinceScope, page: PageRequest, *, province: str | None = None, code: str | None = None
    ) -> Page[Facility]:
        """Facilities in order of registration. ``province`` is ``24`` or ``24@2025``; raises ProvinceUnknown."""
        units = None
        if province is not None:
            unit = provinces.parse_unit(province)
            if unit is None:
                raise ProvinceUnknown("/province")
            units = provinces.scope_of([unit.id]).units
        async with self._transactions.read() as session:
            rows = await repository.facilities(session, scope, page, units=units, code=code)
        return page_of(rows, page, lambda row: row.id)

    async def change_facility(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        changes: dict[str, Any],
        if_version: int | None,
    ) -> Facility:
        """Set the named columns. A new reach moves every camera of the facility into it."""
        try:
            async with self._transactions.write() as session:
                facility = _found(await repository.facility_locked(session, scope, facility_id))
                check_version(facility.version, if_version)
                for name, value in changes.items():
                    setattr(facility, name, value)
                facility.version += 1
                facility.updated_at = self._clock.now()
                if "reach" in changes:
                    _move_to_reach(await repository.cameras_of_facility(session, facility.id), facility.reach)
                await self._audit.record(
                    session,
                    principal_id=principal,
                    action="facility.change",
                    subject=str(facility.id),
                    province_unit_id=facility.province_unit_id,
                    details={"fields": sorted(changes)},
                )
        except IntegrityError as error:
            if violates(error, "uq_camera_source_key", "camera.source_key"):
                raise CameraAlreadyRegistered from error
            raise
        await self.nudge(facility.id, RosterChange.FACILITY_CHANGED)
        return facility

    async def remove_facility(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        *,
        cascade: bool,
        if_version: int | None,
    ) -> None:
        """Delete a facility, with its cameras if ``cascade``. Raises FacilityHasCameras."""
        async with self._transactions.write() as session:
            facility = _found(await repository.facility_locked(session, scope, facility_id))
            check_version(facility.version, if_version)
            cameras = await repository.cameras_of_facility(session, facility.id)
            if cameras and not cascade:
                raise FacilityHasCameras(
                    f"The facility still has {len(cameras)} cameras. Delete them first, or add ?cascade=true."
                )
            for camera in cameras:
                await session.delete(camera)
            await session.flush()
            for device_id in {camera.device_id for camera in cameras}:
                await repository.delete_unused_device(session, device_id)
            await session.delete(facility)
            await self._audit.record(
                session,
                principal_id=principal,
                action="facility.remove",
                subject=str(facility_id),
                province_unit_id=facility.province_unit_id,
                details={"code": facility.code, "cameras": len(cameras)},
            )
        for camera in cameras:
            await self._snapshots.remove(camera.id)
        await self.nudge(facility_id, RosterChange.CAMERA_RETIRED)

    async def device(self, scope: ProvinceScope, device_id: UUID) -> Device:
        """Raises DeviceNotFound."""
        async with self._transactions.read() as session:
            device = await repository.device(session, scope, device_id)
        if device is None:
            raise DeviceNotFound
        return device

    async def devices(self, scope: ProvinceScope, page: PageRequest, *, facility_id: UUID | None) -> Page[Device]:
        async with self._transactions.read() as session:
            rows = await repository.devices(session, scope, page, facility_id=facility_id)
        return page_of(rows, page, lambda row: row.id)

    async def facilities_by_unit(self, scope: ProvinceScope) -> Sequence[tuple[UUID, str]]:
        """(facility id, province unit id) of every facility in scope."""
        async with self._transactions.read() as session:
            return await repository.facility_ids_with_units(session, scope)

    async def nudge(self, facility_id: FacilityId, change: RosterChange, camera_id: UUID | None = None) -> None:
        """Tell workers and aggregator at once what they would find out at their next round anyway."""
        await nudge(self._publisher, facility_id, change, camera_id)


async def nudge(
    publisher: Publisher, facility_id: FacilityId, change: RosterChange, camera_id: UUID | None = None
) -> None:
    """Tell workers and aggregator at once what they would find out at their next round anyway."""
    try:
        await publisher.publish(RosterChanged(facility_id=facility_id, change=change, camera_id=camera_id))
    except Unavailable as error:
        log.warning("nudge not published", extra={"facility_id": facility_id, "error": error.detail})


def check_version(version: int, if_version: int | None) -> None:
    """Raises PreconditionFailed when the caller read another version than the present one."""
    if if_version is not None and if_version != version:
        raise PreconditionFailed


def _found(facility: Facility | None) -> Facility:
    if facility is None:
        raise FacilityNotFound
    return facility


def _move_to_reach(cameras: Sequence[Camera], reach: str) -> None:
    for camera in cameras:
        camera.source_key = in_reach(camera.source_key, reach)
        camera.watch_version += 1
