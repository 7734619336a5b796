"""Where the devices of a site are to be found: all at one address, or each at one of its own."""

import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from services.simulator.device import Place

#: Of loopback, so that it is there on every Linux; elsewhere its addresses must be made first.
OWN_NETWORK = "127.77.0.0/16"

_ONVIF_PORT = 80
_RTSP_PORT = 554


class NetworkTooSmall(ValueError):
    """There are more devices than addresses."""


def place_devices(
    names: Sequence[str], host: str, network: IPv4Network | IPv6Network | None, ports: dict[str, int]
) -> dict[str, Place]:
    """A place for each name. ``ports`` are those known from before, by ``<name>/onvif`` and ``<name>/rtsp``.

    With a ``network`` the first device gets its first address and so on, and the ports that cameras have, if we may use
    them; otherwise all are at ``host``, on any free ports. Raises NetworkTooSmall.
    """
    if network is None:
        hosts, onvif, rtsp = [host] * len(names), 0, 0
    else:
        if network.num_addresses <= len(names):
            raise NetworkTooSmall(f"{network} has no addresses for {len(names)} devices")
        hosts = [str(network[index + 1]) for index in range(len(names))]
        onvif, rtsp = (_ONVIF_PORT, _RTSP_PORT) if not hosts or _may_use(hosts[0], _ONVIF_PORT) else (0, 0)
    return {
        name: Place(host, ports.get(f"{name}/onvif", onvif), ports.get(f"{name}/rtsp", rtsp))
        for name, host in zip(names, hosts, strict=True)
    }


def _may_use(host: str, port: int) -> bool:
    """Whether this process may listen on a privileged port, be it taken or not."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((host, port))
        except OSError as error:
            return error.errno not in {errno.EACCES, errno.EPERM}
    return True
