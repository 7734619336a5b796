"""Looks at TCP ports: many connections begun at once, none of them used. Nothing here blocks."""

import errno
import select
import socket
import struct
from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar

from services.contracts.networks import Address

#: A connection that was accepted is reset at once, so that it holds no session of the device and no port of ours.
_RESET = struct.pack("ii", 1, 0)
_IN_FLIGHT_MIN = 4
#: After a lack of descriptors, one more is tried after so many connections.
_GROW_AFTER = 64
#: No descriptor, no local port, no memory: not the host's word.
_LATER = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN, errno.EADDRNOTAVAIL})
_REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET})
_SILENT = frozenset({errno.ETIMEDOUT})

Asker = TypeVar("Asker")


class Answer(Enum):
    """What a port said."""

    OPEN = auto()
    #: A host is there, and nobody listens.
    REFUSED = auto()
    SILENT = auto()
    #: A router or our own kernel says that there is no way, for now.
    UNREACHABLE = auto()


class Knock(NamedTuple, Generic[Asker]):
    """A connection that is being made."""

    asker: Asker
    port: int
    sock: socket.socket
    until: float


class Knocks(Generic[Asker]):
    """Connections in the making, at most ``in_flight``, each at most ``timeout_s``. Registered in ``epoll``."""

    def __init__(self, epoll: select.epoll, *, timeout_s: float, in_flight: int) -> None:
        self._epoll = epoll
        self._timeout_s = timeout_s
        self._most = self._in_flight = max(in_flight, _IN_FLIGHT_MIN)
        self._begun = 0
        self._under_way: dict[int, Knock[Asker]] = {}
        self._by_time: deque[Knock[Asker]] = deque()

    @property
    def free(self) -> int:
        """How many more may begin."""
        return self._in_flight - len(self._under_way)

    def begin(self, asker: Asker, address: Address, port: int, now: float) -> Answer | None:
        """Begin one; returns the answer if it is known at once. Raises BlockingIOError when it must be tried later."""
        try:
            sock = socket.socket(
                socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK
            )
        except OSError as error:
            self._in_flight = max(min(self._in_flight, len(self._under_way)), _IN_FLIGHT_MIN)
            raise BlockingIOError from error
        self._begun += 1
        if self._in_flight < self._most and not self._begun % _GROW_AFTER:
            self._in_flight += 1
        failed = sock.connect_ex((str(address), port))
        if failed == errno.EINPROGRESS:
            knock = Knock(asker, port, sock, now + self._timeout_s)
            self._under_way[sock.fileno()] = knock
            self._by_time.append(knock)
            self._epoll.register(sock.fileno(), select.EPOLLOUT)
            return None
        _close(sock, reset=not failed)
        if failed in _LATER:
            raise BlockingIOError
        return _answer(failed)

    def answer(self, descriptor: int) -> tuple[Asker, int, Answer] | None:
        """The end of the connection with this descriptor, about which epoll told."""
        knock = self._under_way.pop(descriptor, None)
        if knock is None:
            return None
        failed = knock.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        _close(knock.sock, reset=not failed)
        return knock.asker, knock.port, _answer(failed)

    def expired(self, now: float) -> Iterator[tuple[Asker, int]]:
        """Give up those whose time is over."""
        by_time = self._by_time
        while by_time and (by_time[0].until <= now or by_time[0].sock.fileno() < 0):
            knock = by_time.popleft()
            if knock.sock.fileno() >= 0:
                del self._under_way[knock.sock.fileno()]
                _close(knock.sock)
                yield knock.asker, knock.port

    def close(self) -> None:
        """Give up all of them."""
        for knock in self._under_way.values():
            knock.sock.close()
        self._under_way.clear()
        self._by_time.clear()


def _answer(failed: int) -> Answer:
    if not failed:
        return Answer.OPEN
    if failed in _REFUSED:
        return Answer.REFUSED
    return Answer.SILENT if failed in _SILENT else Answer.UNREACHABLE


def _close(sock: socket.socket, *, reset: bool = False) -> None:
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()
