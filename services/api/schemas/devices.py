"""Devices: what stands behind the cameras, what is known of it, and what became of it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from services.api.schemas.base import Answer, Request


class DeviceOut(Answer):
    """An ONVIF or RTSP endpoint of a facility, with everything that is known of it."""

    id: UUID
    facility_id: UUID
    protocol: Literal["rtsp", "onvif"]
    host: str
    address: str
    port: int
    tls: bool = Field(description="Whether its port speaks TLS.")
    service_path: str | None = Field(description="Path of its ONVIF device service; null: the usual one.")
    name: str | None = Field(description="What it calls itself.")
    maker: str | None
    model: str | None
    firmware: str | None
    serial: str | None
    mac: str | None
    endpoint: str | None = Field(description="WS-Discovery endpoint reference.")
    identity_at: datetime | None = Field(description="When its identity was learned or last accepted.")
    conflicts: list["ConflictOut"] = Field(description="What speaks against its being this device. Decide.")
    auth_mode: str | None
    clock_offset_s: float | None
    services: list[str] | None = Field(description="Namespaces of the ONVIF services it offers.")
    channels: list[dict[str, Any]] | None
    facts_at: datetime | None
    missing_at: datetime | None = Field(description="When a worker last said that it is not at its address.")
    factory_password: bool | None = Field(description="Whether it accepts a password of its maker; null: not known.")
    factory_password_at: datetime | None
    created_at: datetime


class ConflictOut(Answer):
    """Why it is not sure which device stands there."""

    kind: Literal["other_device", "unclear", "address_taken"] = Field(
        description="Clearly another device answers; some evidence says so; or it was found at the address of another "
        "registered device."
    )
    at: datetime
    address: str
    port: int
    seen: dict[str, str | None] | None = Field(None, description="What answers there said of itself.")
    agree: list[str] = Field(default_factory=list, description="Kinds of evidence that are as they were.")
    differ: list[str] = Field(default_factory=list, description="Kinds of evidence that are others now.")
    device_id: UUID | None = Field(None, description="The device that has the address.")


class DeviceChangeOut(Answer):
    """Something about a device that became another thing."""

    id: UUID
    device_id: UUID
    camera_id: UUID | None
    at: datetime
    field: str = Field(examples=["firmware", "address", "identity", "main.codec", "sub.size"])
    was: str | None
    now: str | None
    acknowledged_at: datetime | None


class AcknowledgedOut(Answer):
    """How many changes were acknowledged now."""

    changes: int


class IdentityIn(Request):
    """A decision about which device stands there."""

    accept: bool = Field(
        description="True: what stands there now is this device from now on. False: put the conflict aside."
    )


class ClockOut(Answer):
    """What became of a device's clock: its time minus ours, in seconds."""

    offset_before_s: float | None
    offset_after_s: float | None


class FactoryPasswordOut(Answer):
    """Whether a device accepts a password of its maker."""

    factory_password: bool | None = Field(description="Null: not known.")
    tried: int = Field(description="How many were tried now.")
    checked_at: datetime


DeviceOut.model_rebuild()
