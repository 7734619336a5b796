"""One connection to one host, for one request at a time: in asyncio, without a thread, bounded in time and size.

Kept open between requests where the host allows it. Like ``onvif.transport`` it connects to one checked address only,
and follows no redirect; unlike it, it waits for answers that take half a minute on purpose, from thousands of hosts.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.tls import device_context
from services.ingest.onvif.transport import Endpoint, WireFault
from services.ingest.rtsp.tls import certificate_of, check_certificate

CONNECT_S = 3.0
#: Largest answer: a hundred notifications take a tenth of it.
REPLY_BYTES_MAX = 512 * 1024
_HEADER_LINES_MAX = 100
_LINE_BYTES_MAX = 8192
_CONTINUES_MAX = 3
#: An idle connection that ends within this time of a request was closed before it came.
_STALE_S = 0.5
_STATUS_LINE = re.compile(rb"HTTP/(\d)\.(\d) (\d{3})(?: .*)?")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.-]{1,40})", re.I)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. ``challenges`` are the values of its WWW-Authenticate headers."""

    status: int
    body: bytes
    charset: str | None = None
    challenges: tuple[str, ...] = ()


class Cut(Exception):
    """The host closed the connection before an answer was whole."""


class _Nonsense(Exception):
    """What came is no HTTP, or too much of it."""


@dataclass(slots=True)
class _Link:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = False


class HostConnection:
    """The one connection. Not for two requests at the same time."""

    def __init__(self, endpoint: Endpoint, *, certificate: str | None = None, legacy_tls: bool = False) -> None:
        """``certificate``: the SHA-256 of the one that must be shown inside TLS; None accepts any."""
        self.endpoint = endpoint
        self._certificate = certificate
        self._legacy_tls = legacy_tls
        self._link: _Link | None = None

    async def post(
        self, path: str, headers: Sequence[tuple[str, bytes]], body: bytes, *, answer_within_s: float
    ) -> Reply:
        """Send ``body`` and read the answer. Raises Cut, or WireFault. After an error the connection is closed."""
        loop = asyncio.get_running_loop()
        request = self._request(path, headers, body)
        while True:
            link = self._link or await self._connect()
            self._link, reused, sent_at = None, link.used, loop.time()
            try:
                async with asyncio.timeout(answer_within_s):
                    link.writer.write(request)
                    await link.writer.drain()
                    reply, keeps = await _read_reply(link.reader)
            except TimeoutError as error:
                link.writer.transport.abort()
                raise WireFault(Reason.TIMEOUT, "the answer did not come in time") from error
            except (EOFError, OSError, ssl.SSLError) as error:
                link.writer.transport.abort()
                if reused and loop.time() - sent_at < _STALE_S:
                    continue  # once: the next connection is a new one
                raise Cut from error
            except (_Nonsense, ValueError) as error:
                link.writer.transport.abort()
                # Not the text of the error, which may hold what the device sent.
                raise WireFault(Reason.ONVIF_FAILED, f"no HTTP answer ({type(error).__name__})") from error
            except BaseException:
                link.writer.transport.abort()
                raise
            if keeps and not link.reader.at_eof():
                link.used = True
                self._link = link
            else:
                link.writer.close()
            return reply

    def url(self, path: str) -> str:
        """What is there under this path, as a URL."""
        return f"{'https' if self.endpoint.tls else 'http'}://{self.endpoint.authority}{path}"

    def close(self) -> None:
        """Close the connection, if one is open. The next request opens another."""
        link, self._link = self._link, None
        if link is not None:
            link.writer.transport.abort()

    async def _connect(self) -> _Link:
        context = device_context(legacy=self._legacy_tls) if self.endpoint.tls else None
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    self.endpoint.address,
                    self.endpoint.port,
                    limit=_LINE_BYTES_MAX,
                    ssl=context,
                    server_hostname="" if context is not None else None,
                )
        except TimeoutError as error:
            raise WireFault(Reason.TIMEOUT, "the connect was not answered in time", Rung.UNREACHABLE) from error
        except ConnectionRefusedError as error:
            raise WireFault(Reason.REFUSED, "the connect was refused", Rung.UNREACHABLE) from error
        except OSError as error:
            raise WireFault(Reason.NO_ROUTE, error.strerror or "no route", Rung.UNREACHABLE) from error
        if context is not None:
            try:
                check_certificate(certificate_of(cast("asyncio.Transport", writer.transport)), self._certificate)
            except CameraFault as error:
                writer.transport.abort()
                raise WireFault(error.reason, error.detail) from error
        return _Link(reader, writer)

    def _request(self, path: str, headers: Sequence[tuple[str, bytes]], body: bytes) -> bytes:
        lines = [
            f"POST {path} HTTP/1.1".encode("ascii"),
            b"Host: " + self.endpoint.host_field.encode("ascii"),
            *(name.encode("ascii") + b": " + value for name, value in headers),
            b"Content-Length: %d" % len(body),
            b"Accept-Encoding: identity",
        ]
        return b"\r\n".join([*lines, b"", body])


async def _read_reply(reader: asyncio.StreamReader) -> tuple[Reply, bool]:
    """An answer, and whether the connection may be used again."""
    for _ in range(_CONTINUES_MAX):
        version, status = await _read_status(reader)
        headers = await _read_headers(reader)
        if status >= 200:
            break
    else:
        raise _Nonsense
    if status in {204, 304}:
        body, framed = b"", True
    else:
        body, framed = await _read_body(reader, headers)
    connection = " ".join(value for name, value in headers if name == "connection").lower()
    keeps = framed and ("keep-alive" in connection if version < (1, 1) else "close" not in connection)
    charset = next((_CHARSET.search(value) for name, value in headers if name == "content-type"), None)
    challenges = tuple(value for name, value in headers if name == "www-authenticate")
    return Reply(status, body, charset[1] if charset else None, challenges), keeps


async def _read_status(reader: asyncio.StreamReader) -> tuple[tuple[int, int], int]:
    found = _STATUS_LINE.fullmatch(await _read_line(reader))
    if found is None:
        raise _Nonsense
    return (int(found[1]), int(found[2])), int(found[3])


async def _read_headers(reader: asyncio.StreamReader) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for _ in range(_HEADER_LINES_MAX):
        line = await _read_line(reader)
        if not line:
            return headers
        text = line.decode("latin-1")
        if text[0] in " \t" and headers:  # folded
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    raise _Nonsense


async def _read_body(reader: asyncio.StreamReader, headers: list[tuple[str, str]]) -> tuple[bytes, bool]:
    """The body, and whether its end was told by anything but the end of the connection."""
    named = dict(headers)
    if "chunked" in named.get("transfer-encoding", "").lower():
        return await _read_chunks(reader), True
    if "content-length" in named:
        length = int(named["content-length"], 10)
        if not 0 <= length <= REPLY_BYTES_MAX:
            raise _Nonsense
        return await reader.readexactly(length), True
    pieces, size = [], 0
    while piece := await reader.read(65536):
        size += len(piece)
        if size > REPLY_BYTES_MAX:
            raise _Nonsense
        pieces.append(piece)
    return b"".join(pieces), False


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    pieces, left = [], REPLY_BYTES_MAX
    while True:
        line = await _read_line(reader)
        size = int(line.partition(b";")[0].strip() or b"0", 16)
        if not 0 <= size <= left:
            raise _Nonsense
        left -= size + 64  # each chunk counts, however small
        if size == 0:
            break
        pieces.append(await reader.readexactly(size))
        await _read_line(reader)
    await _read_headers(reader)  # trailers
    return b"".join(pieces)


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    line = b""
    with contextlib.suppress(asyncio.LimitOverrunError):
        line = await reader.readuntil(b"\n")
    if not line:
        raise _Nonsense  # too long
    return line.rstrip(b"\r\n")
