"""Live media of a camera: muxed while somebody looks, kept for a few segments. The media process is scripted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import cast

import pytest

from services.contracts.ids import CameraId, new_id
from services.ingest.live import LiveMuxers, NotPlaying, SegmentGone, TooManyLiveStreams
from services.ingest.media.results import MediaHostBusy, MediaHostLost, MuxOverrun
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import Upstream
from services.runtime.clock import Clock, SystemClock
from tests.doubles.clock import StillClock
from tests.doubles.media import ScriptedMedia, ScriptedMux

CAMERA = new_id()


class Feed:
    """As much of an upstream session as a muxer sees."""

    track: object | None = object()


@dataclass
class Rig:
    live: LiveMuxers
    media: ScriptedMedia
    relay: Relay
    feeds: dict[CameraId, Feed]
    #: Cameras whose streams are being opened because they were asked for.
    coming: set[CameraId]
    #: How often the stream of a camera was asked for.
    asked: list[CameraId]

    async def mux(self, number: int = 0) -> ScriptedMux:
        """The n-th mux session, once it was entered."""
        await until(lambda: len(self.media.muxes) > number and self.media.muxes[number].entered)
        return self.media.muxes[number]


async def until(condition: Callable[[], bool], within_s: float = 2.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def rig(
    *, streams_max: int = 4, idle_s: float = 30.0, first_segment_s: float = 2.0, clock: Clock | None = None
) -> AsyncIterator[Rig]:
    feeds, relay, media = {CAMERA: Feed()}, Relay(), ScriptedMedia()
    coming: set[CameraId] = set()
    asked: list[CameraId] = []

    def feed(camera_id: CameraId) -> Upstream | None:
        asked.append(camera_id)
        return cast("Upstream | None", feeds.get(camera_id))

    live = LiveMuxers(
        feed,
        relay,
        media,
        streams_max,
        clock or SystemClock(),
        idle_s=idle_s,
        first_segment_s=first_segment_s,
        coming=lambda camera_id: camera_id in coming,
    )
    yield Rig(live, media, relay, feeds, coming, asked)
    await live.close()
    assert relay._mounts == {}, "nothing stays mounted"


async def test_the_first_window_waits_for_the_first_segment() -> None:
    async with rig() as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"init")
        await asyncio.sleep(0.05)
        assert not asked.done()
        mux.segment(b"12345", duration_s=1.25)
        window = await asked
        (segment,) = window.segments
        assert (window.codec, window.width, window.height) == ("avc1.42c01e", 640, 360)
        assert (segment.duration_s, window.bandwidth) == (1.25, 32)
        assert await one.live.segment(CAMERA, segment.index) == b"12345"
        assert await one.live.init(CAMERA, segment.init) == b"init"


async def test_a_stream_that_is_being_opened_for_the_viewer_is_waited_for() -> None:
    async with rig(first_segment_s=5.0) as one:
        feed = one.feeds.pop(CAMERA)
        with pytest.raises(NotPlaying):
            await one.live.window(CAMERA)
        one.coming.add(CAMERA)
        asked = asyncio.create_task(one.live.window(CAMERA))
        await asyncio.sleep(0.05)
        one.coming.clear()
        one.feeds[CAMERA] = feed
        mux = await one.mux()
        mux.init(b"i")
        mux.segment(b"s")
        assert len((await asked).segments) == 1


async def test_each_request_of_a_player_says_that_the_stream_is_wanted() -> None:
    async with rig() as one:
        first = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"i")
        mux.segment(b"s")
        await first
        before = len(one.asked)
        for _ in range(3):
            await one.live.window(CAMERA)
        assert one.asked[before:] == [CAMERA] * 3


async def test_two_viewers_share_one_mux() -> None:
    async with rig() as one:
        both = asyncio.gather(one.live.window(CAMERA), one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"i")
        mux.segment(b"s")
        first, second = await both
        assert first == second
        assert len(one.media.muxes) == one.live.streams == 1


async def test_a_camera_that_gives_nothing_in_time_is_not_playing() -> None:
    async with rig(first_segment_s=0.1) as one:
        with pytest.raises(NotPlaying, match="no segment"):
            await one.live.window(CAMERA)
        with pytest.raises(NotPlaying):
            await one.live.window(new_id())


async def test_only_so_many_cameras_are_muxed_at_once() -> None:
    async with rig(streams_max=1, first_segment_s=0.1) as one:
        other = new_id()
        one.feeds[other] = Feed()
        with pytest.raises(NotPlaying):
            await one.live.window(CAMERA)
        with pytest.raises(TooManyLiveStreams):
            await one.live.window(other)


async def test_muxing_stops_when_nobody_asks_any_more() -> None:
    async with rig(idle_s=0.3) as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"i")
        mux.segment(b"s")
        index = (await asked).segments[0].index
        for _ in range(4):
            await asyncio.sleep(0.15)
            await one.live.segment(CAMERA, index)
        assert one.live.streams == 1, "who fetches segments is looking"
        await until(lambda: one.live.streams == 0, within_s=1.0)
        assert mux.left
        with pytest.raises(SegmentGone):
            await one.live.segment(CAMERA, index)


async def test_few_segments_are_offered_and_those_behind_them_kept_a_little_longer() -> None:
    async with rig() as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"i")
        for number in range(12):
            mux.segment(bytes([number]))
        await asked
        await asyncio.sleep(0.05)
        window = await one.live.window(CAMERA)
        indices = [segment.index for segment in window.segments]
        assert len(indices) == 6
        assert indices == list(range(indices[0], indices[0] + 6))
        assert await one.live.segment(CAMERA, indices[0] - 3) == bytes([3])
        with pytest.raises(SegmentGone):
            await one.live.segment(CAMERA, indices[0] - 4)
        with pytest.raises(SegmentGone):
            await one.live.segment(CAMERA, indices[-1] + 1)


async def test_large_segments_are_kept_fewer() -> None:
    async with rig() as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"i")
        for _ in range(6):
            mux.segment(bytes(12 * 1024 * 1024))
        await asked
        await asyncio.sleep(0.05)
        assert len((await one.live.window(CAMERA)).segments) == 2


@pytest.mark.parametrize("error", [None, MediaHostLost("killed"), MuxOverrun("slow"), MediaHostBusy("full")])
async def test_after_an_interruption_it_begins_anew_with_a_discontinuity(error: Exception | None) -> None:
    async with rig() as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"old")
        mux.segment(b"1")
        before = (await asked).segments[0]
        mux.end(error)
        again = await one.mux(1)
        assert mux.left
        again.init(b"new")
        again.segment(b"2")
        await asyncio.sleep(0.05)
        window = await one.live.window(CAMERA)
        assert [(one.index, one.init) for one in window.segments] == [
            (before.index, before.init),
            (before.index + 1, before.init + 1),
        ]
        assert window.discontinuities == before.init
        assert await one.live.init(CAMERA, before.init) == b"old"
        assert await one.live.init(CAMERA, before.init + 1) == b"new"


async def test_an_initialisation_section_goes_with_its_last_segment() -> None:
    async with rig() as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        mux = await one.mux()
        mux.init(b"old")
        mux.segment(b"1")
        before = (await asked).segments[0]
        mux.init(b"new", discontinuity=True)
        for _ in range(9):
            mux.segment(b"2")
        await asyncio.sleep(0.05)
        window = await one.live.window(CAMERA)
        assert window.discontinuities == before.init + 1
        with pytest.raises(SegmentGone):
            await one.live.init(CAMERA, before.init)


async def test_a_later_run_never_uses_the_numbers_of_an_earlier_one() -> None:
    clock = StillClock()
    numbers: list[tuple[int, int]] = []
    for _ in range(2):
        async with rig(clock=clock) as one:
            asked = asyncio.create_task(one.live.window(CAMERA))
            mux = await one.mux()
            mux.init(b"i")
            for _ in range(5):
                mux.segment(b"s")
            await asked
            await asyncio.sleep(0.05)
            last = (await one.live.window(CAMERA)).segments[-1]
            numbers.append((last.index, last.init))
        clock.move(10)  # idle, or another worker: 5 segments last 5 s
    assert numbers[1][0] - 4 > numbers[0][0]
    assert numbers[1][1] > numbers[0][1]


async def test_a_stream_that_is_down_is_muxed_once_it_is_back() -> None:
    async with rig() as one:
        feed = one.feeds.pop(CAMERA)
        feed.track = None
        one.feeds[CAMERA] = feed
        asked = asyncio.create_task(one.live.window(CAMERA))
        await asyncio.sleep(0.1)
        assert one.media.muxes == []
        feed.track = object()
        mux = await one.mux()
        mux.init(b"i")
        mux.segment(b"s")
        assert len((await asked).segments) == 1


async def test_an_unexpected_failure_frees_the_place_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with rig(streams_max=1) as one:
        asked = asyncio.create_task(one.live.window(CAMERA))
        (await one.mux()).end(RuntimeError("a bug"))
        with pytest.raises(NotPlaying):
            await asked
        assert one.live.streams == 0
        assert "live stream failed" in caplog.text
