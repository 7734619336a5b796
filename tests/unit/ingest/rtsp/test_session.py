"""The client's session, driven by messages alone: what is asked, in which order, and what each answer means."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault, Redirected
from services.ingest.rtsp.auth import Authorizer, parse_challenges
from services.ingest.rtsp.errors import IllegalTransition, RtspProtocolError
from services.ingest.rtsp.messages import Headers, Message, Request, Response, parse_message
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import TRANSITIONS, Do, Event, State
from tests.doubles.rtsp_camera import SDP

URL = "rtsp://192.0.2.7:554/stream"
CREDENTIALS = Credentials(username="admin", password="geheim", version=1)


def reply(status: int = 200, *headers: tuple[str, str], reason: str = "", body: bytes = b"") -> Response:
    return Response(status, reason, Headers(headers), body)


def asked(data: bytes) -> Request:
    taken = parse_message(data, 0, len(data))
    assert not isinstance(taken, int)
    message, after = taken
    assert after == len(data)
    assert isinstance(message, Request)
    return message


CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n1", qop="auth"')
DESCRIBED = reply(200, ("Content-Base", f"{URL}/"), body=SDP)
SET_UP = reply(200, ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"), ("Session", "47;timeout=30"))


def session(credentials: Credentials | None = CREDENTIALS, *, allow_basic: bool = False) -> ClientSession:
    return ClientSession(URL, Authorizer(credentials, allow_basic=allow_basic, make_cnonce=lambda: "c"))


def bring_to(state: State, public: str = "OPTIONS, GET_PARAMETER") -> ClientSession:
    """A session in the given state, by the shortest way."""
    client = session()
    steps: list[tuple[State, Callable[[], bytes]]] = [
        (State.ASKING, client.start),
        (State.DESCRIBING, lambda: client.receive(reply(200, ("Public", public)))),
        (State.SETTING_UP, lambda: client.receive(DESCRIBED)),
        (State.STARTING, lambda: client.receive(SET_UP)),
        (State.PLAYING, lambda: client.receive(reply())),
        (State.CLOSING, client.close),
        (State.CLOSED, lambda: client.receive(reply())),
    ]
    for reached, step in steps:
        if client.state is state:
            break
        step()
        assert client.state is reached
    return client


def test_a_session_is_opened_step_by_step() -> None:
    client = session()
    options = asked(client.start())
    describe = asked(client.receive(reply(200, ("Public", "OPTIONS"))))
    setup = asked(client.receive(DESCRIBED))
    play = asked(client.receive(SET_UP))
    assert client.receive(reply()) == b""
    assert [(r.method, r.uri) for r in (options, describe, setup, play)] == [
        ("OPTIONS", URL),
        ("DESCRIBE", URL),
        ("SETUP", f"{URL}/track1"),
        ("PLAY", f"{URL}/"),
    ]
    assert [r.headers.cseq for r in (options, describe, setup, play)] == [1, 2, 3, 4]
    assert setup.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert play.headers.get("Session") == "47"
    assert describe.headers.get("Authorization") is None
    assert (client.state, client.rung, client.timeout_s) == (State.PLAYING, Rung.PLAYING, 30)
    assert client.track is not None
    assert client.track.codec == "h264"
    assert client.auth is None


def test_rungs_are_climbed_as_they_are_proved() -> None:
    rungs = [bring_to(state).rung for state in (State.ASKING, State.DESCRIBING, State.SETTING_UP, State.STARTING)]
    assert rungs == [Rung.REACHABLE, Rung.ANSWERING, Rung.DESCRIBED, Rung.DESCRIBED]


def test_options_can_be_left_out() -> None:
    assert asked(session().start(ask_options=False)).method == "DESCRIBE"


@pytest.mark.parametrize("status", [400, 404, 405, 501, 551])
def test_a_camera_without_options_is_described_all_the_same(status: int) -> None:
    client = session()
    client.start()
    assert asked(client.receive(reply(status))).method == "DESCRIBE"


def test_answers_that_are_still_under_way_are_waited_out() -> None:
    client = bring_to(State.DESCRIBING)
    assert client.receive(reply(100)) == b""
    assert client.state is State.DESCRIBING


def test_a_wrong_sequence_number_is_borne() -> None:
    client = bring_to(State.DESCRIBING)
    client.receive(Response(200, "OK", Headers((("CSeq", "1 "),)), SDP))
    assert client.state is State.SETTING_UP


# Challenges


def test_a_challenge_is_answered_once_and_the_answer_is_kept_for_later_requests() -> None:
    client = bring_to(State.DESCRIBING)
    again = asked(client.receive(reply(401, CHALLENGE)))
    assert (again.method, again.headers.cseq, client.auth) == ("DESCRIBE", 3, None)
    setup = asked(client.receive(DESCRIBED))
    assert client.auth is AuthOutcome.ACCEPTED
    for request in (again, setup):
        (sent,) = parse_challenges([request.headers.get("Authorization") or ""])
        assert sent.params["uri"] == request.uri
    assert sent.params["nc"] == "00000002"


@pytest.mark.parametrize("state", [State.ASKING, State.DESCRIBING, State.SETTING_UP, State.STARTING])
def test_a_challenge_may_come_at_any_step(state: State) -> None:
    client = bring_to(state)
    assert asked(client.receive(reply(401, CHALLENGE))).headers.get("Authorization")
    assert client.state is state


def has_failed(client: ClientSession) -> bool:
    return client.state is State.FAILED


def refused(client: ClientSession, *replies: Response) -> CameraFault:
    """The fault that the last of these replies means."""
    for earlier in replies[:-1]:
        client.receive(earlier)
    with pytest.raises(CameraFault) as caught:
        client.receive(replies[-1])
    assert client.state is State.FAILED
    return caught.value


def verdict(fault: CameraFault) -> tuple[Reason, Rung, AuthOutcome | None]:
    return fault.reason, fault.rung, fault.auth


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        pytest.param(
            [reply(401, CHALLENGE), reply(401, CHALLENGE)],
            (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED),
            id="the answer is refused",
        ),
        pytest.param(
            [reply(401, CHALLENGE), reply(401, ("WWW-Authenticate", 'Digest realm="r", nonce="n2"'))],
            (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED),
            id="refused with a new nonce, which was never accepted",
        ),
        pytest.param(
            [reply(401, CHALLENGE), reply(401)],
            (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED),
            id="refused without a challenge",
        ),
        pytest.param(
            [
                reply(401, CHALLENGE),
                reply(401, ("WWW-Authenticate", 'Digest nonce="n2", stale=true')),
                reply(401, ("WWW-Authenticate", 'Digest nonce="n3", stale=true')),
            ],
            (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED),
            id="called stale for ever: two answers and no more, lest the account is locked",
        ),
        pytest.param(
            [reply(401, CHALLENGE), reply(403)],
            (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED),
            id="forbidden after our answer",
        ),
        pytest.param([reply(403)], (Reason.AUTH_FAILED, Rung.ANSWERING, None), id="forbidden without looking"),
        pytest.param(
            [reply(401, CHALLENGE), reply(401, CHALLENGE, reason="Account Locked")],
            (Reason.AUTH_LOCKED_OUT, Rung.ANSWERING, AuthOutcome.LOCKED_OUT),
            id="locked, in the phrase",
        ),
        pytest.param(
            [reply(401, CHALLENGE), reply(403, body=b"<p>User locked out, retry in 1800 s</p>")],
            (Reason.AUTH_LOCKED_OUT, Rung.ANSWERING, AuthOutcome.LOCKED_OUT),
            id="locked, in the body",
        ),
        pytest.param(
            [reply(403, reason="Too many failed attempts")],
            (Reason.AUTH_LOCKED_OUT, Rung.ANSWERING, AuthOutcome.LOCKED_OUT),
            id="locked before we said anything",
        ),
        pytest.param(
            [reply(401, ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=SHA-512-256'))],
            (Reason.AUTH_ALGORITHM_UNSUPPORTED, Rung.ANSWERING, None),
            id="an algorithm we do not know",
        ),
        pytest.param(
            [reply(401, ("WWW-Authenticate", 'Basic realm="r"'))],
            (Reason.AUTH_ALGORITHM_UNSUPPORTED, Rung.ANSWERING, None),
            id="basic, which is not allowed",
        ),
        pytest.param([reply(401)], (Reason.AUTH_ALGORITHM_UNSUPPORTED, Rung.ANSWERING, None), id="no challenge at all"),
    ],
)
def test_what_a_refusal_means(replies: list[Response], expected: tuple[Reason, Rung, AuthOutcome | None]) -> None:
    assert verdict(refused(bring_to(State.DESCRIBING), *replies)) == expected


@pytest.mark.parametrize("status", [401, 403])
def test_without_credentials_they_are_missed(status: int) -> None:
    client = session(None)
    client.start()
    client.receive(reply())
    assert verdict(refused(client, reply(status, CHALLENGE))) == (Reason.CREDENTIALS_MISSING, Rung.ANSWERING, None)


def test_an_old_nonce_is_renewed_once_and_is_no_refusal() -> None:
    client = bring_to(State.DESCRIBING)
    client.receive(reply(401, CHALLENGE))
    again = asked(client.receive(reply(401, ("WWW-Authenticate", 'Digest realm="r", nonce="n2", stale=TRUE'))))
    assert 'nonce="n2"' in (again.headers.get("Authorization") or "")
    client.receive(DESCRIBED)
    assert client.auth is AuthOutcome.ACCEPTED


def test_a_nonce_that_was_accepted_may_be_renewed_without_being_called_stale() -> None:
    client = bring_to(State.DESCRIBING)
    client.receive(reply(401, CHALLENGE))
    client.receive(DESCRIBED)
    again = asked(client.receive(reply(401, ("WWW-Authenticate", 'Digest realm="r", nonce="n2"'))))
    assert again.method == "SETUP"
    assert verdict(refused(client, reply(401, ("WWW-Authenticate", 'Digest realm="r", nonce="n3"'))))[2] == "refused"


def test_basic_is_answered_where_it_is_allowed() -> None:
    client = session(allow_basic=True)
    client.start(ask_options=False)
    again = asked(client.receive(reply(401, ("WWW-Authenticate", 'Basic realm="r"'))))
    assert (again.headers.get("Authorization") or "").startswith("Basic ")


def test_no_fault_holds_a_credential() -> None:
    client = bring_to(State.DESCRIBING)
    fault = refused(client, reply(401, CHALLENGE), reply(401, CHALLENGE, reason="admin geheim\x1b[0m" + "x" * 500))
    assert len(fault.detail) < 80
    assert "\x1b" not in str(fault)
    assert "response=" not in str(fault)


# Other refusals


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        (State.DESCRIBING, 404, (Reason.NOT_FOUND, Rung.AUTHORIZED)),
        (State.DESCRIBING, 410, (Reason.NOT_FOUND, Rung.AUTHORIZED)),
        (State.DESCRIBING, 400, (Reason.PROTOCOL_ERROR, Rung.ANSWERING)),
        (State.DESCRIBING, 405, (Reason.PROTOCOL_ERROR, Rung.ANSWERING)),
        (State.DESCRIBING, 500, (Reason.PROTOCOL_ERROR, Rung.ANSWERING)),
        (State.DESCRIBING, 503, (Reason.SESSION_LIMIT, Rung.ANSWERING)),
        (State.DESCRIBING, 301, (Reason.REDIRECTED, Rung.ANSWERING)),
        (State.ASKING, 302, (Reason.REDIRECTED, Rung.ANSWERING)),
        (State.SETTING_UP, 305, (Reason.REDIRECTED, Rung.DESCRIBED)),
        (State.SETTING_UP, 404, (Reason.NOT_FOUND, Rung.DESCRIBED)),
        (State.SETTING_UP, 453, (Reason.SESSION_LIMIT, Rung.DESCRIBED)),
        (State.SETTING_UP, 461, (Reason.TRANSPORT_UNSUPPORTED, Rung.DESCRIBED)),
        (State.STARTING, 453, (Reason.SESSION_LIMIT, Rung.DESCRIBED)),
        (State.STARTING, 454, (Reason.PROTOCOL_ERROR, Rung.DESCRIBED)),
        (State.STARTING, 503, (Reason.SESSION_LIMIT, Rung.DESCRIBED)),
    ],
)
def test_what_a_status_means(state: State, status: int, expected: tuple[Reason, Rung]) -> None:
    fault = refused(bring_to(state), reply(status, ("Location", "rtsp://198.51.100.1/x")))
    assert (fault.reason, fault.rung, fault.auth) == (*expected, None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"v=0\nm=audio 0 RTP/AVP 0\n", (Reason.NO_VIDEO, Rung.AUTHORIZED)),
        (b"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 MP4V-ES/90000\n", (Reason.CODEC_UNSUPPORTED, Rung.DESCRIBED)),
    ],
)
def test_what_a_description_without_use_means(body: bytes, expected: tuple[Reason, Rung]) -> None:
    fault = refused(bring_to(State.DESCRIBING), reply(body=body))
    assert (fault.reason, fault.rung) == expected


def test_a_description_that_is_none_fails_the_session() -> None:
    client = bring_to(State.DESCRIBING)
    with pytest.raises(RtspProtocolError):
        client.receive(reply(body=b"<html>"))
    assert (client.state, client.rung) == (State.FAILED, Rung.AUTHORIZED)


# SETUP


@pytest.mark.parametrize(
    ("transport", "channels"),
    [
        ("RTP/AVP/TCP;unicast;destination=192.0.2.1;source=192.0.2.7;interleaved=0-1", (0, 1)),
        ("RTP/AVP/TCP;ssrc=22345684;interleaved=0-1", (0, 1)),
        ("RTP/AVP/TCP;interleaved=4-5;ssrc= 30A98EE7", (4, 5)),
        ("RTP/AVP/TCP;unicast;interleaved=6", (6, 7)),
        ("RTP/AVP/TCP", (0, 1)),
        (None, (0, 1)),
    ],
)
def test_the_channels_are_those_the_camera_assigns(transport: str | None, channels: tuple[int, int]) -> None:
    client = bring_to(State.SETTING_UP)
    client.receive(reply(200, *([("Transport", transport)] if transport else []), ("Session", "1")))
    assert client.channels == channels


def test_another_transport_than_tcp_is_unsupported() -> None:
    client = bring_to(State.SETTING_UP)
    fault = refused(client, reply(200, ("Transport", "RTP/AVP;unicast;client_port=0-1;server_port=5000-5001")))
    assert (fault.reason, fault.rung) == (Reason.TRANSPORT_UNSUPPORTED, Rung.DESCRIBED)


@pytest.mark.parametrize(
    "headers",
    [
        [("Transport", "RTP/AVP/TCP;interleaved=300-301")],
        [("Transport", "RTP/AVP/TCP;interleaved=255")],
        [("Session", "")],
        [("Session", "a b")],
        [("Session", "x" * 257)],
    ],
)
def test_a_set_up_that_makes_no_sense_is_refused(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(RtspProtocolError):
        bring_to(State.SETTING_UP).receive(reply(200, *headers))


@pytest.mark.parametrize(
    ("value", "session_id", "interval_s"),
    [
        ("634214675641;timeout=60", "634214675641", 30),
        ("9a90de54; timeout = 10", "9a90de54", 5),
        ("12345678", "12345678", 30),
        ("12345678;timeout=0", "12345678", 30),
        ("12345678;timeout=soon", "12345678", 30),
    ],
)
def test_sessions_are_kept_at_half_their_timeout(value: str, session_id: str, interval_s: float) -> None:
    client = bring_to(State.SETTING_UP)
    play = asked(client.receive(reply(200, ("Session", value))))
    assert play.headers.get("Session") == session_id
    assert client.keep_alive_interval_s == interval_s


# Keep-alive


def kept(client: ClientSession) -> str | None:
    """The method of the keep-alive that is sent now."""
    data = client.keep_alive()
    return asked(data).method if data else None


def test_a_session_is_kept_by_get_parameter() -> None:
    client = bring_to(State.PLAYING)
    request = asked(client.keep_alive())
    assert (request.method, request.uri, request.headers.get("Session")) == ("GET_PARAMETER", f"{URL}/", "47")
    client.receive(reply())
    assert kept(client) == "GET_PARAMETER"


def test_a_camera_that_does_not_list_get_parameter_is_kept_by_options() -> None:
    assert kept(bring_to(State.PLAYING, public="OPTIONS, DESCRIBE, SETUP, PLAY")) == "OPTIONS"


def test_a_camera_that_listed_nothing_is_asked_by_get_parameter() -> None:
    client = session()
    client.start(ask_options=False)
    for step in (DESCRIBED, SET_UP, reply()):
        client.receive(step)
    assert kept(client) == "GET_PARAMETER"


@pytest.mark.parametrize("status", [400, 405, 451, 454, 501, 551])
def test_a_declined_keep_alive_is_lowered_at_once_and_for_good(status: int) -> None:
    client = bring_to(State.PLAYING)
    client.keep_alive()
    assert asked(client.receive(reply(status))).method == "OPTIONS"
    client.receive(reply())
    assert kept(client) == "OPTIONS"
    assert client.receive(reply(status)) == b""
    assert kept(client) is None
    assert client.state is State.PLAYING


def test_a_keep_alive_that_is_never_answered_is_lowered_too() -> None:
    client = bring_to(State.PLAYING)
    assert [kept(client) for _ in range(4)] == ["GET_PARAMETER", "OPTIONS", None, None]


def test_a_challenged_keep_alive_is_answered() -> None:
    client = bring_to(State.PLAYING)
    client.keep_alive()
    again = asked(client.receive(reply(401, CHALLENGE)))
    assert (again.method, client.state) == ("GET_PARAMETER", State.PLAYING)


def test_a_refused_keep_alive_is_not_tried_again_and_does_not_end_the_stream() -> None:
    client = bring_to(State.PLAYING)
    client.keep_alive()
    client.receive(reply(401, CHALLENGE))
    assert client.receive(reply(401, CHALLENGE)) == b""
    assert (client.state, kept(client)) == (State.PLAYING, None)


def test_answers_to_nothing_we_asked_are_passed_over_while_playing() -> None:
    client = bring_to(State.PLAYING)
    for status in (200, 401, 404, 301):
        assert client.receive(reply(status, CHALLENGE)) == b""
    assert (client.state, kept(client)) == (State.PLAYING, "GET_PARAMETER")


def test_a_keep_alive_that_is_redirected_ends_the_session() -> None:
    client = bring_to(State.PLAYING)
    client.keep_alive()
    assert verdict(refused(client, reply(302))) == (Reason.REDIRECTED, Rung.PLAYING, None)


# Requests of the camera


@pytest.mark.parametrize("state", [State.ASKING, State.DESCRIBING, State.SETTING_UP, State.STARTING, State.PLAYING])
def test_a_camera_that_asks_gets_an_answer(state: State) -> None:
    client = bring_to(state)
    known = client.receive(Request("OPTIONS", "*", Headers((("CSeq", "7"),))))
    unknown = client.receive(Request("SET_PARAMETER", URL, Headers((("CSeq", "8"),))))
    assert known == b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n"
    assert unknown == b"RTSP/1.0 501 Not Implemented\r\nCSeq: 8\r\n\r\n"
    assert client.state is state


def test_a_camera_may_send_us_away_or_end_the_session() -> None:
    away = Request("REDIRECT", URL, Headers((("Location", "rtsp://198.51.100.1/"),)))
    for request, reason in ((away, Reason.REDIRECTED), (Request("TEARDOWN", URL), Reason.ENDED)):
        client = bring_to(State.PLAYING)
        with pytest.raises(CameraFault) as caught:
            client.receive(request)
        assert (caught.value.reason, caught.value.rung, client.state) == (reason, Rung.PLAYING, State.FAILED)


def test_a_redirect_tells_what_the_camera_wrote_and_nothing_else() -> None:
    away = "rtsp://admin:geheim@192.0.2.8/x"
    for headers, location in (((("location", away),), away), ((), "")):
        fault = refused(bring_to(State.DESCRIBING), reply(302, *headers))
        assert isinstance(fault, Redirected)
        assert fault.location == location
        assert away not in str(fault)


# The end


@pytest.mark.parametrize("state", [State.STARTING, State.PLAYING])
def test_a_session_that_was_set_up_is_torn_down(state: State) -> None:
    client = bring_to(state)
    request = asked(client.close())
    assert (request.method, request.headers.get("Session"), client.state) == ("TEARDOWN", "47", State.CLOSING)
    assert client.close() == b""
    client.receive(reply(454))
    assert client.state is State.CLOSED


@pytest.mark.parametrize("state", [State.IDLE, State.ASKING, State.DESCRIBING, State.SETTING_UP])
def test_before_that_nothing_needs_to_be_said(state: State) -> None:
    client = bring_to(state)
    assert client.close() == b""
    assert client.state is State.CLOSED


# The table


def test_a_pair_that_is_not_in_the_table_raises_and_changes_nothing() -> None:
    client = bring_to(State.DESCRIBING)
    before = dict(vars(client))
    for wrong in (client.start, client.keep_alive):
        with pytest.raises(IllegalTransition):
            wrong()
    assert vars(client) == before
    closed = bring_to(State.CLOSED)
    for message in (reply(), reply(401, CHALLENGE), Request("OPTIONS", "*")):
        before = dict(vars(closed))
        with pytest.raises(IllegalTransition):
            closed.receive(message)
        assert vars(closed) == before


def test_every_state_is_reached_and_every_action_used() -> None:
    assert {transition.to for transition in TRANSITIONS.values()} | {State.IDLE} == set(State)
    assert {transition.do for transition in TRANSITIONS.values()} == set(Do) == set(ClientSession._ACTIONS)
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_what_can_come_from_the_camera_is_provided_for_in_every_live_state() -> None:
    from_camera = {
        Event.OK,
        Event.CHALLENGED,
        Event.REFUSED,
        Event.REDIRECTED,
        Event.DECLINED,
        Event.ASKED,
        Event.SENT_AWAY,
        Event.DISMISSED,
    }
    live = set(State) - {State.IDLE, State.CLOSED, State.FAILED}
    assert {(state, event) for state in live for event in from_camera} <= set(TRANSITIONS)


requests = st.builds(Request, st.sampled_from(["OPTIONS", "REDIRECT", "TEARDOWN", "ANNOUNCE"]), st.just(URL))
header_lists = st.lists(
    st.sampled_from(
        [
            CHALLENGE,
            ("WWW-Authenticate", 'Digest nonce="x", stale=true'),
            ("Session", "1;timeout=1"),
            ("Session", "a b"),
            ("Transport", "RTP/AVP/TCP;interleaved=2-3"),
            ("Transport", "RTP/AVP;client_port=1-2"),
            ("Public", "GET_PARAMETER"),
            ("Content-Base", "rtsp://h/\u00e9"),
        ]
    ),
    max_size=3,
)
responses = st.builds(
    lambda status, headers, body: Response(status, "", Headers(tuple(headers)), body),
    st.sampled_from([100, 200, 200, 200, 301, 401, 403, 404, 453, 500]),
    header_lists,
    st.sampled_from([SDP, b"", b"v=0\n"]),
)


@given(st.lists(requests | responses | st.sampled_from(["keep", "close"]), max_size=12))
def test_whatever_a_camera_says_it_ends_in_a_fault_or_goes_on(events: list[Message | str]) -> None:
    client = session()
    client.start()
    highest = client.rung
    for event in events:
        failed = False
        if client.state in {State.CLOSED, State.FAILED}:
            break
        try:
            match event:
                case "close":
                    client.close()
                case "keep" if client.state == State.PLAYING:
                    client.keep_alive()
                case Request() | Response():
                    client.receive(event)
        except (CameraFault, RtspProtocolError):
            failed = True
        assert failed == has_failed(client)
        assert client.rung.height >= highest.height
        highest = client.rung


@given(st.lists(st.booleans(), max_size=8))
def test_a_wrong_password_is_never_sent_more_than_twice(called_stale: list[bool]) -> None:
    client = bring_to(State.DESCRIBING)
    sent = 0
    with contextlib.suppress(CameraFault):
        for number, stale in enumerate(called_stale):
            challenge = f'Digest realm="r", nonce="{number}", stale={stale}'
            sent += b"Authorization" in client.receive(reply(401, ("WWW-Authenticate", challenge)))
    assert sent == min(len(called_stale), 2 if called_stale[1:2] == [True] else 1)
