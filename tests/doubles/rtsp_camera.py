"""A camera that does what its script says, on loopback, and remembers what it was told."""

import asyncio
import contextlib
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Self

from tests.doubles.rtp_packets import h264_units, interleaved

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\na=control:*\r\n"
    b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    b"a=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets=Z0LAHtoCgL/lwA==,aM48gA==\r\n"
    b"a=framerate:25\r\na=control:track1\r\n"
)


@dataclass
class Script:
    """How the camera behaves."""

    username: str = "admin"
    password: str = ""  # empty: no authentication
    algorithm: str = "MD5"
    sdp: bytes = SDP
    #: Instead of the usual answer: method → (status line after the version, further header lines).
    answers: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    #: Methods that are never answered.
    unanswered: frozenset[str] = frozenset()
    public: str | None = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
    session: str = "4711;timeout=60"
    transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1"
    content_base: str | None = None
    #: What flows after PLAY, access unit by access unit, and the pause between two.
    media: Callable[[], Iterable[list[bytes]]] = h264_units
    pause_s: float = 0.02
    #: The interleaved channel of the media.
    channel: int = 0
    #: Close the connection after so many access units; None: never.
    units: int | None = None
    #: Bytes sent with every access unit, after it.
    beside: bytes = b""


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    uri: str
    headers: dict[str, str]


class ScriptedCamera:
    """The camera as a server: ``async with ScriptedCamera(Script()) as camera: camera.port``."""

    def __init__(self, script: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        #: Inside which TLS it serves; None: none.
        self.tls = tls
        self.host = host
        self.heard: list[Heard] = []
        #: Interleaved frames that came to us: (channel, packet).
        self.frames: list[tuple[int, bytes]] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self.open_connections: set[asyncio.StreamWriter] = set()

    @property
    def inside_tls(self) -> bool:
        """Whether it speaks RTSPS."""
        return self.tls is not None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'rtsps' if self.tls else 'rtsp'}://{self.host}:{self.port}/cam"

    @property
    def methods(self) -> list[str]:
        """The methods asked for, in their order."""
        return [heard.method for heard in self.heard]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self.open_connections):
            writer.transport.abort()
        await self._server.wait_closed()
        async with asyncio.timeout(5):
            while self.open_connections:
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections.add(writer)
        self.connections += 1
        playing: asyncio.Task[None] | None = None
        try:
            async for request in self._requests(reader):
                self.heard.append(request)
                if request.method in self.script.unanswered:
                    continue
                status, answer = self._answer(request)
                writer.write(answer)
                if request.method == "PLAY" and status == 200:
                    playing = asyncio.create_task(self._play(writer))
        except OSError:
            pass
        finally:
            if playing is not None:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.open_connections.discard(writer)

    async def _requests(self, reader: asyncio.StreamReader) -> AsyncIterator[Heard]:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                first = await reader.readexactly(1)
                if first == b"$":
                    channel, high, low = await reader.readexactly(3)
                    self.frames.append((channel, await reader.readexactly(high << 8 | low)))
                    continue
                head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                start, *lines = head.strip().split("\r\n")
                method, uri, _ = start.split(" ")
                headers = dict(line.split(": ", 1) for line in lines)
                yield Heard(method, uri, {name.lower(): value for name, value in headers.items()})

    def _answer(self, request: Heard) -> tuple[int, bytes]:
        script = self.script
        body = b""
        if script.password and request.method != "OPTIONS" and not self._signed(request):
            status, headers = "401 Unauthorized", self._challenge()
        elif request.method in script.answers:
            status, headers = script.answers[request.method]
        else:
            status, headers, body = "200 OK", (), b""
            match request.method:
                case "OPTIONS" if script.public:
                    headers = (f"Public: {script.public}",)
                case "DESCRIBE":
                    body = script.sdp
                    headers = ("Content-Type: application/sdp",)
                    if script.content_base:
                        headers += (f"Content-Base: {script.content_base}",)
                case "SETUP":
                    headers = (f"Transport: {script.transport}", f"Session: {script.session}")
        lines = [f"RTSP/1.0 {status}", f"CSeq: {request.headers['cseq']}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return int(status[:3]), "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _challenge(self) -> tuple[str, ...]:
        return (f'WWW-Authenticate: Digest realm="cam", nonce="n1", algorithm={self.script.algorithm}, qop="auth"',)

    def _signed(self, request: Heard) -> bool:
        header = request.headers.get("authorization", "")
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', header))

        def h(text: str) -> str:
            return hashlib.new("sha256" if "256" in self.script.algorithm else "md5", text.encode()).hexdigest()

        secret = h(f"{self.script.username}:cam:{self.script.password}")
        wanted = h(f"{secret}:n1:{given.get('nc')}:{given.get('cnonce')}:auth:" + h(f"{request.method}:{request.uri}"))
        return given.get("response") == wanted and given.get("uri") == request.uri

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            for unit in self._units():
                media = b"".join(interleaved(packet, self.script.channel) for packet in unit)
                writer.write(media + self.script.beside)
                await writer.drain()
                await asyncio.sleep(self.script.pause_s)
            writer.close()

    def _units(self) -> Iterator[list[bytes]]:
        return islice(self.script.media(), self.script.units)
