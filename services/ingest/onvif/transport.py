"""One HTTP POST to one checked address, within bounds of time and size, over a connection of its own.

Plain sockets, so that a name is never resolved, a proxy never asked, a redirect never followed, and no silence, drip or
flood of a device outlasts its bound. A connection for each call keeps leftovers of one reply out of the next.
"""

import contextlib
import errno
import http.client
import io
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

from services.contracts.ladder import Reason, Rung
from services.runtime.clock import Clock

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 65536
#: Errors of connect that say something about this machine, not about the camera.
_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of one call. The slowest answers reported took 20 s (openvideolibs/python-onvif-zeep-async pull request 30)."""

    connect_s: float = 3.0
    #: Longest silence while a request is sent or a reply read.
    read_s: float = 10.0
    #: Longest time from the connect to the last byte.
    call_s: float = 30.0
    #: Largest reply, with its header and chunk lines.
    reply_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The one address that may be connected to. ``address`` is an IP address."""

    address: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return f"{self.host}:{self.port}"

    @property
    def host(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply. ``challenges`` are the values of its WWW-Authenticate headers."""

    status: int
    body: bytes
    charset: str | None = None
    challenges: tuple[str, ...] = ()


class WireFault(Exception):
    """The call failed below SOAP. ``proved`` is the rung that it showed all the same; None if it came to nothing."""

    def __init__(self, reason: Reason, detail: str, proved: Rung | None = Rung.REACHABLE) -> None:
        self.reason = reason
        self.detail = detail
        self.proved = proved
        super().__init__(f"{reason}: {detail}")


class Deadline:
    """The end of the time that all calls of one interrogation share. ``stop`` may come from any thread."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._end: float | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._connection: socket.socket | None = None

    def start(self) -> None:
        """Let the time run from now."""
        self._end = self._clock.monotonic() + self._seconds

    def remaining_s(self) -> float:
        """Seconds left; zero or less when there are none."""
        if self._stopped:
            return 0.0
        return self._seconds if self._end is None else self._end - self._clock.monotonic()

    def stop(self) -> None:
        """Let the call that runs end at once and no other begin."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def holding(self, connection: socket.socket) -> Iterator[None]:
        """While inside, ``stop`` breaks this connection."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None


def post(
    endpoint: Endpoint,
    path: str,
    headers: Sequence[tuple[str, bytes]],
    body: bytes,
    *,
    limits: HttpLimits,
    deadline: Deadline,
) -> HttpReply:
    """Send ``body`` to ``path`` at the endpoint and read the whole reply. Raises WireFault."""
    spared_s = max(0.0, deadline.remaining_s() - limits.call_s)

    def wait_s(longest_s: float) -> float:
        left_s = deadline.remaining_s() - spared_s
        if left_s <= 0:
            raise TimeoutError("no time left")
        return min(longest_s, left_s)

    try:
        connection = socket.create_connection((endpoint.address, endpoint.port), timeout=wait_s(limits.connect_s))
    except TimeoutError as error:
        proved = Rung.UNREACHABLE if deadline.remaining_s() > 0 else None
        raise WireFault(Reason.TIMEOUT, "the connect was not answered in time", proved) from error
    except ConnectionRefusedError as error:
        raise WireFault(Reason.REFUSED, "the connect was refused", Rung.UNREACHABLE) from error
    except OSError as error:
        if error.errno in _OUR_OWN:
            raise
        raise WireFault(Reason.NO_ROUTE, error.strerror or "no route", Rung.UNREACHABLE) from error
    with connection, deadline.holding(connection):
        try:
            connection.settimeout(wait_s(limits.read_s))
            connection.sendall(_request(endpoint, path, headers, body))
            source = _BoundedReader(connection, lambda: wait_s(limits.read_s), limits.reply_bytes)
            return _read_reply(source, limits.reply_bytes)
        except TimeoutError as error:
            raise WireFault(Reason.TIMEOUT, "the reply did not come in time") from error
        except _TooLarge as error:
            raise WireFault(Reason.ONVIF_FAILED, f"the reply is larger than {limits.reply_bytes} bytes") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Not the text of the error: http.client puts what the device sent into it.
            raise WireFault(Reason.ONVIF_FAILED, f"no HTTP reply ({type(error).__name__})") from error


def _request(endpoint: Endpoint, path: str, headers: Sequence[tuple[str, bytes]], body: bytes) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1".encode("ascii"),
        b"Host: " + (endpoint.host if endpoint.port == 80 else endpoint.authority).encode("ascii"),
        *(name.encode("ascii") + b": " + value for name, value in headers),
        b"Content-Length: %d" % len(body),
        b"Accept-Encoding: identity",
        b"Connection: close",
    ]
    return b"\r\n".join([*lines, b"", body])


class _TooLarge(Exception):
    pass


class _BoundedReader(io.RawIOBase):
    """Reads a socket. Every byte counts, whatever it turns out to be; every wait is cut to the time left."""

    def __init__(self, connection: socket.socket, wait_s: Callable[[], float], limit: int) -> None:
        self._connection = connection
        self._wait_s = wait_s
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._wait_s())
        count = self._connection.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise _TooLarge
        return count

    def makefile(self, _mode: str) -> IO[bytes]:
        """What http.client asks a socket for."""
        return io.BufferedReader(self, _PIECE)


def _read_reply(source: _BoundedReader, limit: int) -> HttpReply:
    response = http.client.HTTPResponse(cast("socket.socket", source), method="POST")
    response.begin()
    if response.status in _REDIRECTS:
        # Following it would lead to an address that nobody checked (lumeohq/onvif-rs issue 39 has devices that do this).
        raise WireFault(Reason.REDIRECTED, f"HTTP status {response.status}, a redirect")
    if response.length is not None and response.length > limit:
        raise _TooLarge
    pieces = []
    # In pieces: one read of the announced length would allocate it at once.
    while piece := response.read(_PIECE):
        pieces.append(piece)
    return HttpReply(
        status=response.status,
        body=b"".join(pieces),
        charset=response.headers.get_content_charset(),
        # http.client leaves the line breaks of folded headers in.
        challenges=tuple(
            re.sub(r"[\r\n]+", " ", str(value)) for value in response.headers.get_all("WWW-Authenticate", [])
        ),
    )
