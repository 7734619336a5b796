"""An RTSP client that hides nothing: what a device sends is what the test sees."""

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from services.simulator.device import PASSWORD, USERNAME

WAIT_S = 5.0


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: dict[str, str]
    body: str
    challenges: tuple[str, ...]


@dataclass
class Client:
    """One connection. Interleaved packets that come between responses are kept in ``packets`` as (channel, bytes)."""

    port: int
    path: str = "/main"
    username: str = USERNAME
    password: str = PASSWORD
    algorithm: str = "MD5"
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    session: str | None = None
    challenge: str | None = None
    _sequence: int = 0
    _begun: bytes = b""

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(WAIT_S):
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}{self.path}"

    async def request(self, method: str, url: str | None = None, **headers: str) -> Reply:
        """Send a request and read its response, with credentials once a challenge is known."""
        uri = url or self.url
        self._sequence += 1
        lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {self._sequence}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        if self.challenge:
            lines.append(f"Authorization: {self._authorization(method, uri)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        async with asyncio.timeout(WAIT_S):
            return await self._reply()

    async def signed(self, method: str, url: str | None = None, **headers: str) -> Reply:
        """``request``, and once more when it is challenged."""
        reply = await self.request(method, url, **headers)
        if reply.status == 401:
            self.challenge = next(one for one in reply.challenges if f"algorithm={self.algorithm}" in one)
            reply = await self.request(method, url, **headers)
        return reply

    async def play(self) -> Reply:
        """SETUP and PLAY; the response to the one that failed, or to PLAY."""
        setup = await self.signed("SETUP", f"{self.url}/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        if setup.status != 200:
            return setup
        self.session = setup.headers["session"].partition(";")[0]
        return await self.signed("PLAY")

    async def collect(self, seconds: float) -> list[tuple[int, bytes]]:
        """The interleaved packets of the next while, in order. Ends early when the device closes."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.packet()
        except (TimeoutError, asyncio.IncompleteReadError):
            pass
        got, self.packets = self.packets, []
        return got

    async def count_bytes(self, seconds: float) -> int:
        """How many bytes come in the next while, whatever they are."""
        total, until = 0, time.monotonic() + seconds
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + seconds):
                while time.monotonic() < until:
                    data = await self.reader.read(65536)
                    total += len(data)
                    if not data:
                        break
        except TimeoutError:
            pass
        return total

    async def closed_within(self, seconds: float) -> bool:
        """Whether the device ends the connection in time; what it still sends is kept."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.packet()
        except (asyncio.IncompleteReadError, ConnectionError):
            return True
        except TimeoutError:
            return False

    async def packet(self) -> None:
        """Read one interleaved packet into ``packets``. May be cancelled and goes on the next time."""
        if not self._begun:
            self._begun = await self.reader.readexactly(4)
        assert self._begun[:1] == b"$", f"not an interleaved packet: {self._begun!r}"
        body = await self.reader.readexactly(int.from_bytes(self._begun[2:], "big"))
        self.packets.append((self._begun[1], body))
        self._begun = b""

    async def _reply(self) -> Reply:
        while True:
            self._begun = self._begun or await self.reader.readexactly(4)
            if self._begun[:1] != b"$":
                break
            await self.packet()
        head = (self._begun + await self.reader.readuntil(b"\r\n\r\n")).decode()
        self._begun = b""
        status_line, *lines = head.strip().split("\r\n")
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        headers = dict(pairs)
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        challenges = tuple(value for name, value in pairs if name == "www-authenticate")
        return Reply(int(status_line.split()[1]), headers, body.decode(), challenges)

    def _authorization(self, method: str, uri: str) -> str:
        assert self.challenge is not None
        realm, nonce = (re.findall(f'{name}="([^"]*)"', self.challenge)[0] for name in ("realm", "nonce"))
        name = "md5" if self.algorithm == "MD5" else "sha256"
        first = hashlib.new(name, f"{self.username}:{realm}:{self.password}".encode()).hexdigest()
        second = hashlib.new(name, f"{method}:{uri}".encode()).hexdigest()
        response = hashlib.new(name, f"{first}:{nonce}:{second}".encode()).hexdigest()
        return (
            f'Digest username="{self.username}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'algorithm={self.algorithm}, response="{response}"'
        )
