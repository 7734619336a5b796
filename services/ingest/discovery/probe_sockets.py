"""Unicast WS-Discovery probes to many addresses from a few UDP sockets, and what comes back. Nothing here blocks."""

import contextlib
import errno
import select
import socket
import struct
from collections.abc import Iterator
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from services.contracts.networks import Address, plain_address
from services.ingest.discovery import ws_discovery

#: A datagram for a host that does not answer ARP is held for 3 s and counted against its socket: 167 of them fill one
#: of Linux' default size (measured). Another socket is taken then.
_SOCKETS_MAX = 16
_SEND_BUFFER_BYTES = 1024 * 1024
_AT_ONCE = 256
_TRIES = 3
# include/uapi/linux/in.h, in6.h, errqueue.h
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_ERROR_BYTES = 128
#: The system cannot take more just now: no buffer, or no room among the neighbours (net.ipv4.neigh.default.gc_thresh3).
_LATER = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.EINTR})


class Sent(Enum):
    """What became of a probe."""

    YES = auto()
    #: To be sent again a little later.
    LATER = auto()
    #: There is no way to this address.
    NEVER = auto()


class Heard(NamedTuple):
    """A datagram, or (``datagram`` None) word that a host is there and has no such service."""

    address: Address
    datagram: bytes | None


class ProbeSockets:
    """Registered in ``epoll``: call ``read`` with each descriptor that is ``mine`` and ready."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._by_family: dict[int, list[socket.socket]] = {}
        self._by_descriptor: dict[int, socket.socket] = {}
        self._noticed: list[Heard] = []

    def mine(self, descriptor: int) -> bool:
        """Whether this is one of these sockets."""
        return descriptor in self._by_descriptor

    def send(self, address: Address, types: str | None) -> Sent:
        """One probe."""
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        message = ws_discovery.probe_message(ws_discovery.new_message_id(), types)
        for sock in self._usable(family):
            sent = self._send(sock, message, (str(address), ws_discovery.PORT))
            if sent is not Sent.LATER:
                return sent
        return Sent.LATER

    def read(self, descriptor: int, events: int) -> list[Heard]:
        """What has come, up to a bound."""
        sock = self._by_descriptor[descriptor]
        if events & select.EPOLLERR:
            self._read_errors(sock)
        heard, self._noticed = self._noticed, []
        for _ in range(_AT_ONCE):
            try:
                datagram, sender = sock.recvfrom(65_535)
            except BlockingIOError:
                break
            except OSError:
                continue  # an error of an earlier probe; its story is in the queue of errors
            heard.append(Heard(plain_address(ip_address(sender[0].partition("%")[0])), datagram))
        return heard

    def close(self) -> None:
        """Close them all."""
        for sock in self._by_descriptor.values():
            sock.close()
        self._by_descriptor.clear()
        self._by_family.clear()

    def _usable(self, family: int) -> Iterator[socket.socket]:
        """The sockets of a family; a new one when these were not enough."""
        sockets = self._by_family.setdefault(family, [])
        yield from sockets
        if len(sockets) < _SOCKETS_MAX:
            with contextlib.suppress(OSError):  # no more descriptors
                sockets.insert(0, self._open(family))
                yield sockets[0]

    def _open(self, family: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            ws_discovery.widen_receive_buffer(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            # Without it Linux keeps a full table of neighbours to itself (udp_send_skb), and what ICMP says.
            if family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            self._epoll.register(sock.fileno(), select.EPOLLIN)
        except BaseException:
            sock.close()
            raise
        self._by_descriptor[sock.fileno()] = sock
        return sock

    def _send(self, sock: socket.socket, message: bytes, to: tuple[str, int]) -> Sent:
        failed = 0
        for _ in range(_TRIES):
            try:
                sock.sendto(message, to)
            except OSError as error:
                failed = error.errno or 0
                if failed in _LATER:
                    return Sent.LATER
                # It may be the fate of an earlier probe, told to whoever comes next.
                self._read_errors(sock)
            else:
                return Sent.YES
        return Sent.LATER if failed == errno.ECONNREFUSED else Sent.NEVER

    def _read_errors(self, sock: socket.socket) -> None:
        """Empty the queue of errors (ip(7), IP_RECVERR). A host that refuses the port is there."""
        for _ in range(_AT_ONCE):
            try:
                _, told, _, to = sock.recvmsg(0, _ERROR_BYTES, socket.MSG_ERRQUEUE)
            except OSError:
                return
            for level, kind, data in told:
                ours = (level, kind) in {(socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)}
                if ours and len(data) >= _EXTENDED_ERROR.size and to:
                    number = _EXTENDED_ERROR.unpack_from(data)[0]
                    address: IPv4Address | IPv6Address = ip_address(to[0].partition("%")[0])
                    if number == errno.ECONNREFUSED:
                        self._noticed.append(Heard(plain_address(address), None))
