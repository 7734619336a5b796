"""What a probe finds out about streams, good and bad, over real RTSP sockets."""

import asyncio
import itertools
import random
from io import BytesIO

import av
import pytest

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason
from services.ingest.media.host import MediaHost
from services.ingest.media.results import ProbeResult
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, is_black
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.media.clips import TICKS_PER_S, clip
from tests.integration.media.rtsp_stub import Mount, Session, play, silence, stub_of

NOTHING = StreamFacts()


@pytest.mark.parametrize(
    ("mount", "facts"),
    [
        (GstMount(codec="h264", pattern="smpte", size="1280x720", fps=25, gop=25), ("h264", 1280, 720, 25.0, 1.0)),
        (GstMount(codec="h264", pattern="ball", fps=10, gop=20, config_interval=0), ("h264", 640, 360, 10.0, 2.0)),
        (GstMount(codec="h265", pattern="ball", fps=20, gop=20), ("h265", 640, 360, 20.0, 1.0)),
        (GstMount(codec="h264", pattern="ball", fps=25, audio=True), ("h264", 640, 360, 25.0, 1.0)),
    ],
    ids=["h264-720p", "h264-sets-in-sdp-only", "h265", "with-audio"],
)
async def test_a_real_server_s_stream_is_measured(
    host: MediaHost, mount: GstMount, facts: tuple[str, int, int, float, float]
) -> None:
    async with GstServer([mount]) as server:
        result = await host.probe(server.url(), deadline_s=15)

    told = result.facts
    assert (result.reason, result.detail) == (None, ""), result
    assert result.opened
    assert result.keyframe_decoded
    assert result.decode_errors == 0
    assert result.frames_decoded > 8
    assert (told.codec, told.width, told.height) == facts[:3]
    # A live source drops frames on a busy machine; exact rates are the business of the stub's tests below.
    assert told.fps == pytest.approx(facts[3], rel=0.2), told
    assert told.keyframe_interval_s == pytest.approx(facts[4], rel=0.3), told
    assert told.bitrate_kbps is not None
    assert 10 < told.bitrate_kbps < 3000


async def test_motion_jpeg_is_probed_too(host: MediaHost) -> None:
    async with GstServer([GstMount(codec="mjpeg", pattern="smpte", fps=10)]) as server:
        result = await host.probe(server.url(), deadline_s=15)

    assert (result.facts.codec, result.facts.width, result.facts.height) == ("mjpeg", 640, 360)
    assert result.facts.fps == pytest.approx(10, rel=0.2)
    assert result.keyframe_decoded


async def test_the_snapshot_is_a_full_range_jpeg_of_at_most_960_pixels(host: MediaHost) -> None:
    source = clip(size="1280x720", seconds=1)
    async with stub_of(cam=Mount(play(source))) as stub:
        result = await host.probe(stub.url("cam"), deadline_s=10, watch_s=0)

    assert result.snapshot is not None
    with av.open(BytesIO(result.snapshot), "r", format="jpeg_pipe") as container:
        picture = next(container.decode(video=0))
    assert (picture.width, picture.height, picture.format.name) == (960, 540, "yuvj420p")
    # The clip's darkest luma, 40 of limited range, is 28 of full range.
    assert int(picture.to_ndarray()[:540].min()) == pytest.approx(28, abs=6)
    assert len(result.snapshot) < 100_000


async def test_looks_show_the_picture_and_its_movement(host: MediaHost) -> None:
    async with GstServer([GstMount(pattern="ball", gop=25)]) as server:
        result = await host.probe(server.url(), deadline_s=15)

    assert len(result.looks) >= 2
    assert all(look.luma.shape == (LOOK_HEIGHT, LOOK_WIDTH) for look in result.looks)
    assert not any(is_black(look.luma) for look in result.looks)
    first, second = result.looks[:2]
    assert first.taken_at_monotonic < second.taken_at_monotonic
    assert int(abs(first.luma.astype(int) - second.luma).max()) > 100


async def test_a_black_camera_looks_black(host: MediaHost) -> None:
    async with GstServer([GstMount(pattern="black")]) as server:
        result = await host.probe(server.url(), deadline_s=15, watch_s=0)

    assert [is_black(look.luma) for look in result.looks] == [True]


async def test_the_quick_look_ends_with_the_first_key_frame(host: MediaHost) -> None:
    async with stub_of(cam=Mount(play(clip(gop=100)))) as stub:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        result = await host.probe(stub.url("cam"), deadline_s=10, watch_s=0)

    assert loop.time() - began_at < 1.5
    assert result.reason is None
    assert result.keyframe_decoded
    assert (len(result.looks), result.snapshot is not None) == (1, True)
    assert result.facts == StreamFacts(codec="h264", width=320, height=180)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("in_sdp", [True, False])
async def test_rates_are_exact_whatever_the_order_of_frames(
    host: MediaHost, codec: str, b_frames: int, in_sdp: bool
) -> None:
    source = clip(codec, b_frames=b_frames)
    sent = source.without_parameter_sets() if in_sdp else source
    async with stub_of(cam=Mount(play(sent, speed=5), codec, source.parameter_sets if in_sdp else ())) as stub:
        result = await host.probe(stub.url("cam"), deadline_s=10)

    assert result.reason is None
    assert (result.facts.fps, result.facts.keyframe_interval_s) == (25.0, 1.0)
    keys = [place for place, unit in enumerate(sent.units) if unit.key]
    size = sum(len(unit.data) for unit in sent.units[: keys[2]])
    assert result.facts.bitrate_kbps == pytest.approx(size * 8 / 2000, rel=0.05)
    assert result.decode_errors == 0


async def test_a_key_frame_interval_longer_than_the_watch_is_not_guessed(host: MediaHost) -> None:
    async with stub_of(cam=Mount(play(clip(gop=100), speed=4))) as stub:
        result = await host.probe(stub.url("cam"), deadline_s=10, watch_s=2)

    assert result.facts.keyframe_interval_s is None
    assert result.facts.fps == pytest.approx(25, rel=0.05)


async def test_a_camera_that_stamps_all_frames_alike_is_measured_by_arrival(host: MediaHost) -> None:
    source = clip()

    async def script(session: Session) -> None:
        for unit in itertools.cycle(source.units):
            await session.unit(unit.data, 0)
            await asyncio.sleep(0.04)

    async with stub_of(cam=Mount(script)) as stub:
        result = await host.probe(stub.url("cam"), deadline_s=10, watch_s=1)

    assert result.reason is None
    assert result.facts.fps == pytest.approx(24, rel=0.25)


async def probe_once(host: MediaHost, mount: Mount, *, deadline_s: float = 2.5, silence_s: float = 1.0) -> ProbeResult:
    """Probe a stub; a result comes by the deadline, whatever the stream does."""
    loop = asyncio.get_running_loop()
    async with stub_of(cam=mount) as stub:
        began_at = loop.time()
        result = await host.probe(stub.url("cam"), deadline_s=deadline_s, silence_s=silence_s)
        assert loop.time() - began_at < deadline_s + 0.7
    return result


async def test_a_server_that_never_answers_times_out(host: MediaHost) -> None:
    result = await probe_once(host, Mount(None))

    assert (result.opened, result.reason, result.facts) == (False, Reason.TIMEOUT, NOTHING)


async def test_nobody_listening_is_refused(host: MediaHost, unused_tcp_port: int) -> None:
    result = await host.probe(f"rtsp://127.0.0.1:{unused_tcp_port}/cam", deadline_s=4)

    assert (result.opened, result.reason) == (False, Reason.REFUSED)


async def test_an_unknown_path_is_not_found(host: MediaHost) -> None:
    async with GstServer([GstMount()]) as server:
        result = await host.probe(server.url("/elsewhere"), deadline_s=10)

    assert (result.opened, result.reason) == (False, Reason.NOT_FOUND)


@pytest.mark.parametrize("in_sdp", [True, False])
async def test_a_session_without_media_has_no_frames(host: MediaHost, in_sdp: bool) -> None:
    result = await probe_once(host, Mount(silence, parameter_sets=clip().parameter_sets if in_sdp else ()))

    assert (result.opened, result.packets, result.reason) == (True, 0, Reason.NO_FRAMES)


async def test_garbage_in_rtp_is_undecodable_and_measures_nothing(host: MediaHost) -> None:
    noise = random.Random(7)

    async def script(session: Session) -> None:
        for number in itertools.count():
            kind = noise.choice([1, 5, 7, 8, 24, 28, 0x65, 0x67, 0x68, 99])
            await session.packet(bytes([kind]) + noise.randbytes(900), number * 3600, marker=noise.random() < 0.3)
            await asyncio.sleep(0.01)

    result = await probe_once(host, Mount(script))

    assert not result.keyframe_decoded
    assert result.reason is Reason.UNDECODABLE
    assert result.facts == StreamFacts(codec="h264")
    assert (result.snapshot, result.looks) == (None, ())


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_a_good_header_with_damaged_pictures_is_undecodable(host: MediaHost, codec: str) -> None:
    source = clip(codec)
    noise = random.Random(3)

    async def script(session: Session) -> None:
        for number in itertools.count():
            head = b"".join(b"\0\0\0\1" + unit for unit in source.parameter_sets)
            body = bytes([0x65]) if codec == "h264" else bytes([19 << 1, 1])
            await session.unit(
                head + b"\0\0\0\1" + body + noise.randbytes(4000).replace(b"\0\0", b"\1\1"), number * 3600
            )
            await asyncio.sleep(0.04)

    result = await probe_once(host, Mount(script, codec))

    assert (result.keyframe_decoded, result.reason) == (False, Reason.UNDECODABLE)


async def test_a_stream_without_any_parameter_sets_is_undecodable(host: MediaHost) -> None:
    result = await probe_once(host, Mount(play(clip().without_parameter_sets())))

    assert (result.keyframe_decoded, result.reason) == (False, Reason.UNDECODABLE)
    assert result.packets > 0


async def test_a_stream_without_key_frames_is_undecodable(host: MediaHost) -> None:
    source = clip()

    async def script(session: Session) -> None:
        for number in itertools.count():
            await session.unit(source.units[1 + number % 24].data, number * 3600)
            await asyncio.sleep(0.02)

    result = await probe_once(host, Mount(script, parameter_sets=source.parameter_sets))

    assert (result.keyframe_decoded, result.reason) == (False, Reason.UNDECODABLE)
    assert "0 key frames" in result.detail


async def test_an_unknown_codec_is_named_and_not_decoded(host: MediaHost) -> None:
    async def script(session: Session) -> None:
        for number in itertools.count():
            await session.packet(b"\x10\x00\x00\x9d\x01\x2a" + bytes(200), number * 3600)
            await asyncio.sleep(0.02)

    result = await probe_once(host, Mount(script, "VP8"))

    assert (result.facts.codec, result.reason) == ("vp8", Reason.CODEC_UNSUPPORTED)


async def test_a_title_in_another_encoding_does_not_matter(host: MediaHost) -> None:
    title = "Cổng chính".encode("utf-16-le").replace(b"\n", b"").replace(b"\0", b"") + "门口".encode("gbk")

    result = await probe_once(host, Mount(play(clip(), speed=4), title=title))

    assert (result.reason, result.keyframe_decoded) == (None, True)


async def test_a_stream_that_ends_tells_what_it_showed(host: MediaHost) -> None:
    source = clip()

    async def script(session: Session) -> None:
        for unit in source.units[:40]:
            await session.unit(unit.data, unit.pts)
            await asyncio.sleep(0.01)

    result = await probe_once(host, Mount(script))

    assert (result.keyframe_decoded, result.reason) == (True, Reason.ENDED)
    assert result.facts.fps == 25.0
    assert result.snapshot is not None


async def test_a_stream_that_stops_is_stalled_and_tells_what_it_showed(host: MediaHost) -> None:
    source = clip()

    async def script(session: Session) -> None:
        for unit in source.units[:30]:
            await session.unit(unit.data, unit.pts)
            await asyncio.sleep(0.01)
        await silence(session)

    result = await probe_once(host, Mount(script))

    assert (result.keyframe_decoded, result.reason) == (True, Reason.STALLED)
    assert (result.facts.codec, result.facts.width) == ("h264", 320)


async def test_a_key_frame_that_comes_late_is_waited_for(host: MediaHost) -> None:
    source = clip(gop=50, seconds=2)

    async def script(session: Session) -> None:
        for number, unit in enumerate([*source.units[5:], *source.units]):
            await session.unit(unit.data, number * 3600)
            await asyncio.sleep(0.02)

    result = await probe_once(host, Mount(script, parameter_sets=source.parameter_sets), deadline_s=8)

    assert result.keyframe_decoded
    assert result.decode_errors == 0


async def test_a_flood_is_cut_off(host: MediaHost) -> None:
    async def script(session: Session) -> None:
        timestamp = 0
        while True:
            timestamp += 1
            await session.packet(b"\x41" + bytes(1399), timestamp)

    result = await probe_once(host, Mount(script, parameter_sets=clip().parameter_sets), deadline_s=8)

    assert not result.keyframe_decoded
    assert result.reason is Reason.UNDECODABLE


async def test_timestamps_that_jump_do_not_break_the_watch(host: MediaHost) -> None:
    source = clip()

    async def script(session: Session) -> None:
        for number, unit in enumerate(itertools.cycle(source.units)):
            await session.unit(unit.data, number * 3600 + (500 * TICKS_PER_S if number >= 10 else 0))
            await asyncio.sleep(0.04)

    result = await probe_once(host, Mount(script), deadline_s=6)

    assert result.keyframe_decoded
    assert result.reason is None
    assert result.facts.fps == pytest.approx(25, rel=0.1)
