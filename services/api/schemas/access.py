"""Provinces, keys and the audit."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from services.access.roles import Role
from services.api.schemas.base import Answer, Request, Text200


class ProvinceOut(Answer):
    """A province unit."""

    id: str
    code: str
    edition: int
    name_vi: str
    name_en: str
    kind: str
    iso_3166_2: str | None
    successor_id: str | None


class KeyIn(Request):
    """A key to make."""

    name: Text200
    role: Role
    provinces: list[Annotated[str, StringConstraints(pattern=r"^[0-9]{2}(@20(21|25))?$")]] = Field(
        default_factory=list, max_length=97, description="`24` or `24@2025`; none: the whole country."
    )
    expires_at: datetime | None = None


class KeyOut(Answer):
    """A key, without its secret."""

    id: UUID
    name: str
    role: Role
    prefix: str
    provinces: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class KeyMade(KeyOut):
    """A new key, shown this once only."""

    key: str


class AuditOut(Answer):
    """Who did what, when."""

    id: UUID
    at: datetime
    principal_id: UUID | None
    action: str
    subject: str
    province_unit_id: str | None
    details: dict[str, Any]
