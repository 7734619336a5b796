"""The server's side of one relay client's RTSP session. No I/O: requests go in, responses come out.

It speaks what FFmpeg needs and nothing more: one video track, interleaved in TCP, on channels 0 and 1.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from urllib.parse import urlsplit

from services.ingest.rtsp import sdp
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import Headers, Message, Request, Response
from services.ingest.rtsp.sdp import VideoTrack

MAX_REQUESTS = 2000
SESSION_TIMEOUT_S = 60

_PHRASES = {
    200: "OK",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
}
_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"


class Phase(Enum):
    """How far a client has come."""

    CONNECTED = auto()
    READY = auto()
    PLAYING = auto()
    OVER = auto()


#: What each method makes of a phase. A pair that is not here is answered with 455 and changes nothing.
TRANSITIONS: Mapping[tuple[Phase, str], Phase] = MappingProxyType(
    {
        **{(phase, "OPTIONS"): phase for phase in (Phase.CONNECTED, Phase.READY, Phase.PLAYING)},
        **{(phase, "DESCRIBE"): phase for phase in (Phase.CONNECTED, Phase.READY, Phase.PLAYING)},
        **{(phase, "GET_PARAMETER"): phase for phase in (Phase.CONNECTED, Phase.READY, Phase.PLAYING)},
        (Phase.CONNECTED, "SETUP"): Phase.READY,
        (Phase.READY, "PLAY"): Phase.PLAYING,
        (Phase.PLAYING, "PLAY"): Phase.PLAYING,
        **{(phase, "TEARDOWN"): Phase.OVER for phase in (Phase.CONNECTED, Phase.READY, Phase.PLAYING)},
    }
)


class ServingSession:
    """Answers one client. ``find_track`` gives the track that is mounted under a token, None when there is none."""

    def __init__(self, session_id: str, find_track: Callable[[str], VideoTrack | None]) -> None:
        self._session_id = session_id
        self._find_track = find_track
        self._requests = 0
        self.phase = Phase.CONNECTED
        #: Of the mount that was set up.
        self.token: str | None = None

    def receive(self, message: Message) -> bytes:
        """The answer to a request. Raises RtspProtocolError when the client talks nonsense, or too much."""
        if not isinstance(message, Request):
            raise RtspProtocolError("a response to nothing we asked")
        self._requests += 1
        if self._requests > MAX_REQUESTS:
            raise RtspProtocolError(f"more than {MAX_REQUESTS} requests")
        if message.method not in _PUBLIC.split(", "):
            return self._response(message, 501)
        phase = TRANSITIONS.get((self.phase, message.method))
        if phase is None:
            return self._response(message, 455)
        token = _token(message.uri)
        track = self._find_track(token)
        if track is None or (self.token is not None and token != self.token):
            return self._response(message, 404)
        if message.method != "DESCRIBE" and message.headers.get("Session") not in {None, self._session_id}:
            return self._response(message, 454)
        if message.method == "SETUP":
            if not _asks_for_tcp(message.headers.get("Transport")):
                return self._response(message, 461)
            self.token = token
        self.phase = phase
        return self._answer(message, track)

    def _answer(self, request: Request, track: VideoTrack) -> bytes:
        session = ("Session", f"{self._session_id};timeout={SESSION_TIMEOUT_S}")
        match request.method:
            case "OPTIONS":
                return self._response(request, 200, ("Public", _PUBLIC))
            case "DESCRIBE":
                base = request.uri.rstrip("/") + "/"
                return self._response(
                    request,
                    200,
                    ("Content-Base", base),
                    ("Content-Type", "application/sdp"),
                    body=sdp.render(track),
                )
            case "SETUP":
                transport = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
                return self._response(request, 200, transport, session)
            case "PLAY":
                return self._response(request, 200, session, ("Range", "npt=now-"))
            case _:
                return self._response(request, 200, session)

    @staticmethod
    def _response(request: Request, status: int, *headers: tuple[str, str], body: bytes = b"") -> bytes:
        cseq = request.headers.cseq
        fields = headers if cseq is None else (("CSeq", str(cseq)), *headers)
        return Response(status, _PHRASES[status], Headers(fields), body).encode()


def _token(uri: str) -> str:
    try:
        return urlsplit(uri).path.strip("/").split("/")[0]
    except ValueError:
        return ""


def _asks_for_tcp(transport: str | None) -> bool:
    return any("RTP/AVP/TCP" in offer.upper() for offer in (transport or "").split(","))
