"""A connection on which a host is asked to DESCRIBE paths, one after another, within bounds. Nothing is set up or played.

Redirects are answers like others and never followed; passwords leave by Digest only, and not before a challenge.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from services.contracts.camera import Credentials, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault, HttpOnly
from services.ingest.rtsp.auth import Authorizer, AuthUnsupported, parse_challenges
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import MAX_MESSAGE_BYTES, Headers, Request, Response, parse_message
from services.ingest.rtsp.outcomes import connect_fault, lost_fault
from services.ingest.rtsp.session import USER_AGENT
from services.ingest.rtsp.urls import request_url

_PIECE = 16 * 1024
#: What a host may send before its answer: the rest of older sessions, in frames of media.
_STRAY_BYTES_MAX = 512 * 1024
#: Firmware that hangs up after each answer is connected to for each question.
_CONNECTS_MAX = 512
_INTERLEAVED = 0x24


@dataclass(frozen=True, slots=True)
class LookLimits:
    """Bounds of the look at one host, in seconds."""

    connect_s: float = 3.0
    answer_s: float = 5.0
    #: For everything at one port of a host.
    host_s: float = 20.0


class Describing:
    """One host and port: ``async with Describing(address, port, limits) as line``. Connects when it has to."""

    def __init__(self, address: str, port: int, limits: LookLimits) -> None:
        self._address = address
        self._port = port
        self._limits = limits
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._buffer = bytearray()
        self._cseq = 0
        self._connects = 0
        self.rung = Rung.UNREACHABLE

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hang_up()

    @property
    def connection(self) -> int:
        """The number of the present connection: what was learned on another may not hold on this one."""
        return self._connects

    @property
    def is_fresh(self) -> bool:
        """Whether the next question goes out on a new connection."""
        return self._streams is None

    def url(self, path: str) -> str:
        """The request URL of a path."""
        return request_url(RtspSource(address=self._address, port=self._port, path=path))

    async def describe(self, path: str, authorization: str | None = None) -> Response:
        """The answer of the host. Raises CameraFault when there is none, or none in RTSP; OSError for our own lack of
        sockets.

        A connection that was used before may have been closed by the host meanwhile: then the question is put once more
        on a new one, but not when it carries an answer to a challenge of the old one.
        """
        reused = not self.is_fresh
        try:
            return await self._ask(path, authorization)
        except CameraFault as fault:
            await self._hang_up()
            if not reused or authorization is not None or fault.reason not in {Reason.ENDED, Reason.PROTOCOL_ERROR}:
                raise
        except BaseException:
            await self._hang_up()
            raise
        return await self._ask(path, None)

    async def _ask(self, path: str, authorization: str | None) -> Response:
        reader, writer = self._streams or await self._connect()
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), ("User-Agent", USER_AGENT), ("Accept", "application/sdp")]
        if authorization is not None:
            fields.append(("Authorization", authorization))
        writer.write(Request("DESCRIBE", self.url(path), Headers(tuple(fields))).encode())
        try:
            async with asyncio.timeout(self._limits.answer_s):
                answer = await self._answer(reader)
        except TimeoutError as error:
            await self._hang_up()
            raise CameraFault(Reason.TIMEOUT, self.rung, "no answer to DESCRIBE") from error
        except OSError as error:
            raise lost_fault(self.rung, error) from error
        except HttpOnly:
            raise
        except RtspProtocolError as error:
            raise CameraFault(Reason.PROTOCOL_ERROR, self.rung, str(error)) from error
        self.rung = Rung.ANSWERING
        if (answer.headers.get("Connection") or "").strip().lower() == "close":
            await self._hang_up()
        return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connects >= _CONNECTS_MAX:
            raise CameraFault(Reason.ENDED, self.rung, "hangs up after each answer")
        try:
            async with asyncio.timeout(self._limits.connect_s):
                streams = await asyncio.open_connection(self._address, self._port, limit=_PIECE)
        except OSError as error:
            fault = connect_fault(error)
            if fault is None:
                raise
            raise fault from error
        self._connects += 1
        self._buffer.clear()
        self._streams = streams
        if self.rung is Rung.UNREACHABLE:
            self.rung = Rung.REACHABLE
        return streams

    async def _answer(self, reader: asyncio.StreamReader) -> Response:
        """The next response, over media of old sessions and requests of the host."""
        stray = 0
        while True:
            while self._buffer:
                if self._buffer[0] == _INTERLEAVED:
                    length = 4 + int.from_bytes(self._buffer[2:4], "big")
                    if len(self._buffer) < length:
                        break
                    stray += length
                    del self._buffer[:length]
                    continue
                if b"HTTP/".startswith(self._buffer[:5]) or self._buffer.startswith(b"HTTP/"):
                    if len(self._buffer) < 5:
                        break
                    raise HttpOnly(Rung.REACHABLE, "answers in HTTP")
                parsed = parse_message(self._buffer, 0, len(self._buffer))
                if isinstance(parsed, int):
                    break
                message, end = parsed
                stray += end
                del self._buffer[:end]
                if isinstance(message, Response) and message.status >= 200:
                    return message
            if stray > _STRAY_BYTES_MAX or len(self._buffer) > MAX_MESSAGE_BYTES + _PIECE:
                raise RtspProtocolError("much, but no answer")
            piece = await reader.read(_PIECE)
            if not piece:
                raise lost_fault(self.rung, None)
            self._buffer += piece

    async def _hang_up(self) -> None:
        streams, self._streams = self._streams, None
        if streams is None:
            return
        streams[1].close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(0.5):
                await streams[1].wait_closed()
        streams[1].transport.abort()


class SignedDescribing:
    """The same with one set of credentials. Each answer to a challenge that is refused counts at the host, so none is
    sent twice."""

    def __init__(self, line: Describing, credentials: Credentials) -> None:
        self._line = line
        self._authorizer = Authorizer(credentials)  # Basic is never allowed: the host was only discovered
        self._connection = -1
        self._accepted_nonce: str | None = None

    async def describe(self, path: str, challenged: Response | None = None) -> tuple[Response, bool]:
        """The answer, and whether the host judged our credentials for it.

        ``challenged``: the 401 that the host just gave to the same path on this connection. Raises CameraFault, also
        when none of the challenges can be answered.
        """
        line = self._line
        if self._authorizer.nonce is None or line.is_fresh or line.connection != self._connection:
            # Nonces may belong to a connection: a new one begins with a question without an answer.
            if challenged is None:
                challenged = await line.describe(path)
            if challenged.status != 401:
                return challenged, False
            self._adopt(challenged)
        answer = await self._signed(path)
        if answer.status == 401 and self._is_about_the_nonce(answer):
            self._adopt(answer)
            answer = await self._signed(path)
        if answer.status not in {401, 403}:
            self._accepted_nonce = self._authorizer.nonce
        return answer, True

    async def _signed(self, path: str) -> Response:
        line = self._line
        reused = not line.is_fresh
        try:
            answer = await line.describe(path, self._authorizer.header("DESCRIBE", line.url(path)))
        except CameraFault as fault:
            # Some hang up after each 401. Their nonces hold on the next connection, or they could not be signed in to.
            if not reused or fault.reason is not Reason.ENDED:
                raise
            answer = await line.describe(path, self._authorizer.header("DESCRIBE", line.url(path)))
        self._connection = line.connection
        return answer

    def _adopt(self, challenged: Response) -> None:
        try:
            challenge = self._authorizer.choose(parse_challenges(challenged.headers.all("WWW-Authenticate")))
        except AuthUnsupported as error:
            raise CameraFault(Reason.AUTH_ALGORITHM_UNSUPPORTED, Rung.ANSWERING, str(error)) from error
        self._authorizer.adopt(challenge)
        self._connection = self._line.connection

    def _is_about_the_nonce(self, answer: Response) -> bool:
        """Whether the host says no to an old nonce and not to the password; see ``rtsp.session``."""
        try:
            challenge = self._authorizer.choose(parse_challenges(answer.headers.all("WWW-Authenticate")))
        except AuthUnsupported:
            return False
        nonce = self._authorizer.nonce
        renewed = nonce == self._accepted_nonce and challenge.params.get("nonce") != nonce
        return challenge.stale or renewed
