"""Where a device may send us: to another door of its own, and nowhere else.

Firmware that forces HTTPS answers a POST over HTTP with a redirect, which clients turn into a GET (lumeohq/onvif-rs issue
39, maciej-or/hikvision_next issue 231). The same call is then made over HTTPS. Another address, a name, or the way back
from HTTPS to HTTP is refused (ADR 0021, 0029).
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from services.ingest.onvif.transport import Endpoint
from services.ingest.onvif.uris import service_path

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


def moved_to(endpoint: Endpoint, location: str | None) -> tuple[Endpoint, str | None] | None:
    """The endpoint and the path that a Location header names; None when it must not be followed."""
    if not location or not location.isprintable():
        return None
    path = service_path(location)
    if location.startswith("/") and not location.startswith("//"):
        return endpoint, path
    try:
        parts = urlsplit(location)
        named, port = ip_address(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    tls = parts.scheme == "https"
    if parts.scheme not in _PORTS or named != ip_address(endpoint.address) or (endpoint.tls and not tls):
        return None
    return Endpoint(endpoint.address, port, tls), path
