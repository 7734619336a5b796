"""What is known of one host before it is asked, and at which of its doors to knock, in which order. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from services.contracts.discovery import SeenBy
from services.contracts.networks import plain_address
from services.ingest.discovery.sighting import OpenPort, ServiceAddress, Sighting

#: Where the ONVIF Core specification has the device service.
DEVICE_SERVICE = "/onvif/device_service"
#: Most ONVIF doors of one host that are knocked at.
ONVIF_DOORS_MAX = 8
_NAMED_MAX = 8


@dataclass(frozen=True, slots=True)
class OnvifDoor:
    """Where an ONVIF device service may be, at the host's own address."""

    port: int
    path: str = DEVICE_SERVICE
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One host that may be a device."""

    address: str
    seen_by: tuple[SeenBy, ...] = ()
    onvif: tuple[OnvifDoor, ...] = ()
    rtsp_ports: tuple[int, ...] = ()
    #: It answered a probe of WS-Discovery: it is a device, even if it says nothing more.
    answered_probe: bool = False
    #: Somebody asked for this very host: it is reported, even if nothing is there.
    named: bool = False
    #: The port that it was named with.
    named_port: int | None = None
    #: Other devices were named at other ports of this address: what listens at any port but its own may be another one.
    shares_address: bool = False
    #: Hosts that it gave for itself, when they are others.
    named_addresses: tuple[str, ...] = ()
    endpoint: str | None = None
    name: str | None = None
    hardware: str | None = None
    mac: str | None = None

    @property
    def hints(self) -> str:
        """Words that may tell the maker."""
        return " ".join(word for word in (self.hardware, self.name) if word)


def candidate(
    address: str,
    sightings: Sequence[Sighting],
    open_ports: Iterable[OpenPort],
    *,
    onvif_ports: Sequence[int],
    rtsp_ports: Sequence[int],
    named: bool = False,
    named_port: int | None = None,
    shares_address: bool = False,
    seen_by: Collection[SeenBy] = (),
) -> Candidate:
    """Merge what was seen of one address. ``onvif_ports`` and ``rtsp_ports`` are those of the order, in its order.

    A host that was named with a port may be one of several behind a router: then only that port is knocked at, and
    it may be of either kind.
    """
    own = [sighting for sighting in sightings if sighting.address == address]
    named_by_device = [place for sighting in own for place in sighting.service_addresses]
    doors: dict[OnvifDoor, None] = {}
    if named_port is not None:
        # Paths are kept where the device named them for this port.
        for place in named_by_device:
            if place.port == named_port:
                doors[_door(place)] = None
        doors[OnvifDoor(named_port)] = None
        rtsp: tuple[int, ...] = (named_port,)
    else:
        # A device often names several addresses (quirk 19): those of the packet's source first.
        for place in sorted(named_by_device, key=lambda place: not _same_host(place.host, address)):
            doors[_door(place)] = None
        found = {port.port for port in open_ports if port.address == address}
        wanted = sorted((port for port in onvif_ports if port in found), key=lambda port: port != 80)
        for port in wanted:
            if all(door.port != port for door in doors):
                doors[OnvifDoor(port)] = None
        rtsp = tuple(port for port in rtsp_ports if port in found)
    order: tuple[SeenBy, ...] = ("multicast", "probe", "tcp", "host")
    seen = {*seen_by, *(sighting.seen_by for sighting in own)}
    hosts = (place.host for place in named_by_device if not _same_host(place.host, address))
    return Candidate(
        address=address,
        seen_by=tuple(way for way in order if way in seen),
        onvif=tuple(doors)[:ONVIF_DOORS_MAX],
        rtsp_ports=rtsp,
        answered_probe=bool(own),
        named=named,
        named_port=named_port,
        shares_address=shares_address,
        named_addresses=tuple(dict.fromkeys(hosts))[:_NAMED_MAX],
        endpoint=_first(sighting.endpoint for sighting in own),
        name=_first(sighting.name for sighting in own),
        hardware=_first(sighting.hardware for sighting in own),
        mac=_first(sighting.mac for sighting in own),
    )


def _door(place: ServiceAddress) -> OnvifDoor:
    return OnvifDoor(place.port, place.path or DEVICE_SERVICE, place.tls)


def _same_host(host: str, address: str) -> bool:
    try:
        return plain_address(ip_address(host.strip("[]"))) == plain_address(ip_address(address))
    except ValueError:
        return False


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)
