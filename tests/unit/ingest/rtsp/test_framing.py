"""One byte stream of frames and messages: the same events however it is cut, and back in step after junk."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.framing import MAX_JUNK_BYTES, MAX_REST_BYTES, Demultiplexer
from services.ingest.rtsp.link import RECEIVE_BUFFER_BYTES
from services.ingest.rtsp.messages import Headers, Message, Request, Response
from tests.doubles.rtp_packets import interleaved, rtp

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
OK_MESSAGE = Response(200, "OK", Headers((("CSeq", "1"),)))
PACKET = rtp(b"\x41picture")


@dataclass
class Reader:
    """Feeds a demultiplexer as a link does, and records what comes out."""

    events: list[object] = field(default_factory=list)
    largest_rest: int = 0

    def __post_init__(self) -> None:
        self._rest = b""
        self.demultiplexer = Demultiplexer(self._on_frame, self.events.append)

    def _on_frame(self, buffer: bytearray, channel: int, start: int, end: int) -> None:
        self.events.append((channel, bytes(buffer[start:end])))

    def feed(self, data: bytes) -> None:
        # In the middle of a larger buffer, so that nobody relies on where the data lies.
        buffer = bytearray(b"RTSP/$\0" + self._rest + data + b"$\0\0\0")
        end = len(buffer) - 4
        begin = self.demultiplexer.consume(buffer, 7, end)
        self._rest = bytes(buffer[begin:end])
        self.largest_rest = max(self.largest_rest, len(self._rest))


def outcome(*pieces: bytes) -> list[object]:
    """What comes of the pieces: the events, and at the end the error if there was one."""
    reader = Reader()
    try:
        for piece in pieces:
            reader.feed(piece)
    except RtspProtocolError as error:
        return [*reader.events, str(error)]
    return reader.events


def test_frames_and_messages_come_out_in_their_order() -> None:
    data = OK + interleaved(PACKET) + interleaved(b"rtcp", 1) + OK + interleaved(b"", 7)
    assert outcome(data) == [OK_MESSAGE, (0, PACKET), (1, b"rtcp"), OK_MESSAGE, (7, b"")]


def test_requests_of_the_other_side_come_out_too() -> None:
    assert outcome(b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n") == [Request("OPTIONS", "*", Headers((("CSeq", "9"),)))]


def test_a_frame_of_the_largest_size_passes() -> None:
    assert outcome(interleaved(bytes(65535))) == [(0, bytes(65535))]


@pytest.mark.parametrize("first", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01", b"RTMP"])
def test_who_does_not_begin_with_rtsp_is_refused_at_once(first: bytes) -> None:
    with pytest.raises(RtspProtocolError, match="first bytes"):
        Reader().feed(first)


def test_blank_lines_between_messages_are_passed_over() -> None:
    assert outcome(b"\r\n" + OK + b"\r\n\r\n" + interleaved(PACKET) + b"\n" + OK) == [
        OK_MESSAGE,
        (0, PACKET),
        OK_MESSAGE,
    ]


def test_a_body_longer_than_it_says_is_passed_over() -> None:
    assert outcome(OK + b"v=0 stray words" + interleaved(PACKET) + OK) == [OK_MESSAGE, (0, PACKET), OK_MESSAGE]


def test_amid_junk_only_a_dollar_before_something_like_media_begins_a_frame() -> None:
    stray = b"junk $\x09\0\x20 $\0\0\x02ab $\0\0\x20no RTP"
    assert outcome(OK + stray + interleaved(PACKET)) == [OK_MESSAGE, (0, PACKET)]


def test_the_channels_of_media_are_known_when_step_is_lost() -> None:
    reader = Reader()
    reader.feed(OK)
    reader.demultiplexer.channels = frozenset({4, 5})
    reader.feed(b"junk" + interleaved(PACKET, 0) + interleaved(PACKET, 4))
    assert reader.events == [OK_MESSAGE, (4, PACKET)]


def test_junk_is_bounded() -> None:
    reader = Reader()
    reader.feed(OK)
    reader.feed(b"x" * MAX_JUNK_BYTES)
    with pytest.raises(RtspProtocolError, match="belong to nothing"):
        reader.feed(b"x")


def test_blank_lines_are_bounded_even_before_the_first_message() -> None:
    reader = Reader()
    with pytest.raises(RtspProtocolError, match="belong to nothing"):
        reader.feed(b"\n" * (MAX_JUNK_BYTES + 1))


def test_a_little_junk_is_forgiven_for_ever() -> None:
    reader = Reader()
    reader.feed(OK)
    for _ in range(40):
        reader.feed((interleaved(PACKET) + b"\r\n") * 1000)
    assert len(reader.events) == 1 + 40_000


def test_frames_are_counted() -> None:
    reader = Reader()
    reader.feed(OK + interleaved(PACKET) * 5 + OK + interleaved(PACKET) * 3 + b"$")
    assert reader.demultiplexer.frames == 8


def test_what_is_left_over_always_fits_the_receive_buffer_with_room_to_read() -> None:
    assert RECEIVE_BUFFER_BYTES > 2 * MAX_REST_BYTES


def test_a_message_that_is_dripped_is_not_read_anew_with_every_byte() -> None:
    reader = Reader()
    reader.feed(b"RTSP/1.0 200 OK\r\nContent-Length: 60000\r\n\r\n")
    for _ in range(60_000):
        reader.feed(b"x")
    assert len(reader.events) == 1


pieces = st.sampled_from(
    [
        OK,
        b"RTSP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n$\0\0\1",
        b"ANNOUNCE rtsp://a/b RTSP/1.0\r\n\r\n",
        interleaved(PACKET),
        interleaved(b"", 3),
        interleaved(b"RTSP/1.0 200 OK\r\n\r\n", 1),
        b"\r\n",
        b"junk",
        b"RTS",
        b"$",
        b"$\0\0\x09",
        b"OPTIONSX",
    ]
) | st.binary(max_size=12)


@given(st.lists(pieces, max_size=12).map(b"".join), st.data())
def test_the_same_events_come_out_however_the_stream_is_cut(stream: bytes, data: st.DataObject) -> None:
    stream = OK + stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    cut = [stream[start:end] for start, end in pairwise(edges)]
    whole = outcome(stream)
    assert outcome(*cut) == whole
    assert outcome(*(bytes([byte]) for byte in stream)) == whole


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_raise_anything_but_a_protocol_error(stream: list[bytes]) -> None:
    reader = Reader()
    reader.feed(OK)
    try:
        for piece in stream:
            reader.feed(piece)
    except RtspProtocolError:
        return
    assert reader.largest_rest <= MAX_REST_BYTES
    assert all(isinstance(event, Message | tuple) for event in reader.events)
