"""Live media of the cameras this worker watches: muxed while somebody looks, kept for a few segments."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from services.contracts.errors import NotFound, Unavailable
from services.contracts.hls import HlsSegment, HlsWindow
from services.contracts.ids import CameraId
from services.ingest.media.events import Ended, InitSegment, Segment
from services.ingest.media.results import MediaHostBusy, MediaHostLost, MuxOverrun
from services.ingest.ports import StreamMedia
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import Upstream
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

#: Segments offered, and kept a little longer for players that are behind.
_OFFERED = 6
_KEPT = 9
#: Bytes kept of one camera; long segments at a high bit rate are kept fewer.
_KEPT_BYTES = 32 * 1024 * 1024
_RESTART_S = 0.5
_NUMBERS_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
#: A mux session is begun anew after so long; players see a discontinuity.
_CLIENT_MAX_S = 6 * 3600.0


class NotPlaying(Unavailable):
    """The camera gives no picture now. Try again shortly."""

    code = "not-playing"


class TooManyLiveStreams(Unavailable):
    """This worker serves as many live cameras as it may. Try again when others have stopped watching."""

    code = "too-many-live-streams"


class SegmentGone(NotFound):
    """This segment is not kept any more. Load the playlist again."""

    code = "segment-gone"


class Feeds(Protocol):
    """Where open streams are found. Satisfied by the supervisor's sessions; see ``worker``."""

    def __call__(self, camera_id: CameraId, /) -> Upstream | None:
        """The open stream. Asked again at every request of a player: a sampled camera is held open by it."""


class Coming(Protocol):
    """Whether a stream that is not open now is being opened because it was asked for."""

    def __call__(self, camera_id: CameraId, /) -> bool: ...


@dataclass(slots=True)
class _Kept:
    segment: HlsSegment
    data: bytes


@dataclass(slots=True)
class _Live:
    """One camera that somebody looks at."""

    last_asked: float
    #: Numbers to come.
    next_init: int
    next_index: int
    kept: deque[_Kept] = field(default_factory=deque)
    inits: dict[int, InitSegment] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    muxing: asyncio.Task[None] | None = None
    ended: bool = False


class LiveMuxers:
    """Satisfies ``live.ports.HlsSource`` in one process, and stands behind the media endpoint of a worker."""

    def __init__(
        self,
        feeds: Feeds,
        relay: Relay,
        media: StreamMedia,
        streams_max: int,
        clock: Clock,
        *,
        idle_s: float = 30.0,
        first_segment_s: float = 15.0,
        coming: Coming = lambda _: False,
    ) -> None:
        """A camera is muxed until nobody has asked for ``idle_s``; who asks first waits ``first_segment_s`` at most."""
        self._feeds = feeds
        self._coming = coming
        self._relay = relay
        self._media = media
        self._streams_max = streams_max
        self._idle_s = idle_s
        self._first_segment_s = first_segment_s
        self._clock = clock
        self._live: dict[CameraId, _Live] = {}

    @property
    def streams(self) -> int:
        """Cameras that are muxed now."""
        return len(self._live)

    async def window(self, camera_id: CameraId) -> HlsWindow:
        """The segments that can be had. Raises NotPlaying or TooManyLiveStreams."""
        live = self._asked(camera_id)
        try:
            async with asyncio.timeout(self._first_segment_s):
                while not live.kept:
                    if live.ended:
                        raise NotPlaying
                    live.changed.clear()
                    await live.changed.wait()
        except TimeoutError as error:
            raise NotPlaying(f"The camera gave no segment within {self._first_segment_s:g} s.") from error
        offered = list(live.kept)[-_OFFERED:]
        first = live.inits[offered[0].segment.init]
        return HlsWindow(
            codec=first.codec,
            width=first.width,
            height=first.height,
            bandwidth=max(int(len(one.data) * 8 / max(one.segment.duration_s, 0.1)) for one in offered),
            discontinuities=offered[0].segment.init,
            segments=tuple(one.segment for one in offered),
        )

    async def init(self, camera_id: CameraId, number: int) -> bytes:
        """Raises SegmentGone."""
        live = self._known(camera_id)
        init = live.inits.get(number)
        if init is None:
            raise SegmentGone
        return init.data

    async def segment(self, camera_id: CameraId, index: int) -> bytes:
        """Raises SegmentGone."""
        for one in self._known(camera_id).kept:
            if one.segment.index == index:
                return one.data
        raise SegmentGone

    async def close(self) -> None:
        """Stop all muxing."""
        tasks = [live.muxing for live in self._live.values() if live.muxing is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, camera_id: CameraId) -> _Live:
        live = self._live.get(camera_id)
        if live is None:
            raise SegmentGone
        live.last_asked = self._clock.monotonic()
        return live

    def _asked(self, camera_id: CameraId) -> _Live:
        upstream = self._feeds(camera_id)
        live = self._live.get(camera_id)
        if live is None:
            if upstream is None and not self._coming(camera_id):
                raise NotPlaying
            if len(self._live) >= self._streams_max:
                raise TooManyLiveStreams
            # A player may go on from another worker, or from a run of ours that ended for want of viewers. Segments
            # last a second at least, so that numbers that begin with the time are higher than all before.
            begin = int((self._clock.now() - _NUMBERS_SINCE).total_seconds())
            live = self._live[camera_id] = _Live(self._clock.monotonic(), next_init=begin, next_index=begin)
            live.muxing = asyncio.create_task(self._serve(camera_id, live), name=f"live {camera_id}")
        live.last_asked = self._clock.monotonic()
        return live

    async def _serve(self, camera_id: CameraId, live: _Live) -> None:
        """Mux until nobody has asked for a while; begin anew when the stream was interrupted meanwhile."""
        watcher = asyncio.current_task()
        idle = asyncio.create_task(self._stop_when_idle(live, watcher.cancel if watcher else lambda: None))
        try:
            while True:
                upstream = self._feeds(camera_id)
                if upstream is not None and upstream.track is not None:
                    await self._mux(camera_id, upstream, live)
                await asyncio.sleep(_RESTART_S)
        except Exception:
            log.exception("live stream failed", extra={"camera_id": camera_id})
        finally:
            idle.cancel()
            self._live.pop(camera_id, None)
            live.ended = True
            live.changed.set()

    async def _stop_when_idle(self, live: _Live, stop: Callable[[], object]) -> None:
        while (rest_s := live.last_asked + self._idle_s - self._clock.monotonic()) > 0:  # noqa: ASYNC110 - time passes, no event
            await asyncio.sleep(rest_s)
        stop()

    async def _mux(self, camera_id: CameraId, upstream: Upstream, live: _Live) -> None:
        url = self._relay.mount(upstream, client_max_s=_CLIENT_MAX_S)
        try:
            async with self._media.mux(url) as events:
                async for event in events:
                    if isinstance(event, InitSegment):
                        live.inits[live.next_init] = event
                        live.next_init += 1
                    elif isinstance(event, Segment):
                        _keep(live, event)
                    elif isinstance(event, Ended) and event.reason is not None:
                        log.info(
                            "live stream interrupted", extra={"camera_id": camera_id, "reason": event.reason.value}
                        )
        except (MediaHostBusy, MediaHostLost, MuxOverrun) as error:
            log.warning("live stream begins anew", extra={"camera_id": camera_id, "error": repr(error)})
        finally:
            self._relay.unmount(url)


def _keep(live: _Live, event: Segment) -> None:
    segment = HlsSegment(index=live.next_index, duration_s=event.duration_s, init=live.next_init - 1)
    live.next_index += 1
    live.kept.append(_Kept(segment, event.data))
    while len(live.kept) > _KEPT or (len(live.kept) > 2 and sum(len(one.data) for one in live.kept) > _KEPT_BYTES):
        live.kept.popleft()
    needed = {one.segment.init for one in live.kept}
    live.inits = {
        number: init for number, init in live.inits.items() if number in needed or number == live.next_init - 1
    }
    live.changed.set()
