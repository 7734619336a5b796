"""What a device says of its own identity: network interfaces, and the endpoint reference of WS-Discovery."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from services.contracts.identity import endpoint_of

_UUID = re.compile(r"(?:urn:)?(?:uuid:)?\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface: its MAC address, and the addresses it is set to."""

    mac: str
    enabled: bool = True
    addresses: tuple[str, ...] = ()


def mac_reached(interfaces: Sequence[Interface], reached: str) -> str | None:
    """The MAC of the interface whose address is the one we reached, else of the first that is switched on."""
    for interface in interfaces:
        if any(_same(address, reached) for address in interface.addresses):
            return interface.mac
    return next((interface.mac for interface in interfaces if interface.enabled), None)


def endpoint_reference(told: str | None) -> str | None:
    """An endpoint reference in the form that WS-Discovery gives it: a bare UUID gets its ``urn:uuid:``."""
    if not told or endpoint_of(told) is None:
        return None
    uuid = _UUID.fullmatch(told)
    return f"urn:uuid:{uuid[1].lower()}" if uuid else told


def _same(address: str, reached: str) -> bool:
    try:
        return ip_address(address.partition("/")[0]) == ip_address(reached)
    except ValueError:
        return False
