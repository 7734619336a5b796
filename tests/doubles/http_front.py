"""A web server in front of an RTSP server, as in a camera that is reached by HTTP only: RTSP is answered in HTTP, and the two
requests of a tunnel are handed on to an RTSP server that knows them."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

_REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class HttpFront:
    """``async with HttpFront(rtsp_port) as front: front.port``. Without ``rtsp_port`` it has no tunnel."""

    def __init__(self, rtsp_port: int | None) -> None:
        self.host, self.port, self.inside_tls = "127.0.0.1", 0, False
        #: First words of all connections, in order.
        self.methods: list[str] = []
        self._rtsp_port = rtsp_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # until the loop has closed what was aborted

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        inner: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        pumps: list[asyncio.Task[None]] = []
        try:
            head = await reader.readline()
            self.methods.append(head.split(b" ")[0].decode())
            if self.methods[-1] not in {"GET", "POST"}:
                writer.write(_REFUSED)
            elif self._rtsp_port is None:
                writer.write(_MISSING)
            else:
                inner = await asyncio.open_connection("127.0.0.1", self._rtsp_port)
                inner[1].write(head)
                pumps = [asyncio.create_task(_pump(reader, inner[1])), asyncio.create_task(_pump(inner[0], writer))]
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for one in (writer, inner[1]) if inner else (writer,):
                one.close()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()
            self._tasks.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
