"""WS-Discovery: the question, and asking it by multicast on each interface.

What devices demand of a client: no membership of the group (andreikop/python-ws-discovery issue 40: switches that snoop on
IGMP then drop the answers), an unconnected socket of its own for each interface (agsh/onvif issue 55: else the probe
leaves by the default route only), one line of XML with the prefix ``dn`` (python-ws-discovery pull request 25: firmware
compares text), and the question with and without a type, each of which some firmware ignores (pull request 56).
"""

import asyncio
import contextlib
import logging
import socket
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from services.contracts.networks import CameraNetworks, plain_address
from services.ingest.discovery import netlink
from services.ingest.discovery.probe_match import parse
from services.ingest.discovery.sighting import Sighting

log = logging.getLogger(__name__)

PORT = 3702
GROUP_V4 = "239.255.255.250"
GROUP_V6 = "ff02::c"
#: The types that are asked for, each in a probe of its own: cameras and recorders as ONVIF names them, and anything.
PROBED_TYPES = ("dn:NetworkVideoTransmitter", None)

#: When probes leave, in shares of the window. The last leaves most of the window for its answers.
_PROBES_AT = (0.0, 0.2, 0.5)
#: Between the two forms of a probe: small devices take one datagram at a time.
_FORMS_APART_S = 0.05
#: 300 devices that answer both forms at once fill 1.4 MB of it. More than the system allows is cut to what it allows.
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_SO_RCVBUFFORCE = 33
#: So many datagrams are read in one search, and so many from one address; what comes beyond that is a flood.
_DATAGRAMS_MAX = 65_536
_DATAGRAMS_PER_SENDER = 32
_SENDERS_MAX = 8192
#: Read at a stretch, and understood at a stretch (a millisecond), before others on the event loop have their turn.
_READ_AT_ONCE = 256
_PARSE_AT_ONCE = 4
_CANCEL_S = 0.1
_HOPS = 1


def probe_message(message_id: str, types: str | None) -> bytes:
    """A probe. ``message_id`` is a URN; ``types`` is one of ``PROBED_TYPES``."""
    wanted = f"<d:Types>{types}</d:Types>" if types else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
        ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
        '<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>'
        f"<a:MessageID>{message_id}</a:MessageID><a:ReplyTo>"
        "<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
        '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>'
        f"<s:Body><d:Probe>{wanted}</d:Probe></s:Body></s:Envelope>"
    ).encode()


def new_message_id() -> str:
    """Another one for each probe: a repeated one is taken for a copy and not answered."""
    return f"urn:uuid:{uuid.uuid4()}"


def widen_receive_buffer(sock: socket.socket) -> None:
    """Make room for many answers at once; beyond the system's limit where we may."""
    with contextlib.suppress(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


class MulticastOutcome(NamedTuple):
    """How a search by multicast went."""

    #: Own addresses that probes left from.
    interfaces: tuple[str, ...]
    #: Own addresses that no probe could leave from.
    silent: tuple[str, ...]
    datagrams: int
    #: The bounds on datagrams or senders were met: there may be more devices.
    flooded: bool


async def multicast(
    interfaces: Sequence[str],
    *,
    window_s: float,
    networks: CameraNetworks,
    on_sighting: Callable[[Sighting], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> MulticastOutcome:
    """Probe by multicast from each of these own addresses (none named: all that are up) and listen for ``window_s``.

    ``on_sighting`` is called on the event loop, once for each different answer of a device in the camera networks;
    answers from elsewhere are not looked at. ``cancelled`` ends it within 0.1 s. Never raises for the network.
    """
    listener = _Listener(networks, on_sighting)
    loop = asyncio.get_running_loop()
    sources: list[_Source] = []
    silent: list[str] = []
    try:
        for interface in interfaces or _own_interfaces():
            try:
                source = _open(interface)
            except (OSError, ValueError) as error:
                log.warning("no discovery by multicast from %s: %s", interface, error)
                silent.append(interface)
                continue
            sources.append(source)
            loop.add_reader(source.sock, listener.read, source.sock)
        began = loop.time()
        heard: set[str] = set()
        for share in _PROBES_AT:
            for form, types in enumerate(PROBED_TYPES):
                await _pause(began + share * window_s + form * _FORMS_APART_S, cancelled)
                if cancelled():
                    break
                for source in sources:
                    if source.send(probe_message(new_message_id(), types)):
                        heard.add(source.interface)
        await _pause(began + window_s, cancelled)
        for source in sources:
            listener.read(source.sock)  # what came while the loop was busy elsewhere
        await listener.finish()
        silent += [source.interface for source in sources if source.interface not in heard]
        used = tuple(source.interface for source in sources if source.interface in heard)
        return MulticastOutcome(used, tuple(silent), listener.datagrams, listener.flooded)
    finally:
        listener.close()
        for source in sources:
            loop.remove_reader(source.sock)
            source.sock.close()


class _Source(NamedTuple):
    interface: str
    sock: socket.socket
    target: tuple[str, int] | tuple[str, int, int, int]

    def send(self, message: bytes) -> bool:
        try:
            self.sock.sendto(message, self.target)
        except OSError as error:
            log.debug("probe from %s: %s", self.interface, error)
            return False
        return True


class _Listener:
    def __init__(self, networks: CameraNetworks, on_sighting: Callable[[Sighting], None]) -> None:
        self._networks = networks
        self._on_sighting = on_sighting
        self._told: set[Sighting] = set()
        self._by_sender: dict[str, int] = {}
        self._came: deque[tuple[bytes, str]] = deque()
        self._parsing: asyncio.Handle | None = None
        self.datagrams = 0
        self.flooded = False

    def read(self, sock: socket.socket) -> None:
        """Take what has come, up to a bound; the event loop calls again if there is more.

        It is understood later and little by little: reading is fifty times as fast, and while 300 answers come at once
        the kernel's buffer must not wait.
        """
        with contextlib.suppress(OSError):
            for _ in range(_READ_AT_ONCE):
                datagram, sender = sock.recvfrom(65_535)
                if self._wanted(sender[0]):
                    self._came.append((datagram, sender[0]))
        if self._came and self._parsing is None:
            self._parsing = asyncio.get_running_loop().call_soon(self._parse_some)

    async def finish(self) -> None:
        """Until all that came is understood."""
        while self._came:
            self._take(*self._came.popleft())
            await asyncio.sleep(0)

    def close(self) -> None:
        """Understand nothing more."""
        self._came.clear()
        if self._parsing is not None:
            self._parsing.cancel()
            self._parsing = None

    def _parse_some(self) -> None:
        for _ in range(min(_PARSE_AT_ONCE, len(self._came))):
            self._take(*self._came.popleft())
        self._parsing = asyncio.get_running_loop().call_soon(self._parse_some) if self._came else None

    def _wanted(self, sender: str) -> bool:
        """Whether a datagram from here is kept: counted, permitted, and within the bounds."""
        self.datagrams += 1
        if self.datagrams > _DATAGRAMS_MAX:
            self.flooded = True
            return False
        count = self._by_sender.get(sender)
        if count is None:
            if not self._networks.permit_text(sender):
                return False
            if len(self._by_sender) >= _SENDERS_MAX:
                self.flooded = True
                return False
            count = 0
        if count >= _DATAGRAMS_PER_SENDER:
            self.flooded = True
            return False
        self._by_sender[sender] = count + 1
        return True

    def _take(self, datagram: bytes, sender: str) -> None:
        address = str(plain_address(ip_address(sender)))
        for sighting in parse(datagram, address, "multicast"):
            if sighting not in self._told:
                self._told.add(sighting)
                self._on_sighting(sighting)


def _own_interfaces() -> list[str]:
    """One address of each family for each interface that is up. Link-local IPv6 is of no use: no camera network may
    hold an address that means something on one link only."""
    try:
        own = netlink.own_addresses()
    except OSError as error:
        log.warning("the interfaces of this machine are unknown: %s", error)
        return []
    chosen: dict[tuple[int, int], str] = {}
    for one in own:
        if isinstance(one.address, IPv4Address) or not (one.address.is_link_local or one.address.is_loopback):
            chosen.setdefault((one.interface, one.address.version), str(one.address))
    return list(chosen.values())


def _open(interface: str) -> _Source:
    """A socket that sends from this own address and hears only what is sent to it. Raises OSError, ValueError."""
    address = ip_address(interface)
    v6 = isinstance(address, IPv6Address)
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        widen_receive_buffer(sock)
        sock.bind((interface, 0))
        if isinstance(address, IPv6Address):
            index = next((one.interface for one in netlink.own_addresses() if one.address == address), 0)
            if not index:
                raise ValueError("no interface that is up has this address")
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, _HOPS)
            return _Source(interface, sock, (GROUP_V6, PORT, 0, index))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, address.packed)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _HOPS)
    except BaseException:
        sock.close()
        raise
    return _Source(interface, sock, (GROUP_V4, PORT))


async def _pause(until: float, cancelled: Callable[[], bool]) -> None:
    """Until this time of the event loop, or until it is cancelled."""
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0 and not cancelled():  # noqa: ASYNC110  # who cancels may be in another thread
        await asyncio.sleep(min(left, _CANCEL_S))
