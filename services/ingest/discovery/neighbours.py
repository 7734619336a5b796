"""Hosts on the same link, as this machine's kernel knows them: their MAC addresses, and how many more it can ask for."""

import contextlib
import socket
from ipaddress import ip_address

from services.contracts.networks import plain_address
from services.ingest.discovery import netlink

#: Of all neighbours that the kernel can hold, so many may be unresolved because of us. The rest is for others: when
#: the table is full, new connections of the whole machine fail.
_SHARE = 0.75
_LOOK_EVERY_S = 0.1


def mac_of(address: str) -> str | None:
    """The MAC of the host at this IP address: lower case, with colons.

    None when the host is behind a router, has not been spoken to, or the kernel does not tell. Does not wait.
    """
    try:
        wanted = plain_address(ip_address(address))
        known = netlink.neighbours()
    except (OSError, ValueError):
        return None
    return next((one.mac for one in known if one.address == wanted and one.mac is not None), None)


class NeighbourRoom:
    """Room for hosts that may be on the same link and silent.

    Linux asks for each by ARP for 3 s and meanwhile keeps a place in a table of 1,024 (gc_thresh3); beyond that packets
    are dropped without a word. Hosts behind a router need no room.
    """

    def __init__(self, family: int) -> None:
        self._family = family
        self._places: int | None = None
        with contextlib.suppress(OSError):
            most = netlink.neighbours_max(family)
            self._places = None if most is None else max(int(most * _SHARE), 1)
        self._left = 0
        self._looked_at = float("-inf")

    def take(self, now: float) -> bool:
        """Take a place; False: not now."""
        if self._places is None:
            return True
        if self._left <= 0 and now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            self._left = self._places - self._unresolved()
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def _unresolved(self) -> int:
        try:
            return netlink.unresolved(self._family)
        except OSError:
            return 0


def room_for(version: int) -> NeighbourRoom:
    """The room for addresses of IPv4 or IPv6."""
    return NeighbourRoom(socket.AF_INET if version == 4 else socket.AF_INET6)
