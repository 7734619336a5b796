"""Targets for what a camera writes as text."""

import contextlib
import re
from ipaddress import ip_address, ip_network

from services.contracts.camera import Credentials, RtspSource
from services.contracts.networks import CameraNetworks
from services.ingest.redirects import HOPS_MAX, next_address
from services.ingest.rtsp import sdp
from services.ingest.rtsp.auth import Authorizer, AuthUnsupported, parse_challenges
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import (
    MAX_BODY_BYTES,
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    Headers,
    Message,
    Request,
    Response,
    parse_message,
)
from services.ingest.rtsp.setup import parse_session, parse_transport
from services.ingest.rtsp.urls import MAX_URL_CHARS, base_url, control_url, request_url

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_RENDERED_LINE = re.compile(rb"[a-z]=[ -~]+")
_CREDENTIALS = Credentials(username="admin", password="geheim-4711", version=1)
_URL = "rtsp://192.0.2.7:554/stream"
_NETWORKS = CameraNetworks([ip_network("192.0.2.0/28"), ip_network("2001:db8::/64")])


def messages(data: bytes) -> None:
    """Any bytes give a message within the bounds, a protocol error, or a wish for more that cannot come to nothing."""
    try:
        taken = parse_message(data, 0, len(data))
    except RtspProtocolError:
        return
    if isinstance(taken, int):
        assert len(data) < taken <= MAX_MESSAGE_BYTES + 4
        return
    message, after = taken
    assert 0 < after <= len(data)
    assert len(message.headers.fields) <= MAX_HEADERS
    assert len(message.body) <= MAX_BODY_BYTES
    _prefixes_wait_for_more(data, after)
    _is_read_again(message)


def _prefixes_wait_for_more(data: bytes, after: int) -> None:
    """No part of a good message is an error, or another message, or needs more than the whole."""
    for end in {0, 1, after // 4, after // 2, after - 1}:
        needed = parse_message(data, 0, end)
        assert isinstance(needed, int)
        assert end < needed <= after


def _is_read_again(message: Message) -> None:
    kept = Headers(tuple(field for field in message.headers.fields if field[0].lower() != "content-length"))
    again: Message
    if isinstance(message, Request):
        again = Request(message.method, message.uri, kept, message.body)
    else:
        again = Response(message.status, _CONTROL.sub("", message.reason).strip(), kept, message.body)
    data = again.encode()
    taken = parse_message(data, 0, len(data))
    assert not isinstance(taken, int)
    read, after = taken
    assert after == len(data)
    shown = Headers(tuple(field for field in read.headers.fields if field[0] != "Content-Length"))
    assert (shown, read.body) == (kept, again.body)


def auth(data: bytes) -> None:
    """Any headers give challenges or nothing; what is answered can be sent, and says back what the camera said."""
    values = [line for line in data.decode("latin-1").split("\n") if not _CONTROL.search(line)]
    challenges = parse_challenges(values)
    assert sum(1 + len(one.params) for one in challenges) <= len(data)
    for allow_basic in (False, True):
        authorizer = Authorizer(_CREDENTIALS, allow_basic=allow_basic, make_cnonce=lambda: "c0ffee")
        try:
            chosen = authorizer.choose(challenges)
        except AuthUnsupported:
            continue
        assert chosen.scheme == "digest" or allow_basic
        authorizer.adopt(chosen)
        header = authorizer.header("DESCRIBE", _URL)
        assert header is not None
        assert _CREDENTIALS.password not in header
        Request("DESCRIBE", _URL, Headers((("Authorization", header),))).encode()
        if chosen.scheme == "digest":
            (said,) = parse_challenges([header])
            for name in ("nonce", "opaque"):
                assert said.params.get(name) == chosen.params.get(name)
            assert said.params["realm"] == chosen.params.get("realm", "")
            assert said.params["uri"] == _URL


def description(data: bytes) -> None:
    """Any body gives a description within bounds or a protocol error; what we render of it is ours, line for line."""
    try:
        track = sdp.parse(data).video
    except RtspProtocolError:
        return
    if track is None:
        return
    assert 0 <= track.payload_type <= 127
    assert track.clock_rate > 0
    if track.codec is None:
        return
    rendered = sdp.render(track)
    assert len(rendered) <= 2 * len(data) + 1024
    assert all(_RENDERED_LINE.fullmatch(line) for line in rendered.split(b"\r\n")[:-1])
    again = sdp.parse(rendered).video
    assert again is not None
    assert (again.payload_type, again.codec, again.clock_rate) == (track.payload_type, track.codec, track.clock_rate)
    assert sdp.render(again) == rendered


def setup(data: bytes) -> None:
    """A line each: Session, Transport, control, Content-Base. Numbers stay in bounds, URLs fit a request line."""
    lines = data.decode("latin-1").split("\n")
    session, transport, control, base, *_ = [line for line in lines if not _CONTROL.search(line)] + [""] * 4
    with contextlib.suppress(RtspProtocolError):
        session_id, timeout_s = parse_session(session)
        assert timeout_s is None or 1 <= timeout_s <= 99_999
        Request("PLAY", _URL, Headers((("Session", session_id),))).encode()
    with contextlib.suppress(RtspProtocolError):
        channels = parse_transport(transport)
        assert channels is None or all(0 <= channel <= 255 for channel in channels)
    with contextlib.suppress(RtspProtocolError):
        uri = control_url(base_url(_URL, base, None), control)
        assert len(uri) <= MAX_URL_CHARS
        request = Request("SETUP", uri).encode()
        taken = parse_message(request, 0, len(request))
        assert not isinstance(taken, int)
        assert isinstance(taken[0], Request)
        assert taken[0].uri == uri


def redirects(data: bytes) -> None:
    """A line for each hop: whatever is written there, we go to allowed addresses only, and not for ever."""
    trail = [RtspSource(address="192.0.2.7", port=554, path="/stream")]
    for location in data.decode("latin-1").split("\n"):
        target = next_address(trail, location, _NETWORKS)
        if target is None:
            continue
        assert _NETWORKS.permit(ip_address(target.address))
        assert str(ip_address(target.address)) == target.address
        assert 1 <= target.port <= 65535
        Request("OPTIONS", request_url(target)).encode()
        assert target not in trail
        trail.append(target)
    assert len(trail) <= HOPS_MAX + 1
