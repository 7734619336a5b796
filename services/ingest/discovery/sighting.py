"""What was seen of a host before it is asked anything."""

from dataclasses import dataclass, field

from services.contracts.discovery import SeenBy


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """An address that a device gave for its ONVIF device service (an XAddr), taken apart."""

    tls: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One answer. ``address`` is where the packet came from, which is believed before anything that stands in it."""

    address: str
    seen_by: SeenBy
    #: Endpoint reference, ``urn:uuid:…``.
    endpoint: str | None = None
    #: Best first; see ``service_addresses``.
    service_addresses: tuple[ServiceAddress, ...] = ()
    #: Local names of the types, such as NetworkVideoTransmitter.
    types: frozenset[str] = field(default_factory=frozenset)
    name: str | None = None
    hardware: str | None = None
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class OpenPort:
    """A TCP port that accepted a connection."""

    address: str
    port: int
