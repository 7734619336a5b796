"""The head of a request as HTTP/1.1 and RTSP/1.0 share it, read within bounds."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

HEAD_MAX_BYTES = 16 * 1024


class BadRequest(Exception):
    """What arrived cannot be answered sensibly; the connection is to be closed after ``status``."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(f"{status}: {detail}")


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers; header names are in lower case, the last of equal names wins."""

    method: str
    target: str
    version: str
    headers: Mapping[str, str]

    def content_length(self, at_most: int) -> int:
        """The length of the body. Raises BadRequest when it is malformed or beyond ``at_most`` bytes."""
        text = self.headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()):
            raise BadRequest(400, "Content-Length is not a number")
        if len(text) > 12 or int(text) > at_most:
            raise BadRequest(413, f"the body may have at most {at_most} bytes")
        return int(text)


async def read_head(reader: asyncio.StreamReader, *, begun: bytes = b"") -> Head:
    """Read up to the empty line. The reader must have been made with the limit ``HEAD_MAX_BYTES``.

    Raises BadRequest, or EOFError when the peer closes. Whoever calls sets the time limit.
    """
    try:
        raw = begun + await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise BadRequest(431, f"the head may have at most {HEAD_MAX_BYTES} bytes") from error
    return parse_head(raw)


def parse_head(raw: bytes) -> Head:
    """Parse a head including its empty line."""
    lines = raw.decode("utf-8", errors="replace").strip("\r\n").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not all(parts):
        raise BadRequest(400, "the request line is malformed")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise BadRequest(400, "a header line is malformed")
        headers[name.strip().lower()] = value.strip()
    return Head(parts[0], parts[1], parts[2], headers)
