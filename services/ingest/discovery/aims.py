"""What an order aims at: its networks and hosts, read and checked against the camera networks. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from services.contracts.discovery import DiscoveryOrder
from services.contracts.networks import Address, CameraNetworks, Network, plain_address
from services.ingest.discovery.targets import Targets


class OrderRefused(ValueError):
    """The order names what must not be looked at, or too much. The message is for people."""


@dataclass(frozen=True, slots=True)
class Aims:
    """Where to look. An address named with ports stands in ``ports`` only, unless it is also looked at as a whole: then
    the ports are further doors of that one device."""

    networks: tuple[Network, ...]
    hosts: tuple[str, ...]
    #: Address → ports that it was named with.
    ports: Mapping[str, tuple[int, ...]]
    #: How many addresses are looked at.
    addresses: int

    def is_whole(self, address: str) -> bool:
        """Whether all ports of this address are looked at."""
        return address in self.hosts or any(ip_address(address) in network for network in self.networks)


def read_order(order: DiscoveryOrder, allowed: CameraNetworks) -> Aims:
    """Raises OrderRefused. Nothing is left out silently: an order that names one foreign network is refused whole."""
    networks = tuple(_network(text, allowed) for text in order.networks)
    hosts: dict[str, None] = {}
    ports: dict[str, list[int]] = defaultdict(list)
    for text in order.hosts:
        address, port = read_host(text)
        if not allowed.permit(address):
            raise OrderRefused(f"{address} lies outside the camera networks of this worker.")
        if port is None:
            hosts[str(address)] = None
        elif port not in ports[str(address)]:
            ports[str(address)].append(port)
    try:
        count = len(Targets([*networks, *(ip_network(host) for host in hosts)]))
    except ValueError as error:
        raise OrderRefused(str(error)) from error
    whole = Aims(networks, tuple(hosts), {}, 0)
    alone = sum(not whole.is_whole(address) for address in ports)
    return Aims(networks, tuple(hosts), {address: tuple(found) for address, found in ports.items()}, count + alone)


def read_host(text: str) -> tuple[Address, int | None]:
    """Address and port of ``address``, ``address:port`` or ``[v6]:port``. Raises OrderRefused."""
    host, port = text.strip(), ""
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        port = rest.removeprefix(":") if bracket else "?"
        if bracket and rest and not rest.startswith(":"):
            port = "?"
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        port = port or "?"
    try:
        address = plain_address(ip_address(host))
        number = int(port) if port else None
    except ValueError:
        raise OrderRefused(f"{text} is neither an IP address nor an address with a port.") from None
    if number is not None and not 0 < number < 65536:
        raise OrderRefused(f"{text} names no port.")
    return address, number


def hosts_as_networks(addresses: Iterable[str]) -> list[Network]:
    """Single addresses in the form in which a sweep takes them."""
    return [ip_network(address) for address in addresses]


def _network(text: str, allowed: CameraNetworks) -> Network:
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise OrderRefused(f"{text} is no network, such as 192.168.1.0/24.") from None
    if not allowed.permit_whole(network):
        raise OrderRefused(f"{network} lies outside the camera networks of this worker.")
    return network
