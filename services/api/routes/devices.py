"""Devices: what stands behind the cameras."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.http import PageQuery
from services.api.schemas.base import Listing
from services.api.schemas.cameras import DeviceOut

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.get("")
async def list_devices(
    page: PageQuery,
    services: Services,
    principal: Annotated[Principal, needs(Scope.REGISTRY_READ)],
    facility_id: UUID | None = None,
) -> Listing[DeviceOut]:
    """Devices within your provinces, in order of registration."""
    found = await services.registry.devices(principal.provinces, page, facility_id=facility_id)
    return Listing(items=[DeviceOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{device_id}")
async def get_device(
    device_id: UUID, services: Services, principal: Annotated[Principal, needs(Scope.REGISTRY_READ)]
) -> DeviceOut:
    """One device."""
    return DeviceOut.model_validate(await services.registry.device(principal.provinces, device_id))
