"""Keys and the audit, for operators."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.access.roles import Principal, Scope
from services.access.tables import ApiKey
from services.api.auth import Services, needs
from services.api.http import PageQuery
from services.api.schemas.access import AuditOut, KeyIn, KeyMade, KeyOut
from services.api.schemas.base import Listing
from services.contracts.errors import Forbidden
from services.registry import provinces
from services.registry.errors import ProvinceUnknown

router = APIRouter(prefix="/v1", tags=["keys and audit"])


@router.post("/keys", status_code=201)
async def create_key(
    body: KeyIn, services: Services, principal: Annotated[Principal, needs(Scope.KEYS_MANAGE)]
) -> KeyMade:
    """Make a key. Its secret is in this answer and nowhere else."""
    units = []
    for index, code in enumerate(body.provinces):
        unit = provinces.parse_unit(code)
        if unit is None or not principal.provinces.covers(unit.id):
            raise ProvinceUnknown(f"/provinces/{index}")
        units.append(unit.id)
    if not units and principal.provinces.units is not None:
        raise Forbidden("Your key reaches some provinces only, so name those the new key shall reach.")
    row, key = await services.keys.create(body.name, body.role, units, body.expires_at, made_by=principal.id)
    return KeyMade(**_key_out(row, units).model_dump(), key=key)


@router.get("/keys")
async def list_keys(
    page: PageQuery, services: Services, principal: Annotated[Principal, needs(Scope.KEYS_MANAGE)]
) -> Listing[KeyOut]:
    """Keys that reach no further than yours, revoked ones too."""
    found = await services.keys.keys(principal.provinces, page)
    return Listing(items=[_key_out(row, units) for row, units in found.items], next_cursor=found.next_cursor)


@router.delete("/keys/{key_id}", status_code=204)
async def revoke_key(
    key_id: UUID, services: Services, principal: Annotated[Principal, needs(Scope.KEYS_MANAGE)]
) -> None:
    """Revoke a key: it, its console sessions and its live views end."""
    await services.keys.revoke(principal.provinces, key_id, revoked_by=principal.id)


@router.get("/audit")
async def list_audit(
    page: PageQuery,
    services: Services,
    principal: Annotated[Principal, needs(Scope.AUDIT_READ)],
    action: Annotated[str | None, Query(max_length=64)] = None,
    subject: Annotated[str | None, Query(max_length=64)] = None,
    principal_id: UUID | None = None,
) -> Listing[AuditOut]:
    """Who did what, in order of time."""
    found = await services.audit.entries(
        principal.provinces, page, action=action, subject=subject, principal_id=principal_id
    )
    return Listing(items=[AuditOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


def _key_out(row: ApiKey, units: Sequence[str]) -> KeyOut:
    return KeyOut(
        id=row.id,
        name=row.name,
        role=row.role,
        prefix=f"vg_{row.prefix}",
        provinces=list(units),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
