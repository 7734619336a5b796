"""Cameras as integrators register them: by RTSP address, or by ONVIF device."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.contracts.errors import Fault, Invalid
from services.contracts.ids import CameraId, FacilityId, PrincipalId
from services.contracts.messages import RosterChange
from services.contracts.scope import ProvinceScope
from services.contracts.zones import FORBIDDEN_ZONES, Zone
from services.registry import provinces, repository
from services.registry.credentials import CredentialVault
from services.registry.devices import forgive
from services.registry.errors import (
    CameraAlreadyRegistered,
    CameraNotFound,
    FacilityNotFound,
    ProvinceUnknown,
    ZoneForbidden,
)
from services.registry.installation import Installer, NewCamera
from services.registry.locator import NewCredentials
from services.registry.ports import AuditLog
from services.registry.service import Registry, check_version
from services.registry.snapshots import SnapshotFiles
from services.registry.tables import Camera, Facility
from services.runtime.clock import Clock
from services.storage.database import Transactions, violates
from services.storage.paging import Page, PageRequest, page_of

#: What a watching worker must learn.
_HOW_WATCHED = frozenset({"watch_policy", "sample_every_s", "stream_choice"})


class CameraRegistry:
    """Registers, changes and retires cameras."""

    def __init__(
        self,
        transactions: Transactions,
        registry: Registry,
        vault: CredentialVault,
        audit: AuditLog,
        installer: Installer,
        snapshots: SnapshotFiles,
        clock: Clock,
    ) -> None:
        self._transactions = transactions
        self._registry = registry
        self._vault = vault
        self._audit = audit
        self._installer = installer
        self._snapshots = snapshots
        self._clock = clock

    async def register_camera(self, principal: PrincipalId, scope: ProvinceScope, new: NewCamera) -> Camera:
        """Store a camera and nudge the workers.

        Raises FacilityNotFound, ZoneForbidden, SourceInvalid, AddressRefused, ChannelRequired (a recorder whose
        channel is not named), CameraAlreadyRegistered. Nothing is stored then. A device that does not answer now is
        accepted: its camera's status will say what is wrong.
        """
        zone = read_zone(new.zone)
        async with self._transactions.read() as session:
            facility = await repository.facility(session, scope, new.facility_id)
        if facility is None:
            raise FacilityNotFound(faults=(Fault("/facility_id", "is not a facility within your provinces"),))
        async with self._installer.turn(new.source):
            camera = await self._locate_and_insert(principal, facility, new, zone)
        await self._registry.nudge(facility.id, RosterChange.CAMERA_REGISTERED, camera.id)
        return camera

    async def _locate_and_insert(
        self, principal: PrincipalId, facility: Facility, new: NewCamera, zone: Zone
    ) -> Camera:
        located = await self._installer.locate(facility.id, facility.reach, new.source, new.credentials)
        try:
            async with self._transactions.write() as session:
                camera = await self._installer.insert(session, facility, new, zone, located)
                await self._audit.record(
                    session,
                    principal_id=principal,
                    action="camera.register",
                    subject=str(camera.id),
                    province_unit_id=facility.province_unit_id,
                    details={"facility_id": str(facility.id), "credentials": new.credentials is not None},
                )
        except IntegrityError as error:
            if violates(error, "uq_camera_source_key", "camera.source_key", "uq_device_facility_id_protocol"):
                raise CameraAlreadyRegistered from error
            if violates(error, "fk_camera_facility_id", "fk_device_facility_id", "FOREIGN KEY"):
                raise FacilityNotFound(faults=(Fault("/facility_id", "was deleted meanwhile"),)) from error
            raise
        return camera

    async def camera(self, scope: ProvinceScope, camera_id: CameraId) -> Camera:
        """Raises CameraNotFound."""
        async with self._transactions.read() as session:
            return _found(await repository.camera(session, scope, camera_id))

    async def cameras(
        self,
        scope: ProvinceScope,
        page: PageRequest,
        *,
        facility_id: UUID | None = None,
        province: str | None = None,
    ) -> Page[Camera]:
        units = None
        if province is not None:
            unit = provinces.parse_unit(province)
            if unit is None:
                raise ProvinceUnknown("/province")
            units = provinces.scope_of([unit.id]).units
        async with self._transactions.read() as session:
            rows = await repository.cameras(session, scope, page, facility_id=facility_id, units=units)
        return page_of(rows, page, lambda row: row.id)

    async def cameras_of(self, scope: ProvinceScope, facility_id: FacilityId) -> Sequence[Camera]:
        """All cameras of a facility in scope; empty for one out of scope."""
        async with self._transactions.read() as session:
            if await repository.facility(session, scope, facility_id) is None:
                return ()
            return await repository.cameras_of_facility(session, facility_id)

    async def change_camera(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        camera_id: CameraId,
        changes: dict[str, Any],
        if_version: int | None,
    ) -> Camera:
        """Set columns of these names, or ``source`` (NewRtspSource, NewOnvifSource).

        A worker that watches the camera learns at once how it is to be watched from now on.
        """
        source = changes.pop("source", None)
        if "zone" in changes:
            changes["zone"] = read_zone(changes["zone"])
        camera = await self.camera(scope, camera_id)
        check_version(camera.version, if_version)
        located = None
        if source is not None:
            known = self._vault.reveal(camera)
            credentials = NewCredentials(known.username, known.password) if known else None
            located = await self._installer.locate(camera.facility_id, camera.facility.reach, source, credentials)
        try:
            async with self._transactions.write() as session:
                camera = _found(await repository.camera(session, scope, camera_id))
                check_version(camera.version, if_version)
                for name, value in changes.items():
                    setattr(camera, name, value)
                if changes.keys() & _HOW_WATCHED:
                    camera.watch_version += 1
                if located is not None:
                    await self._installer.move(session, camera, located)
                camera.version += 1
                camera.updated_at = self._clock.now()
                await self._audit.record(
                    session,
                    principal_id=principal,
                    action="camera.change",
                    subject=str(camera_id),
                    province_unit_id=camera.facility.province_unit_id,
                    details={"fields": sorted([*changes, *(["source"] if source else [])])},
                )
        except IntegrityError as error:
            if violates(error, "uq_camera_source_key", "camera.source_key"):
                raise CameraAlreadyRegistered from error
            raise
        await self._registry.nudge(camera.facility_id, RosterChange.CAMERA_CHANGED, camera.id)
        return camera

    async def remove_camera(
        self, principal: PrincipalId, scope: ProvinceScope, camera_id: CameraId, if_version: int | None
    ) -> None:
        """Delete a camera, its credentials and its lease. Its worker learns it at its next renewal."""
        async with self._transactions.write() as session:
            camera = _found(await repository.camera(session, scope, camera_id))
            check_version(camera.version, if_version)
            await session.delete(camera)
            await session.flush()
            await repository.delete_unused_device(session, camera.device_id)
            await self._audit.record(
                session,
                principal_id=principal,
                action="camera.remove",
                subject=str(camera_id),
                province_unit_id=camera.facility.province_unit_id,
                details={"facility_id": str(camera.facility_id), "name": camera.name},
            )
        await self._snapshots.remove(camera_id)
        await self._registry.nudge(camera.facility_id, RosterChange.CAMERA_RETIRED, camera.id)

    async def enter_credentials(
        self, principal: PrincipalId, scope: ProvinceScope, camera_id: CameraId, credentials: NewCredentials | None
    ) -> Camera:
        """Set a camera's credentials, or remove them with None. Waiting workers try them at once."""
        async with self._transactions.write() as session:
            camera = _found(await repository.camera(session, scope, camera_id))
            if credentials is None:
                camera.credential = None
            else:
                now = self._clock.now()
                self._vault.enter(camera, credentials.username, credentials.password, now)
                fingerprint = self._vault.fingerprint(camera.device_id, credentials.username, credentials.password)
                await forgive(session, camera.device_id, fingerprint, now)
            camera.watch_version += 1
            camera.version += 1
            camera.updated_at = self._clock.now()
            await self._audit.record(
                session,
                principal_id=principal,
                action="camera.credentials",
                subject=str(camera_id),
                province_unit_id=camera.facility.province_unit_id,
                details={"removed": credentials is None},
            )
        await self._registry.nudge(camera.facility_id, RosterChange.CREDENTIALS_CHANGED, camera.id)
        return camera


def read_zone(zone: str, pointer: str = "/zone") -> Zone:
    """The zone of this name. Raises ZoneForbidden or Invalid."""
    if zone in FORBIDDEN_ZONES:
        raise ZoneForbidden(pointer)
    try:
        return Zone(zone)
    except ValueError as error:
        raise Invalid("This is not a zone.", faults=(Fault(pointer, f"must be one of {', '.join(Zone)}"),)) from error


def _found(camera: Camera | None) -> Camera:
    if camera is None:
        raise CameraNotFound
    return camera
