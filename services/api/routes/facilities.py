"""Facilities: register, list, change, delete, and how they are."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.http import IfMatch, PageQuery, tag
from services.api.idempotency import IdempotentRoute
from services.api.schemas.base import Advice, Listing, ReasonOut
from services.api.schemas.facilities import FacilityIn, FacilityOut, FacilityPatch, FacilityStatus, StateChangeOut
from services.api.status import facility_status
from services.contracts.ladder import Reason
from services.registry.service import NewFacility
from services.registry.tables import Facility

router = APIRouter(prefix="/v1/facilities", tags=["facilities"], route_class=IdempotentRoute)


@router.post("", status_code=201)
async def register_facility(
    body: FacilityIn,
    response: Response,
    services: Services,
    principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)],
) -> FacilityOut:
    """Register a facility."""
    facility = await services.registry.register_facility(
        principal.id, principal.provinces, NewFacility(**body.model_dump())
    )
    await services.programme.catch_up(principal.id, principal.provinces, facility.id)
    response.headers["Location"] = f"/v1/facilities/{facility.id}"
    tag(response, facility.version)
    return facility_out(facility)


@router.get("")
async def list_facilities(
    page: PageQuery,
    services: Services,
    principal: Annotated[Principal, needs(Scope.REGISTRY_READ)],
    province: Annotated[str | None, Query(max_length=8, description="`24` or `24@2025`.")] = None,
    code: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[FacilityOut]:
    """Facilities within your provinces, in order of registration."""
    found = await services.registry.facilities(principal.provinces, page, province=province, code=code)
    return Listing(items=[facility_out(facility) for facility in found.items], next_cursor=found.next_cursor)


@router.get("/{facility_id}")
async def get_facility(
    facility_id: UUID,
    response: Response,
    services: Services,
    principal: Annotated[Principal, needs(Scope.REGISTRY_READ)],
) -> FacilityOut:
    """One facility."""
    facility = await services.registry.facility(principal.provinces, facility_id)
    tag(response, facility.version)
    return facility_out(facility)


@router.patch("/{facility_id}")
async def change_facility(
    facility_id: UUID,
    body: FacilityPatch,
    response: Response,
    services: Services,
    if_match: IfMatch,
    principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)],
) -> FacilityOut:
    """Change some fields of a facility (JSON merge patch)."""
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    facility = await services.registry.change_facility(
        principal.id, principal.provinces, facility_id, changes, if_match
    )
    tag(response, facility.version)
    return facility_out(facility)


@router.delete("/{facility_id}", status_code=204)
async def remove_facility(
    facility_id: UUID,
    services: Services,
    if_match: IfMatch,
    principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)],
    cascade: Annotated[bool, Query(description="Delete its cameras too.")] = False,
) -> None:
    """Delete a facility. One that still has cameras is kept unless `cascade=true`."""
    await services.registry.remove_facility(
        principal.id, principal.provinces, facility_id, cascade=cascade, if_version=if_match
    )


@router.get("/{facility_id}/status")
async def get_facility_status(
    facility_id: UUID, services: Services, principal: Annotated[Principal, needs(Scope.STATUS_READ)]
) -> FacilityStatus:
    """Whether a facility is connected, since when, and why (not)."""
    facility = await services.registry.facility(principal.provinces, facility_id)
    cameras = await services.cameras.cameras_of(principal.provinces, facility_id)
    healths = await services.status.camera_healths([camera.id for camera in cameras])
    return facility_status(facility, await services.status.facility_state(facility_id), cameras, healths)


@router.get("/{facility_id}/changes")
async def list_state_changes(
    facility_id: UUID, page: PageQuery, services: Services, principal: Annotated[Principal, needs(Scope.STATUS_READ)]
) -> Listing[StateChangeOut]:
    """Every change of a facility's state, in order of time."""
    await services.registry.facility(principal.provinces, facility_id)
    found = await services.status.state_changes(facility_id, page)
    items = [
        StateChangeOut(
            id=row.id,
            was=row.was,
            now=row.now,
            reasons=[ReasonOut.of(Reason(code)) for code in row.reasons],
            at=row.at,
        )
        for row in found.items
    ]
    return Listing(items=items, next_cursor=found.next_cursor)


def facility_out(facility: Facility) -> FacilityOut:
    """A facility as the API tells it."""
    unit = facility.province_unit
    columns = {
        name: getattr(facility, name)
        for name in FacilityOut.model_fields
        if name not in {"province_code", "province_edition", "province_name"}
    }
    return FacilityOut(
        province_code=unit.code,
        province_edition=unit.edition,
        province_name=Advice(en=unit.name_en, vi=unit.name_vi),
        **columns,
    )
