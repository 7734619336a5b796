"""What comes in of each address while a search listens and looks, until the address is asked. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.contracts.discovery import FOUND_MAX, SeenBy
from services.ingest.discovery.sighting import OpenPort, Sighting

_SIGHTINGS_MAX = 32


@dataclass(slots=True)
class Gathered:
    """One address."""

    address: str
    sightings: list[Sighting] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    ways: set[SeenBy] = field(default_factory=set)
    first_at: float = 0.0
    last_at: float = 0.0
    #: Given out to be asked.
    taken: bool = False

    @property
    def open_ports(self) -> list[OpenPort]:
        return [OpenPort(self.address, port) for port in sorted(self.ports)]


class Gathering:
    """All addresses that gave a sign of life."""

    def __init__(self, settle_s: float, settle_max_s: float) -> None:
        """An address is ripe when nothing new came for ``settle_s``, and ``settle_max_s`` after its first sign."""
        self._settle_s = settle_s
        self._settle_max_s = settle_max_s
        self._hosts: dict[str, Gathered] = {}
        #: Those of which nothing was given out yet.
        self._waiting: dict[str, Gathered] = {}

    def __len__(self) -> int:
        return len(self._hosts)

    def sighting(self, sighting: Sighting, now: float) -> None:
        """An answer to a probe came."""
        host = self._host(sighting.address, now)
        if host is not None and len(host.sightings) < _SIGHTINGS_MAX:
            host.sightings.append(sighting)
            host.ways.add(sighting.seen_by)

    def open_port(self, port: OpenPort, now: float) -> None:
        """A connection was accepted."""
        host = self._host(port.address, now)
        if host is not None:
            host.ports.add(port.port)
            host.ways.add("tcp")

    def ways(self, address: str) -> frozenset[SeenBy]:
        """How this address was seen."""
        host = self._hosts.get(address)
        return frozenset(host.ways) if host is not None else frozenset()

    def waiting(self) -> list[str]:
        """Addresses that were not taken yet."""
        return list(self._waiting)

    def take(self, address: str) -> Gathered:
        """What is known of this address, which is asked now; nothing may be known."""
        host = self._hosts.setdefault(address, Gathered(address))
        host.taken = True
        self._waiting.pop(address, None)
        return host

    def ripe(self, now: float) -> Iterator[str]:
        """Addresses of which no more is to be expected."""
        for address, host in self._waiting.items():
            if now - host.last_at >= self._settle_s or now - host.first_at >= self._settle_max_s:
                yield address

    def answered(self) -> Iterable[Gathered]:
        """Addresses that answered a probe and were not taken."""
        return [host for host in self._waiting.values() if host.sightings]

    def _host(self, address: str, now: float) -> Gathered | None:
        host = self._hosts.get(address)
        if host is None:
            if len(self._hosts) >= FOUND_MAX:
                return None
            host = self._hosts[address] = self._waiting[address] = Gathered(address, first_at=now)
        host.last_at = now
        return host
