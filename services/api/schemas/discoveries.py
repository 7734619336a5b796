"""Searches for devices, adoption of what they found, and the credentials that a site commonly uses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from services.api.schemas.base import Advice, Answer, Request, Text64, Text200
from services.api.schemas.cameras import CredentialsIn
from services.contracts.discovery import CREDENTIALS_MAX, FOUND_MAX, DiscoveryProgress, Found
from services.contracts.ladder import Reason
from services.contracts.zones import Zone

Cidr = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Host = Annotated[str, StringConstraints(min_length=1, max_length=262)]
ZoneIn = Annotated[str, StringConstraints(max_length=32)] | None


class DiscoveryIn(Request):
    """What to look at, within the allowed camera networks."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "networks": ["10.20.3.0/24"],
                    "hosts": ["10.20.9.14", "camera-cong.hg.example:8080"],
                    "multicast": True,
                    "credentials": [{"username": "admin", "password": "…"}],
                }
            ]
        }
    )

    facility_id: UUID
    networks: list[Cidr] = Field(
        default_factory=list, max_length=256, description="CIDRs; all together 65,536 addresses at most."
    )
    hosts: list[Host] = Field(
        default_factory=list, max_length=1024, description="Names or addresses, with `:port` if ONVIF has an odd one."
    )
    multicast: bool = Field(False, description="Ask by multicast too, on the networks of the worker that searches.")
    credentials: list[CredentialsIn] | None = Field(
        None,
        max_length=CREDENTIALS_MAX,
        description="Tried in order, two refusals a device at most. Absent: the sets of the site; empty: none.",
    )


class TargetsOut(Answer):
    """What a search looks at, as it was checked."""

    networks: list[str]
    hosts: list[str]
    multicast: bool


class DiscoverySummary(Answer):
    """A search, without what it found."""

    id: UUID
    facility_id: UUID
    kind: Literal["asked", "search", "findings"] = Field(
        description="`asked` for; a `search` of the registry's own for a device that is gone; or `findings` from site."
    )
    status: Literal["running", "done", "failed", "cancelled"]
    targets: TargetsOut
    progress: DiscoveryProgress
    found_count: int
    failure: str | None = Field(description="Why it failed.")
    failure_advice: Advice | None = Field(None, description="What to do about it, when the registry knows.")
    created_at: datetime
    ended_at: datetime | None


class DiscoveryOut(DiscoverySummary):
    """A search with everything it found so far."""

    found: list[Found]
    advice: Mapping[Reason, Advice] = Field(description="What to do about each reason that stands in `found`.")


class FindingsIn(Request):
    """What somebody found from a shell on site (`vonggac discover`)."""

    facility_id: UUID
    found: list[Found] = Field(max_length=FOUND_MAX)
    credentials: list[CredentialsIn] = Field(
        default_factory=list, max_length=CREDENTIALS_MAX, description="The sets that `found` names by index."
    )


class AdoptChannelIn(Request):
    """One channel of a device that becomes a camera."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=2048)] = Field(description="As in `found`.")
    name: Text200 | None = None
    zone: ZoneIn = None
    enabled: bool = True


class AdoptDeviceIn(Request):
    """One finding that becomes a device."""

    address: Annotated[str, StringConstraints(max_length=45)]
    port: int = Field(ge=1, le=65535)
    name: Text200 | None = None
    channels: list[AdoptChannelIn] | None = Field(
        None, min_length=1, max_length=512, description="Absent: all that were proved."
    )
    credentials: CredentialsIn | None = Field(
        None, description="Where the search had none that fit; the device is asked with them at once."
    )


class AdoptIn(Request):
    """Either everything that can be adopted, or the devices that are named."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"all": True, "zone": "other_public"},
                {
                    "devices": [
                        {
                            "address": "10.20.3.5",
                            "port": 80,
                            "channels": [{"key": "Profile_1", "name": "Cổng chính", "zone": "gate"}],
                        }
                    ],
                    "zone": "corridor",
                },
            ]
        }
    )

    all: bool = False
    devices: list[AdoptDeviceIn] | None = Field(None, min_length=1, max_length=FOUND_MAX)
    zone: ZoneIn = Field(
        None, description=f"Of cameras for which none is named; `other_public` if absent. {', '.join(Zone)}."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "AdoptIn":
        if self.all == (self.devices is not None):
            raise ValueError("give either `all`: true, or `devices`")
        return self


class AdoptedDeviceOut(Answer):
    """A device of an adoption; `created` is false for one that was registered before."""

    id: UUID
    address: str
    port: int
    created: bool


class AdoptedCameraOut(Answer):
    """A camera of an adoption; `created` is false for one that was registered before."""

    id: UUID
    address: str
    channel: str
    name: str
    zone: Zone
    created: bool


class LeftOutOut(Answer):
    """Something that was found but not adopted. `channel` is null when it is the whole device."""

    address: str
    port: int
    channel: str | None
    reason: str = Field(description="A reason code, or `registered_elsewhere` or `seen_twice`.")
    advice: Advice


class AdoptionOut(Answer):
    """What became of an adoption."""

    devices: list[AdoptedDeviceOut]
    cameras: list[AdoptedCameraOut]
    left_out: list[LeftOutOut]


class CredentialSetIn(CredentialsIn):
    """A way to sign in that devices of a site commonly accept. Never given back."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"label": "đầu ghi", "username": "admin", "password": "…", "position": 1}]}
    )

    label: Text64
    position: int | None = Field(
        None, ge=0, le=1000, description="Lower ones are tried first; absent: as it is, or last."
    )


class CredentialSetOut(Answer):
    """A set of credentials, without user name and password."""

    id: UUID
    facility_id: UUID
    position: int
    label: str
    version: int
    created_at: datetime
    updated_at: datetime
