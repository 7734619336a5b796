"""Province units: reference data."""

from typing import Annotated, Literal

from fastapi import APIRouter

from services.access.roles import Principal, Scope
from services.api.auth import needs
from services.api.schemas.access import ProvinceOut
from services.api.schemas.base import Listing
from services.registry import provinces

router = APIRouter(prefix="/v1/provinces", tags=["provinces"])


@router.get("")
async def list_provinces(
    principal: Annotated[Principal, needs(Scope.REGISTRY_READ)],  # noqa: ARG001 - any reader may see the whole list
    edition: Literal[2021, 2025] | None = None,
) -> Listing[ProvinceOut]:
    """The 63 units of 2021 and the 34 of 2025; all fit one page."""
    units = [unit for unit in provinces.units().values() if edition in {None, unit.edition}]
    return Listing(items=[ProvinceOut.model_validate(unit) for unit in units], next_cursor=None)
