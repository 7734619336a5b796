"""Where a camera is, as an integrator writes it: strict reading, before anything is resolved or connected. Pure."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from services.contracts.networks import Address, CameraNetworks, plain_address
from services.registry.errors import AddressRefused, SourceInvalid

#: RFC 1123 host names in ASCII. Internationalised names come as their xn-- form.
_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")
#: What other parsers may take for a number, so that a name could stand for an address nobody checked: 127.1, 0x7f.1, 017.
_NUMERIC = re.compile(r"^(0[xX][0-9A-Fa-f]*|[0-9]+)$")
_PATH_LENGTH_MAX = 1024
#: By scheme, when the URL names none (RFC 7826 section 22.14).
_PORTS = {"rtsp": 554, "rtsps": 322}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host and port as written. ``address`` is set when the host is an IP address, else the host is a name. ``tls``: RTSPS."""

    host: str
    port: int
    address: Address | None
    tls: bool = False


def read_rtsp_url(url: str, pointer: str = "/source/url") -> tuple[Endpoint, str]:
    """Endpoint and path (with query) of an RTSP URL. Raises SourceInvalid naming what is wrong."""
    if not url.isascii() or any(unicodedata.category(char) in {"Cc", "Zs"} for char in url) or "\\" in url:
        raise SourceInvalid(pointer, "must be a URL of printable ASCII without spaces; percent-encode other characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceInvalid(pointer, "is not a URL: check the host and the port") from error
    if parts.scheme not in _PORTS:
        raise SourceInvalid(pointer, "must begin with rtsp:// or rtsps://")
    if "@" in parts.netloc:
        raise SourceInvalid(pointer, "must not hold a user name or password; send them in `credentials`")
    if parts.fragment or url.endswith("#"):
        raise SourceInvalid(pointer, "must not have a fragment (#…)")
    if parts.netloc.endswith(":"):
        raise SourceInvalid(pointer, "has a colon but no port after the host")
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    if len(path) > _PATH_LENGTH_MAX:
        raise SourceInvalid(pointer, f"has a path longer than {_PATH_LENGTH_MAX} characters")
    netloc = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    endpoint = read_endpoint(netloc, _PORTS[parts.scheme] if port is None else port, pointer, pointer)
    return replace(endpoint, tls=parts.scheme == "rtsps"), path


def read_endpoint(host: str, port: int, host_pointer: str, port_pointer: str) -> Endpoint:
    """Host and port, strictly read. Raises SourceInvalid naming what is wrong."""
    if not 1 <= port <= 65535:
        raise SourceInvalid(port_pointer, "must have a port between 1 and 65535")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    if ":" in bare:
        try:
            six = ipaddress.IPv6Address(bare)
        except ValueError as error:
            raise SourceInvalid(host_pointer, "is not a host: write an IPv6 address as [2001:db8::1]") from error
        if six.scope_id is not None:
            raise SourceInvalid(host_pointer, "must not carry an IPv6 zone (%…)")
        address = plain_address(six)
        return Endpoint(str(address), port, address)
    if bracketed:
        raise SourceInvalid(host_pointer, "has brackets around something that is not an IPv6 address")
    try:
        four = ipaddress.IPv4Address(bare)
    except ValueError:
        return Endpoint(_read_name(bare, host_pointer), port, None)
    return Endpoint(str(four), port, four)


def _read_name(name: str, pointer: str) -> str:
    name = name.removesuffix(".").lower()
    labels = name.split(".")
    if not name:
        raise SourceInvalid(pointer, "has no host")
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise SourceInvalid(pointer, "is not a host name or an IP address")
    if _NUMERIC.match(labels[-1]):
        raise SourceInvalid(pointer, "is not a usual IP address: write it as four decimal numbers, e.g. 192.0.2.10")
    return name


def check_addresses(endpoint: Endpoint, addresses: tuple[Address, ...], networks: CameraNetworks, pointer: str) -> str:
    """The address to connect to from now on: the first, if all the host's addresses are allowed. Raises AddressRefused."""
    if not networks.networks:
        raise AddressRefused(
            pointer, "cannot be accepted: no camera networks are allowed yet. Set VONGGAC_CAMERA_NETWORKS first."
        )
    for address in addresses:
        if not networks.permit(address):
            raise AddressRefused(
                pointer,
                f"{endpoint.host} lies outside the allowed camera networks"
                if endpoint.address is not None
                else f"{endpoint.host} resolves to an address outside the allowed camera networks",
            )
    return str(plain_address(addresses[0]))


def rtsp_source_key(reach: str, address: str, port: int, path: str) -> str:
    """What makes an RTSP camera the same camera."""
    return f"{reach}|rtsp|{address}|{port}|{path}"


def onvif_source_key(reach: str, address: str, port: int, channel: str | None) -> str:
    """What makes an ONVIF camera the same camera; ``channel`` None while the device has not told."""
    return f"{reach}|onvif|{address}|{port}|{channel or '*'}"


def in_reach(source_key: str, reach: str) -> str:
    """The key of the same endpoint in another reach. A reach label never holds a ``|``."""
    return reach + source_key[source_key.index("|") :]


def at_endpoint(source_key: str, address: str, port: int) -> str:
    """The key of the same camera at another endpoint."""
    reach, protocol, _, _, rest = source_key.split("|", 4)
    return f"{reach}|{protocol}|{address}|{port}|{rest}"


def rtsp_url(host: str, port: int, path: str, *, tls: bool) -> str:
    """The URL of an RTSP endpoint."""
    return f"{'rtsps' if tls else 'rtsp'}://{f'[{host}]' if ':' in host else host}:{port}{path}"
