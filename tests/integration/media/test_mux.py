"""Streams become fragmented MP4 that an independent player decodes without a complaint."""

import asyncio
from pathlib import Path

import pytest

from services.contracts.ladder import Reason
from services.ingest.media import fmp4
from services.ingest.media.events import Ended, InitSegment, MuxEvent, Segment
from services.ingest.media.host import MediaHost
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.media.clips import TICKS_PER_S, clip
from tests.integration.media.ffmpeg import played
from tests.integration.media.rtsp_stub import Mount, Session, play, silence, stub_of


async def events_of(host: MediaHost, url: str, *, segments: int = 1000, silence_s: float = 3.0) -> list[MuxEvent]:
    """Events until so many segments came, or all of them."""
    seen: list[MuxEvent] = []
    async with asyncio.timeout(40), host.mux(url, silence_s=silence_s) as events:
        async for event in events:
            seen.append(event)
            if sum(isinstance(one, Segment) for one in seen) >= segments:
                break
    return seen


def segments_of(events: list[MuxEvent]) -> list[Segment]:
    return [event for event in events if isinstance(event, Segment)]


def inits_of(events: list[MuxEvent]) -> list[InitSegment]:
    return [event for event in events if isinstance(event, InitSegment)]


def written(path: Path, events: list[MuxEvent]) -> Path:
    """What a player gets that begins at the first init segment and stops at the second."""
    path.write_bytes(b"".join(event.data for event in events if isinstance(event, InitSegment | Segment)))
    return path


@pytest.mark.parametrize(
    ("codec", "tag", "codec_string"), [("h264", "avc1", "avc1.42c0"), ("h265", "hvc1", "hvc1.1.6.L")]
)
async def test_a_real_server_s_stream_plays_in_ffmpeg(
    host: MediaHost, tmp_path: Path, codec: str, tag: str, codec_string: str
) -> None:
    async with GstServer([GstMount(codec=codec, pattern="smpte", fps=20, gop=20)]) as server:
        events = await events_of(host, server.url(), segments=3)

    assert isinstance(events[0], InitSegment)
    init = events[0]
    assert (init.width, init.height, init.discontinuity) == (640, 360, False)
    assert init.codec.startswith(codec_string)
    segments = segments_of(events)
    assert [segment.index for segment in segments] == [0, 1, 2]
    assert [segment.duration_s for segment in segments] == pytest.approx([1.0] * 3, abs=0.06)
    seen = await played(written(tmp_path / "live.mp4", events))
    assert seen.complaints == ""
    assert seen.tag == tag
    assert seen.frames == 60
    assert seen.duration_s == pytest.approx(sum(segment.duration_s for segment in segments), abs=0.001)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("where", ["in_band_only", "in_sdp_only"])
async def test_a_finite_stream_is_muxed_to_its_last_frame(
    host: MediaHost, tmp_path: Path, codec: str, b_frames: int, where: str
) -> None:
    whole = clip(codec, b_frames=b_frames)
    sent = whole if where == "in_band_only" else whole.without_parameter_sets()
    sdp = () if where == "in_band_only" else whole.parameter_sets
    async with stub_of(cam=Mount(play(sent, speed=8, repeat=False), codec, sdp)) as stub:
        events = await events_of(host, stub.url("cam"))

    assert events[-1] == Ended(Reason.ENDED, "the stream ended")
    segments = segments_of(events)
    assert all(fmp4.is_whole_fragments(segment.data) for segment in segments)
    seen = await played(written(tmp_path / "clip.mp4", events))
    assert seen.complaints == ""
    assert seen.frames == 100
    assert seen.duration_s == pytest.approx(4.0, abs=0.001)
    assert [segment.duration_s for segment in segments] == [1.0, 1.0, 1.0, 1.0]


async def test_short_groups_of_pictures_are_joined_to_a_second(host: MediaHost, tmp_path: Path) -> None:
    source = clip(gop=5)
    async with stub_of(cam=Mount(play(source, speed=8, repeat=False))) as stub:
        events = await events_of(host, stub.url("cam"))

    segments = segments_of(events)
    assert [segment.duration_s for segment in segments] == [1.0, 1.0, 1.0, 1.0]
    assert all(sum(box.kind == b"moof" for box in fmp4.boxes(segment.data)) == 5 for segment in segments)
    seen = await played(written(tmp_path / "short.mp4", events))
    assert (seen.frames, seen.complaints) == (100, "")


async def test_a_segment_comes_with_the_key_frame_after_it(host: MediaHost) -> None:
    source = clip(gop=25)
    gate = asyncio.Event()

    async def script(session: Session) -> None:
        for unit in source.units[:27]:  # one group, the next key frame, and one frame by which FFmpeg sees its end
            await session.unit(unit.data, unit.pts)
        await gate.wait()

    async with stub_of(cam=Mount(script)) as stub, host.mux(stub.url("cam")) as events, asyncio.timeout(5):
        kinds = [type(await anext(events)), type(await anext(events))]
        gate.set()

    assert kinds == [InitSegment, Segment]


@pytest.mark.parametrize("jump_s", [100, -50], ids=["forward", "back"])
async def test_a_jump_of_timestamps_begins_anew_at_a_key_frame(host: MediaHost, tmp_path: Path, jump_s: int) -> None:
    source = clip()
    base = 1_000 * TICKS_PER_S

    async def script(session: Session) -> None:
        for start in (base, base + source.length + jump_s * TICKS_PER_S):
            for unit in source.units:
                await session.unit(unit.data, start + unit.pts)
                await asyncio.sleep(0.002)

    async with stub_of(cam=Mount(script)) as stub:
        events = await events_of(host, stub.url("cam"))

    assert [init.discontinuity for init in inits_of(events)] == [False, True]
    second = next(place for place, event in enumerate(events) if isinstance(event, InitSegment) and event.discontinuity)
    before, after = events[:second], events[second:]
    assert sum(segment.duration_s for segment in segments_of(before)) == pytest.approx(4.0, abs=0.05)
    assert [segment.index for segment in segments_of(events)] == list(range(8))
    for part in (before, after):
        seen = await played(written(tmp_path / "part.mp4", part))
        assert (seen.frames, seen.complaints) == (100, "")
        assert seen.duration_s == pytest.approx(4.0, abs=0.05)


async def test_new_encoder_settings_begin_anew_with_a_fitting_init_segment(host: MediaHost, tmp_path: Path) -> None:
    small, large = clip(seconds=2), clip(seconds=2, size="640x360")

    async def script(session: Session) -> None:
        for start, source in ((0, small), (small.length, large)):
            for unit in source.units:
                await session.unit(unit.data, start + unit.pts)
                await asyncio.sleep(0.002)

    async with stub_of(cam=Mount(script, parameter_sets=small.parameter_sets)) as stub:
        events = await events_of(host, stub.url("cam"))

    assert [(init.width, init.height, init.discontinuity) for init in inits_of(events)] == [
        (320, 180, False),
        (640, 360, True),
    ]
    second = events.index(inits_of(events)[1])
    for part in (events[:second], events[second:]):
        seen = await played(written(tmp_path / "part.mp4", part))
        assert (seen.frames, seen.complaints) == (50, "")


async def test_repeated_timestamps_are_dropped_and_the_rest_plays(host: MediaHost, tmp_path: Path) -> None:
    source = clip(seconds=2)

    async def script(session: Session) -> None:
        for number, unit in enumerate(source.units):
            await session.unit(unit.data, unit.pts - (source.tick if number % 25 == 24 else 0))
            await asyncio.sleep(0.002)

    async with stub_of(cam=Mount(script)) as stub:
        events = await events_of(host, stub.url("cam"))

    assert len(inits_of(events)) == 1
    assert sum(segment.duration_s for segment in segments_of(events)) == pytest.approx(2.0, abs=0.05)
    assert (await played(written(tmp_path / "repeated.mp4", events))).duration_s == pytest.approx(2.0, abs=0.05)


async def test_a_stream_that_falls_silent_ends_as_stalled_with_what_it_gave(host: MediaHost) -> None:
    source = clip()

    async def script(session: Session) -> None:
        for unit in source.units[:60]:
            await session.unit(unit.data, unit.pts)
        await silence(session)

    async with stub_of(cam=Mount(script)) as stub:
        events = await events_of(host, stub.url("cam"), silence_s=1.0)

    assert isinstance(events[-1], Ended)
    assert events[-1].reason is Reason.STALLED
    assert sum(segment.duration_s for segment in segments_of(events)) == pytest.approx(2.4, abs=0.05)


async def test_motion_jpeg_is_refused_with_its_name(host: MediaHost) -> None:
    async with GstServer([GstMount(codec="mjpeg", fps=10)]) as server:
        events = await events_of(host, server.url())

    assert events == [Ended(Reason.CODEC_UNSUPPORTED, "codec mjpeg does not go into MP4")]


async def test_leaving_a_session_disconnects_from_the_source(host: MediaHost) -> None:
    async with stub_of(cam=Mount(play(clip()))) as stub:
        async with host.mux(stub.url("cam")) as events:
            assert isinstance(await anext(events), InitSegment)
            assert stub.clients == 1
        async with asyncio.timeout(3):
            while stub.clients:
                await asyncio.sleep(0.05)


async def test_only_loopback_is_opened(host: MediaHost) -> None:
    events = await events_of(host, "rtsp://192.0.2.1/stream")

    assert events == [Ended(Reason.ADDRESS_REFUSED, "only the relay on 127.0.0.1 is opened")]
