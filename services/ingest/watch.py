"""One stream while it runs: are frames coming, and what do they show."""

import asyncio
import random
from collections.abc import Callable
from typing import Literal, Protocol

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason, Rung
from services.ingest.device_events.topics import Kind
from services.ingest.faults import CameraFault
from services.ingest.health import Signal
from services.ingest.liveness import Liveness
from services.ingest.picture import History
from services.ingest.picture_watch import PictureEvents, PictureWatch
from services.ingest.rtsp.upstream import Upstream
from services.ingest.suspicion import Suspicion
from services.ingest.tools import Tools

_SUSPECT_EVERY_S = 1.0


class WatchEvents(PictureEvents, Protocol):
    """Who is told. Implementation: ``session.CameraSession``."""

    def on_signal(self, signal: Signal, rung: Rung, reason: Reason | None) -> None:
        """Frames were proved, or fell silent."""


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
        """``url`` is that of the relay; ``history``, the looks at this source so far."""
        self._upstream = upstream
        self._events = events
        self._tools = tools
        self._liveness = Liveness(
            tools.clock.monotonic(),
            settle_up_s=tools.settings.settle_up_s,
            settle_down_s=tools.settings.settle_down_s,
        )
        self._picture = PictureWatch(
            upstream,
            url,
            history,
            self._liveness,
            events,
            tools,
            lambda: self.facts.keyframe_interval_s,
            uniform,
        )
        self._suspicion = Suspicion()
        self._suspected_at = tools.clock.monotonic()
        self._over: asyncio.Future[None] | None = None

    @property
    def how(self) -> Literal["reactor", "pyav"]:
        """From which packets its pictures come: those that the reactor reads, or those that PyAV asks the relay for."""
        return "reactor" if self._upstream.gathers else "pyav"

    @property
    def proved(self) -> bool:
        """Whether frames were proved during this watch."""
        return self._liveness.proved

    @property
    def history(self) -> History:
        """The looks so far."""
        return self._picture.history

    @property
    def facts(self) -> StreamFacts:
        """What the stream is: codec and size as decoded, rates as counted."""
        rates = self._upstream.counters.rates(self._tools.clock.monotonic())
        track = self._upstream.track
        probed = self._picture.facts
        return StreamFacts(
            codec=probed.codec or (track.codec if track else None),
            width=probed.width,
            height=probed.height,
            fps=_rounded(rates.fps if rates.fps is not None else probed.fps, 2),
            bitrate_kbps=_rounded(rates.bitrate_kbps if rates.bitrate_kbps is not None else probed.bitrate_kbps, 1),
            keyframe_interval_s=_rounded(rates.keyframe_interval_s or probed.keyframe_interval_s, 2),
        )

    def hint(self, kind: Kind) -> None:
        """The device noticed something itself."""
        self._picture.hint(kind)

    async def run(self) -> None:
        """Watch until the stream fails. Raises the CameraFault that ended it."""
        self._over = asyncio.get_running_loop().create_future()
        self._upstream.on_visit = self._on_visit
        tasks = [asyncio.create_task(self._upstream.run()), asyncio.create_task(self._picture.run())]
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
        self._upstream.urgent = not self._liveness.settled
        if now - self._suspected_at >= _SUSPECT_EVERY_S:
            self._suspected_at = now
            counters = self._upstream.counters
            if self._suspicion.note(now, counters.bytes, counters.frames, counters.key_frames):
                self._picture.look_now()
        if seen is None:
            return
        if seen.signal is Signal.PROVED:
            self._events.on_signal(Signal.PROVED, Rung.FRAMES, None)
        elif seen.signal is Signal.SILENT:
            self._events.on_signal(Signal.SILENT, Rung.PLAYING, seen.reason)
            self._picture.look_now()
        if seen.over and seen.reason is not None and self._over is not None and not self._over.done():
            self._over.set_exception(
                CameraFault(seen.reason, Rung.PLAYING, f"no frame in time for {seen.silent_s:.0f} s")
            )


def _nothing(_: float) -> None:
    """Nobody listens to visits."""


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
