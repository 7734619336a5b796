"""A search for devices: what a worker is told to look at, how far it is, and what it found.

A search runs in a worker that gets to the facility's reach, or in the shell of whoever stands on site; what was found
reads the same. Finding changes nothing: devices and cameras come to be when somebody adopts findings.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from services.contracts.camera import Credentials, DeviceStream, Value
from services.contracts.ids import DeviceId, FacilityId
from services.contracts.ladder import Reason, Rung

#: Ports that are looked at. ONVIF: home routers and recorders move it (quirk 33 of docs/devices.md).
ONVIF_PORTS = (80, 8080, 8000, 8899, 2020)
RTSP_PORTS = (554, 8554)

#: Most addresses that one search may name: a /16.
ADDRESSES_MAX = 65_536
#: Most findings of one search.
FOUND_MAX = 4096
#: Most sets of credentials that one search may carry.
CREDENTIALS_MAX = 8

SeenBy: TypeAlias = Literal["multicast", "probe", "tcp", "host"]


class FoundStream(Value):
    """One stream, at the address its device was found at."""

    role: Literal["main", "sub"]
    profile: str | None = Field(None, description="ONVIF profile token; null for a stream found by its RTSP path.")
    port: int
    path: str = Field(description="Path and query, beginning with a slash.")
    original_uri: str | None = Field(None, description="What the device said, without credentials.")
    codec: str | None = None
    width: int | None = None
    height: int | None = None

    @classmethod
    def of(cls, stream: DeviceStream) -> "FoundStream":
        """A stream that a device named in an interrogation."""
        return cls(
            role=stream.role,
            profile=stream.profile,
            port=stream.source.port,
            path=stream.source.path,
            original_uri=stream.original_uri,
            codec=stream.codec,
            width=stream.width,
            height=stream.height,
        )


class FoundChannel(Value):
    """One video source. ``key`` names it when it is adopted: its profile token, or its RTSP path."""

    key: str
    name: str
    profiles: tuple[str, ...] = ()
    streams: tuple[FoundStream, ...] = ()
    snapshot_path: str | None = Field(None, description="Path of its JPEG over HTTP, if the device names one.")
    rung: Rung | None = Field(None, description="How far its main stream was proved; null: not looked at.")
    reasons: tuple[Reason, ...] = Field((), description="Why not further.")


class Refusal(Value):
    """A device's no to one set of credentials of the search."""

    credential: int = Field(ge=0, description="Index of the set in the order.")
    count: int = Field(ge=1)
    locked_out: bool = False


class Found(Value):
    """One host that answered. Of a device that was not understood further only address, rung and reasons are known."""

    address: str = Field(description="The address it answered from; what it says of itself is in `named_addresses`.")
    port: int = Field(description="Port of ONVIF, or of RTSP for a device without ONVIF.")
    protocol: Literal["onvif", "rtsp", "unknown"] = "unknown"
    tls: bool = Field(False, description="That port speaks TLS.")
    service_path: str | None = Field(None, description="Path of the ONVIF device service.")
    certificate: str | None = Field(None, description="SHA-256 of the TLS certificate it showed, hexadecimal.")
    seen_by: tuple[SeenBy, ...] = ()
    named_addresses: tuple[str, ...] = Field((), description="Hosts that it gave for itself, when they are others.")
    endpoint: str | None = Field(None, description="WS-Discovery endpoint reference, such as urn:uuid:….")
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    mac: str | None = Field(None, description="Lower case, with colons.")
    name: str | None = Field(None, description="As its scopes or its host name say.")
    auth_mode: Literal["none", "digest", "wsse"] | None = None
    clock_offset_s: float | None = Field(None, description="Device time minus ours, in seconds.")
    services: tuple[str, ...] = Field((), description="Namespaces of the ONVIF services it offers.")
    channels: tuple[FoundChannel, ...] = ()
    rung: Rung = Rung.UNREACHABLE
    reasons: tuple[Reason, ...] = Field((), description="Why it was not understood further; deciding ones first.")
    credential: int | None = Field(None, description="Index of the set of credentials that it accepted.")
    refusals: tuple[Refusal, ...] = ()
    same_as: tuple[str, ...] = Field(
        (), description="Other addresses where the same endpoint reference or MAC was found; a human decides."
    )
    known_device_id: DeviceId | None = Field(None, description="The registered device that this is.")


class RefusedBefore(Value):
    """What an earlier search learned: a device at this address refused this set; it is not tried beyond the budget."""

    address: str
    credential: int = Field(ge=0, description="Index of the set in this order.")
    refusals: int = Field(ge=0)
    locked_out: bool = False
    at: datetime


class DiscoveryOrder(Value):
    """What a worker shall look at. Names were resolved and every address checked; the worker checks again."""

    discovery_id: UUID
    facility_id: FacilityId
    reach: str
    networks: tuple[str, ...] = Field((), description="CIDRs whose addresses are looked at one by one.")
    hosts: tuple[str, ...] = Field((), description="Single IP addresses, `address` or `address:port`, `[v6]:port`.")
    multicast: bool = False
    interfaces: tuple[str, ...] = Field((), description="Own addresses to send multicast from; empty: all that are up.")
    credentials: tuple[Credentials, ...] = ()
    refused: tuple[RefusedBefore, ...] = ()
    onvif_ports: tuple[int, ...] = ONVIF_PORTS
    rtsp_ports: tuple[int, ...] = RTSP_PORTS
    deadline_s: float = Field(600.0, gt=0, description="A search that lasts longer ends with what it has.")
    addresses_per_s: float = Field(800.0, gt=0, description="Most addresses that are begun in one second.")


class DiscoveryProgress(Value):
    """How far a search is."""

    phase: Literal["waiting", "listening", "looking", "asking", "done"] = "waiting"
    addresses: int = Field(0, description="Addresses to look at.")
    looked: int = Field(0, description="Addresses looked at.")
    hosts: int = Field(0, description="Hosts that answered.")
    asked: int = Field(0, description="Hosts asked what they are.")


class DiscoveryReport(Value):
    """A worker's word on a search: repeatable, a later one replaces an earlier one."""

    status: Literal["running", "done", "failed"]
    progress: DiscoveryProgress
    found: tuple[Found, ...] = Field((), max_length=FOUND_MAX)
    failure: str | None = Field(None, description="Why a search failed, for people.")


class DiscoveryReply(Value):
    """The answer to a report."""

    go_on: bool = Field(description="False: cancelled, or given to another worker; the worker must stop at once.")
