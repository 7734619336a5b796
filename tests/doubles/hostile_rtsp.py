"""RTSP servers that mean no good, each by one trick, on 127.0.0.1."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from tests.doubles.rtp_packets import interleaved
from tests.doubles.rtsp_camera import SDP

Trick = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class HostileServer:
    """Plays one trick on everyone who connects."""

    def __init__(self, trick: Trick) -> None:
        self._trick = trick
        self._server: asyncio.Server | None = None
        self._tricks: set[asyncio.Future[None]] = set()
        self.port = 0
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        async with asyncio.timeout(5):
            while self._tricks:
                for trick in tuple(self._tricks):
                    trick.cancel()
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # A task of its own: asyncio's server of Python 3.11 reports its own task as an error when it is cancelled.
        trick = asyncio.ensure_future(self._trick(reader, writer))
        self._tricks.add(trick)
        try:
            await asyncio.wait({trick})
            if not trick.cancelled() and not isinstance(trick.exception(), OSError | EOFError | None):
                trick.result()
        finally:
            self._tricks.discard(trick)
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _for_ever(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        await _say(writer, data)


def _ok(*headers: str, body: bytes = b"") -> bytes:
    lines = ["RTSP/1.0 200 OK", "CSeq: 1", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _until_playing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for answer in (
        _ok("Public: GET_PARAMETER"),
        _ok(body=SDP),
        _ok("Session: 1", "Transport: RTP/AVP/TCP;interleaved=0-1"),
        _ok(),
    ):
        await _request(reader)
        await _say(writer, answer)


# Before a session


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and says nothing."""
    await asyncio.sleep(60)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and closes."""


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Is a web server."""
    await _request(reader)
    await _say(writer, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(60)


async def speaks_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Is an SSH server, which speaks first."""
    await _say(writer, b"SSH-2.0-dropbear\r\n")
    await asyncio.sleep(60)


async def endless_start_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A status line that never ends."""
    await _say(writer, b"RTSP/1.0 200 ")
    await _for_ever(writer, b"O" * 4096)


async def endless_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Headers that never end."""
    await _say(writer, b"RTSP/1.0 200 OK\r\n")
    await _for_ever(writer, b"X-Again: and again\r\n" * 100)


async def endless_blank_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Nothing, at full speed."""
    await _for_ever(writer, b"\r\n" * 4096)


async def four_gigabytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body that would fill the memory."""
    await _request(reader)
    await _say(writer, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4294967296\r\n\r\n")
    await _for_ever(writer, bytes(65536))


async def still_trying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Provisional answers at full speed, and never a final one."""
    await _for_ever(writer, b"RTSP/1.0 100 Continue\r\n\r\n" * 100)


async def slow_drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer that comes byte by byte, always just in time."""
    for byte in _ok("Public: OPTIONS", *(f"X-Filler-{i}: {i}" for i in range(50))):
        await _say(writer, bytes([byte]))
        await asyncio.sleep(0.02)


async def challenges_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuses every answer with a new nonce, and says each time that only the nonce was old."""
    number = 0
    while True:
        await _request(reader)
        number += 1
        challenge = f'WWW-Authenticate: Digest realm="r", nonce="{number}", stale=true'
        await _say(writer, f"RTSP/1.0 401 Unauthorized\r\n{challenge}\r\n\r\n".encode())


async def asks_back_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Has nothing but questions, and does not read our answers."""
    await _for_ever(writer, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 100)


def sdp_bomb(body: bytes) -> Trick:
    """Describes itself with the given body."""

    async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        await _say(writer, _ok("Public: OPTIONS"))
        await _request(reader)
        await _say(writer, _ok("Content-Type: application/sdp", body=body))
        await asyncio.sleep(60)

    return trick


SDP_BOMBS = {
    "many lines": b"v=0\r\n" + b"a=\r\n" * 15_000,
    "many tracks": b"v=0\r\n" + b"m=audio 0 RTP/AVP 0\r\n" * 500,
    "one long line": b"v=0\r\na=" + b"x" * 60_000,
    "binary": bytes(range(256)) * 200,
    "empty": b" ",
}


# Within a session


async def garbage_after_play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Noise that is not even framed."""
    await _until_playing(reader, writer)
    while True:
        await _say(writer, os.urandom(4096).replace(b"$", b"#"))


async def garbage_rtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Frames that hold no RTP."""
    await _until_playing(reader, writer)
    while True:
        await _say(writer, interleaved(b"\x00" + os.urandom(200)))
        await asyncio.sleep(0)


async def wrong_lengths(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Frames that are longer than they say."""
    await _until_playing(reader, writer)
    while True:
        await _say(writer, b"$\0\0\x10" + b"\x80\x60" + b"A" * 1200)
        await asyncio.sleep(0)


async def lying_length_then_silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One frame that never becomes whole, dripped."""
    await _until_playing(reader, writer)
    await _say(writer, b"$\0\xff\xff")
    for _ in range(2000):
        await _say(writer, b"A")
        await asyncio.sleep(0.01)


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Empty frames at full speed."""
    await _until_playing(reader, writer)
    await _for_ever(writer, b"$\x07\0\0" * 16_384)


async def floods_with_media(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Packets that look well, at full speed."""
    await _until_playing(reader, writer)
    await _for_ever(writer, interleaved(b"\x80\x60\0\0" + bytes(8) + b"\x41" + bytes(60_000)))
