"""What a search shall look at: read strictly, resolved and checked, before any worker hears of it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Any

from services.contracts.discovery import ADDRESSES_MAX
from services.contracts.errors import Fault, Invalid
from services.contracts.networks import CameraNetworks, Network
from services.registry.errors import AddressRefused, SourceInvalid, TargetsRefused
from services.registry.resolver import Resolver
from services.registry.sources import check_addresses, read_endpoint

#: Names that are looked up at once.
_LOOKUPS_MAX = 16
_NAME_THEM = "VONGGAC_CAMERA_NETWORKS names the allowed ones"


@dataclass(frozen=True, slots=True)
class Targets:
    """Checked targets, as a worker gets them."""

    networks: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    multicast: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"networks": list(self.networks), "hosts": list(self.hosts), "multicast": self.multicast}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Targets":
        return cls(tuple(kept["networks"]), tuple(kept["hosts"]), kept["multicast"])

    def cover(self, address: str) -> bool:
        """Whether a search of these looks at this address: only then its silence says anything."""
        wanted = ip_address(address)
        if any(wanted in ip_network(network) for network in self.networks):
            return True
        return any(_host_of(host) == address for host in self.hosts)


class TargetReader:
    """Reads targets against the allowed camera networks."""

    def __init__(self, allowed: CameraNetworks, resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver

    async def read(self, networks: Sequence[str], hosts: Sequence[str], *, multicast: bool) -> Targets:
        """Raises TargetsRefused, naming every field at fault."""
        faults: list[Fault] = []
        if not self._allowed.networks and (networks or hosts or multicast):
            detail = "cannot be searched: no camera networks are allowed yet. Set VONGGAC_CAMERA_NETWORKS first."
            raise TargetsRefused([Fault("", detail)])
        read = [network for place, text in enumerate(networks) if (network := self._network(text, place, faults))]
        addresses = await self._hosts(hosts, faults)
        if faults:
            raise TargetsRefused(faults)
        if not read and not addresses and not multicast:
            raise TargetsRefused([Fault("", "names nothing to look at: give networks, hosts, or multicast")])
        whole = collapse(read)
        targets = Targets(tuple(map(str, whole)), tuple(dict.fromkeys(addresses)), multicast)
        total = sum(map(usable, whole)) + len(targets.hosts)
        if total > ADDRESSES_MAX:
            detail = f"name {total:,} addresses; one search looks at {ADDRESSES_MAX:,} at most. Split it."
            raise TargetsRefused([Fault("/networks", detail)])
        return targets

    def _network(self, text: str, place: int, faults: list[Fault]) -> Network | None:
        pointer = f"/networks/{place}"
        try:
            network = ip_network(text.strip(), strict=False)
        except ValueError:
            faults.append(Fault(pointer, "is not a network: write it as address/length, e.g. 192.168.1.0/24"))
            return None
        if not self._allowed.permit_whole(network):
            faults.append(Fault(pointer, f"{network} does not lie inside the allowed camera networks; {_NAME_THEM}"))
            return None
        return network

    async def _hosts(self, hosts: Sequence[str], faults: list[Fault]) -> list[str]:
        slots = asyncio.Semaphore(_LOOKUPS_MAX)

        async def read_one(place: int, text: str) -> str | Invalid:
            async with slots:
                try:
                    return await self._host(text, f"/hosts/{place}")
                except (SourceInvalid, AddressRefused) as error:
                    return error

        read = await asyncio.gather(*(read_one(place, text) for place, text in enumerate(hosts)))
        faults += [fault for one in read if isinstance(one, Invalid) for fault in one.faults]
        return [one for one in read if isinstance(one, str)]

    async def _host(self, text: str, pointer: str) -> str:
        host, port = _split(text.strip(), pointer)
        endpoint = read_endpoint(host, 80 if port is None else port, pointer, pointer)
        if endpoint.address is None:
            found = await self._resolver.resolve(endpoint.host, pointer)
        else:
            found = (endpoint.address,)
        try:
            address = check_addresses(endpoint, found, self._allowed, pointer)
        except AddressRefused as error:
            raise AddressRefused(pointer, f"{error.faults[0].detail}; {_NAME_THEM}") from error
        if port is None:
            return address
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def collapse(networks: Iterable[Network]) -> list[Network]:
    """The same addresses in as few networks as can be."""
    listed = list(networks)
    four = collapse_addresses(network for network in listed if isinstance(network, IPv4Network))
    six = collapse_addresses(network for network in listed if isinstance(network, IPv6Network))
    return [*four, *six]


def usable(network: Network) -> int:
    """How many hosts a network can have: without its own address and its broadcast address."""
    reserved = 2 if isinstance(network, IPv4Network) and network.prefixlen < 31 else 0
    return network.num_addresses - reserved


def _split(text: str, pointer: str) -> tuple[str, int | None]:
    """Host and port of ``host``, ``host:port`` or ``[v6]:port``."""
    host, port = text, ""
    if text.startswith("["):
        inner, bracket, rest = text.partition("]")
        host, port = inner + bracket, rest.removeprefix(":")
        if rest and not rest.startswith(":"):
            raise SourceInvalid(pointer, "has something other than a port after the bracket")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not port and not text.endswith(":"):
        return host, None
    if not port.isascii() or not port.isdecimal() or len(port) > 5:
        raise SourceInvalid(pointer, "must have a port between 1 and 65535 after its colon")
    return host, int(port)


def _host_of(target: str) -> str:
    """The address of a target that was checked."""
    if target.startswith("["):
        return target[1:].partition("]")[0]
    return target.partition(":")[0] if target.count(":") == 1 else target
