"""Facilities and their states."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.api.schemas.base import (
    Advice,
    Answer,
    Code,
    Email,
    Label,
    ProvinceCode,
    ReasonOut,
    Request,
    Text64,
    Text200,
    Text500,
)
from services.contracts.ladder import State
from services.registry.tables import FacilityKind


class FacilityIn(Request):
    """A facility to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "HG-012",
                    "name": "Trường Cao đẳng nghề Hậu Giang",
                    "province_code": "93",
                    "kind": "province_run",
                    "contact_name": "Nguyễn Văn An",
                    "contact_phone": "+84 293 000 000",
                }
            ]
        }
    )

    code: Code = Field(description="The programme's code of the site; it never changes.")
    name: Text200
    province_code: ProvinceCode = Field(description="GSO code, of the edition of 2021 unless said otherwise.")
    province_edition: Literal[2021, 2025] = 2021
    kind: FacilityKind = FacilityKind.PROVINCE_RUN
    managing_authority: Text200 | None = None
    designated_enterprise: Text64 | None = Field(
        None, description="Default: vnpt from Da Nang southwards, else viettel."
    )
    address: Text500 | None = None
    contact_name: Text200 | None = None
    contact_position: Text200 | None = None
    contact_phone: Text64 | None = None
    contact_email: Email | None = None
    reach: Label = Field("default", description="Label of the network its devices live in.")
    capacity: int | None = Field(None, ge=0, le=1_000_000, description="Beds.")


class FacilityPatch(Request):
    """Changes to a facility (RFC 7396): what is absent stays."""

    name: Text200 = Field(default_factory=str)
    kind: FacilityKind = Field(default_factory=lambda: FacilityKind.PROVINCE_RUN)
    managing_authority: Text200 | None = None
    designated_enterprise: Text64 = Field(default_factory=str)
    address: Text500 | None = None
    contact_name: Text200 | None = None
    contact_position: Text200 | None = None
    contact_phone: Text64 | None = None
    contact_email: Email | None = None
    reach: Label = Field(default_factory=str)
    capacity: int | None = Field(None, ge=0, le=1_000_000)


class FacilityOut(Answer):
    """A registered facility."""

    id: UUID
    code: str
    name: str
    province_code: str
    province_edition: int
    province_name: Advice = Field(description="Name of the province unit in English and Vietnamese.")
    kind: FacilityKind
    managing_authority: str | None
    designated_enterprise: str
    address: str | None
    contact_name: str | None
    contact_position: str | None
    contact_phone: str | None
    contact_email: str | None
    reach: str
    capacity: int | None
    created_at: datetime
    updated_at: datetime


class CameraCounts(Answer):
    """Enabled cameras of a facility by condition."""

    total: int = 0
    online: int = 0
    degraded: int = 0
    offline: int = 0
    unknown: int = 0
    maintenance: int = 0
    record_only: int = 0


class FacilityStatus(Answer):
    """Whether a facility is connected now, and why."""

    facility_id: UUID
    state: State
    since: datetime
    reasons: list[ReasonOut]
    cameras: CameraCounts


class StateChangeOut(Answer):
    """A change of a facility's state."""

    id: UUID
    was: State
    now: State
    reasons: list[ReasonOut]
    at: datetime
