"""A TCP port that can be closed and opened again without losing its number."""

import asyncio
import contextlib
import errno
import logging
import random
import socket
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_FAREWELL_S = 2.0
#: Below the ports that Linux gives to outgoing connections: a port from there might be taken at the next start.
_CHOICE = range(20_000, 32_000)
_TRIES = 50


class PortTaken(OSError):
    """A port that was asked for is used by somebody else."""


class Listener:
    """Accepts connections on one port and runs ``serve`` for each, ``connections_max`` at the same time."""

    def __init__(self, host: str, port: int, serve: Serve, *, read_limit: int, connections_max: int = 1000) -> None:
        self.host = host
        #: The chosen port; known after ``start`` when 0 was asked for.
        self.port = port
        self._serve = serve
        self._read_limit = read_limit
        self._connections_max = connections_max
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self) -> None:
        """Begin to listen. Raises PortTaken."""
        sock, self._reserved = self._reserved or self._bound(), None
        self.port = sock.getsockname()[1]
        self._server = await asyncio.start_server(self._accepted, sock=sock, limit=self._read_limit, backlog=512)

    async def pause(self) -> None:
        """Refuse connections and cut the present ones, but keep the port from being given to somebody else."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        # A socket that is bound but does not listen refuses connections and holds the number.
        self._reserved = self._bound()
        await self.cut()

    async def cut(self) -> None:
        """End all present connections at once, without a goodbye."""
        for writer in self._connections.values():
            writer.transport.abort()
        if self._connections:
            _, late = await asyncio.wait(list(self._connections), timeout=_FAREWELL_S)
            for task in late:
                task.cancel()

    async def stop(self) -> None:
        """Close the port and all connections."""
        await self.pause()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    @property
    def listening(self) -> bool:
        return self._server is not None

    def _bound(self) -> socket.socket:
        if self.port:
            # Connections of the time before the pause, or before a restart, may still be in TIME_WAIT.
            return self._bind(self.port, reuse=True)
        for port in random.sample(_CHOICE, k=_TRIES):
            try:
                return self._bind(port, reuse=False)
            except PortTaken as taken:
                if taken.errno != errno.EADDRINUSE:
                    raise
        return self._bind(0, reuse=False)

    def _bind(self, port: int, *, reuse: bool) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
            sock.bind((self.host, port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        except OSError as error:
            sock.close()
            raise PortTaken(error.errno, f"cannot use port {port} of {self.host}: {error.strerror}") from error
        return sock

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self._connections_max or self._server is None:
            writer.transport.abort()
            return
        self._connections[task] = writer
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError) as error:
            log.debug("connection ended", extra={"port": self.port, "error": repr(error)})
        finally:
            del self._connections[task]
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_FAREWELL_S):
                    await writer.wait_closed()
