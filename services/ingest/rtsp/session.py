"""One RTSP session from our side: OPTIONS, DESCRIBE, SETUP of the video over TCP, PLAY, keep-alives, TEARDOWN.

No I/O: messages go in, bytes to send come out. The order of things is the table in ``states``.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from services.contracts.camera import AuthOutcome
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault, Redirected
from services.ingest.rtsp import sdp
from services.ingest.rtsp.auth import Authorizer, AuthUnsupported, Challenge, parse_challenges
from services.ingest.rtsp.errors import IllegalTransition, RtspProtocolError
from services.ingest.rtsp.messages import Headers, Message, Request, Response
from services.ingest.rtsp.outcomes import higher, reply_fault
from services.ingest.rtsp.sdp import VideoTrack
from services.ingest.rtsp.setup import DEFAULT_TIMEOUT_S, parse_server_ports, parse_session, parse_transport
from services.ingest.rtsp.states import TRANSITIONS, Do, Event, State, Transition
from services.ingest.rtsp.urls import base_url, control_url

USER_AGENT = "vonggac"

#: Keep-alives, best first; after the last, receiver reports alone keep the session (ONVIF Streaming Specification:
#: any request but TEARDOWN and any receiver report does).
_KEEP_ALIVES = ("GET_PARAMETER", "OPTIONS")


class ClientSession:
    """Drives one session. Every method returns bytes to send (perhaps none) and may raise CameraFault, after which the
    session has FAILED; RtspProtocolError likewise, when the camera's words make no sense; and IllegalTransition for
    mistakes of ours, which change nothing.
    """

    def __init__(
        self, url: str, authorizer: Authorizer, udp_ports: Callable[[], tuple[int, int]] | None = None
    ) -> None:
        """``url`` is the request URL, without credentials. ``udp_ports`` is asked for two ports of ours when the camera
        refuses to send media inside the connection; without it, such a camera is given up."""
        self.state = State.IDLE
        #: How far this session has proved the camera to work; a session begins when TCP has connected.
        self.rung = Rung.REACHABLE
        #: Known from SETTING_UP on.
        self.track: VideoTrack | None = None
        #: Interleaved channels of RTP and RTCP; known from STARTING on.
        self.channels = (0, 1)
        #: Media comes over UDP, from these ports of the camera, if it told them.
        self.over_udp = False
        self.server_ports: tuple[int, int] | None = None
        self.timeout_s = DEFAULT_TIMEOUT_S
        #: ACCEPTED once a request with our credentials succeeded.
        self.auth: AuthOutcome | None = None
        self._udp_ports = udp_ports
        self._url = url
        self._play_url = url
        self._authorizer = authorizer
        self._session_id = ""
        self._cseq = 0
        self._request: tuple[str, str, tuple[tuple[str, str], ...]] = ("", "", ())
        self._answered = False  # whether the outstanding request carries our credentials
        self._renewed = False  # whether it was already repeated because of an old nonce
        self._accepted_nonce: str | None = None
        self._keep_alive = 0
        self._keep_alive_outstanding = False

    # What we want

    def start(self, *, ask_options: bool = True) -> bytes:
        """Begin. OPTIONS first tells which keep-alive the camera knows, for one round trip."""
        return self._do(Event.START if ask_options else Event.START_WITHOUT_OPTIONS)

    def keep_alive(self) -> bytes:
        """Keep the session, while playing, every ``keep_alive_interval_s``. No bytes: receiver reports must do."""
        return self._do(Event.KEEP_ALIVE_DUE)

    def close(self) -> bytes:
        """End the session. When bytes come back, any reply to them makes the state CLOSED."""
        return self._do(Event.CLOSE)

    @property
    def keep_alive_interval_s(self) -> float:
        """Half of what the camera gives."""
        return self.timeout_s / 2

    # What the camera says

    def receive(self, message: Message) -> bytes:
        """Take a message of the camera. Its sequence number is not compared: cameras get it wrong, and one request is
        outstanding at a time."""
        if isinstance(message, Request):
            events = {"REDIRECT": Event.SENT_AWAY, "TEARDOWN": Event.DISMISSED}
            return self._do(events.get(message.method, Event.ASKED), message)
        if message.status < 200 or (self.state is State.PLAYING and not self._keep_alive_outstanding):
            return b""  # Still under way, or an answer to nothing we asked.
        event = self._event(message)
        transition = self._transition(event)
        self.rung = higher(self.rung, Rung.ANSWERING)
        if event is Event.OK and self._answered:
            self.auth = AuthOutcome.ACCEPTED
            self._accepted_nonce = self._authorizer.nonce
        return self._perform(transition, message)

    def _event(self, response: Response) -> Event:
        if response.status == 401:
            return Event.REFUSED if self._answerable(response) is None else Event.CHALLENGED
        if response.status == 403:
            return Event.REFUSED
        if response.status == 461 and self.state is State.SETTING_UP and self._udp_ports and not self.over_udp:
            return Event.OTHER_TRANSPORT
        if response.status >= 400:
            return Event.DECLINED
        return Event.REDIRECTED if response.status >= 300 else Event.OK

    def _do(self, event: Event, message: Message | None = None) -> bytes:
        return self._perform(self._transition(event), message)

    def _transition(self, event: Event) -> Transition:
        transition = TRANSITIONS.get((self.state, event))
        if transition is None:
            raise IllegalTransition(f"{event.name} while {self.state.name}")
        return transition

    def _perform(self, transition: Transition, message: Message | None) -> bytes:
        self.state = transition.to
        try:
            return self._ACTIONS[transition.do](self, message)
        except (CameraFault, RtspProtocolError):
            self.state = State.FAILED
            raise

    # Requests

    def _send(self, method: str, uri: str, *headers: tuple[str, str]) -> bytes:
        self._request = (method, uri, headers)
        self._renewed = False
        return self._encode()

    def _encode(self) -> bytes:
        method, uri, headers = self._request
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), ("User-Agent", USER_AGENT), *headers]
        if self._session_id:
            fields.append(("Session", self._session_id))
        authorization = self._authorizer.header(method, uri)
        self._answered = authorization is not None
        if authorization is not None:
            fields.append(("Authorization", authorization))
        return Request(method, uri, Headers(tuple(fields))).encode()

    def _nothing(self, _: Message | None) -> bytes:
        return b""

    def _ask(self, _: Message | None) -> bytes:
        return self._send("OPTIONS", self._url)

    def _describe(self, reply: Message | None) -> bytes:
        if isinstance(reply, Response) and reply.status < 300 and (public := reply.headers.get("Public")):
            known = {method.strip().upper() for method in public.split(",")}
            self._keep_alive = 0 if _KEEP_ALIVES[0] in known else 1
        return self._send("DESCRIBE", self._url, ("Accept", "application/sdp"))

    def _set_up(self, reply: Message | None) -> bytes:
        assert isinstance(reply, Response)  # noqa: S101 - the table says so
        self.rung = higher(self.rung, Rung.AUTHORIZED)
        description = sdp.parse(reply.body)
        if description.video is None:
            raise CameraFault(Reason.NO_VIDEO, self.rung, "no video track in the description")
        self.rung = higher(self.rung, Rung.DESCRIBED)
        if description.video.codec is None:
            raise CameraFault(Reason.CODEC_UNSUPPORTED, self.rung, description.video.encoding or "no codec named")
        self.track = description.video
        base = base_url(self._url, reply.headers.get("Content-Base"), reply.headers.get("Content-Location"))
        self._play_url = control_url(base, description.control)
        return self._send(
            "SETUP",
            control_url(base, description.video.control),
            ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"),
        )

    def _set_up_over_udp(self, _: Message | None) -> bytes:
        assert self._udp_ports is not None  # noqa: S101 - or the event would have been DECLINED
        self.over_udp = True
        rtp, rtcp = self._udp_ports()
        return self._send("SETUP", self._request[1], ("Transport", f"RTP/AVP;unicast;client_port={rtp}-{rtcp}"))

    def _play(self, reply: Message | None) -> bytes:
        assert isinstance(reply, Response)  # noqa: S101 - the table says so
        self._note_session(reply)
        if self.over_udp:
            self.server_ports = parse_server_ports(reply.headers.get("Transport"))
            return self._send("PLAY", self._play_url, ("Range", "npt=0.000-"))
        channels = parse_transport(reply.headers.get("Transport"))
        if channels is None:
            raise CameraFault(Reason.TRANSPORT_UNSUPPORTED, self.rung, "the camera chose another transport than TCP")
        self.channels = channels
        return self._send("PLAY", self._play_url, ("Range", "npt=0.000-"))

    def _begin(self, reply: Message | None) -> bytes:
        assert isinstance(reply, Response)  # noqa: S101 - the table says so
        self._note_session(reply)
        self.rung = Rung.PLAYING
        return b""

    def _note_session(self, reply: Response) -> None:
        value = reply.headers.get("Session")
        if value is not None:
            self._session_id, timeout_s = parse_session(value)
            self.timeout_s = timeout_s or self.timeout_s

    def _tear_down(self, _: Message | None) -> bytes:
        return self._send("TEARDOWN", self._play_url)

    # Keep-alive: GET_PARAMETER, then OPTIONS, then receiver reports alone

    def _send_keep_alive(self, _: Message | None) -> bytes:
        if self._keep_alive_outstanding:
            self._keep_alive += 1  # The last one was never answered.
        self._keep_alive_outstanding = self._keep_alive < len(_KEEP_ALIVES)
        return self._send(_KEEP_ALIVES[self._keep_alive], self._play_url) if self._keep_alive_outstanding else b""

    def _note_alive(self, _: Message | None) -> bytes:
        self._keep_alive_outstanding = False
        return b""

    def _lower_keep_alive(self, reply: Message | None) -> bytes:
        self._keep_alive_outstanding = False
        if isinstance(reply, Response) and reply.status in {401, 403}:
            self._keep_alive = len(_KEEP_ALIVES)  # One more refused password could lock the account.
            return b""
        self._keep_alive += 1
        return self._send_keep_alive(None)

    # Challenges: at most one answer is refused

    def _answerable(self, response: Response) -> Challenge | None:
        """The challenge with which to repeat the request, or None when that would be in vain or one refusal more."""
        if not self._authorizer.has_credentials:
            return None
        try:
            challenge = self._authorizer.choose(parse_challenges(response.headers.all("WWW-Authenticate")))
        except AuthUnsupported:
            return None
        if self._answered:
            # An old nonce says nothing about the password. Some cameras renew theirs without calling the old one stale.
            was_accepted = self._accepted_nonce is not None and self._accepted_nonce == self._authorizer.nonce
            renewed = was_accepted and challenge.params.get("nonce") != self._accepted_nonce
            if self._renewed or not (challenge.stale or renewed):
                return None
        return challenge

    def _answer_challenge(self, reply: Message | None) -> bytes:
        assert isinstance(reply, Response)  # noqa: S101 - the table says so
        challenge = self._answerable(reply)
        assert challenge is not None  # noqa: S101 - or the event would have been REFUSED
        self._renewed = self._answered
        self._authorizer.adopt(challenge)
        return self._encode()

    # Requests of the camera, and the ends

    def _answer_request(self, request: Message | None) -> bytes:
        assert isinstance(request, Request)  # noqa: S101 - the table says so
        status, reason = (200, "OK") if request.method == "OPTIONS" else (501, "Not Implemented")
        return Response(status, reason, Headers((("CSeq", str(request.headers.cseq or 0)),))).encode()

    def _give_up(self, reply: Message | None) -> bytes:
        assert isinstance(reply, Response)  # noqa: S101 - the table says so
        if reply.status == 401 and self._authorizer.has_credentials and not self._answered:
            try:
                self._authorizer.choose(parse_challenges(reply.headers.all("WWW-Authenticate")))
            except AuthUnsupported as error:
                raise CameraFault(Reason.AUTH_ALGORITHM_UNSUPPORTED, Rung.ANSWERING, str(error)) from error
        raise reply_fault(reply, self.rung, answered=self._answered, has_credentials=self._authorizer.has_credentials)

    def _give_up_redirected(self, message: Message | None) -> bytes:
        assert message is not None  # noqa: S101 - the table says so
        raise Redirected(higher(self.rung, Rung.ANSWERING), message.headers.get("Location") or "")

    def _give_up_ended(self, _: Message | None) -> bytes:
        raise CameraFault(Reason.ENDED, higher(self.rung, Rung.ANSWERING), "ended by the camera")

    _ACTIONS: ClassVar[Mapping[Do, Callable[["ClientSession", Message | None], bytes]]] = {
        Do.NOTHING: _nothing,
        Do.ASK: _ask,
        Do.DESCRIBE: _describe,
        Do.SET_UP: _set_up,
        Do.SET_UP_OVER_UDP: _set_up_over_udp,
        Do.PLAY: _play,
        Do.BEGIN: _begin,
        Do.KEEP_ALIVE: _send_keep_alive,
        Do.ANSWER_CHALLENGE: _answer_challenge,
        Do.NOTE_ALIVE: _note_alive,
        Do.LOWER_KEEP_ALIVE: _lower_keep_alive,
        Do.TEAR_DOWN: _tear_down,
        Do.ANSWER_REQUEST: _answer_request,
        Do.GIVE_UP: _give_up,
        Do.GIVE_UP_REDIRECTED: _give_up_redirected,
        Do.GIVE_UP_ENDED: _give_up_ended,
    }
