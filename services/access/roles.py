"""Roles and what each may do. The whole of it is this table; the API names one scope per route."""

from dataclasses import dataclass
from enum import StrEnum

from services.contracts.errors import Forbidden
from services.contracts.ids import PrincipalId
from services.contracts.scope import ProvinceScope


class Role(StrEnum):
    """What kind of user holds a key."""

    INTEGRATOR = "integrator"
    MONITOR = "monitor"
    OPERATOR = "operator"
    WORKER = "worker"


class Scope(StrEnum):
    """One thing somebody may do."""

    REGISTRY_READ = "registry:read"
    REGISTRY_WRITE = "registry:write"
    STATUS_READ = "status:read"
    PICTURE_READ = "picture:read"
    LIVE_REQUEST = "live:request"
    PROGRAMME_READ = "programme:read"
    PROGRAMME_WRITE = "programme:write"
    ACCEPTANCE_WRITE = "acceptance:write"
    KEYS_MANAGE = "keys:manage"
    AUDIT_READ = "audit:read"
    WORKER = "worker"


_READS = frozenset({Scope.REGISTRY_READ, Scope.STATUS_READ, Scope.PROGRAMME_READ})
_WRITES = frozenset({Scope.REGISTRY_WRITE, Scope.PROGRAMME_WRITE})
_LOOKS = frozenset({Scope.PICTURE_READ, Scope.LIVE_REQUEST})

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.INTEGRATOR: _READS | _WRITES,
    Role.MONITOR: _READS | _LOOKS,
    Role.OPERATOR: _READS | _WRITES | _LOOKS | {Scope.ACCEPTANCE_WRITE, Scope.KEYS_MANAGE, Scope.AUDIT_READ},
    Role.WORKER: frozenset({Scope.WORKER}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who came with a valid key."""

    id: PrincipalId
    name: str
    role: Role
    provinces: ProvinceScope

    def may(self, scope: Scope) -> bool:
        return scope in ROLE_SCOPES[self.role]

    def require(self, scope: Scope) -> None:
        """Raises Forbidden unless the role allows it."""
        if not self.may(scope):
            roles = ", ".join(role for role in Role if scope in ROLE_SCOPES[role])
            raise Forbidden(f"A key of role {self.role} may not do this; it needs one of role {roles}.")
