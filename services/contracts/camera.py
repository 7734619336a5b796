"""Cameras as ingest sees them: where to find one, how to sign in, what was learned."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from services.contracts.ids import CameraId, DeviceId, FacilityId, WorkerId
from services.contracts.ladder import Reason, Rung

#: So many times a device may refuse the same credentials before we wait for others: cameras lock accounts.
REFUSALS_MAX = 2


class Value(BaseModel):
    """A frozen value that travels between processes. Unknown members are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class RtspSource(Value):
    """A stream by its RTSP address. ``address`` is a checked IP address, never a name."""

    kind: Literal["rtsp"] = "rtsp"
    address: str
    port: int
    path: str = Field(description="Path and query, beginning with a slash.")
    tls: bool = Field(False, description="RTSPS: the whole session inside TLS.")


class OnvifSource(Value):
    """A stream by its ONVIF device. ``address`` is a checked IP address, never a name."""

    kind: Literal["onvif"] = "onvif"
    address: str
    port: int
    profile: str | None = Field(None, description="Token of the media profile, when the device has several channels.")
    path: str = Field("/onvif/device_service", description="Path of the device service.")
    tls: bool = Field(False, description="HTTPS; the certificate is pinned like that of RTSPS.")
    certificate: str | None = Field(None, description="SHA-256 of the certificate that must be shown; null: any.")


Source: TypeAlias = Annotated[RtspSource | OnvifSource, Field(discriminator="kind")]


class Credentials(Value):
    """User name and password of a device. Neither is ever printed."""

    username: str = Field(repr=False)
    password: str = Field(repr=False)
    version: int = Field(description="Grows with every change; a refused version is not tried a third time.")


class WatchPolicy(StrEnum):
    """Whether a camera is watched without pause."""

    CONTINUOUS = "continuous"
    #: Looked at until it is proved, then left alone until the next look.
    SAMPLED = "sampled"
    #: No line to it: recorded on site, never watched, counted apart.
    RECORD_ONLY = "record_only"


#: Seconds between two looks at a sampled camera.
SAMPLE_EVERY_MIN_S = 60
SAMPLE_EVERY_MAX_S = 86_400


class StreamChoice(StrEnum):
    """Which stream of a camera is watched."""

    AUTO = "auto"
    MAIN = "main"
    SUB = "sub"


class Evidence(Value):
    """What tells one device from another, strongest first: MAC, endpoint reference, maker and model and serial.

    Each may be missing, and none is believed alone against the others: serials and even endpoint references repeat
    between devices of some makers.
    """

    mac: str | None = Field(None, description="Lower case, with colons.")
    endpoint: str | None = Field(None, description="WS-Discovery endpoint reference.")
    maker: str | None = None
    model: str | None = None
    serial: str | None = None


class CameraAssignment(Value):
    """The right of one worker to watch one camera for a while."""

    camera_id: CameraId
    facility_id: FacilityId
    device_id: DeviceId
    reach: str
    source: Source
    epoch: int = Field(description="Fencing number: grows with every claim of this camera.")
    version: int = Field(description="Grows with every change of camera, device or credentials.")
    credential_version: int = Field(description="0 when no credentials are registered.")
    credential_fingerprint: str = Field(
        description="The same for equal credentials of one device; keyed, so it tells nothing."
    )
    refusals: int = Field(description="How often the device has refused these credentials so far.")
    refused_at: datetime | None = None
    locked_out: bool = Field(False, description="The device said that it locked the account.")
    certificate: str | None = Field(
        None,
        description="SHA-256 in hexadecimal of the TLS certificate that the device showed first; None before that.",
    )
    sample_every_s: int | None = Field(
        None, description="Seconds between two looks at a sampled camera; null: watched without pause."
    )
    stream_choice: StreamChoice = Field(StreamChoice.AUTO, description="Which of the device's streams is watched.")
    identity: Evidence | None = Field(None, description="Which device it must be; null: not known yet.")
    notes: tuple[Reason, ...] = Field((), description="Advisory reasons that the registry knows of.")


class LeaseRef(Value):
    """Names one lease: a camera and the fencing number of the claim."""

    camera_id: CameraId
    epoch: int


class Claim(Value):
    """What a worker asks for: more cameras to watch."""

    held: int = Field(ge=0, description="How many cameras it watches now.")
    capacity: int = Field(ge=0, description="How many it can watch at most.")


class Renewal(Value):
    """The answer to a renewal: what is still held, and what changed meanwhile."""

    ttl_s: float = Field(description="The leases named in `held` last this long from the moment the request was sent.")
    held: tuple[LeaseRef, ...]
    changed: tuple[CameraAssignment, ...] = Field(
        (), description="Held leases whose camera, device or credentials changed."
    )
    lost: tuple[LeaseRef, ...] = Field((), description="Leases that are over; the worker must stop watching at once.")


class AuthOutcome(StrEnum):
    """What a device said to our credentials."""

    REFUSED = "refused"
    LOCKED_OUT = "locked_out"
    ACCEPTED = "accepted"


class CertificateShown(Value):
    """A TLS certificate of a device, as a worker saw it, or as it is known."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the certificate, hexadecimal.")


class StreamFacts(Value):
    """What a stream is, as measured. Unmeasured members are None."""

    codec: str | None = Field(None, description="`h264`, `h265`, `mjpeg` …")
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_kbps: float | None = None
    keyframe_interval_s: float | None = None


class Channel(Value):
    """One video source of a device, with the profile that shows it best."""

    profile: str
    profiles: tuple[str, ...] = Field((), description="All profile tokens of this video source, `profile` among them.")
    sources: tuple[str, ...] = Field(
        (), description="Tokens by which events of the device name it: of its video source and of its configurations."
    )
    name: str
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    streams: tuple["DeviceStream", ...] = Field(
        (), description="Its streams, when those of every channel were asked for."
    )
    snapshot_path: str | None = Field(None, description="Path of its JPEG over HTTP, if it was asked for and is there.")


class DeviceFacts(Value):
    """What an ONVIF device says of itself. Every member is optional: real devices leave out anything."""

    maker: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    auth_mode: Literal["none", "digest", "wsse"] | None = None
    clock_offset_s: float | None = Field(None, description="Device time minus ours, in seconds.")
    mac: str | None = Field(None, description="Of the network interface that we reach, lower case, with colons.")
    endpoint: str | None = Field(None, description="WS-Discovery endpoint reference.")
    name: str | None = Field(None, description="Its host name or the name in its scopes.")
    services: tuple[str, ...] = Field((), description="Namespaces of the ONVIF services it offers.")
    certificate: str | None = Field(None, description="SHA-256 of the TLS certificate it showed over HTTPS.")

    @property
    def evidence(self) -> Evidence:
        """What of this tells the device from others."""
        return Evidence(mac=self.mac, endpoint=self.endpoint, maker=self.maker, model=self.model, serial=self.serial)


class DeviceStream(Value):
    """One stream of a camera as its device names it, rewritten to the address we reached."""

    role: Literal["main", "sub"]
    profile: str
    source: RtspSource
    original_uri: str = Field(description="What the device said, without credentials.")
    codec: str | None = None
    width: int | None = None
    height: int | None = None


Channel.model_rebuild()


class Interrogation(Value):
    """What ONVIF told about one camera."""

    device: DeviceFacts
    channels: tuple[Channel, ...]
    streams: tuple[DeviceStream, ...] = ()


class Snapshot(Value):
    """One JPEG picture of a camera."""

    taken_at: datetime
    jpeg: bytes = Field(repr=False)


class CameraReport(Value):
    """One worker's whole view of one camera at one moment. Repeatable: a later one replaces an earlier one."""

    camera_id: CameraId
    epoch: int
    sequence: int = Field(description="Grows by one with every report of this camera in this epoch.")
    settled: bool = Field(description="False while a first look or a reconnect is still under way.")
    rung: Rung
    reasons: tuple[Reason, ...] = Field(description="Deciding ones first.")
    since: datetime = Field(description="When this rung and these reasons were reached, by the worker's clock.")
    observed_at: datetime = Field(
        description="When the worker looked last, by its clock: now, or at a sampled camera the end of the last look."
    )
    fresh_for_s: float | None = Field(
        None,
        ge=0,
        description="What a settled report says stands so long from now, though nobody looks meanwhile: set for a "
        "sampled camera. Null: as long as the aggregator waits for the next report.",
    )
    stream: StreamFacts
    watch: Literal["reactor", "pyav", "resting", "none"] = Field(
        description="How the stream is being watched; `resting`: not now, between two looks at a sampled camera."
    )


class WorkerIdentity(Value):
    """Who a worker is and where the API finds its media endpoint."""

    worker_id: WorkerId
    name: str
    reaches: tuple[str, ...] = ()
    media_url: str | None = Field(None, description="Where this worker serves live media to the API.")
    media_certificate: str | None = Field(None, description="PEM; the API pins it.")
    media_token: str | None = Field(None, repr=False, description="Bearer token that the API must show to the worker.")
