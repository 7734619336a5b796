"""The replay's side of RTSP."""

import pytest

from benchmarks.replay.dialogue import Dialogue, NotRtsp, Wish
from benchmarks.replay.feed import Reel
from services.ingest.rtsp import sdp

_REEL = Reel("reel", (), (b"\x67\x42\x00\x1f", b"\x68\xce"))


def _request(method: str, body: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} rtsp://127.0.0.1/main RTSP/1.0\r\nCSeq: 3\r\n{length}\r\n{body}".encode()


def test_a_description_can_be_read() -> None:
    answer, wish = Dialogue(_REEL).receive(_request("DESCRIBE"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"RTSP/1.0 200 OK\r\nCSeq: 3")
    assert wish is Wish.NOTHING
    video = sdp.parse(body).video
    assert video is not None
    assert (video.codec, video.payload_type, video.fmtp["profile-level-id"]) == ("h264", 96, "42001F")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_requests_arrive_in_any_pieces_with_receiver_reports_between(size: int) -> None:
    dialogue = Dialogue(_REEL)
    report = b"$\x01" + (8).to_bytes(2, "big") + b"RTCP\r\n\r\n"
    sent = report + _request("GET_PARAMETER", "x\r\n\r\n") + report + _request("PLAY")
    answers, wishes = b"", []
    for position in range(0, len(sent), size):
        answer, wish = dialogue.receive(sent[position : position + size])
        answers += answer
        wishes.append(wish)
    assert answers.count(b"RTSP/1.0 200 OK") == 2
    assert Wish.PLAY in wishes


def test_leaving_is_asked_for_by_teardown() -> None:
    assert Dialogue(_REEL).receive(_request("TEARDOWN"))[1] is Wish.LEAVE


def test_what_is_not_rtsp_ends_it() -> None:
    with pytest.raises(NotRtsp):
        Dialogue(_REEL).receive(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(NotRtsp):
        Dialogue(_REEL).receive(b"x" * 10_000)
