"""The RTSP server on 127.0.0.1 at which PyAV opens cameras. What FFmpeg gets to see is ours but for the RTP packets."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.fanout import Subscription
from services.ingest.rtsp.framing import Demultiplexer
from services.ingest.rtsp.link import Link
from services.ingest.rtsp.messages import Message
from services.ingest.rtsp.sdp import VideoTrack
from services.ingest.rtsp.serving import Phase, ServingSession

LOOPBACK = "127.0.0.1"


class Feed(Protocol):
    """What can be mounted. Implementation: ``upstream.Upstream``."""

    @property
    def track(self) -> VideoTrack | None:
        """The track, None when there is none (any more)."""

    def subscribe(self, on_ready: Callable[[], None], on_end: Callable[[], None]) -> Subscription:
        """Its media from now on."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Bounds of the relay."""

    clients: int = 128
    #: From the connection of a client to its PLAY.
    handshake_s: float = 10.0
    #: How long a client may take to read the rest after its stream has ended.
    drain_s: float = 2.0
    #: How much is handed to a client's socket at once.
    write_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Mount:
    feed: Feed
    client_max_s: float


class Relay:
    """Serves mounted feeds to players in this machine. All methods belong to one event loop."""

    def __init__(self, limits: RelayLimits = RelayLimits()) -> None:
        self._limits = limits
        self._server: asyncio.Server | None = None
        self._mounts: dict[str, _Mount] = {}
        self._clients: set[RelayClient] = set()
        self.port = 0

    @property
    def clients(self) -> int:
        """How many players are connected."""
        return len(self._clients)

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Link(RelayClient(self, self._limits)), LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def mount(self, feed: Feed, *, client_max_s: float) -> str:
        """Serve a feed; returns its URL, which nobody can guess and which is good until ``unmount``.

        A client is served for at most ``client_max_s`` seconds, and not beyond the end of the feed.
        """
        token = secrets.token_hex(16)
        self._mounts[token] = _Mount(feed, client_max_s)
        return f"rtsp://{LOOPBACK}:{self.port}/{token}"

    def unmount(self, url: str) -> None:
        """Serve a feed no longer and end its clients. Idempotent."""
        self._mounts.pop(url.rpartition("/")[2], None)
        self.cut(url)

    def cut(self, url: str) -> None:
        """End the clients of a feed, which may be opened anew. A thread that reads in vain inside FFmpeg is freed by it."""
        token = url.rpartition("/")[2]
        for client in tuple(self._clients):
            if client.token == token:
                client.abort()

    async def close(self) -> None:
        """End all clients and listen no longer. Idempotent."""
        self._mounts.clear()
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.abort()
        if self._server is not None:
            await self._server.wait_closed()

    # For its clients

    def find(self, token: str) -> _Mount | None:
        """The mount under a token."""
        return self._mounts.get(token)

    def admit(self, client: "RelayClient") -> bool:
        """Whether there is room for one more."""
        if len(self._clients) >= self._limits.clients:
            return False
        self._clients.add(client)
        return True

    def forget(self, client: "RelayClient") -> None:
        """A client is gone."""
        self._clients.discard(client)


class RelayClient:
    """One player's connection."""

    def __init__(self, relay: Relay, limits: RelayLimits) -> None:
        self._relay = relay
        self._limits = limits
        self._session = ServingSession(secrets.token_hex(8), self._find_track)
        self._demultiplexer = Demultiplexer(lambda *_: None, self._on_request)
        self._transport: asyncio.Transport | None = None
        self._subscription: Subscription | None = None
        self._writable = True
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def token(self) -> str | None:
        """Of the mount it plays."""
        return self._session.token

    def abort(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    def connected(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        if not self._relay.admit(self):
            transport.abort()
            return
        self._end_in(self._limits.handshake_s)

    def received(self, buffer: bytearray, start: int, end: int) -> int:
        try:
            return self._demultiplexer.consume(buffer, start, end)
        except RtspProtocolError:
            self.abort()
            return end

    def lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the link's owner is told
        self._relay.forget(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._subscription is not None:
            self._subscription.close()

    def writable(self, ready: bool) -> None:
        self._writable = ready
        if ready:
            self._pump()

    def _find_track(self, token: str) -> VideoTrack | None:
        mount = self._relay.find(token)
        return mount.feed.track if mount else None

    def _on_request(self, message: Message) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(self._session.receive(message))
        if self._transport.get_write_buffer_size() > 2 * self._limits.write_bytes:
            raise RtspProtocolError("a client that asks and does not read")
        if self._session.phase is Phase.OVER:
            self._close()
        elif self._session.phase is Phase.PLAYING and self._subscription is None:
            self._play()

    def _play(self) -> None:
        mount = self._relay.find(self._session.token or "")
        assert mount is not None  # noqa: S101 - or the answer would have been 404
        self._end_in(mount.client_max_s)
        self._subscription = mount.feed.subscribe(self._pump, self._ended)
        self._pump()

    def _pump(self) -> None:
        """Hand waiting frames to the socket while it takes them."""
        if self._subscription is None or self._transport is None or self._transport.is_closing():
            return
        while self._writable and (data := self._subscription.take(self._limits.write_bytes)):
            self._transport.write(data)

    def _ended(self) -> None:
        if self._subscription is not None and self._subscription.overflowed:
            self.abort()
        else:
            self._pump()
            self._close()

    def _close(self) -> None:
        """Close once the socket has taken what was handed to it, and anyway soon."""
        if self._transport is not None:
            self._transport.close()
            self._end_in(self._limits.drain_s)

    def _end_in(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)
