"""Where a camera may send us: inside the allowed networks, a few times, and with a password only to itself.

``next_address`` and the two questions behind it are pure; ``Route`` remembers how far one camera has sent us. Why so:
docs/decisions/0021-redirects.md.
"""

import logging
import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from services.contracts.camera import RtspSource
from services.contracts.ids import CameraId
from services.contracts.ladder import Reason
from services.contracts.networks import CameraNetworks, plain_address
from services.ingest.faults import CameraFault, Redirected

log = logging.getLogger(__name__)

#: So many redirects in a row are followed. One is what platforms do that hand each stream to another port (go2rtc issue
#: 1881); more are borne for those that stand behind each other.
HOPS_MAX = 3

#: As for URLs that are registered (``registry.sources``): printable ASCII, and nothing that parsers disagree about.
_PLAIN = re.compile(r"[!-\[\]-~]{1,1024}")
_PORT_DEFAULT = 554


def next_address(trail: Sequence[RtspSource], location: str, networks: CameraNetworks) -> RtspSource | None:
    """Where to go when the last of ``trail`` sends us to ``location``; None when we do not follow.

    ``trail`` begins with the registered source. Followed are rtsp URLs that hold a plain IP address inside the allowed
    networks: a name would be looked up for whoever writes it. A user name or password in the URL is left out.
    """
    if len(trail) > HOPS_MAX:
        return None
    target = _read(location)
    if target is None or target in trail or not networks.permit_text(target.address):
        return None
    return target


def _read(location: str) -> RtspSource | None:
    if not _PLAIN.fullmatch(location):
        return None
    try:
        parts = urlsplit(location)
        port = parts.port
        address = plain_address(ip_address(parts.hostname or ""))
    except ValueError:
        return None
    if parts.scheme != "rtsp" or port == 0 or parts.fragment:
        return None
    path = parts.path or "/"
    return RtspSource(
        address=str(address), port=port or _PORT_DEFAULT, path=f"{path}?{parts.query}" if parts.query else path
    )


def may_sign_in(registered: RtspSource, target: RtspSource) -> bool:
    """Whether the camera's credentials may be used there: at the address for which they were registered, and not in
    the open what was registered under TLS."""
    return target.address == registered.address and (target.tls or not registered.tls)


def may_sign_in_plainly(registered: RtspSource, target: RtspSource) -> bool:
    """Whether the password itself may be sent there (Basic): behind one address another port can be another device."""
    return may_sign_in(registered, target) and target.port == registered.port


class Route:
    """Where one camera is connected to: where it is registered, or where it has just sent us."""

    def __init__(self, camera_id: CameraId, networks: CameraNetworks) -> None:
        self._camera_id = camera_id
        self._networks = networks
        self._trail: list[RtspSource] = []
        self._sent = False  # the last of the trail was named by the camera, and nobody has been there yet

    def begin(self, registered: RtspSource) -> RtspSource:
        """Where to connect now. A redirect is good for one attempt; the next begins at the registered address."""
        if not self._sent or self._trail[0] != registered:
            self._trail = [registered]
        self._sent = False
        return self._trail[-1]

    def follow(self, fault: CameraFault) -> bool:
        """Whether this end of an attempt is a redirect that the next ``begin`` follows, at once."""
        if not isinstance(fault, Redirected) or not self._trail:
            return False
        target = next_address(self._trail, fault.location, self._networks)
        if target is None:
            return False
        self._trail.append(target)
        self._sent = True
        log.info(
            "redirect followed",
            extra={"camera_id": self._camera_id, "address": target.address, "port": target.port},
        )
        return True

    @property
    def may_sign_in(self) -> bool:
        """``may_sign_in`` for where we are."""
        return may_sign_in(self._trail[0], self._trail[-1])

    @property
    def may_sign_in_plainly(self) -> bool:
        """``may_sign_in_plainly`` for where we are."""
        return may_sign_in_plainly(self._trail[0], self._trail[-1])

    def judged(self, fault: CameraFault) -> CameraFault:
        """The fault as it is to be told: credentials that we withheld are not missing."""
        if fault.reason is Reason.CREDENTIALS_MISSING and len(self._trail) > 1 and not self.may_sign_in:
            return CameraFault(Reason.REDIRECTED, fault.rung, "sent to another address, which wants a password")
        return fault
