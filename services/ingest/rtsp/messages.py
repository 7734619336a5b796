"""RTSP requests and responses (RFC 2326) as bytes, read as tolerantly as cameras need and bounded in every direction."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from services.ingest.rtsp.errors import RtspProtocolError

#: Of the same order as other clients take; no camera we know of comes near.
MAX_START_LINE_BYTES = 4 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_HEADERS = 64
MAX_BODY_BYTES = 64 * 1024

#: The most that one incomplete message can occupy.
MAX_MESSAGE_BYTES = MAX_START_LINE_BYTES + MAX_HEADER_BYTES + MAX_BODY_BYTES

METHODS = (
    "OPTIONS",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "RECORD",
    "TEARDOWN",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "REDIRECT",
)

_STATUS_LINE = re.compile(r"RTSP/\d\.\d +([1-5]\d\d)(?: +(.*))?")
_REQUEST_LINE = re.compile(r"([A-Z_]{3,20}) +([!-~]+) +RTSP/\d\.\d")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in their order. Names are compared without regard to case; text is Latin-1, byte for byte."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The value of the first field of this name."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)

    def all(self, name: str) -> tuple[str, ...]:
        """The values of all fields of this name."""
        wanted = name.lower()
        return tuple(value for key, value in self.fields if key.lower() == wanted)

    @property
    def cseq(self) -> int | None:
        """The sequence number, or None. A hint only: cameras get it wrong."""
        # Longse sends "CSeq: 1 " with a blank behind it (retina's recording longse_unauthorized).
        text = (self.get("CSeq") or "").strip()
        return int(text) if _LENGTH.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ours or a server's."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def encode(self) -> bytes:
        """The bytes to send. ValueError when a part would break the line it stands in."""
        return _encode(f"{self.method} {self.uri} RTSP/1.0", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """A response; ``reason`` is empty when the server gave none."""

    status: int
    reason: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def encode(self) -> bytes:
        """The bytes to send. ValueError when a part would break the line it stands in."""
        return _encode(f"RTSP/1.0 {self.status} {self.reason}", self.headers, self.body)


Message: TypeAlias = Request | Response


def _encode(start_line: str, headers: Headers, body: bytes) -> bytes:
    lines = [start_line, *(f"{name}: {value}" for name, value in headers.fields)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    if any(_CONTROL.search(line) for line in lines):
        raise ValueError("a control character in an RTSP message")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def parse_message(buffer: bytes | bytearray, start: int, end: int) -> tuple[Message, int] | int:
    """The message that begins at ``start`` and the position behind it; or, while it is incomplete, how many bytes
    from ``start`` on are needed at least before another try can succeed.

    Raises RtspProtocolError when it is malformed or breaks a bound, as soon as that is certain.
    """
    limit = start + MAX_START_LINE_BYTES + 1
    line_end = buffer.find(b"\n", start, min(end, limit))
    if line_end < 0:
        if end >= limit:
            raise RtspProtocolError(f"a first line beyond {MAX_START_LINE_BYTES} bytes")
        return end - start + 1
    limit = line_end + MAX_HEADER_BYTES + 1
    blank = _BLANK_LINE.search(buffer, line_end, min(end, limit))
    if blank is None:
        if end >= limit:
            raise RtspProtocolError(f"headers beyond {MAX_HEADER_BYTES} bytes")
        return end - start + 1

    start_line = buffer[start:line_end].decode("latin-1").rstrip("\r ")
    headers = _parse_headers(buffer[line_end + 1 : blank.start() + 1].decode("latin-1"))
    body_start = blank.end()
    body_end = body_start + _body_length(headers)
    message = _message(start_line, headers)
    if body_end > end:
        return body_end - start
    if body_end > body_start:
        body = bytes(buffer[body_start:body_end])
        if isinstance(message, Request):
            return Request(message.method, message.uri, headers, body), body_end
        return Response(message.status, message.reason, headers, body), body_end
    return message, body_end


def _message(start_line: str, headers: Headers) -> Message:
    if status := _STATUS_LINE.fullmatch(start_line):
        return Response(int(status[1]), (status[2] or "").strip(), headers)
    if request := _REQUEST_LINE.fullmatch(start_line):
        return Request(request[1], request[2], headers)
    raise RtspProtocolError("a first line that is neither a request nor a status of RTSP")


def _parse_headers(block: str) -> Headers:
    return Headers(tuple(_fields(block.split("\n")[:-1])))


def _fields(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    name, value = "", ""
    count = 0
    for raw in lines:
        line = raw.removesuffix("\r")
        if _CONTROL.search(line):
            raise RtspProtocolError("a control character in a header")
        if line[:1] in {" ", "\t"} and name:
            value = f"{value} {line.strip()}".strip()  # A folded line, RFC 2326 section 4.2.
            continue
        if name:
            yield name, value
        count += 1
        if count > MAX_HEADERS:
            raise RtspProtocolError(f"more than {MAX_HEADERS} headers")
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise RtspProtocolError("a header line without a name")
    if name:
        yield name, value


def _body_length(headers: Headers) -> int:
    lengths = set(headers.all("Content-Length"))
    if not lengths:
        return 0
    text = lengths.pop()
    if lengths or not _LENGTH.fullmatch(text) or int(text) > MAX_BODY_BYTES:
        raise RtspProtocolError(f"a body length that is no single number up to {MAX_BODY_BYTES}")
    return int(text)
