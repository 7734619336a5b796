"""Bodies of requests and answers. Requests refuse unknown fields."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.access.roles import Role
from services.contracts.ladder import Condition, Reason, Rung, State
from services.contracts.zones import Zone
from services.registry.tables import FacilityKind

T = TypeVar("T")


def _clean(text: str) -> str:
    """Text as people wrote it, in one normal form, without control characters."""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ValueError("must not hold control characters")
    return unicodedata.normalize("NFC", text)


def _text(longest: int, shortest: int = 1) -> Any:
    return Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=shortest, max_length=longest),
        AfterValidator(_clean),
    ]


Text64 = _text(64)
Text200 = _text(200)
Text500 = _text(500)
Text2000 = _text(2000)
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class Request(BaseModel):
    """A body that somebody sends us."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """A body that we send."""

    model_config = ConfigDict(from_attributes=True)


class Listing(Answer, Generic[T]):
    """A page of a list."""

    items: Sequence[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


class Advice(Answer):
    """One sentence to the person who must act, in two languages."""

    en: str
    vi: str


class ReasonOut(Answer):
    """Why something stands as it stands."""

    code: Reason
    deciding: bool = Field(description="Whether it changes the condition; otherwise it is only shown.")
    advice: Advice

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        return cls(code=reason, deciding=reason.deciding, advice=Advice(en=reason.advice.en, vi=reason.advice.vi))


# Facilities


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

    name: Text200 = ""
    kind: FacilityKind = FacilityKind.PROVINCE_RUN
    managing_authority: Text200 | None = None
    designated_enterprise: Text64 = ""
    address: Text500 | None = None
    contact_name: Text200 | None = None
    contact_position: Text200 | None = None
    contact_phone: Text64 | None = None
    contact_email: Email | None = None
    reach: Label = ""
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


# Cameras


class RtspSourceIn(Request):
    """A stream by its address."""

    kind: Literal["rtsp"]
    url: Annotated[str, StringConstraints(max_length=1400)] = Field(
        description="rtsp://host[:port]/path, without user name and password.",
        examples=["rtsp://10.20.3.4:554/Streaming/Channels/101"],
    )


class OnvifSourceIn(Request):
    """A stream by its ONVIF device."""

    kind: Literal["onvif"]
    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(examples=["10.20.3.4"])
    port: int = Field(80, ge=1, le=65535)
    profile: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_clean)] | None = Field(
        None, description="Token of a media profile; needed for a recorder with several channels."
    )


SourceIn = Annotated[RtspSourceIn | OnvifSourceIn, Field(discriminator="kind")]


class CredentialsIn(Request):
    """How to sign in to the camera. Never given back."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_clean)] = Field(
        repr=False
    )
    password: Annotated[str, StringConstraints(max_length=256), AfterValidator(_clean)] = Field(repr=False)


class CameraIn(Request):
    """A camera to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "name": "Cổng chính",
                    "zone": "gate",
                    "source": {"kind": "rtsp", "url": "rtsp://10.20.3.4:554/Streaming/Channels/101"},
                    "credentials": {"username": "monitor", "password": "…"},
                },
                {
                    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "name": "Hành lang tầng 2",
                    "zone": "corridor",
                    "source": {"kind": "onvif", "host": "10.20.3.5", "port": 80, "profile": "Profile_3"},
                },
            ]
        }
    )

    facility_id: UUID
    name: Text200
    zone: Annotated[str, StringConstraints(max_length=32)] = Field(
        description=f"What it looks at: {', '.join(Zone)}. Rooms, toilets and bathrooms are refused."
    )
    source: SourceIn
    credentials: CredentialsIn | None = None
    enabled: bool = True
    maintenance: bool = Field(False, description="Planned work: counted apart.")
    record_only: bool = Field(False, description="Recorded on site for want of a line: not watched, counted apart.")


class CameraPatch(Request):
    """Changes to a camera (RFC 7396): what is absent stays."""

    name: Text200 = ""
    zone: Annotated[str, StringConstraints(max_length=32)] = ""
    source: SourceIn | None = None
    enabled: bool = True
    maintenance: bool = False
    record_only: bool = False


class StreamOut(Answer):
    """One encoded picture of a camera, as registered or as ONVIF told."""

    role: Literal["main", "sub"]
    port: int
    path: str
    profile: str | None
    codec: str | None
    width: int | None
    height: int | None


class CameraOut(Answer):
    """A registered camera. Credentials are never part of it."""

    id: UUID
    facility_id: UUID
    device_id: UUID
    name: str
    zone: Zone
    source: dict[str, Any]
    streams: list[StreamOut]
    has_credentials: bool
    enabled: bool
    maintenance: bool
    record_only: bool
    created_at: datetime
    updated_at: datetime


class StreamFactsOut(Answer):
    """What the stream is, as measured; null where it could not be measured yet."""

    codec: str | None = Field(None, examples=["h264"])
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_kbps: float | None = None
    keyframe_interval_s: float | None = None


class CameraStatus(Answer):
    """How a camera is now, how far up the ladder it was proved to work, and why not further."""

    camera_id: UUID
    condition: Condition
    rung: Rung
    reasons: list[ReasonOut]
    since: datetime
    observed_at: datetime | None
    stream: StreamFactsOut
    worker: str | None = Field(description="Name of the worker that watches it.")
    watch: str = Field(description="How it is watched: relay or none.")


class DeviceOut(Answer):
    """An ONVIF or RTSP endpoint of a facility."""

    id: UUID
    facility_id: UUID
    protocol: Literal["rtsp", "onvif"]
    host: str
    address: str
    port: int
    maker: str | None
    model: str | None
    firmware: str | None
    serial: str | None
    auth_mode: str | None
    clock_offset_s: float | None
    channels: list[dict[str, Any]] | None
    facts_at: datetime | None
    created_at: datetime


class LiveLinkOut(Answer):
    """One way to watch."""

    protocol: Literal["hls"]
    url: str


class LiveLinksOut(Answer):
    """Links that may be opened until `expires_at`; a view that was opened may last longer."""

    links: list[LiveLinkOut]
    expires_at: datetime


# Provinces, keys, audit


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
