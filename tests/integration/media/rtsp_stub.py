"""An RTSP server of ours that can misbehave: what it sends after PLAY is a script of the test."""

import asyncio
import contextlib
import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.ingest.media.annexb import nal_units
from tests.integration.media.clips import TICKS_PER_S, Clip

_RTP_PAYLOAD_MAX = 1400
_PAYLOAD_TYPE = 96


class Session:
    """One client that plays. Written to by the script."""

    def __init__(self, writer: asyncio.StreamWriter, codec: str) -> None:
        self._writer = writer
        self._codec = codec
        self._sequence = 1000

    async def packet(self, payload: bytes, timestamp: int, *, marker: bool = True) -> None:
        """Send one RTP packet on channel 0."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        second = _PAYLOAD_TYPE | (0x80 if marker else 0)
        head = struct.pack(">BBHII", 0x80, second, self._sequence, timestamp & 0xFFFFFFFF, 0x1234)
        self._writer.write(b"$\x00" + struct.pack(">H", len(head) + len(payload)) + head + payload)
        await self._writer.drain()

    async def control(self) -> None:
        """Send an RTCP receiver report, which says nothing: bytes come, but no media."""
        report = struct.pack(">BBHI", 0x80, 201, 1, 0x1234)
        self._writer.write(b"$\x01" + struct.pack(">H", len(report)) + report)
        await self._writer.drain()

    async def unit(self, data: bytes, timestamp: int) -> None:
        """Send one access unit (RFC 6184, RFC 7798): single NAL units and FUs."""
        nals = [nal for nal in nal_units(data) if nal]
        for nal in nals:
            last = nal is nals[-1]
            parts = [nal] if len(nal) <= _RTP_PAYLOAD_MAX else _fragments(self._codec, nal)
            for number, part in enumerate(parts):
                await self.packet(part, timestamp, marker=last and number == len(parts) - 1)


def _fragments(codec: str, nal: bytes) -> list[bytes]:
    head = 1 if codec == "h264" else 2
    body = nal[head:]
    chunks = [body[at : at + _RTP_PAYLOAD_MAX] for at in range(0, len(body), _RTP_PAYLOAD_MAX)]
    kind = nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F
    parts = []
    for number, chunk in enumerate(chunks):
        mark = kind | (0x80 if number == 0 else 0) | (0x40 if number == len(chunks) - 1 else 0)
        if codec == "h264":
            parts.append(bytes([nal[0] & 0xE0 | 28, mark]) + chunk)
        else:
            parts.append(bytes([nal[0] & 0x81 | 49 << 1, nal[1], mark]) + chunk)
    return parts


Script = Callable[[Session], Awaitable[None]]


@dataclass(frozen=True)
class Mount:
    """``parameter_sets`` stand in the SDP when they are given. Without a script the connection is never answered."""

    script: Script | None
    codec: str = "h264"
    parameter_sets: tuple[bytes, ...] = ()
    title: bytes = b"stub"

    def sdp(self) -> bytes:
        name = {"h264": "H264", "h265": "H265"}.get(self.codec, self.codec)
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=TITLE",
            "t=0 0",
            f"m=video 0 RTP/AVP {_PAYLOAD_TYPE}",
            "c=IN IP4 0.0.0.0",
            f"a=rtpmap:{_PAYLOAD_TYPE} {name}/{TICKS_PER_S}",
        ]
        texts = [b64encode(unit).decode() for unit in self.parameter_sets]
        if texts and self.codec == "h264":
            lines.append(f"a=fmtp:{_PAYLOAD_TYPE} packetization-mode=1; sprop-parameter-sets={','.join(texts)}")
        elif len(texts) == 3:
            names = ("sprop-vps", "sprop-sps", "sprop-pps")
            lines.append(f"a=fmtp:{_PAYLOAD_TYPE} " + "; ".join(map("=".join, zip(names, texts, strict=True))))
        return "\r\n".join([*lines, "a=control:track1", ""]).encode().replace(b"TITLE", self.title)


class Stub:
    """Listens on loopback. ``mounts`` may be changed at any time."""

    def __init__(self, port: int, mounts: dict[str, Mount]) -> None:
        self.port = port
        self.mounts = mounts
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def clients(self) -> int:
        """How many are connected now."""
        return len(self._writers)

    def disconnect(self) -> None:
        """Close all connections, as the relay does when it is told to."""
        for writer in self._writers:
            writer.close()

    def url(self, name: str) -> str:
        """The URL of a mount."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until either side has enough."""
        self._writers.add(writer)
        playing: asyncio.Task[None] | None = None
        try:
            while request := await self._request(reader):
                playing = self._answer(request, writer) or playing
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            if playing is not None:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> str:
        while True:
            first = await reader.readexactly(1)
            if first == b"$":  # the client's RTCP
                _, length = struct.unpack(">BH", await reader.readexactly(3))
                await reader.readexactly(length)
                continue
            return (first + await reader.readuntil(b"\r\n\r\n")).decode()

    def _answer(self, request: str, writer: asyncio.StreamWriter) -> asyncio.Task[None] | None:
        method, url, *_ = request.split(" ", 2)
        sequence = next(line for line in request.splitlines() if line.lower().startswith("cseq:"))
        mount = self.mounts[url.split("/")[3]]
        if mount.script is None:
            return None
        extra, body = "", b""
        if method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = mount.sdp()
            extra = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            extra = "Session: 7\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif method == "PLAY":
            extra = "Session: 7\r\n"
        writer.write(f"RTSP/1.0 200 OK\r\n{sequence}\r\n{extra}\r\n".encode() + body)
        if method != "PLAY":
            return None
        return asyncio.create_task(self._play(mount, mount.script, writer))

    @staticmethod
    async def _play(mount: Mount, script: Script, writer: asyncio.StreamWriter) -> None:
        """The end of the script is the end of the stream."""
        with contextlib.suppress(ConnectionError):
            await script(Session(writer, mount.codec))
        writer.close()


@asynccontextmanager
async def stub_of(**mounts: Mount) -> AsyncIterator[Stub]:
    """A server with these mounts."""
    stub = Stub(0, dict(mounts))
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        for _ in range(100):
            if not stub.clients:
                break
            await asyncio.sleep(0.05)
        assert not stub.clients, "a client of the stub stays connected"


def play(clip: Clip, *, speed: float = 1.0, repeat: bool = True, start: int = 0) -> Script:
    """A script that sends a clip at ``speed`` times its pace, over and over unless told otherwise."""

    async def script(session: Session) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        round_starts = 0
        while True:
            for number, unit in enumerate(clip.units):
                due = began + (round_starts + number * clip.tick) / TICKS_PER_S / speed
                await asyncio.sleep(max(0.0, due - loop.time()))
                await session.unit(unit.data, start + round_starts + unit.pts)
            round_starts += clip.length
            if not repeat:
                return

    return script


async def silence(_: Session) -> None:
    """A script that sends nothing."""
    await asyncio.Event().wait()
