"""A small HTTP/1.1 server with bounds, for ONVIF and for the control of a site."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from services.simulator.listener import Listener
from services.simulator.wire import HEAD_MAX_BYTES, BadRequest, Head, read_head

log = logging.getLogger(__name__)

_BODY_MAX_BYTES = 64 * 1024
_REQUEST_S = 15.0
_ANSWER_S = 30.0
#: What an endless answer sends, and how often: too slow to fill anybody's memory before they lose patience.
_ENDLESS_BYTES = 4096
_ENDLESS_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request with its whole body. ``local_host`` is the address at which it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    local_host: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Status, body and what the head says beyond its length. An ``endless`` body is repeated until nobody listens."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()
    endless: bool = False


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


class HttpServer:
    """Answers requests on one port, one after another on each connection, which stays open between them."""

    def __init__(self, host: str, port: int, handler: Handler) -> None:
        self.listener = Listener(host, port, self._serve, read_limit=HEAD_MAX_BYTES)
        self._handler = handler

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        local_host = str(writer.get_extra_info("sockname")[0])
        lasting = True
        while lasting:
            try:
                async with asyncio.timeout(_REQUEST_S):
                    head = await read_head(reader)
                    request = await _with_body(head, reader, writer, local_host)
                lasting = head.headers.get("connection", "").lower() != "close" and head.version == "HTTP/1.1"
                response = await self._answer(request)
            except BadRequest as error:
                lasting = False
                response = HttpResponse(error.status, error.detail.encode())
            lasting = lasting and not response.endless
            async with asyncio.timeout(_ANSWER_S):
                writer.write(_encoded(response, lasting=lasting))
                await writer.drain()
                while response.endless:
                    writer.write(response.body[:_ENDLESS_BYTES])
                    await writer.drain()
                    await asyncio.sleep(_ENDLESS_EVERY_S)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            return await self._handler(request)
        except Exception:
            log.exception("request failed", extra={"path": request.path})
            return HttpResponse(500, b"the simulator failed")


async def _with_body(
    head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, local_host: str
) -> HttpRequest:
    if head.version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise BadRequest(505, "only HTTP/1 is spoken here")
    if "transfer-encoding" in head.headers:
        raise BadRequest(411, "send a Content-Length")
    length = head.content_length(_BODY_MAX_BYTES)
    if head.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return HttpRequest(head.method, head.target, head.headers, await reader.readexactly(length), local_host)


def _encoded(response: HttpResponse, *, lasting: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"Content-Type: {response.content_type}",
        *([] if response.endless else [f"Content-Length: {len(response.body)}"]),
        f"Connection: {'keep-alive' if lasting else 'close'}",
        *(f"{name}: {value}" for name, value in response.headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + response.body
