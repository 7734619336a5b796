"""The ways to sign in that a site commonly uses. What is entered is never given back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.idempotency import IdempotentRoute
from services.api.schemas.base import Listing
from services.api.schemas.discoveries import CredentialSetIn, CredentialSetOut
from services.registry.credential_sets import NewCredentialSet

router = APIRouter(prefix="/v1", tags=["credential sets"], route_class=IdempotentRoute)

Reads = Annotated[Principal, needs(Scope.REGISTRY_READ)]
Writes = Annotated[Principal, needs(Scope.REGISTRY_WRITE)]


@router.get("/facilities/{facility_id}/credential-sets")
async def list_credential_sets(facility_id: UUID, services: Services, principal: Reads) -> Listing[CredentialSetOut]:
    """The sets of a facility in the order in which searches try them; eight at most, on one page."""
    rows = await services.credential_sets.of(principal.provinces, facility_id)
    return Listing(items=[CredentialSetOut.model_validate(row) for row in rows], next_cursor=None)


@router.post("/facilities/{facility_id}/credential-sets", status_code=201)
async def add_credential_set(
    facility_id: UUID, body: CredentialSetIn, response: Response, services: Services, principal: Writes
) -> CredentialSetOut:
    """Add a set. A search without credentials of its own tries these, two refusals a device at most."""
    row = await services.credential_sets.add(principal.id, principal.provinces, facility_id, _new(body))
    response.headers["Location"] = f"/v1/credential-sets/{row.id}"
    return CredentialSetOut.model_validate(row)


@router.put("/credential-sets/{set_id}")
async def replace_credential_set(
    set_id: UUID, body: CredentialSetIn, services: Services, principal: Writes
) -> CredentialSetOut:
    """Replace a set. Cameras that were adopted with the old one keep their own copy."""
    row = await services.credential_sets.replace(principal.id, principal.provinces, set_id, _new(body))
    return CredentialSetOut.model_validate(row)


@router.delete("/credential-sets/{set_id}", status_code=204)
async def remove_credential_set(set_id: UUID, services: Services, principal: Writes) -> None:
    """Forget a set. Cameras that were adopted with it keep their own copy."""
    await services.credential_sets.remove(principal.id, principal.provinces, set_id)


def _new(body: CredentialSetIn) -> NewCredentialSet:
    return NewCredentialSet(body.label, body.username, body.password, body.position)
