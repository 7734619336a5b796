"""Reads one HTTP reply from a socket. Every byte counts against one bound, every wait against another.

Not http.client: its headers cost a third of a call, it hides what is left over after a reply, and a connection can only
be used again when that is nothing.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass

_PIECE = 65536
_STATUS = re.compile(rb"HTTP/1\.([01])[ \t]+([1-9]\d\d)(?:[ \t\r]|$)")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,12})[ \t]*(?:;|$)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_HTTP = b"HTTP/"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply. ``challenges`` are the values of its WWW-Authenticate headers."""

    status: int
    body: bytes
    charset: str | None = None
    challenges: tuple[str, ...] = ()
    location: str | None = None
    date: str | None = None
    #: The connection can carry another request.
    keeps: bool = False


class NotHttp(Exception):
    """What came is no HTTP reply. The text holds nothing that the device wrote."""


class TooLarge(Exception):
    """The reply goes beyond its bound, or says that it will."""


class Hangup(Exception):
    """The other side closed before the first byte of a reply."""


def read_reply(connection: socket.socket, wait_s: Callable[[], float], limit: int) -> HttpReply:
    """Read one reply of at most ``limit`` bytes, header and chunk lines among them.

    ``wait_s`` gives the longest wait for the next bytes, and raises TimeoutError when no time is left. Raises NotHttp,
    TooLarge, Hangup, TimeoutError, OSError.
    """
    return _Reader(connection, wait_s, limit).read()


class _Reader:
    def __init__(self, connection: socket.socket, wait_s: Callable[[], float], limit: int) -> None:
        self._connection = connection
        self._wait_s = wait_s
        self._limit = limit
        self._left = limit
        self._buffer = bytearray()

    def read(self) -> HttpReply:
        while True:
            version, status, fields = self._head()
            if status >= 200:
                break
        framed, body = self._body(status, fields)
        connection = ",".join(fields.get("connection", ())).lower()
        wants_on = "close" not in connection if version == 1 else "keep-alive" in connection
        types, challenges = fields.get("content-type", ()), fields.get("www-authenticate", ())
        charset = _CHARSET.search(types[0]) if types else None
        return HttpReply(
            status=status,
            body=body,
            charset=charset[1] if charset else None,
            challenges=tuple(challenges),
            location=next(iter(fields.get("location", ())), None),
            date=next(iter(fields.get("date", ())), None),
            # What is left over belongs to no request of ours: nothing more is believed on this connection.
            keeps=framed and wants_on and not self._buffer,
        )

    def _more(self) -> bool:
        """Read what comes next; False at the end of the stream."""
        self._connection.settimeout(self._wait_s())
        piece = self._connection.recv(_PIECE)
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge
        self._buffer += piece
        return bool(piece)

    def _head(self) -> tuple[int, int, dict[str, list[str]]]:
        """HTTP minor version, status, and the header fields by lower-case name."""
        looked = 0
        while (end := _END_OF_HEAD.search(self._buffer, max(0, looked - 3))) is None:
            if not _HTTP.startswith(self._buffer[:5]):
                raise NotHttp("the reply does not begin like HTTP")
            looked = len(self._buffer)
            if not self._more():
                if not self._buffer and self._left == self._limit:
                    raise Hangup
                raise NotHttp("the connection was closed within the header")
        lines = bytes(self._buffer[: end.start()]).split(b"\n")
        del self._buffer[: end.end()]
        status = _STATUS.match(lines[0])
        if status is None:
            raise NotHttp("the status line is none")
        fields: dict[str, list[str]] = {}
        values: list[str] = []
        for line in lines[1:]:
            text = line.decode("latin-1").strip("\r")
            if text[:1] in {" ", "\t"}:  # a folded header: no line break ever gets further
                if values:
                    values[-1] += " " + text.strip()
                continue
            name, _, value = text.partition(":")
            values = fields.setdefault(name.strip().lower(), [])
            values.append(value.strip().replace("\r", " "))
        return int(status[1]), int(status[2]), fields

    def _body(self, status: int, fields: dict[str, list[str]]) -> tuple[bool, bytes]:
        """Whether the length of the body was told, and the body."""
        if status in {204, 304}:
            return True, b""
        if "chunked" in ",".join(fields.get("transfer-encoding", ())).lower():
            return True, self._chunks()
        told = next(iter(fields.get("content-length", ())), "")
        if not told.isascii() or not told.isdigit():
            while self._more():
                pass
            return False, self._take(len(self._buffer))
        if len(told) > 12 or int(told) > self._limit:
            raise TooLarge
        while len(self._buffer) < int(told):
            if not self._more():
                # Too long a length is as good as none: the document itself says whether it is whole.
                return False, self._take(len(self._buffer))
        return True, self._take(int(told))

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = _CHUNK_SIZE.match(self._line())
            if size is None:
                raise NotHttp("a chunk has no size")
            length = int(size[1], 16)
            if length == 0:
                break
            if length > self._limit:
                raise TooLarge
            while len(self._buffer) < length:
                if not self._more():
                    raise NotHttp("the connection was closed within a chunk")
            body += self._take(length)
            if self._line():
                raise NotHttp("a chunk is longer than its size")
        while self._line():  # trailers
            pass
        return bytes(body)

    def _line(self) -> bytes:
        looked = 0
        while (end := self._buffer.find(b"\n", looked)) < 0:
            looked = len(self._buffer)
            if not self._more():
                raise NotHttp("the connection was closed within the body")
        return self._take(end + 1).rstrip(b"\r\n")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
