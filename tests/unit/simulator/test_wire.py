"""Heads of requests, good and bad."""

import asyncio

import pytest

from services.simulator.wire import HEAD_MAX_BYTES, BadRequest, parse_head, read_head


def test_header_names_do_not_depend_on_case() -> None:
    head = parse_head(b"SETUP rtsp://a/b RTSP/1.0\r\nCSEQ: 3\r\nTransport:RTP/AVP/TCP\r\n\r\n")
    assert (head.method, head.target, head.version) == ("SETUP", "rtsp://a/b", "RTSP/1.0")
    assert head.headers == {"cseq": "3", "transport": "RTP/AVP/TCP"}


@pytest.mark.parametrize(
    "raw", [b"\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n"]
)
def test_malformed_heads_are_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="400"):
        parse_head(raw)


@pytest.mark.parametrize(
    ("text", "status"), [("4294967296", 413), ("9" * 5000, 413), ("-1", 400), ("1e3", 400), ("²", 400), ("", 400)]
)
def test_bodies_have_a_bound(text: str, status: int) -> None:
    head = parse_head(f"POST / HTTP/1.1\r\nContent-Length: {text}\r\n\r\n".encode())
    with pytest.raises(BadRequest) as caught:
        head.content_length(1000)
    assert caught.value.status == status


async def test_an_endless_head_is_refused_before_it_is_read() -> None:
    reader = asyncio.StreamReader(limit=HEAD_MAX_BYTES)
    reader.feed_data(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5000)
    with pytest.raises(BadRequest, match="431"):
        await read_head(reader)
