"""One stream while it runs: are frames coming, and what do they show."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Protocol

from services.contracts.camera import Snapshot, StreamFacts
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.health import Signal
from services.ingest.media.results import MediaHostBusy, MediaHostLost, ProbeResult
from services.ingest.picture import History, judge
from services.ingest.rtsp.upstream import Upstream
from services.ingest.tools import Tools

_TICK_S = 0.5
#: A pass this late means that our own process stood still: what waits in the buffers is old, nothing is judged by it.
_STALL_S = 2.0
#: Media measured in the first look, after its first key frame.
_FIRST_WATCH_S = 2.0
_FIRST_DEADLINE_S = 20.0
_LOOK_DEADLINE_S = 15.0
#: Looks in a row at running frames that decoded nothing, until the stream counts as undecodable.
_UNDECODED_MAX = 2
#: A picture that looks as before is looked at again so soon.
_SUSPICION_S = 5.0


class WatchEvents(Protocol):
    """Who is told. Implementation: ``session.CameraSession``."""

    def on_signal(self, signal: Signal, rung: Rung, reason: Reason | None) -> None:
        """Frames were proved, or fell silent."""

    def on_picture(self, reasons: tuple[Reason, ...]) -> None:
        """The picture was judged."""

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """A key frame was decoded to a picture."""


class Watch:
    """Watches one opened upstream session until it fails."""

    def __init__(
        self,
        upstream: Upstream,
        url: str,
        history: History,
        events: WatchEvents,
        tools: Tools,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._upstream = upstream
        self._url = url
        self._events = events
        self._tools = tools
        self._uniform = uniform
        self._probed = StreamFacts()
        self._decoded = False
        self._fallen_silent = False
        self._suspected = False
        #: Looks so far; outlives this watch, since a frozen picture may survive a reconnect.
        self.history = history
        #: Whether frames were proved during this watch.
        self.proved = False

    @property
    def facts(self) -> StreamFacts:
        """What the stream is: codec and size as decoded, rates as counted."""
        rates = self._upstream.counters.rates(self._tools.clock.monotonic())
        track = self._upstream.track
        probed = self._probed
        return StreamFacts(
            codec=probed.codec or (track.codec if track else None),
            width=probed.width,
            height=probed.height,
            fps=_rounded(rates.fps if rates.fps is not None else probed.fps, 2),
            bitrate_kbps=_rounded(rates.bitrate_kbps if rates.bitrate_kbps is not None else probed.bitrate_kbps, 1),
            keyframe_interval_s=_rounded(rates.keyframe_interval_s or probed.keyframe_interval_s, 2),
        )

    async def run(self) -> None:
        """Watch until the stream fails. Raises the CameraFault that ended it."""
        tasks = [
            asyncio.create_task(self._upstream.run()),
            asyncio.create_task(self._watch_frames()),
            asyncio.create_task(self._watch_picture()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise CameraFault(Reason.ENDED, Rung.PLAYING, "the session was closed")
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch_frames(self) -> None:
        clock, settings, counters = self._tools.clock, self._tools.settings, self._upstream.counters
        quiet_since = last_tick = clock.monotonic()
        flowing_since: float | None = None
        while True:
            await asyncio.sleep(_TICK_S)
            now = clock.monotonic()
            if now - last_tick > _STALL_S:
                quiet_since, flowing_since = now, None
            last_tick = now
            last_frame_at = counters.last_frame_at
            silent_s = now - max(quiet_since, last_frame_at or quiet_since)
            if silent_s >= settings.settle_down_s:
                flowing_since = None
                self._on_silence(silent_s)
            elif last_frame_at is not None and now - last_frame_at < settings.settle_down_s:
                flowing_since = flowing_since if flowing_since is not None else last_frame_at
                if self._decoded and now - flowing_since >= settings.settle_up_s:
                    self._on_frames()

    def _on_frames(self) -> None:
        if not self.proved or self._fallen_silent:
            self.proved, self._fallen_silent = True, False
            self._events.on_signal(Signal.PROVED, Rung.FRAMES, None)

    def _on_silence(self, silent_s: float) -> None:
        reason = Reason.STALLED if self._upstream.counters.frames else Reason.NO_FRAMES
        if not self._fallen_silent:
            self._fallen_silent = True
            self._events.on_signal(Signal.SILENT, Rung.PLAYING, reason)
        if silent_s >= 2 * self._tools.settings.settle_down_s:
            # It had its chance to go on; a new session may do better than a dead one.
            raise CameraFault(reason, Rung.PLAYING, f"no frame for {silent_s:.0f} s")

    async def _watch_picture(self) -> None:
        undecoded = 0
        while True:
            first = not self._decoded
            keys_before = self._upstream.counters.key_frames
            result = await self._look(first=first)
            if result is None:
                await asyncio.sleep(self._uniform(0.5, 1.5))
                continue
            if result.keyframe_decoded:
                undecoded = 0
                if first:
                    self._upstream.hold_gop = False
                await asyncio.sleep(self._take(result))
                continue
            if result.reason is Reason.CODEC_UNSUPPORTED:
                raise CameraFault(Reason.CODEC_UNSUPPORTED, Rung.PLAYING, result.detail)
            if not self._fallen_silent and self._frames_are_fresh():
                undecoded += 1
            if undecoded >= _UNDECODED_MAX:
                keys = self._upstream.counters.key_frames - keys_before
                raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, f"{keys} key frames seen, none decoded")
            await asyncio.sleep(self._uniform(0.5, 1.5))

    async def _look(self, *, first: bool) -> ProbeResult | None:
        """One look by PyAV; None when its process was busy or died, which says nothing about the stream yet."""
        watch_s, deadline_s = (_FIRST_WATCH_S, _FIRST_DEADLINE_S) if first else (0.0, _LOOK_DEADLINE_S)
        try:
            result = await self._tools.media.probe(
                self._url, watch_s=watch_s, deadline_s=deadline_s, alone=self._suspected
            )
        except MediaHostBusy:
            return None
        except MediaHostLost as error:
            if self._suspected:
                raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, "the decoder died of it, alone") from error
            # It may have been another stream of that process: look again where it can only harm itself.
            self._suspected = True
            return None
        self._suspected = False
        return result

    def _take(self, result: ProbeResult) -> float:
        """Judge what was seen; returns the seconds until the next look."""
        settings = self._tools.settings
        if result.facts.codec is not None:
            self._probed = result.facts if not self._decoded else _merged(self._probed, result.facts)
        self._decoded = True
        reasons: tuple[Reason, ...] = ()
        suspicious = False
        for look in result.looks:
            self.history, reasons = judge(self.history, look, frozen_after_s=settings.frozen_after_s)
            suspicious = len(self.history.looks) > 1
        self._events.on_picture(reasons)
        if result.snapshot is not None:
            self._events.on_snapshot(Snapshot(taken_at=self._tools.clock.now(), jpeg=result.snapshot))
        every_s = settings.picture_every_s
        if suspicious or reasons:
            every_s = min(every_s, max(_SUSPICION_S, settings.frozen_after_s / 4))
        return every_s * self._uniform(0.9, 1.1)

    def _frames_are_fresh(self) -> bool:
        last = self._upstream.counters.last_frame_at
        return last is not None and self._tools.clock.monotonic() - last < self._tools.settings.settle_down_s


def _merged(known: StreamFacts, newer: StreamFacts) -> StreamFacts:
    """The newer facts where they were measured, else the known ones."""
    return known.model_copy(update={name: value for name, value in newer.model_dump().items() if value is not None})


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
