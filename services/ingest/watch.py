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
from services.ingest.liveness import Liveness
from services.ingest.media.results import MediaHostBusy, MediaHostLost, ProbeResult
from services.ingest.picture import History, judge, seen_before, stands_still
from services.ingest.rtsp.upstream import Upstream
from services.ingest.tools import Tools

_KEY_POLL_S = 0.1
#: Media measured in the first look, after its first key frame.
_FIRST_WATCH_S = 2.0
_FIRST_DEADLINE_S = 20.0
_LOOK_DEADLINE_S = 15.0
#: Looks in a row at running frames that decoded nothing, until the stream counts as undecodable.
_UNDECODED_MAX = 2
#: A picture that looks as before is looked at again so soon, for long enough to see two key frames in a row.
_SUSPICION_S = 5.0
_TWO_KEYS_FACTOR = 1.3
_TWO_KEYS_MAX_S = 8.0
#: Key frames further apart than that are seen one by one: so many must show the same picture.
_LONE_LOOKS_MIN = 5


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
        self._liveness = Liveness(
            tools.clock.monotonic(),
            settle_up_s=tools.settings.settle_up_s,
            settle_down_s=tools.settings.settle_down_s,
        )
        self._over: asyncio.Future[None] | None = None
        self._look_now = asyncio.Event()
        self._suspected = False
        self._suspicious = False  # the picture looks as it did before
        self._looked_at = 0  # how many key frames had come before the one that is held for the next look
        #: Looks so far; outlives this watch, since a frozen picture may survive a reconnect.
        self.history = history

    @property
    def proved(self) -> bool:
        """Whether frames were proved during this watch."""
        return self._liveness.proved

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
        self._over = asyncio.get_running_loop().create_future()
        self._upstream.on_visit = self._on_visit
        tasks = [
            asyncio.create_task(self._upstream.run()),
            asyncio.create_task(self._watch_picture()),
        ]
        try:
            await asyncio.wait([*tasks, self._over], return_when=asyncio.FIRST_COMPLETED)
            for ended in (*tasks, self._over):  # should several have ended, the session's own word comes first
                if ended.done():
                    ended.result()
            raise CameraFault(Reason.ENDED, Rung.PLAYING, "the session was closed")
        finally:
            self._upstream.on_visit = _nothing
            self._over.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _on_visit(self, now: float) -> None:
        """What came was counted."""
        seen = self._liveness.look(now, self._upstream.counters)
        if seen is None:
            return
        if seen.signal is Signal.PROVED:
            self._events.on_signal(Signal.PROVED, Rung.FRAMES, None)
        elif seen.signal is Signal.SILENT:
            self._events.on_signal(Signal.SILENT, Rung.PLAYING, seen.reason)
            self._look_now.set()
        if seen.over and seen.reason is not None and self._over is not None and not self._over.done():
            self._over.set_exception(
                CameraFault(seen.reason, Rung.PLAYING, f"no frame in time for {seen.silent_s:.0f} s")
            )

    async def _watch_picture(self) -> None:
        undecoded = 0
        while True:
            await self._hold_key_frame()
            result = await self._look(first=not self._liveness.decoded)
            if result is None:
                await asyncio.sleep(self._uniform(0.5, 1.5))
                continue
            self._upstream.hold_gop = False  # the next look is at another key frame
            if result.decodes:
                undecoded = 0
                await self._pause(self._take(result))
                continue
            if result.reason is Reason.CODEC_UNSUPPORTED:
                raise CameraFault(Reason.CODEC_UNSUPPORTED, Rung.PLAYING, result.detail)
            if self._liveness.flowing and self._frames_are_fresh():
                undecoded += 1
            if undecoded >= _UNDECODED_MAX:
                keys = self._upstream.counters.key_frames
                raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, f"{keys} key frames came, the last do not decode")
            await asyncio.sleep(self._uniform(0.5, 1.5))

    async def _pause(self, seconds: float) -> None:
        """Until the next look is due, or the stream falls silent."""
        self._look_now.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._look_now.wait()

    async def _hold_key_frame(self) -> None:
        """Wait until a key frame is held that was not looked at yet, so that a look begins at once.

        PyAV would give up a stream on which nothing comes for five seconds, and some cameras send a key frame a minute.
        While it is waited for, no thread is taken.
        """
        upstream, clock = self._upstream, self._tools.clock
        if not upstream.hold_gop:
            self._looked_at = upstream.counters.key_frames
            upstream.hold_gop = True
        keyless_since = clock.monotonic()
        while upstream.counters.key_frames <= self._looked_at:
            if not self._frames_are_fresh():
                keyless_since = clock.monotonic()
            elif not self._liveness.decoded and clock.monotonic() - keyless_since >= self._tools.settings.keyless_max_s:
                raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, "frames come, but no key frame to begin with")
            await asyncio.sleep(_KEY_POLL_S)

    async def _look(self, *, first: bool) -> ProbeResult | None:
        """One look by PyAV; None when its process was busy or died, which says nothing about the stream yet."""
        watch_s, deadline_s = (_FIRST_WATCH_S, _FIRST_DEADLINE_S) if first else (0.0, _LOOK_DEADLINE_S)
        if self._suspicious:
            watch_s, deadline_s = self._two_keys_s(), _FIRST_DEADLINE_S
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
        finally:
            # Where nothing decodes, a thread may wait inside FFmpeg for what never comes: it would take its process along.
            self._tools.relay.cut(self._url)
        self._suspected = False
        return result

    def _take(self, result: ProbeResult) -> float:
        """Judge what was seen; returns the seconds until the next look."""
        settings = self._tools.settings
        if result.facts.codec is not None:
            self._probed = result.facts if not self._liveness.decoded else _merged(self._probed, result.facts)
        # While nothing flows it was a key frame from before the silence.
        self._liveness.decoded = self._liveness.flowing or not self._liveness.fallen_silent
        reasons: tuple[Reason, ...] = ()
        if self._liveness.fallen_silent or self._liveness.is_behind():
            # What comes too late may show what was shown before: no judgement on it, nor by it.
            self.history = History()
            return settings.settle_up_s
        for look in result.looks:
            self.history, reasons = judge(self.history, look, frozen_after_s=settings.frozen_after_s)
        self._suspicious = seen_before(self.history)
        if Reason.FROZEN in reasons and not self._is_frozen(result):
            reasons = tuple(reason for reason in reasons if reason is not Reason.FROZEN)
        self._events.on_picture(reasons)
        if result.snapshot is not None:
            self._events.on_snapshot(Snapshot(taken_at=self._tools.clock.now(), jpeg=result.snapshot))
        every_s = settings.picture_every_s
        if self._suspicious or reasons:
            every_s = min(every_s, max(_SUSPICION_S, settings.frozen_after_s / 4))
        return every_s * self._uniform(0.9, 1.1)

    def _is_frozen(self, result: ProbeResult) -> bool:
        """Whether the looks of this probe bear out what comparing with old ones says."""
        still = stands_still(result.looks)
        if still is not None:
            return still
        return self._two_keys_s() >= _TWO_KEYS_MAX_S and len(self.history.looks) >= _LONE_LOOKS_MIN

    def _two_keys_s(self) -> float:
        """How long to look to see two key frames in a row."""
        return min(_TWO_KEYS_FACTOR * (self.facts.keyframe_interval_s or _TWO_KEYS_MAX_S), _TWO_KEYS_MAX_S)

    def _frames_are_fresh(self) -> bool:
        return self._liveness.is_fresh(self._tools.clock.monotonic())


def _nothing(_: float) -> None:
    """Nobody listens to visits."""


def _merged(known: StreamFacts, newer: StreamFacts) -> StreamFacts:
    """The newer facts where they were measured, else the known ones."""
    return known.model_copy(update={name: value for name, value in newer.model_dump().items() if value is not None})


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
