"""HTTP POSTs to one checked address, within bounds of time and size, over one connection that is kept while it lasts.

Plain sockets, so that a name is never resolved, a proxy never asked, a redirect never followed by itself, and no silence,
drip or flood of a device outlasts its bound. What a reply leaves over ends the connection, and so never gets into the next.
"""

import contextlib
import errno
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.contracts.ladder import Reason, Rung
from services.ingest.onvif.http_reply import Hangup, NotHttp, TooLarge, read_reply
from services.ingest.onvif.http_reply import HttpReply as HttpReply  # noqa: PLC0414 - known by this name elsewhere
from services.ingest.onvif.tls import certificate_of, inside_tls
from services.runtime.clock import Clock

#: Errors of connect that say something about this machine, not about the camera.
_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of one call. Seconds and bytes."""

    connect_s: float = 3.0
    #: Longest silence while a request is sent or a reply read.
    read_s: float = 9.5
    #: Longest time from the connect to the last byte: what a device that hangs costs, with what is around it, is 10 s.
    call_s: float = 9.5
    #: Largest reply, with its header and chunk lines.
    reply_bytes: int = 1 << 20

    def within(self, seconds: float) -> "HttpLimits":
        """The same for a call that may take no longer than this."""
        return replace(self, call_s=min(self.call_s, seconds))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The one address that may be connected to. ``address`` is an IP address."""

    address: str
    port: int
    tls: bool = False

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return f"{self.host}:{self.port}"

    @property
    def host(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.address}]" if ":" in self.address else self.address

    @property
    def host_field(self) -> str:
        """The value of the Host header."""
        return self.host if self.port == (443 if self.tls else 80) else self.authority


class WireFault(Exception):
    """The call failed below SOAP. ``proved`` is the rung that it showed all the same; None if it came to nothing."""

    def __init__(self, reason: Reason, detail: str, proved: Rung | None = Rung.REACHABLE) -> None:
        self.reason = reason
        self.detail = detail
        self.proved = proved
        super().__init__(f"{reason}: {detail}")


class Dropped(WireFault):
    """The device closed a kept connection while a request was on its way, which it may do at any moment
    (RFC 9112 section 9.3.1): the call may be made again on a new one."""


class Deadline:
    """The end of the time that all calls of one visit share. ``stop`` may come from any thread."""

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

    def extend(self, seconds: float) -> None:
        """There is more to ask than was known: allow so much more time."""
        self._seconds += seconds
        if self._end is not None:
            self._end += seconds

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
                    # Of the plain socket: SSLSocket.shutdown pulls TLS from under the thread that reads.
                    socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

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


@dataclass(frozen=True, slots=True)
class _Wait:
    """What is left of the time of one call."""

    deadline: Deadline
    spared_s: float
    silence_s: float

    def left_s(self, longest_s: float) -> float:
        left_s = self.deadline.remaining_s() - self.spared_s
        if left_s <= 0:
            raise TimeoutError("no time left")
        return min(longest_s, left_s)

    def __call__(self) -> float:
        return self.left_s(self.silence_s)


class Line:
    """The connection to one device, made when the first call needs it and again whenever the device ended it.

    ``certificate``: the SHA-256 that must be shown inside TLS; None for any, and from then on for the same. ``legacy``:
    begin with what old devices need. ``baton``: the lock that the thread holds while it computes; it is given up here.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        deadline: Deadline,
        *,
        certificate: str | None = None,
        legacy: bool = False,
        baton: "threading.Lock | None" = None,
    ) -> None:
        self.endpoint = endpoint
        #: SHA-256 of the certificate shown, or of the one that must be.
        self.certificate = certificate
        #: Whether the device wants an old TLS.
        self.legacy = legacy
        self._deadline = deadline
        self._baton = baton
        self._socket: socket.socket | None = None

    def again_at(self, endpoint: Endpoint) -> "Line":
        """The same, to another endpoint of the device. This one is closed."""
        self.close()
        return Line(endpoint, self._deadline, certificate=self.certificate, legacy=self.legacy, baton=self._baton)

    def post(self, path: str, headers: Sequence[tuple[str, bytes]], body: bytes, limits: HttpLimits) -> HttpReply:
        """Send ``body`` to ``path`` and read the whole reply. Raises WireFault, Dropped."""
        if self._baton is None:
            return self._post(path, headers, body, limits)
        self._baton.release()
        try:
            return self._post(path, headers, body, limits)
        finally:
            self._baton.acquire()

    def _post(self, path: str, headers: Sequence[tuple[str, bytes]], body: bytes, limits: HttpLimits) -> HttpReply:
        wait = _Wait(self._deadline, max(0.0, self._deadline.remaining_s() - limits.call_s), limits.read_s)
        connection = self._kept()
        kept = connection is not None
        if connection is None:
            connection = self._connect(wait, limits)
        try:
            with self._deadline.holding(connection):
                connection.settimeout(wait())
                connection.sendall(_request(self.endpoint, path, headers, body))
                reply = read_reply(connection, wait, limits.reply_bytes)
        except TimeoutError as error:
            self.close()
            raise WireFault(Reason.TIMEOUT, "the reply did not come in time") from error
        except TooLarge as error:
            self.close()
            raise WireFault(Reason.ONVIF_FAILED, f"the reply is larger than {limits.reply_bytes} bytes") from error
        except (OSError, NotHttp, Hangup, ValueError) as error:
            self.close()
            if kept and isinstance(error, (Hangup, ConnectionError, ssl.SSLError)):
                raise Dropped(Reason.ONVIF_FAILED, "the connection was closed") from error
            # Not the text of the error: it may hold what the device sent.
            detail = str(error) if isinstance(error, NotHttp) else type(error).__name__
            raise WireFault(Reason.ONVIF_FAILED, f"no HTTP reply ({detail})") from error
        if not reply.keeps:
            self.close()
        return reply

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _kept(self) -> socket.socket | None:
        """The connection of the call before, unless the device ended it or said something unasked."""
        if self._socket is None:
            return None
        poll = select.poll()  # not select(): it knows no descriptor beyond 1,023
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(0):
            return self._socket
        self.close()
        return None

    def _connect(self, wait: _Wait, limits: HttpLimits) -> socket.socket:
        connection = self._dial(wait, limits)
        if self.endpoint.tls:
            connection = self._secure(connection, wait, limits)
        self._socket = connection
        return connection

    def _dial(self, wait: _Wait, limits: HttpLimits) -> socket.socket:
        try:
            return socket.create_connection(
                (self.endpoint.address, self.endpoint.port), timeout=wait.left_s(limits.connect_s)
            )
        except TimeoutError as error:
            proved = Rung.UNREACHABLE if self._deadline.remaining_s() > 0 else None
            raise WireFault(Reason.TIMEOUT, "the connect was not answered in time", proved) from error
        except ConnectionRefusedError as error:
            raise WireFault(Reason.REFUSED, "the connect was refused", Rung.UNREACHABLE) from error
        except OSError as error:
            if error.errno in _OUR_OWN:
                raise
            raise WireFault(Reason.NO_ROUTE, error.strerror or "no route", Rung.UNREACHABLE) from error

    def _secure(self, connection: socket.socket, wait: _Wait, limits: HttpLimits) -> socket.socket:
        """TLS on the connection, on a second one with old versions if the first handshake fails."""
        try:
            secured = self._handshake(connection, wait)
        except TimeoutError as error:
            raise WireFault(Reason.TIMEOUT, "the TLS handshake did not end in time") from error
        except OSError as error:
            if self.legacy:
                raise _no_tls(error) from error
            self.legacy = True
            try:
                secured = self._handshake(self._dial(wait, limits), wait)
            except TimeoutError as late:
                raise WireFault(Reason.TIMEOUT, "the TLS handshake did not end in time") from late
            except OSError as again:
                self.legacy = False
                raise _no_tls(again) from again
        shown = certificate_of(secured)
        if self.certificate is not None and shown != self.certificate:
            secured.close()
            raise WireFault(Reason.CERTIFICATE_CHANGED, "shows another certificate than at first")
        self.certificate = shown
        return secured

    def _handshake(self, connection: socket.socket, wait: Callable[[], float]) -> ssl.SSLSocket:
        secured = inside_tls(connection, legacy=self.legacy)
        try:
            with self._deadline.holding(secured):
                secured.settimeout(wait())
                secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured


def _no_tls(error: OSError) -> WireFault:
    detail = error.reason if isinstance(error, ssl.SSLError) and error.reason else type(error).__name__
    return WireFault(Reason.ONVIF_FAILED, f"no TLS ({detail})")


def _request(endpoint: Endpoint, path: str, headers: Sequence[tuple[str, bytes]], body: bytes) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1\r\nHost: {endpoint.host_field}".encode("ascii"),
        *(name.encode("ascii") + b": " + value for name, value in headers),
        b"Content-Length: %d" % len(body),
        b"Accept-Encoding: identity",
        b"Connection: keep-alive",
    ]
    return b"\r\n".join([*lines, b"", body])
