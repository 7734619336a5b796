"""The server's side of a relay client, driven by requests alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import METHODS, Headers, Request, Response, parse_message
from services.ingest.rtsp.sdp import VideoTrack, parse
from services.ingest.rtsp.serving import MAX_REQUESTS, TRANSITIONS, Phase, ServingSession

TRACKS = {"t0ken": VideoTrack(96, "H264", 90_000), "other": VideoTrack(97, "H265", 90_000)}
URL = "rtsp://127.0.0.1:5000/t0ken"
TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")


@pytest.fixture
def session() -> ServingSession:
    return ServingSession("5e55", TRACKS.get)


def ask(session: ServingSession, method: str, *headers: tuple[str, str], uri: str = URL) -> Response:
    data = session.receive(Request(method, uri, Headers((("CSeq", "3"), *headers))))
    taken = parse_message(data, 0, len(data))
    assert not isinstance(taken, int)
    message, after = taken
    assert after == len(data)
    assert isinstance(message, Response)
    assert message.headers.cseq == 3
    return message


def test_a_player_is_served_step_by_step(session: ServingSession) -> None:
    assert "GET_PARAMETER" in (ask(session, "OPTIONS").headers.get("Public") or "")
    described = ask(session, "DESCRIBE")
    assert described.headers.get("Content-Base") == f"{URL}/"
    assert parse(described.body).video == VideoTrack(96, "H264", 90_000, {}, control="video")
    phases = [session.phase]
    set_up = ask(session, "SETUP", TCP, uri=f"{URL}/video")
    assert set_up.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert set_up.headers.get("Session") == "5e55;timeout=60"
    assert session.token == "t0ken"
    assert ask(session, "PLAY", ("Session", "5e55"), uri=f"{URL}/").status == 200
    phases.append(session.phase)
    assert ask(session, "GET_PARAMETER", ("Session", "5e55")).status == 200
    assert ask(session, "TEARDOWN", ("Session", "5e55")).status == 200
    phases.append(session.phase)
    assert phases == [Phase.CONNECTED, Phase.PLAYING, Phase.OVER]


@pytest.mark.parametrize("uri", ["rtsp://127.0.0.1:5000/guess", "rtsp://127.0.0.1:5000/", "*", "rtsp://[x/t0ken"])
@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "TEARDOWN"])
def test_an_unknown_token_is_not_found(session: ServingSession, method: str, uri: str) -> None:
    assert ask(session, method, TCP, uri=uri).status == 404
    assert session.phase is Phase.CONNECTED


def test_a_feed_that_was_unmounted_is_not_found_any_more(session: ServingSession) -> None:
    tracks = dict(TRACKS)
    session = ServingSession("5e55", tracks.get)
    ask(session, "SETUP", TCP)
    tracks.clear()
    assert ask(session, "PLAY").status == 404


def test_a_client_stays_with_the_token_it_set_up(session: ServingSession) -> None:
    ask(session, "SETUP", TCP)
    assert ask(session, "PLAY", uri="rtsp://127.0.0.1:5000/other").status == 404


@pytest.mark.parametrize("transport", ["RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP/UDP", "", None])
def test_only_tcp_is_served(session: ServingSession, transport: str | None) -> None:
    assert ask(session, "SETUP", *([("Transport", transport)] if transport is not None else [])).status == 461
    assert session.phase is Phase.CONNECTED
    assert ask(session, "SETUP", TCP).status == 200


def test_a_foreign_session_is_not_found(session: ServingSession) -> None:
    ask(session, "SETUP", TCP)
    assert ask(session, "PLAY", ("Session", "4711")).status == 454
    assert session.phase is Phase.READY


@pytest.mark.parametrize(
    ("method", "status"), [("PLAY", 455), ("PAUSE", 501), ("RECORD", 501), ("ANNOUNCE", 501), ("SET_PARAMETER", 501)]
)
def test_what_does_not_fit_is_declined_and_changes_nothing(session: ServingSession, method: str, status: int) -> None:
    assert ask(session, method).status == status
    assert session.phase is Phase.CONNECTED


def test_requests_are_bounded(session: ServingSession) -> None:
    for _ in range(MAX_REQUESTS):
        ask(session, "OPTIONS")
    with pytest.raises(RtspProtocolError):
        session.receive(Request("OPTIONS", URL))


def test_a_response_is_no_request(session: ServingSession) -> None:
    with pytest.raises(RtspProtocolError):
        session.receive(Response(200))


def test_a_phase_that_is_over_allows_nothing() -> None:
    assert all(phase is not Phase.OVER for phase, _ in TRANSITIONS)
    assert set(TRANSITIONS.values()) == set(Phase)


@given(
    st.lists(
        st.builds(
            Request,
            st.sampled_from(METHODS),
            st.sampled_from([URL, f"{URL}/video", "rtsp://127.0.0.1/other", "*"]) | st.text(max_size=20),
            st.lists(st.sampled_from([TCP, ("Session", "5e55"), ("CSeq", "x")]), max_size=3).map(
                lambda fields: Headers(tuple(fields))
            ),
        ),
        max_size=10,
    )
)
def test_every_request_gets_one_answer_and_never_media_without_set_up(requests: list[Request]) -> None:
    session = ServingSession("5e55", TRACKS.get)
    for request in requests:
        if not all("!" <= char <= "~" for char in request.uri):
            continue  # The parser lets only printable URIs through.
        assert session.receive(request).startswith(b"RTSP/1.0 ")
        assert session.phase is not Phase.PLAYING or session.token is not None
