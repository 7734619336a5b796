"""The addresses that a device gives for its ONVIF service (XAddrs), taken apart.

They are never followed to another host. Devices name inner, stale and foreign addresses (drprash/onenvr issue 6: the one
before DHCP gave another; home-assistant/core issue 163938: that of another camera), so only their scheme, port and path
are of use, at the address that the packet came from. The hosts they name are kept for people to see.
"""

import re
from ipaddress import IPv6Address, ip_address

from services.contracts.networks import Address, plain_address
from services.ingest.discovery.sighting import ServiceAddress
from services.ingest.onvif.uris import service_path

_ADDRESSES_MAX = 8
_LENGTH_MAX = 512
_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]+)", re.IGNORECASE)
_HOST_AND_PORTS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%[^\]]*)?\])(?P<ports>(?::\d{1,9})*):?")


def read_service_addresses(text: str | None, source: str) -> tuple[ServiceAddress, ...]:
    """The HTTP addresses in a list of XAddrs, without repetitions, best first. What is none is left out.

    First those of ``source``, from which the packet came, then by how useful the named host would be to others:
    routable IPv4, names, IPv6, and addresses that hold on one link only (agsh/onvif issues 63, 93, 95).
    """
    found: dict[ServiceAddress, None] = {}
    for candidate in (text or "").split():
        address = _read_one(candidate)
        if address is not None:
            found[address] = None
        if len(found) == _ADDRESSES_MAX:
            break
    return tuple(sorted(found, key=lambda one: _rank(one.host, source)))


def _read_one(candidate: str) -> ServiceAddress | None:
    url = _URL.match(candidate) if len(candidate) <= _LENGTH_MAX else None
    if url is None:
        return None
    path = service_path("/" + candidate[url.end() :].lstrip("/")) or "/"
    tls = url["scheme"].lower() == "https"
    authority = url["authority"].rpartition("@")[2]
    bare = _address(authority)  # an IPv6 address without its brackets
    if isinstance(bare, IPv6Address):
        return ServiceAddress(tls, str(bare), _default_port(tls), path)
    named = _HOST_AND_PORTS.fullmatch(authority)
    if named is None:
        return None
    # "host:8106:8106" (home-assistant/core issue 92603): the second port is a repetition.
    first = next((int(digits) for digits in named["ports"].split(":") if digits), 0)
    port = first if 0 < first < 65536 else _default_port(tls)
    host = named["host"].strip("[]")
    address = _address(host)
    return ServiceAddress(tls, str(address) if address is not None else host.lower(), port, path)


def _default_port(tls: bool) -> int:
    return 443 if tls else 80


def _address(host: str) -> Address | None:
    """The IP address in a text, without a zone; None when it is a name."""
    try:
        return plain_address(ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return None


def _rank(host: str, source: str) -> int:
    address = _address(host)
    if host == source or (address is not None and address == _address(source)):
        return 0
    if address is None:
        return 2
    if address.is_link_local or address.is_loopback:
        return 4
    return 3 if isinstance(address, IPv6Address) else 1
