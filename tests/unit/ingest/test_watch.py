"""What is concluded from the frames of a stream and from looks at its picture. Ten times as fast as by default."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest

from services.contracts.camera import Snapshot
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.health import Signal
from services.ingest.media.results import MediaHostBusy, MediaHostLost
from services.ingest.picture import History
from services.ingest.suspicion import Suspicion
from services.ingest.tools import SessionSettings
from services.ingest.watch import Watch
from tests.doubles.clock import SlippingClock
from tests.doubles.ingest_tools import QUICK, some_tools
from tests.doubles.media import Outcome, ScriptedMedia, a_picture, no_picture
from tests.doubles.upstream import ScriptedUpstream


def soon(low: float, high: float) -> float:
    """Instead of the dice: pauses are short, what is spread is not."""
    return low if low > 0.8 else 0.02


@dataclass
class Heard:
    """Satisfies ``watch.WatchEvents``."""

    signals: list[tuple[Signal, Rung, Reason | None]] = field(default_factory=list)
    pictures: list[tuple[Reason, ...]] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    def on_signal(self, signal: Signal, rung: Rung, reason: Reason | None) -> None:
        self.signals.append((signal, rung, reason))

    def on_picture(self, reasons: tuple[Reason, ...]) -> None:
        self.pictures.append(reasons)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)


@dataclass
class Rig:
    upstream: ScriptedUpstream
    media: ScriptedMedia
    clock: SlippingClock
    heard: Heard
    watch: Watch
    running: "asyncio.Task[None]"

    @property
    def signals(self) -> list[Signal]:
        return [signal for signal, _, _ in self.heard.signals]

    async def fault(self, within_s: float = 2.0) -> CameraFault:
        async with asyncio.timeout(within_s):
            with pytest.raises(CameraFault) as fault:
                await self.running
        return fault.value


@contextlib.asynccontextmanager
async def watching(*outcomes: Outcome, settings: SessionSettings = QUICK) -> AsyncIterator[Rig]:
    clock, media, heard = SlippingClock(), ScriptedMedia(*outcomes), Heard()
    upstream, tools = ScriptedUpstream(clock), some_tools(media=media, clock=clock, settings=settings)
    watch = Watch(upstream.as_upstream(), "rtsp://127.0.0.1:1/token", History(), heard, tools, soon)
    running = asyncio.create_task(watch.run())
    yield Rig(upstream, media, clock, heard, watch, running)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(condition: Callable[[], bool], within_s: float = 2.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def frames(upstream: ScriptedUpstream, *, fps: float = 50.0, gop: int = 5) -> AsyncIterator[None]:
    playing = asyncio.create_task(upstream.play(fps=fps, gop=gop))
    yield
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_a_decoded_key_frame_and_frames_for_a_while_are_a_proof() -> None:
    async with watching(a_picture(snapshot=b"\xff\xd8\xff")) as one, frames(one.upstream):
        await until(lambda: bool(one.heard.pictures))
        assert one.signals == []
        await until(lambda: one.signals == [Signal.PROVED])
        assert one.watch.proved
        assert one.heard.pictures[0] == ()
        assert [snapshot.jpeg for snapshot in one.heard.snapshots] == [b"\xff\xd8\xff"]
        assert (one.watch.facts.codec, one.watch.facts.width) == ("h264", 640)


async def test_one_frame_and_then_silence_is_no_proof() -> None:
    async with watching() as one:
        one.upstream.frame(key=True)
        fault = await one.fault()
        assert one.heard.signals == [(Signal.SILENT, Rung.PLAYING, Reason.STALLED)]
        assert (fault.reason, one.watch.proved) == (Reason.STALLED, False)


async def test_frames_that_come_at_once_and_then_no_more_are_no_proof() -> None:
    async with watching() as one:
        for number in range(100):
            one.upstream.frame(key=number % 10 == 0)
        await one.fault()
        assert Signal.PROVED not in one.signals


async def test_few_frames_a_second_are_enough() -> None:
    async with watching() as one, frames(one.upstream, fps=5, gop=1):
        await until(lambda: one.signals == [Signal.PROVED])
        await asyncio.sleep(0.7)
        assert one.signals == [Signal.PROVED]


async def test_a_camera_that_sends_nothing_is_told_once_and_then_given_up() -> None:
    async with watching() as one:
        fault = await one.fault()
        assert one.heard.signals == [(Signal.SILENT, Rung.PLAYING, Reason.NO_FRAMES)]
        assert fault.reason is Reason.NO_FRAMES
        assert one.media.looks == [], "there is nothing to look at"


async def test_a_stream_that_falls_silent_and_goes_on_is_proved_anew() -> None:
    async with watching() as one:
        async with frames(one.upstream):
            await until(lambda: one.signals == [Signal.PROVED])
        await until(lambda: one.signals == [Signal.PROVED, Signal.SILENT])
        async with frames(one.upstream):
            await until(lambda: one.signals == [Signal.PROVED, Signal.SILENT, Signal.PROVED])
        assert not one.running.done()


async def test_a_pause_of_our_own_is_no_silence_of_the_camera() -> None:
    async with watching() as one:
        async with frames(one.upstream):
            await until(lambda: one.signals == [Signal.PROVED])
        one.clock.slip(20.0)
        await asyncio.sleep(0.3)
        async with frames(one.upstream):
            await asyncio.sleep(0.3)
            assert one.signals == [Signal.PROVED]


async def test_frames_must_flow_anew_after_a_pause_of_our_own() -> None:
    async with watching() as one, frames(one.upstream):
        await asyncio.sleep(0.1)
        assert one.signals == []
        one.clock.slip(20.0)
        await asyncio.sleep(0.15)
        assert one.signals == []
        await until(lambda: one.signals == [Signal.PROVED])


async def test_a_process_that_is_always_late_finds_silence_all_the_same() -> None:
    async with watching() as one:
        async with frames(one.upstream):
            await until(lambda: one.signals == [Signal.PROVED])
        one.clock.slips_each_time_s = 2.5
        await until(lambda: one.signals == [Signal.PROVED, Signal.SILENT])


async def test_two_looks_in_a_row_that_decode_nothing_are_undecodable() -> None:
    async with watching() as one, frames(one.upstream):
        one.media.otherwise = no_picture
        fault = await one.fault()
        assert (fault.reason, fault.rung) == (Reason.UNDECODABLE, Rung.PLAYING)
        assert one.signals == []


async def test_one_look_that_decodes_nothing_is_no_verdict() -> None:
    bad = [outcome for _ in range(3) for outcome in (no_picture(), a_picture())]
    async with watching(*bad) as one, frames(one.upstream):
        await until(lambda: len(one.media.looks) > len(bad), within_s=4)
        assert one.signals == [Signal.PROVED]


async def test_a_key_frame_that_decoded_by_luck_among_errors_is_none() -> None:
    async with watching() as one, frames(one.upstream):
        one.media.otherwise = lambda: a_picture(decode_errors=50)
        assert (await one.fault()).reason is Reason.UNDECODABLE


async def test_looks_at_a_stream_that_has_just_stopped_do_not_count() -> None:
    async with watching() as one:
        async with frames(one.upstream):
            await until(lambda: one.signals == [Signal.PROVED])
            one.media.otherwise = no_picture
            looks = len(one.media.looks)
            await until(lambda: len(one.media.looks) > looks)
        await until(lambda: Signal.SILENT in one.signals)
        one.media.otherwise = a_picture
        async with frames(one.upstream):
            await until(lambda: one.signals[-1] is Signal.PROVED)
        assert not one.running.done()


async def test_each_look_is_at_another_key_frame() -> None:
    async with watching(no_picture()) as one, frames(one.upstream, gop=0):
        one.upstream.frame(key=True)
        await asyncio.sleep(0.4)
        assert len(one.media.looks) == 1
        assert one.upstream.gathering
        one.upstream.frame(key=True)
        await until(lambda: len(one.media.looks) == 2)


async def test_a_codec_that_is_not_put_together_is_looked_at_as_a_player_does() -> None:
    async with watching() as one:
        one.upstream.gathers = False
        async with frames(one.upstream):
            await until(lambda: one.upstream.hold_gop)
            await until(lambda: one.signals == [Signal.PROVED])
            assert not one.upstream.gathering


async def test_a_key_frame_once_in_a_long_while_is_no_fault() -> None:
    async with watching() as one, frames(one.upstream, gop=0):
        one.upstream.frame(key=True)
        await until(lambda: one.signals == [Signal.PROVED])
        await asyncio.sleep(2.5 * QUICK.keyless_max_s)
        assert one.signals == [Signal.PROVED]
        assert not one.running.done()
        assert len(one.media.looks) == 1, "no thread waits for what does not come"


async def test_frames_without_any_key_frame_are_undecodable_after_a_while() -> None:
    async with watching() as one, frames(one.upstream, gop=0):
        await asyncio.sleep(QUICK.keyless_max_s * 0.7)
        assert not one.running.done()
        fault = await one.fault()
        assert (fault.reason, one.signals, one.media.looks) == (Reason.UNDECODABLE, [], [])


async def test_busy_media_processes_say_nothing_about_a_stream() -> None:
    async with watching(*[MediaHostBusy("all taken")] * 6) as one, frames(one.upstream):
        await until(lambda: len(one.media.looks) > 6)
        await until(lambda: one.signals == [Signal.PROVED])


async def test_a_stream_at_which_a_process_died_is_looked_at_alone_and_then_as_before() -> None:
    async with watching(MediaHostLost("killed")) as one, frames(one.upstream):
        await until(lambda: len(one.media.looks) >= 3)
        assert one.media.looks[:3] == [False, True, False]
        await until(lambda: one.signals == [Signal.PROVED])


async def test_a_stream_of_which_a_process_dies_alone_is_undecodable() -> None:
    async with watching(MediaHostLost("killed"), MediaHostLost("killed")) as one, frames(one.upstream):
        assert (await one.fault()).reason is Reason.UNDECODABLE
        assert one.media.looks == [False, True]


async def test_a_codec_that_nobody_reads_ends_the_watch_at_once() -> None:
    async with watching(no_picture(Reason.CODEC_UNSUPPORTED)) as one, frames(one.upstream):
        assert (await one.fault()).reason is Reason.CODEC_UNSUPPORTED


async def test_the_end_of_the_session_is_told_by_the_session() -> None:
    async with watching() as one, frames(one.upstream):
        await until(lambda: one.signals == [Signal.PROVED])
        one.upstream.end(CameraFault(Reason.PROTOCOL_ERROR, Rung.PLAYING, "a flood"))
        assert (await one.fault()).reason is Reason.PROTOCOL_ERROR


@pytest.mark.parametrize("_", range(8))
async def test_a_session_that_ends_while_a_look_fails_has_ended(_: int) -> None:
    def fails_with_the_session() -> Outcome:
        one.upstream.end(CameraFault(Reason.ENDED, Rung.PLAYING))
        return no_picture(Reason.CODEC_UNSUPPORTED)

    async with watching() as one:
        one.media.otherwise = fails_with_the_session
        one.upstream.frame(key=True)
        assert (await one.fault()).reason is Reason.ENDED


async def test_a_session_that_was_closed_has_ended_too() -> None:
    async with watching() as one:
        one.upstream.end(None)
        assert (await one.fault()).reason is Reason.ENDED


class Suspecting(Suspicion):
    """Gives a hint when the test wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.hints = False

    def note(self, now: float, total_bytes: int, frames: int, key_frames: int) -> bool:
        return self.hints


async def test_on_suspicion_the_next_key_frame_is_looked_at() -> None:
    slow = replace(QUICK, picture_every_s=300.0)
    async with watching(settings=slow) as one, frames(one.upstream):
        suspicion = one.watch._suspicion = Suspecting()
        await until(lambda: one.signals == [Signal.PROVED])
        looks = len(one.media.looks)
        await asyncio.sleep(1.5)
        assert len(one.media.looks) == looks
        suspicion.hints = True
        await until(lambda: len(one.media.looks) > looks)
