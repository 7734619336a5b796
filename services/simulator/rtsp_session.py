"""One RTSP connection and the at most one session on it."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.simulator import sdp
from services.simulator.mount import Mount
from services.simulator.wire import BadRequest, Head, read_head

_BODY_MAX_BYTES = 4096
_INTERLEAVED = re.compile(r"interleaved=(\d{1,3})-(\d{1,3})", re.IGNORECASE)
_PHRASES = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    413: "Request Entity Too Large",
    431: "Request Header Fields Too Large",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    501: "Not Implemented",
    505: "RTSP Version Not Supported",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of a response."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class RtspLimits:
    """``sessions_max`` None means as many as wanted. A session ends after ``session_timeout_s`` without sign of life."""

    sessions_max: int | None = None
    session_timeout_s: float = 60.0
    #: What may wait for one viewer before it is dropped.
    backlog_max_bytes: int = 2 * 1024 * 1024


class Offer(Protocol):
    """What a session needs to know of the server it belongs to."""

    limits: RtspLimits

    @property
    def is_full(self) -> bool:
        """Whether one session more is too many."""

    def find_mount(self, uri: str) -> Mount | None:
        """The mount that a request URI names, by itself or by its track."""

    def refusal(self, head: Head) -> Answer | None:
        """401 with challenges, or None when the request may go on."""


async def serve_session(session: "RtspSession", reader: asyncio.StreamReader) -> None:
    """Read requests and the peer's RTCP until one side ends the connection. Any of them is a sign of life."""
    try:
        while not session.over:
            async with asyncio.timeout(session.offer.limits.session_timeout_s):
                head = await _next_request(reader)
            if head is not None:
                session.answer(head)
    except BadRequest as error:
        session.respond("0", Answer(error.status))
    finally:
        session.teardown()


async def _next_request(reader: asyncio.StreamReader) -> Head | None:
    """The next request, its body read and dropped; None for an interleaved packet."""
    first = await reader.readexactly(1)
    if first == b"$":
        header = await reader.readexactly(3)
        await reader.readexactly(int.from_bytes(header[1:], "big"))
        return None
    head = await read_head(reader, begun=first)
    await reader.readexactly(head.content_length(_BODY_MAX_BYTES))
    if head.version != "RTSP/1.0":
        raise BadRequest(505, "only RTSP/1.0 is spoken here")
    return head


class RtspSession:
    """Answers requests and, as a ``Viewer``, passes a mount's packets on."""

    def __init__(self, offer: Offer, writer: asyncio.StreamWriter) -> None:
        self.offer = offer
        self.rtp_channel = 0
        self.over = False
        self._writer = writer
        self._held = bytearray()
        self._id: str | None = None
        self._mount: Mount | None = None
        self._playing = False
        self._methods: dict[str, Callable[[Head], Answer]] = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "GET_PARAMETER": self._parameter,
            "SET_PARAMETER": self._parameter,
            "TEARDOWN": self._teardown,
        }

    # As a viewer

    def deliver(self, data: bytes) -> None:
        """Send what is held and then this. A viewer whose backlog is too long is dropped, so that nobody waits for it."""
        if self.over:
            return
        self._writer.write(bytes(self._held) + data if self._held else data)
        self._held.clear()
        if self._writer.transport.get_write_buffer_size() > self.offer.limits.backlog_max_bytes:
            self.cut()

    def hold(self, data: bytes) -> None:
        self._held += data

    def drip(self, count: int) -> None:
        if self._held and not self.over:
            self._writer.write(bytes(self._held[:count]))
            del self._held[:count]

    def cut(self) -> None:
        self.teardown()
        self._writer.transport.abort()

    def finish(self) -> None:
        self.teardown()
        self._writer.close()

    # As a server

    def teardown(self) -> None:
        """Leave the mount. The connection is of no further use."""
        self.over = True
        self._leave()

    def answer(self, head: Head) -> None:
        """Carry out one request and respond to it."""
        sequence = head.headers.get("cseq")
        if sequence is None or not sequence.isdigit():
            raise BadRequest(400, "CSeq is missing")
        method = self._methods.get(head.method)
        if method is None:
            answer = Answer(501)
        elif head.method == "OPTIONS":
            answer = method(head)
        else:
            answer = self.offer.refusal(head) or method(head)
        self.respond(sequence, answer)

    def respond(self, sequence: str, answer: Answer) -> None:
        """Write a response, behind anything that is held: half an interleaved packet must not be interrupted."""
        if self.over:
            return
        lines = [f"RTSP/1.0 {answer.status} {_PHRASES[answer.status]}", f"CSeq: {sequence}", "Server: simulator"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = answer.body.encode()
        if body:
            lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        if self._held:
            self.hold(data)
        else:
            self.deliver(data)

    def _options(self, _: Head) -> Answer:
        return Answer(200, (("Public", ", ".join(self._methods)),))

    def _describe(self, head: Head) -> Answer:
        mount = self.offer.find_mount(head.target)
        if mount is None:
            return Answer(404)
        host = str(self._writer.get_extra_info("sockname")[0])
        body = sdp.describe(mount.loop, title=mount.title, host=host, session_id=mount.ssrc)
        base = head.target.removesuffix(f"/{sdp.TRACK}").removesuffix("/")
        return Answer(200, (("Content-Type", "application/sdp"), ("Content-Base", f"{base}/")), body)

    def _setup(self, head: Head) -> Answer:
        mount = self.offer.find_mount(head.target)
        if mount is None:
            return Answer(404)
        if self._id is not None:
            return Answer(459)
        channel = _tcp_channel(head.headers.get("transport", ""))
        if channel is None:
            return Answer(461)
        if self.offer.is_full:
            return Answer(453)
        self._id, self._mount, self.rtp_channel = secrets.token_hex(8), mount, channel
        transport = f'RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc={mount.ssrc:08X};mode="PLAY"'
        return Answer(200, (("Transport", transport), self._session_header()))

    def _play(self, head: Head) -> Answer:
        if self._mount is None or not self._owns(head):
            return Answer(454)
        if self._playing:
            return Answer(200, (self._session_header(),))
        if self.offer.is_full:
            return Answer(453)
        self._playing = True
        cue = self._mount.join(self)
        base = head.target.removesuffix("/")
        info = f"url={base}/{sdp.TRACK};seq={cue.sequence};rtptime={cue.rtp_time}"
        return Answer(200, (self._session_header(), ("Range", "npt=now-"), ("RTP-Info", info)))

    def _parameter(self, head: Head) -> Answer:
        if "session" not in head.headers:
            return Answer(200)
        return Answer(200, (self._session_header(),)) if self._owns(head) else Answer(454)

    def _teardown(self, head: Head) -> Answer:
        if not self._owns(head):
            return Answer(454)
        self._leave()
        return Answer(200)

    def _owns(self, head: Head) -> bool:
        return self._id is not None and head.headers.get("session", "").partition(";")[0].strip() == self._id

    def _session_header(self) -> tuple[str, str]:
        return "Session", f"{self._id};timeout={max(1, int(self.offer.limits.session_timeout_s))}"

    def _leave(self) -> None:
        if self._mount is not None:
            self._mount.leave(self)
        self._id, self._mount, self._playing = None, None, False


def _tcp_channel(transport: str) -> int | None:
    """The RTP channel of the first alternative that is RTP over this connection, or None when there is none."""
    for alternative in transport.split(","):
        if "RTP/AVP/TCP" in alternative.upper() and "multicast" not in alternative.lower():
            channels = _INTERLEAVED.search(alternative)
            if channels is None:
                return 0
            if int(channels[2]) == int(channels[1]) + 1 <= 255:
                return int(channels[1])
    return None
