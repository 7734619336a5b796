"""MAC addresses that this machine's kernel knows: of hosts on the same link that it has spoken to lately."""

from ipaddress import ip_address

from services.contracts.networks import plain_address
from services.ingest.discovery import netlink


def mac_of(address: str) -> str | None:
    """The MAC of the host at this IP address: lower case, with colons.

    None when the host is behind a router, has not been spoken to, or the kernel does not tell. Microseconds.
    """
    try:
        wanted = plain_address(ip_address(address))
        known = netlink.neighbours()
    except (OSError, ValueError):
        return None
    return next((one.mac for one in known if one.address == wanted and one.mac is not None), None)
