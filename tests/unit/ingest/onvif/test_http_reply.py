"""One HTTP reply from a socket: framed as it says, within its bounds, and nothing left over."""

import socket
from collections.abc import Callable

import pytest

from services.ingest.onvif.http_reply import Hangup, HttpReply, NotHttp, TooLarge, read_reply


def read(*pieces: bytes, limit: int = 4096, closes: bool = False) -> HttpReply:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for piece in pieces:
            theirs.sendall(piece)
        if closes:
            theirs.shutdown(socket.SHUT_WR)
        return read_reply(ours, lambda: 0.2, limit)


def test_a_body_of_a_told_length_leaves_the_connection_to_the_next() -> None:
    reply = read(b'HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset="GB2312"\r\nContent-Length: 3\r\n\r\nabc')
    assert (reply.status, reply.body, reply.charset, reply.keeps) == (200, b"abc", "GB2312", True)


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Close, TE\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
        (b"HTTP/1.1 200\r\n", True),
        (b"HTTP/1.1 200 OK\n", True),
    ],
)
def test_whether_a_connection_is_kept_follows_version_and_header(head: bytes, keeps: bool) -> None:
    assert read(head + b"Content-Length: 0\r\n\r\n").keeps is keeps


def test_what_is_left_over_ends_the_connection() -> None:
    reply = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc")
    assert (reply.body, reply.keeps) == (b"ab", False)


@pytest.mark.parametrize("told", ["", "Content-Length: minus\r\n", "Content-Length: -5\r\n", "Content-Length: ٣\r\n"])
def test_without_a_length_the_body_goes_to_the_end(told: str) -> None:
    reply = read(f"HTTP/1.1 200 OK\r\n{told}\r\nabc".encode(), closes=True)
    assert (reply.body, reply.keeps) == (b"abc", False)


def test_a_body_shorter_than_it_says_is_what_it_is() -> None:
    reply = read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", closes=True)
    assert (reply.body, reply.keeps) == (b"abc", False)


def test_chunks_are_put_together() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n 2 \r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
    reply = read(raw)
    assert (reply.body, reply.keeps) == (b"abcde", True)


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"-5\r\nabc\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b"\r\n", b"fffffffffffff\r\n", b"0x3\r\nabc\r\n"],
)
def test_nonsense_for_a_chunk_is_no_reply(chunks: bytes) -> None:
    with pytest.raises(NotHttp):
        read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 300,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000,
    ],
)
def test_beyond_the_bound_nothing_is_read(raw: bytes) -> None:
    with pytest.raises(TooLarge):
        read(raw)


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-x\r\n", b"RTSP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/2 200\r\n\r\n"]
)
def test_what_is_no_http_is_known_at_once(raw: bytes) -> None:
    """Without waiting for more, which may never come."""
    with pytest.raises(NotHttp):
        read(raw)


def test_an_end_before_the_first_byte_is_told_apart() -> None:
    with pytest.raises(Hangup):
        read(closes=True)
    with pytest.raises(NotHttp):
        read(b"HTTP/1.1 200", closes=True)


def test_interim_replies_are_passed_over() -> None:
    assert read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").status == 204


def test_a_folded_header_never_gets_further_as_two_lines() -> None:
    raw = b'HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm="a\r\n X-Evil: b",\r\n\tnonce="c"\r\nContent-Length: 0\r\n\r\n'
    (challenge,) = read(raw).challenges
    assert challenge == 'Digest realm="a X-Evil: b", nonce="c"'


def test_several_challenges_are_several() -> None:
    raw = b"HTTP/1.1 401 x\r\nwww-authenticate: Basic realm=a\r\nWWW-Authenticate: Digest nonce=b\r\nContent-Length: 0\r\n\r\n"
    assert read(raw).challenges == ("Basic realm=a", "Digest nonce=b")


def test_every_way_of_cutting_a_reply_gives_the_same() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    whole = read(raw)
    for cut in range(1, len(raw)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(raw[:cut])
            assert read_reply(ours, _then(theirs, raw[cut:]), 4096) == whole


def _then(theirs: socket.socket, rest: bytes) -> Callable[[], float]:
    """A wait before which the rest is sent, once the first piece was read."""
    waits = iter(range(1_000_000))

    def wait_s() -> float:
        if next(waits) == 1:
            theirs.sendall(rest)
        return 0.2

    return wait_s
