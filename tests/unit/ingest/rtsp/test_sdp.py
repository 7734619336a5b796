"""Descriptions: the first video track of whatever a camera writes, and nothing of its words in what we write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.sdp import MAX_LINE_CHARS, MAX_LINES, MAX_MEDIA, VideoTrack, parse, render

HIKVISION = b"""v=0\r
o=- 1109162014219182 1109162014219192 IN IP4 x.y.z.w\r
s=Media Presentation\r
e=NONE\r
t=0 0\r
a=control:rtsp://192.0.2.7:554/Streaming/Channels/101/\r
m=video 0 RTP/AVP 96\r
a=recvonly\r
a=control:rtsp://192.0.2.7:554/Streaming/Channels/101/trackID=1\r
a=rtpmap:96 H265/90000\r
a=fmtp:96 sprop-vps=QAEMAf==;sprop-sps=QgEBAQ==;sprop-pps=RAHAcYMS\r
m=audio 0 RTP/AVP 8\r
a=control:rtsp://192.0.2.7:554/Streaming/Channels/101/trackID=2\r
a=rtpmap:8 PCMA/8000\r
"""


def track(*lines: str, media: str = "m=video 0 RTP/AVP 96") -> VideoTrack:
    """The video track of a description with these lines."""
    video = parse("\n".join(["v=0", media, *lines]).encode()).video
    assert video is not None
    return video


def test_the_first_video_track_is_read_and_audio_is_noted() -> None:
    description = parse(HIKVISION)
    assert description.control == "rtsp://192.0.2.7:554/Streaming/Channels/101/"
    assert description.video == VideoTrack(
        payload_type=96,
        encoding="H265",
        clock_rate=90_000,
        fmtp={"sprop-vps": "QAEMAf==", "sprop-sps": "QgEBAQ==", "sprop-pps": "RAHAcYMS"},
        control="rtsp://192.0.2.7:554/Streaming/Channels/101/trackID=1",
        has_audio=True,
    )
    assert description.video.codec == "h265"


def test_the_first_of_two_video_tracks_is_taken() -> None:
    assert track("a=rtpmap:96 H264/90000", "a=control:one", "m=video 0 RTP/AVP 97", "a=control:two").control == "one"


def test_a_session_without_video_has_none() -> None:
    description = parse(b"v=0\nm=audio 0 RTP/AVP 0\na=control:a\nm=application 0 RTP/AVP 107\n")
    assert (description.video, description.has_audio, description.control) == (None, True, None)


@pytest.mark.parametrize(
    ("lines", "encoding", "clock_rate", "codec"),
    [
        (["a=rtpmap:96 H264/90000"], "H264", 90_000, "h264"),
        (["a=rtpmap:96 h264/90000 "], "H264", 90_000, "h264"),  # H264DVR ends the line in a blank
        (["a=rtpmap:96 HEVC/90000"], "H265", 90_000, "h265"),
        (["a=rtpmap:97 H265/90000", "a=rtpmap:96 MP4V-ES/1000"], "MP4V-ES", 1000, None),
        (["a=rtpmap:96 H264"], "", 90_000, None),
        ([], "", 90_000, None),
        (["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=2"], "H264", 90_000, None),
        (["a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-max-don-diff=1"], "H265", 90_000, None),
    ],
)
def test_the_encoding_of_our_payload_type_counts(
    lines: list[str], encoding: str, clock_rate: int, codec: str | None
) -> None:
    read = track(*lines)
    assert (read.encoding, read.clock_rate, read.codec) == (encoding, clock_rate, codec)


def test_jpeg_needs_no_rtpmap() -> None:
    assert track(media="m=video 0 RTP/AVP 26").codec == "mjpeg"


@pytest.mark.parametrize(
    ("lines", "framerate"),
    [
        (["a=framerate:25"], 25.0),
        (["a=framerate:12.5"], 12.5),
        (["a=framerate:0S", "a=framerate:25"], 25.0),  # H264DVR
        (["a=framerate:25", "a=framerate:0"], 25.0),
        (["a=framerate:1e9"], None),
        (["a=framerate:nan"], None),
        (["a=framerate:\x1d25"], 25.0),  # found by fuzzing: Python strips this sign and does not read it
        ([], None),
    ],
)
def test_a_frame_rate_is_a_plain_number_or_none(lines: list[str], framerate: float | None) -> None:
    assert track(*lines).framerate == framerate


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"", "begin", id="empty"),
        pytest.param(b"<html>", "begin", id="a web page"),
        pytest.param(b"v=0\n" + b"a=\n" * MAX_LINES, "too many", id="too many lines"),
        pytest.param(b"v=0\na=" + b"x" * MAX_LINE_CHARS, "too long", id="too long a line"),
        pytest.param(b"v=0\n" + b"m=audio 0 RTP/AVP 0\n" * (MAX_MEDIA + 1), "tracks", id="too many tracks"),
        pytest.param(b"v=0\nm=video\n", "not RTP", id="no payload type"),
        pytest.param(b"v=0\nm=video 0 udp 96\n", "not RTP", id="not RTP"),
        pytest.param(b"v=0\nm=video 0 RTP/AVP 200\n", "not RTP", id="a payload type that does not exist"),
        pytest.param(b"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/0\n", "still", id="a clock that stands still"),
    ],
)
def test_what_is_no_description_or_too_much_of_one_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(RtspProtocolError, match=why):
        parse(body)


@given(
    st.binary(max_size=400) | st.text("v=0mvideoRTP/A\n: 96Hartpfz;", max_size=400).map(lambda t: f"v=0\n{t}".encode())
)
def test_no_bytes_raise_anything_but_a_protocol_error(body: bytes) -> None:
    try:
        description = parse(body)
    except RtspProtocolError:
        return
    if description.video is not None:
        render(description.video)


def test_what_we_write_can_be_read_again() -> None:
    read = track(
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=640033;sprop-parameter-sets=Z2QAM6zoAoALWQ==,aO48MA==",
        "a=framerate:25",
        "a=control:trackID=1",
    )
    ours = parse(render(read)).video
    assert ours == VideoTrack(96, "H264", 90_000, dict(read.fmtp), control="video", framerate=25.0)


def test_parameter_sets_of_h265_are_passed_on() -> None:
    assert b"a=fmtp:96 sprop-vps=QAEMAQ==;sprop-sps=QgEBAQ==;sprop-pps=RAHAcYMS" in render(parse(HIKVISION).video)  # type: ignore[arg-type]


def test_parameter_sets_without_padding_are_mended() -> None:
    read = track("a=rtpmap:96 H264/90000", "a=fmtp:96 sprop-parameter-sets=Z2QAM6zoAoALWQ")
    assert b"sprop-parameter-sets=Z2QAM6zoAoALWQ==\r\n" in render(read)


def test_nothing_a_camera_wrote_reaches_the_player_as_it_is() -> None:
    hostile = track(
        "i=EVIL",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 EVIL=1;packetization-mode=EVIL;profile-level-id=5046314;sprop-parameter-sets=EV$IL,,Z2QA;x=\x01EVIL",
        "a=control:rtsp://198.51.100.1/EVIL",
        "a=EVIL:1",
        "b=AS:EVIL",
    )
    written = render(hostile)
    assert b"EVIL" not in written
    assert b"198.51" not in written
    assert b"a=fmtp:96 sprop-parameter-sets=Z2QA\r\n" in written
