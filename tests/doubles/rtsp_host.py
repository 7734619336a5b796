"""A host that is asked for paths: every manner of answering DESCRIBE that discovery must not be fooled by."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from tests.doubles.rtsp_camera import SDP

AUDIO_ONLY = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=a\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\n"


@dataclass
class Manners:
    """How the host behaves."""

    #: What it has: path → description. None: it does not look at paths.
    paths: Mapping[str, bytes] | None = field(default_factory=lambda: {"/Streaming/Channels/101": SDP})
    #: `paths`: 404 for what it has not, 401 for what it has; `all`: 401 to anything that is not signed.
    guards: Literal["nothing", "paths", "all"] = "nothing"
    password: str = "right"
    username: str = "admin"
    scheme: Literal["digest", "sha-256", "basic"] = "digest"
    realm: str = "cam"
    server: str = ""
    #: Accepts connections and never says a word.
    hangs: bool = False
    #: Answers everything with this status line and these header lines.
    answers: tuple[str, tuple[str, ...]] | None = None
    #: Paths that are answered with this status line instead.
    odd: Mapping[str, str] = field(default_factory=dict)
    #: Hangs up after each answer.
    closes: bool = False
    #: From so many refusals on it says that it is locked.
    locks_after: int | None = None
    #: Another nonce for every request, an old one being refused without a word of staleness.
    fresh_nonces: bool = False


class RtspHost:
    """The host, listening: ``async with RtspHost(Manners()) as host: host.port``."""

    def __init__(self, manners: Manners, address: str = "127.0.0.1", port: int = 0) -> None:
        self.manners = manners
        self.address = address
        self.port = port
        #: Paths asked for, in order.
        self.asked: list[str] = []
        #: Answers to challenges that were wrong: what a camera counts until it locks.
        self.refusals = 0
        #: Authorization headers by scheme.
        self.schemes: set[str] = set()
        self.connections = 0
        self._nonces = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.address, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        await self._server.wait_closed()
        async with asyncio.timeout(5):
            while self._open:
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if self.manners.hangs:
                    continue
                writer.write(self._answer(head))
                await writer.drain()
                if self.manners.closes:
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._open.discard(writer)

    def _answer(self, head: str) -> bytes:
        start, *lines = head.strip().split("\r\n")
        method, uri, _ = start.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        path = "/" + uri.split("/", 3)[3] if uri.count("/") > 2 else "/"
        self.asked.append(path)
        status, extra, body = self._judge(method, uri, path, headers.get("authorization"))
        out = [f"RTSP/1.0 {status}", f"CSeq: {headers['cseq']}", *extra]
        if self.manners.server:
            out.append(f"Server: {self.manners.server}")
        if body:
            out.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*out, "", ""]).encode("latin-1") + body

    def _judge(self, method: str, uri: str, path: str, authorization: str | None) -> tuple[str, tuple[str, ...], bytes]:
        manners = self.manners
        if manners.answers is not None:
            return manners.answers[0], manners.answers[1], b""
        has = manners.paths is None or path in manners.paths
        if manners.guards == "all" or (manners.guards == "paths" and has):
            if manners.locks_after is not None and self.refusals >= manners.locks_after:
                return "401 Unauthorized", (self._challenge(),), b"account locked, try again later"
            if authorization is None:
                return "401 Unauthorized", (self._challenge(),), b""
            self.schemes.add(authorization.split(" ")[0])
            verdict = self._check(method, uri, authorization)
            if verdict != "right":
                self.refusals += verdict == "wrong"
                return "401 Unauthorized", (self._challenge(),), b""
        if path in manners.odd:
            return manners.odd[path], (), b""
        if not has:
            return "404 Not Found", (), b""
        body = SDP if manners.paths is None else manners.paths[path]
        return "200 OK", ("Content-Type: application/sdp",), body

    def _challenge(self) -> str:
        if self.manners.scheme == "basic":
            return f'WWW-Authenticate: Basic realm="{self.manners.realm}"'
        self._nonces += self.manners.fresh_nonces
        algorithm = ', algorithm="SHA-256"' if self.manners.scheme == "sha-256" else ""
        return f'WWW-Authenticate: Digest realm="{self.manners.realm}", nonce="n{self._nonces}"{algorithm}'

    def _check(self, method: str, uri: str, header: str) -> Literal["right", "wrong", "old"]:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', header))
        if self.manners.fresh_nonces:
            if given.get("nonce") != f"n{self._nonces}":
                return "old"
            nonce = f"n{self._nonces}"
            self._nonces += 1  # good for one request
        else:
            nonce = "n0"

        def h(text: str) -> str:
            return hashlib.new("sha256" if self.manners.scheme == "sha-256" else "md5", text.encode()).hexdigest()

        secret = h(f"{self.manners.username}:{self.manners.realm}:{self.manners.password}")
        right = given.get("response") == h(f"{secret}:{nonce}:" + h(f"{method}:{uri}"))
        return "right" if right else "wrong"
