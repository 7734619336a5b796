"""RTSP inside two HTTP requests, as Apple's QuickTime began it: what the camera says comes as the answer to a GET that never
ends, what we say goes out in base64 as the body of a POST. For sites that let nothing but HTTP through.
"""

import asyncio
import base64
import secrets
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from services.contracts.camera import RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.urls import request_url

_HEADER_BYTES_MAX = 8 * 1024
#: The body of the POST ends when the connection does; servers want to be told some length all the same.
_LENGTH = 32_767
_ANSWER_BYTES_MAX = 64 * 1024
_TUNNELLED = "application/x-rtsp-tunnelled"


async def begin_tunnel(
    sock: socket.socket, source: RtspSource, *, reply_s: float, on_lost: Callable[[], None]
) -> "TunnelWriter":
    """Make both requests: on ``sock``, which is connected, comes what the camera says, and the writer takes our words.

    Raises CameraFault when what answers has no tunnel here. ``on_lost`` is called once, when the writer's connection ends.
    """
    host = f"[{source.address}]" if ":" in source.address else source.address
    path, cookie = urlsplit(request_url(source)), secrets.token_hex(11)
    target = f"{path.path or '/'}{'?' + path.query if path.query else ''}"
    try:
        async with asyncio.timeout(reply_s):
            await _begin_get(sock, f"{host}:{source.port}", target, cookie)
            return await _begin_post(sock.family, source, f"{host}:{source.port}", target, cookie, on_lost)
    except TimeoutError as error:
        raise CameraFault(Reason.TIMEOUT, Rung.REACHABLE, "no answer to a tunnel through HTTP") from error
    except OSError as error:
        raise CameraFault(Reason.PROTOCOL_ERROR, Rung.REACHABLE, f"no tunnel through HTTP: {error}") from error


async def _begin_get(sock: socket.socket, host: str, path: str, cookie: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, _request("GET", host, path, cookie, f"Accept: {_TUNNELLED}"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = await loop.sock_recv(sock, _HEADER_BYTES_MAX)
        answer += more
        if not more or len(answer) > _HEADER_BYTES_MAX:
            raise CameraFault(Reason.PROTOCOL_ERROR, Rung.REACHABLE, "speaks HTTP, without a tunnel for RTSP")
    status = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(status) < 2 or not status[0].startswith(b"HTTP/1.") or status[1] != b"200":
        code = status[1][:3].decode("ascii", "replace") if len(status) > 1 else "nonsense"
        raise CameraFault(Reason.PROTOCOL_ERROR, Rung.REACHABLE, f"a tunnel through HTTP is answered with {code}")
    if not answer.endswith(b"\r\n\r\n"):
        raise CameraFault(Reason.PROTOCOL_ERROR, Rung.REACHABLE, "it speaks in the tunnel before it was asked")


async def _begin_post(
    family: socket.AddressFamily, source: RtspSource, host: str, path: str, cookie: str, on_lost: Callable[[], None]
) -> "TunnelWriter":
    loop = asyncio.get_running_loop()
    header = _request("POST", host, path, cookie, f"Content-Type: {_TUNNELLED}", f"Content-Length: {_LENGTH}")
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, (source.address, source.port))
        await loop.sock_sendall(sock, header)
        writer = TunnelWriter(on_lost)
        await loop.create_connection(lambda: writer, sock=sock)
    except BaseException:
        sock.close()
        raise
    return writer


def _request(method: str, host: str, path: str, cookie: str, *fields: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.0",
        f"Host: {host}",
        "User-Agent: vonggac",
        f"x-sessioncookie: {cookie}",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        *fields,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class TunnelWriter(asyncio.Protocol):
    """The connection of the POST."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP only
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        # Most never answer; whatever one says here is passed over, within a bound.
        self._answered += len(data)
        if self._answered > _ANSWER_BYTES_MAX:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self._transport = None
        self._on_lost()

    def write(self, data: bytes) -> int:
        """Send a whole message. Returns the bytes that wait to be sent."""
        if self._transport is None or self._transport.is_closing():
            return 0
        self._transport.write(base64.b64encode(data))
        return self._transport.get_write_buffer_size()

    def close(self) -> None:
        """End the connection at once. Idempotent."""
        if self._transport is not None:
            self._transport.abort()
