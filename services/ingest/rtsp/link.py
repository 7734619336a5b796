"""One TCP connection: opened and written under asyncio, and read either as bytes come or lazily, by visits of a reactor.

All links of a thread share one receive buffer: between two reads a link keeps only the incomplete rest, most often a
part of a packet. 300 cameras need a few hundred kilobytes, not 300 buffers.
"""

import asyncio
import logging
import socket
import threading
from typing import Protocol

from services.ingest.rtsp.reactor import PAUSE_MIN_S, Reactor, Visit
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

#: Far above ``framing.MAX_REST_BYTES``, so that a read always finds room behind the rest.
RECEIVE_BUFFER_BYTES = 256 * 1024
#: What one visit takes at most. A camera that has more waits for its next turn, like all others.
_VISIT_BYTES_MAX = 4 * RECEIVE_BUFFER_BYTES
#: What a visit should find, and what shows that the receive window may have been full and the camera held back: shares
#: of the receive buffer. Of a new one, 128 KiB, Linux offers half as window, and widens it while much is read at once.
_FOUND_SHARE = 0.25
_FULL_SHARE = 0.4
#: While nothing comes it is asked for more often: visits in vain cost little, and silence is noticed sooner.
_PAUSE_EMPTY_S = 0.2
#: Seconds over which the bit rate is averaged.
_RATE_OVER_S = 2.0


class _Shared(threading.local):
    """Filled and reported in one step, so the links of one loop never overlap in it."""

    def __init__(self) -> None:
        self.data = bytearray(RECEIVE_BUFFER_BYTES)
        self.view = memoryview(self.data)


_shared = _Shared()


class LinkOwner(Protocol):
    """Who a link works for: ``upstream.Upstream`` and ``relay.RelayClient``. None of these may raise."""

    def connected(self, transport: asyncio.Transport) -> None:
        """TCP is up."""

    def received(self, buffer: bytearray, start: int, end: int) -> int:
        """Bytes came; return where the incomplete rest begins, which is offered again with more behind it."""

    def lost(self, error: Exception | None) -> None:
        """TCP is down, by either side. Called once."""

    def writable(self, ready: bool) -> None:
        """The send buffer has filled up, or emptied again."""


class LazyLinkOwner(LinkOwner, Protocol):
    """Who is read lazily: ``upstream.Upstream``."""

    def visited(self, now: float) -> float:
        """A visit is over. Returns the longest pause until the next, in seconds."""


class Link(asyncio.BufferedProtocol):
    """Connects a transport to its owner."""

    def __init__(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP only
        self._transport = transport
        self._owner.connected(transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the signature is asyncio's
        kept = len(self._rest)
        view = _shared.view
        if kept:
            view[:kept] = self._rest
        return view[kept:]

    def buffer_updated(self, nbytes: int) -> None:
        end = len(self._rest) + nbytes
        begin = self._owner.received(_shared.data, 0, end)
        self._rest = _shared.view[begin:end].tobytes() if begin < end else b""

    def eof_received(self) -> None:
        """Nothing more will come: asyncio closes the transport, and ``lost`` follows."""

    def pause_writing(self) -> None:
        self._owner.writable(False)

    def resume_writing(self) -> None:
        self._owner.writable(True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.lost(exc)


class EagerLink(Link):
    """A link under TLS: asyncio decrypts, so it is read as bytes come. Its owner is visited all the same."""

    def __init__(self, owner: LazyLinkOwner, clock: Clock) -> None:
        super().__init__(owner)
        self._visited_owner = owner
        self._clock = clock
        self._timer: asyncio.Handle | None = None

    def read_lazily(self) -> None:
        """From now on the owner is visited, to say what is due."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._visit)

    def read_at_once(self) -> None:
        """No more visits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _visit(self) -> None:
        pause_s = max(self._visited_owner.visited(self._clock.monotonic()), PAUSE_MIN_S)
        if self._timer is not None:  # the owner may have ended it
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._visit)

    def connection_lost(self, exc: Exception | None) -> None:
        self.read_at_once()
        super().connection_lost(exc)


class LazyLink(Link):
    """A link that can be read by visits of a reactor; asyncio still writes and closes."""

    def __init__(self, owner: LazyLinkOwner, sock: socket.socket, reactor: Reactor) -> None:
        """``sock`` is connected, non-blocking, and will be given to the transport."""
        super().__init__(owner)
        self._lazy_owner = owner
        self._sock = sock
        self._reactor = reactor
        self._visit: Visit | None = None
        self._visited_at = 0.0
        self._bytes_per_s = 0.0
        self._error: Exception | None = None

    def read_lazily(self) -> None:
        """From now on bytes are read by visits. May be called from within ``received``."""
        if self._visit is None and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._visit = self._reactor.add(self, self._sock)

    def read_at_once(self) -> None:
        """From now on bytes are read as they come again."""
        if self._visit is not None and self._transport is not None:
            self._visit.end()
            self._visit = None
            self._transport.resume_reading()

    def visit(self, now: float) -> float | None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return None
        try:
            taken = self._take(transport)
            pause_max_s = self._lazy_owner.visited(now)
        except Exception as error:  # a bug of ours must cost this camera only
            log.exception("visit failed")
            self._hang_up(transport, error)
            return None
        if transport.is_closing():
            return None
        return max(min(self._pause_after(taken, now), pause_max_s), PAUSE_MIN_S)

    def _pause_after(self, taken: int, now: float) -> float:
        """Seconds until so much has come that a visit is worth it, by the bit rate of late."""
        elapsed_s, self._visited_at = now - self._visited_at, now
        if not taken:
            return _PAUSE_EMPTY_S
        self._bytes_per_s += (taken - self._bytes_per_s * min(elapsed_s, _RATE_OVER_S)) / _RATE_OVER_S
        buffer_bytes = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        if taken >= _FULL_SHARE * buffer_bytes:
            return PAUSE_MIN_S  # once: the rest of a key frame, as a rule
        return _FOUND_SHARE * buffer_bytes / max(self._bytes_per_s, 1.0)

    def _take(self, transport: asyncio.Transport) -> int:
        """Read until nothing is left, within the bound of one visit."""
        sock, owner, data, view = self._sock, self._owner, _shared.data, _shared.view
        taken = 0
        while taken < _VISIT_BYTES_MAX:
            kept = len(self._rest)
            if kept:
                view[:kept] = self._rest
            try:
                count = sock.recv_into(view[kept:])
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._hang_up(transport, error)
                break
            if not count:
                self._hang_up(transport, None)
                break
            taken += count
            end = kept + count
            begin = owner.received(data, 0, end)
            self._rest = view[begin:end].tobytes() if begin < end else b""
            # A read that did not fill the buffer took all there was: no need to be told so by one more call.
            if end < RECEIVE_BUFFER_BYTES or transport.is_closing():
                break
        return taken

    def _hang_up(self, transport: asyncio.Transport, error: Exception | None) -> None:
        self._error = error
        transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._visit is not None:
            self._visit.end()
            self._visit = None
        self._owner.lost(exc or self._error)
