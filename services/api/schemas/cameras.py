"""Cameras and live links."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from services.api.schemas.base import Answer, ReasonOut, Request, Text200, clean
from services.contracts.camera import SAMPLE_EVERY_MAX_S, SAMPLE_EVERY_MIN_S, StreamChoice, WatchPolicy
from services.contracts.ladder import Condition, Rung
from services.contracts.zones import Zone


class RtspSourceIn(Request):
    """A stream by its address."""

    kind: Literal["rtsp"]
    url: Annotated[str, StringConstraints(max_length=1400)] = Field(
        description="rtsp://host[:port]/path or rtsps://host[:port]/path, without user name and password.",
        examples=["rtsp://10.20.3.4:554/Streaming/Channels/101"],
    )


class OnvifSourceIn(Request):
    """A stream by its ONVIF device."""

    kind: Literal["onvif"]
    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(examples=["10.20.3.4"])
    port: int = Field(80, ge=1, le=65535)
    profile: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean)] | None = Field(
        None, description="Token of a media profile; needed for a recorder with several channels."
    )


SourceIn = Annotated[RtspSourceIn | OnvifSourceIn, Field(discriminator="kind")]


class CredentialsIn(Request):
    """How to sign in to the camera. Never given back."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(clean)] = Field(repr=False)
    password: Annotated[str, StringConstraints(max_length=256), AfterValidator(clean)] = Field(repr=False)


PolicyIn = Annotated[
    WatchPolicy | None,
    Field(
        description="`continuous`, or `sampled`: looked at until a picture is proved, then left alone for "
        "`sample_every_s`; or `record_only`: recorded on site for want of a line, not watched, counted apart. "
        "Null: as the centre's settings say."
    ),
]
EveryIn = Annotated[
    int | None,
    Field(
        ge=SAMPLE_EVERY_MIN_S,
        le=SAMPLE_EVERY_MAX_S,
        description="Seconds between two looks while it is sampled. Null: as the centre's settings say.",
    ),
]
ChoiceIn = Annotated[
    StreamChoice,
    Field(
        description="Which stream of an ONVIF camera is watched, and shown live: `main`, `sub`, or `auto`: an H.264 "
        "sub-stream of useful size where there is one, to spare the line."
    ),
]


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
                    "watch_policy": "sampled",
                    "sample_every_s": 600,
                    "stream_choice": "main",
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
    watch_policy: PolicyIn = None
    sample_every_s: EveryIn = None
    stream_choice: ChoiceIn = StreamChoice.AUTO


class CameraPatch(Request):
    """Changes to a camera (RFC 7396): what is absent stays."""

    name: Text200 = Field(default_factory=str)
    zone: Annotated[str, StringConstraints(max_length=32)] = Field(default_factory=str)
    source: SourceIn | None = None
    enabled: bool = Field(default_factory=bool)
    maintenance: bool = Field(default_factory=bool)
    watch_policy: PolicyIn = None
    sample_every_s: EveryIn = None
    stream_choice: ChoiceIn = Field(default_factory=lambda: StreamChoice.AUTO)


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
    watch_policy: WatchPolicy | None = Field(description="Null: as the centre's settings say.")
    sample_every_s: int | None
    stream_choice: StreamChoice
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
    watch: str = Field(
        description="How it is watched: `reactor`, from the packets alone; `pyav`, whose pictures PyAV takes through the"
        " relay, as it must with Motion JPEG; `none`; or `resting`: not now, between two looks at a sampled camera."
    )


class LiveLinkOut(Answer):
    """One way to watch."""

    protocol: Literal["hls"]
    url: str


class LiveLinksOut(Answer):
    """Links that may be opened until `expires_at`; a view that was opened may last longer."""

    links: list[LiveLinkOut]
    expires_at: datetime
