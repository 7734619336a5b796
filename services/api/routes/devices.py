"""Devices: what stands behind the cameras, and what is done with a device as a whole."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.http import PageQuery
from services.api.schemas.base import Listing
from services.api.schemas.cameras import CredentialsIn
from services.api.schemas.devices import (
    AcknowledgedOut,
    ClockOut,
    ConflictOut,
    DeviceChangeOut,
    DeviceOut,
    FactoryPasswordOut,
    IdentityIn,
)
from services.registry.locator import NewCredentials
from services.registry.tables import Device

router = APIRouter(prefix="/v1/devices", tags=["devices"])

Reads = Annotated[Principal, needs(Scope.REGISTRY_READ)]
Writes = Annotated[Principal, needs(Scope.REGISTRY_WRITE)]


@router.get("")
async def list_devices(
    page: PageQuery, services: Services, principal: Reads, facility_id: UUID | None = None
) -> Listing[DeviceOut]:
    """Devices within your provinces, in order of registration."""
    found = await services.registry.devices(principal.provinces, page, facility_id=facility_id)
    return Listing(items=[device_out(row) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{device_id}")
async def get_device(device_id: UUID, services: Services, principal: Reads) -> DeviceOut:
    """One device with all its facts, and with what speaks against its identity."""
    return device_out(await services.registry.device(principal.provinces, device_id))


@router.put("/{device_id}/credentials", status_code=204)
async def enter_device_credentials(device_id: UUID, body: CredentialsIn, services: Services, principal: Writes) -> None:
    """Set user name and password for all cameras of a device; workers try them at once. They are never given back."""
    await services.devices.enter_credentials(
        principal.id, principal.provinces, device_id, NewCredentials(body.username, body.password)
    )


@router.post("/{device_id}/clock")
async def set_device_clock(device_id: UUID, services: Services, principal: Writes) -> ClockOut:
    """Set the clock of an ONVIF device to that of the worker that gets to it."""
    return ClockOut.model_validate(await services.devices.set_clock(principal.id, principal.provinces, device_id))


@router.post("/{device_id}/factory-password-check")
async def check_factory_password(device_id: UUID, services: Services, principal: Writes) -> FactoryPasswordOut:
    """Try the factory passwords of the device's maker, two at most. For the owner of the device only; audited.

    Refused while the device has refused anything within the last hour: one more could lock the account.
    """
    checked = await services.devices.check_factory_password(principal.id, principal.provinces, device_id)
    return FactoryPasswordOut(factory_password=checked.accepts, tried=checked.tried, checked_at=checked.at)


@router.post("/{device_id}/identity")
async def decide_identity(device_id: UUID, body: IdentityIn, services: Services, principal: Writes) -> DeviceOut:
    """Decide a conflict: what stands there now is this device from now on, or it is not and the note is put aside."""
    device = await services.devices.decide_identity(principal.id, principal.provinces, device_id, accept=body.accept)
    return device_out(device)


@router.get("/{device_id}/changes")
async def list_device_changes(
    device_id: UUID, page: PageQuery, services: Services, principal: Reads
) -> Listing[DeviceChangeOut]:
    """What became another thing: firmware, address, identity, settings of streams. In order of time."""
    found = await services.devices.changes(principal.provinces, device_id, page)
    return Listing(items=[DeviceChangeOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


@router.post("/{device_id}/changes/acknowledge")
async def acknowledge_device_changes(device_id: UUID, services: Services, principal: Writes) -> AcknowledgedOut:
    """Say that all changes so far are well; its cameras are no longer marked with `settings_changed`."""
    return AcknowledgedOut(
        changes=await services.devices.acknowledge_changes(principal.id, principal.provinces, device_id)
    )


def device_out(device: Device) -> DeviceOut:
    """A device as the API tells it."""
    columns = {name: getattr(device, name) for name in DeviceOut.model_fields if name != "conflicts"}
    conflicts = [] if device.conflict is None else [ConflictOut.model_validate(device.conflict)]
    return DeviceOut(conflicts=conflicts, **columns)
