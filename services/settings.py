"""Every setting, typed, with its default. Read once by the entry point; values travel by ``assembly`` from there.

Each comes from an environment variable with the prefix ``VONGGAC_``. ``docs/configuration.md`` is made from this file.
"""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.contracts.camera import SAMPLE_EVERY_MAX_S, SAMPLE_EVERY_MIN_S

Network: TypeAlias = IPv4Network | IPv6Network
Seconds = Annotated[float, Field(gt=0)]

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """Configuration of every role. Unknown ``VONGGAC_`` variables are ignored here; ``unknown_variables`` names them."""

    model_config = SettingsConfigDict(env_prefix="VONGGAC_", extra="ignore", env_ignore_empty=True)

    # Where things are
    data_dir: Path = Field(Path("var"), description="Directory of key files, snapshots and the SQLite file.")
    database_url: str = Field(
        "",
        description="`sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`; empty: a SQLite file in the data directory.",
    )
    bus_url: str = Field("memory://", description="`memory://` (role `all` only) or `amqp://…`, `amqps://…`.")
    host: str = Field("127.0.0.1", description="Address on which the API listens. Beyond loopback it needs TLS.")
    port: int = Field(8000, ge=0, le=65535, description="Port of the API.")
    public_url: str = Field(
        "", description="Address by which people reach the API, for live links; empty: as requested."
    )
    tls_cert: Path | None = Field(None, description="PEM certificate chain of the API.")
    tls_key: Path | None = Field(None, description="PEM private key of the API.")
    tls_terminated: bool = Field(
        False, description="TLS ends in front of this process (an ingress); allows plain HTTP beyond loopback."
    )
    proxy_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Networks of the ingress whose X-Forwarded-For and X-Forwarded-Proto are believed, "
        "comma-separated CIDRs. Empty: nobody's.",
    )
    ops_host: str = Field("127.0.0.1", description="Address of the probes and metrics of roles without an API.")
    ops_port: int = Field(
        0, ge=0, le=65535, description="Port of the probes and metrics of roles without an API; 0: any free one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "plain"] = Field("json", description="`json` for machines, `plain` for people.")

    # Cameras
    camera_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks in which cameras may be registered and reached, comma-separated CIDRs. Empty: none."
    )

    # Worker
    api_url: str = Field(
        "", description="Where a worker of its own process finds the API. Plain HTTP only to loopback."
    )
    api_key: str = Field("", description="Key of role `worker` for a worker of its own process.", repr=False)
    api_ca: Path | None = Field(
        None, description="PEM certificates by which a worker trusts the API; empty: the system's."
    )
    worker_name: str = Field("", description="Name of a worker in lists and logs; empty: the host's name.")
    worker_capacity: int = Field(500, gt=0, description="Most cameras that one worker leases.")
    worker_reaches: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Reaches whose cameras this worker can connect to, comma-separated. Empty: all."
    )
    media_host: str = Field("127.0.0.1", description="Address on which a worker serves live media to the API, by TLS.")
    media_port: int = Field(0, ge=0, le=65535, description="Port for that; 0: any free one.")
    media_advertise_host: str = Field("", description="Host by which the API reaches it; empty: the media host.")
    connects_at_once: int = Field(64, gt=0, description="Most cameras a worker is connecting to at the same moment.")
    site_connects_max: int = Field(4, gt=0, description="Most of these at one facility.")
    tls_cameras_max: int = Field(
        32, ge=0, description="Most cameras inside TLS (rtsps://) that a worker watches: they cost it more than others."
    )
    probe_processes: int = Field(1, gt=0, description="Processes in which PyAV opens and decodes streams.")
    device_events: bool = Field(
        True,
        description="Whether a worker subscribes to the events of ONVIF devices (tampering, loss of video, storage), "
        "one subscription for each, as hints when to look.",
    )

    # How cameras are watched that say nothing else
    watch_policy: Literal["continuous", "sampled"] = Field(
        "continuous",
        description="How cameras are watched that have no policy of their own: `continuous` or `sampled`. "
        "Read by the API; holds for leases given from then on.",
    )
    watch_sample_every: int = Field(
        600,
        ge=SAMPLE_EVERY_MIN_S,
        le=SAMPLE_EVERY_MAX_S,
        description="Seconds between two looks at a sampled camera that names none itself.",
    )

    # Leases
    lease_ttl: Seconds = Field(20.0, description="Seconds a lease lasts without renewal.")

    # Judgement of a camera
    settle_up: Seconds = Field(2.0, description="Seconds of frames, after a decoded key frame, until a camera is up.")
    settle_down: Seconds = Field(5.0, description="Seconds of silence until a camera is down.")
    heartbeat: Seconds = Field(10.0, description="Seconds between reports of a camera that does not change.")
    stale_after: Seconds = Field(30.0, description="Seconds without an accepted report until a camera is unknown.")
    flapping_changes: int = Field(
        4, gt=1, description="Changes of condition within the window that make a camera flapping."
    )
    flapping_window: Seconds = Field(600.0, description="Length of that window in seconds.")
    picture_every: Seconds = Field(30.0, description="Seconds between two looks at the picture of a camera.")
    snapshot_every: Seconds = Field(60.0, description="Seconds between two pictures of a camera that are kept.")
    frozen_after: Seconds = Field(25.0, description="Seconds an unchanged picture must last to be called frozen.")

    # Live
    live_link_ttl: int = Field(60, ge=5, le=3600, description="Seconds within which a live link may be opened.")
    live_session_max: Seconds = Field(3600.0, description="Most seconds one opened live view lasts.")
    live_streams_max: int = Field(32, gt=0, description="Most cameras one worker serves live at the same time.")

    # People
    console_session: Seconds = Field(8 * 3600.0, description="Seconds a sign-in to the console lasts.")

    # Bus
    bus_shards: int = Field(4, gt=0, le=256, description="Queues over which health reports are spread, by facility.")
    bus_queue_max: int = Field(
        200_000, gt=0, description="Most messages that wait in one queue; beyond, publishing fails."
    )
    bus_delivery_limit: int = Field(
        8, gt=0, description="Deliveries of one message that may fail before it is a dead letter."
    )

    @field_validator("camera_networks", "proxy_networks", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        return value

    @field_validator("worker_reaches", mode="before")
    @classmethod
    def _labels(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            raise ValueError("must begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
        return value

    @field_validator("bus_url")
    @classmethod
    def _known_bus(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"memory", "amqp", "amqps"}:
            raise ValueError("must begin with memory://, amqp:// or amqps://")
        return value

    @model_validator(mode="after")
    def _tls_pair(self) -> "Settings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("VONGGAC_TLS_CERT and VONGGAC_TLS_KEY belong together: set both or neither")
        return self

    @property
    def resolved_database_url(self) -> str:
        """The database URL, or the SQLite file of the data directory."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'vonggac.db'}"

    @property
    def keys_dir(self) -> Path:
        """Where the key files are."""
        return self.data_dir / "keys"

    @property
    def snapshots_dir(self) -> Path:
        """Where the snapshots are."""
        return self.data_dir / "snapshots"

    @property
    def lease_duration(self) -> timedelta:
        return timedelta(seconds=self.lease_ttl)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that begin with our prefix but name no setting, probably by a slip."""
    known = {f"VONGGAC_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in environment if name.upper().startswith("VONGGAC_") and name.upper() not in known)


def is_loopback(host: str) -> bool:
    """Whether traffic to this host never leaves the machine."""
    return host in LOOPBACK_HOSTS or host.startswith("127.")


def role_faults(settings: Settings, role: str) -> list[str]:
    """Why this role cannot run with these settings; each sentence says what to change."""
    faults = []
    if settings.bus_url.startswith("memory:") and role != "all":
        faults.append(
            f"Role {role} needs a broker, since a bus in memory cannot leave its process: "
            "set VONGGAC_BUS_URL to an amqp:// address, or run --role all."
        )
    if (
        role in {"all", "api"}
        and not is_loopback(settings.host)
        and settings.tls_cert is None
        and not settings.tls_terminated
    ):
        faults.append(
            f"The API would speak plain HTTP on {settings.host}: set VONGGAC_TLS_CERT and VONGGAC_TLS_KEY, "
            "or VONGGAC_TLS_TERMINATED=true if an ingress in front of it ends TLS, or listen on 127.0.0.1."
        )
    if role == "ingest":
        url = urlsplit(settings.api_url)
        if not settings.api_url or not settings.api_key:
            faults.append("A worker needs VONGGAC_API_URL and VONGGAC_API_KEY (a key of role worker).")
        elif url.scheme not in {"http", "https"} or not url.hostname:
            faults.append("VONGGAC_API_URL must be an https:// address.")
        elif url.scheme == "http" and not is_loopback(url.hostname):
            faults.append(
                "VONGGAC_API_URL is plain HTTP beyond loopback, and credentials travel over it: use https://."
            )
    return faults
