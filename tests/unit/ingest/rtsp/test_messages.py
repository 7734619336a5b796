"""RTSP messages: what cameras really send is understood, what is too much or makes no sense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_START_LINE_BYTES,
    METHODS,
    Headers,
    Message,
    Request,
    Response,
    parse_message,
)


def parse(data: bytes) -> Message:
    taken = parse_message(data, 0, len(data))
    assert not isinstance(taken, int), "incomplete"
    message, after = taken
    assert after == len(data)
    return message


def test_a_response_is_read_with_its_body() -> None:
    message = parse(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 3\r\n\r\nabc")
    assert message == Response(200, "OK", Headers((("CSeq", "3"), ("Content-Length", "3"))), b"abc")


def test_a_request_is_read() -> None:
    message = parse(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    assert message == Request("OPTIONS", "*", Headers((("CSeq", "1"),)))


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        pytest.param(b"RTSP/1.0 200\r\n\r\n", 200, "", id="no reason phrase"),
        pytest.param(b"RTSP/1.0 200 \r\n\r\n", 200, "", id="blank reason phrase"),
        pytest.param(b"RTSP/1.0 404 Not Found\n\n", 404, "Not Found", id="lines end in LF alone"),
        pytest.param(b"RTSP/1.0 401 Unauthorized\n\r\n", 401, "Unauthorized", id="mixed line ends"),
        pytest.param(b"RTSP/2.0  454  Session Not Found\r\n\r\n", 454, "Session Not Found", id="version 2, two blanks"),
    ],
)
def test_a_status_line_is_read_as_cameras_write_it(data: bytes, status: int, reason: str) -> None:
    message = parse(data)
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.headers) == (status, reason, Headers())


def test_header_names_are_compared_without_regard_to_case() -> None:
    message = parse(b"RTSP/1.0 200 OK\r\ncseq: 7\r\nWWW-authenticate: a\r\nwww-Authenticate: b\r\n\r\n")
    assert message.headers.cseq == 7
    assert message.headers.all("WWW-Authenticate") == ("a", "b")
    assert message.headers.get("Session") is None


def test_blanks_around_a_colon_and_a_folded_line_are_borne() -> None:
    message = parse(b"RTSP/1.0 200 OK\r\nSession : 1 ;timeout=5 \r\nPublic: OPTIONS,\r\n\tPLAY\r\n\r\n")
    assert message.headers.fields == (("Session", "1 ;timeout=5"), ("Public", "OPTIONS, PLAY"))


@pytest.mark.parametrize("folded", [b"A:\r\n b\r\n c", b"A: b\r\n c\r\n  "])
def test_folding_leaves_no_blanks_at_the_ends(folded: bytes) -> None:
    assert parse(b"RTSP/1.0 200 OK\r\n" + folded + b"\r\n\r\n").headers.fields == (("A", "b c"),)


@pytest.mark.parametrize(
    ("text", "number"), [("1 ", 1), ("12", 12), ("", None), ("x", None), ("-1", None), ("9" * 30, None)]
)
def test_a_sequence_number_is_a_hint_and_never_a_fault(text: str, number: int | None) -> None:
    # "1 " is what Longse cameras send: retina's recording longse_unauthorized.
    assert Headers((("CSeq", text),)).cseq == number


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="not RTSP"),
        pytest.param(b"RTSP/1.0 OK\r\n\r\n", id="no status"),
        pytest.param(b"RTSP/1.0 999 Odd\r\n\r\n", id="a status that does not exist"),
        pytest.param(b"RTSP/1.0 2000 Odd\r\n\r\n", id="a status of four digits"),
        pytest.param(b"options * RTSP/1.0\r\n\r\n", id="a method in lower case"),
        pytest.param(b"OPTIONS RTSP/1.0\r\n\r\n", id="no URI"),
        pytest.param(b"RTSP/1.0 200 OK\r\nno colon\r\n\r\n", id="a header without a colon"),
        pytest.param(b"RTSP/1.0 200 OK\r\n: value\r\n\r\n", id="a header without a name"),
        pytest.param(b"RTSP/1.0 200 OK\r\nA b: value\r\n\r\n", id="a header name with a blank"),
        pytest.param(b"RTSP/1.0 200 OK\r\nA: b\0c\r\n\r\n", id="a NUL in a header"),
        pytest.param(b"RTSP/1.0 200 OK\r\nA: b\rc\r\n\r\n", id="a bare CR in a header"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: 0x10\r\n\r\n", id="a length in hexadecimal"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: \xb2\r\n\r\n", id="a length in other digits"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n", id="two lengths"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: 4294967296\r\n\r\n", id="4 GB"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), id="one byte too much"),
        pytest.param(b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * (MAX_HEADERS + 1) + b"\r\n", id="too many headers"),
        pytest.param(b"RTSP/1.0 200 " + b"O" * MAX_START_LINE_BYTES, id="a first line without an end"),
        pytest.param(b"RTSP/1.0 200 OK\r\nA: " + b"b" * MAX_HEADER_BYTES, id="a header without an end"),
        pytest.param(b"RTSP/1.0 200 OK\r\n" + b"A: bcd\r\n" * (MAX_HEADER_BYTES // 8), id="headers without an end"),
    ],
)
def test_what_makes_no_sense_or_is_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(RtspProtocolError):
        parse_message(data, 0, len(data))


def test_what_just_fits_is_taken() -> None:
    headers = b"A: bcdef\r\n" * (MAX_HEADERS - 2) + b"B: " + b"c" * 8000 + b"\r\n"
    head = b"RTSP/1.0 200 " + b"O" * 4000 + b"\r\n" + headers + b"Content-Length: %d\r\n\r\n" % MAX_BODY_BYTES
    message = parse(head + bytes(MAX_BODY_BYTES))
    assert len(message.body) == MAX_BODY_BYTES
    assert len(message.headers.fields) == MAX_HEADERS


def test_an_incomplete_message_says_how_much_it_needs_at_least() -> None:
    head = b"RTSP/1.0 200 OK\r\nContent-Length: 5000\r\n\r\n"
    assert parse_message(head, 0, len(head)) == len(head) + 5000
    assert parse_message(head, 0, 10) == 11


def test_a_message_is_read_in_the_middle_of_a_buffer() -> None:
    data = b"junkRTSP/1.0 200 OK\r\n\r\nmore"
    assert parse_message(data, 4, len(data)) == (Response(200, "OK"), len(data) - 4)


text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30).map(str.strip)
headers = st.lists(
    st.tuples(
        st.from_regex(r"[A-Za-z][A-Za-z-]{0,15}", fullmatch=True).filter(lambda n: n.lower() != "content-length"), text
    ),
    max_size=8,
).map(lambda fields: Headers(tuple(fields)))
bodies = st.binary(max_size=200)
messages = st.builds(
    Request, st.sampled_from(METHODS), st.from_regex(r"rtsp://[a-z0-9./?=&]{1,40}", fullmatch=True), headers, bodies
) | st.builds(Response, st.integers(100, 599), text, headers, bodies)


@given(messages)
def test_what_is_written_is_read_again(message: Message) -> None:
    again = parse(message.encode())
    written = Headers(tuple(f for f in again.headers.fields if f[0] != "Content-Length"))
    assert (type(again), written, again.body) == (type(message), message.headers, message.body)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"RTSP/1.0 200 OK\r\n" + tail))
def test_no_bytes_raise_anything_but_a_protocol_error(data: bytes) -> None:
    try:
        taken = parse_message(data, 0, len(data))
    except RtspProtocolError:
        return
    assert taken > len(data) if isinstance(taken, int) else 0 < taken[1] <= len(data)


@pytest.mark.parametrize("value", ["a\r\nInjected: yes", "a\nb", "a\0b"])
def test_nothing_we_write_can_break_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        Request("OPTIONS", "*", Headers((("User-Agent", value),))).encode()
    with pytest.raises(ValueError, match="control character"):
        Request("OPTIONS", value).encode()
