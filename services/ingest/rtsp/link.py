"""One TCP connection under asyncio, read without a buffer of its own.

All links of a thread share one receive buffer: between two reads a link keeps only the incomplete rest, most often a
part of a packet. 300 cameras need a few hundred kilobytes, not 300 buffers.
"""

import asyncio
import threading
from typing import Protocol

#: Far above ``framing.MAX_REST_BYTES``, so that a read always finds room behind the rest.
RECEIVE_BUFFER_BYTES = 256 * 1024


class _Shared(threading.local):
    """Asyncio reads into the buffer and reports it in one step, so the links of one loop never overlap in it."""

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


class Link(asyncio.BufferedProtocol):
    """Connects a transport to its owner."""

    def __init__(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP only
        self._owner.connected(transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the signature is asyncio's
        kept = len(self._rest)
        view = _shared.view
        if kept:
            view[:kept] = self._rest
        return view[kept:]

    def buffer_updated(self, nbytes: int) -> None:
        data = _shared.data
        end = len(self._rest) + nbytes
        begin = self._owner.received(data, 0, end)
        self._rest = bytes(data[begin:end]) if begin < end else b""

    def eof_received(self) -> None:
        """Nothing more will come: asyncio closes the transport, and ``lost`` follows."""

    def pause_writing(self) -> None:
        self._owner.writable(False)

    def resume_writing(self) -> None:
        self._owner.writable(True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.lost(exc)
