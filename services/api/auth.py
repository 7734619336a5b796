"""Who asks. Every route but the public ones names the scope it needs with ``needs``; a test enumerates them."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from services.access.roles import Principal, Scope
from services.api.services import ApiServices
from services.contracts.errors import Unauthenticated

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `Authorization: Bearer vg_…`.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="key_header", description="The same key.")


def api_services(request: Request) -> ApiServices:
    """The services of the app that this request came to."""
    services: ApiServices = request.app.state.services
    return services


Services = Annotated[ApiServices, Depends(api_services)]


class Needs:
    """A dependency that lets only principals with one scope pass."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(
        self,
        request: Request,
        services: Services,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        header: Annotated[str | None, Depends(_HEADER)],
    ) -> Principal:
        key = bearer.credentials if bearer is not None else header
        if not key:
            raise Unauthenticated
        principal = await services.keys.authenticate(key)
        request.state.principal_id = principal.id
        principal.require(self.scope)
        return principal


def needs(scope: Scope) -> Any:
    """``principal: Annotated[Principal, needs(Scope.X)]`` in a route's signature."""
    return Depends(Needs(scope))
