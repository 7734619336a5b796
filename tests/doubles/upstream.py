"""A session with a camera as a watch sees it: its counters, and its end. The test lets frames come."""

import asyncio
from collections.abc import Callable
from typing import cast

from services.ingest.faults import CameraFault
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.keyframe import Gathered, Unit
from services.ingest.rtsp.sdp import VideoTrack
from services.ingest.rtsp.upstream import Upstream
from services.runtime.clock import Clock

FRAME_BYTES = 2000


class ScriptedUpstream:
    """Stands for ``rtsp.upstream.Upstream`` where only a watch looks at it."""

    def __init__(self, clock: Clock) -> None:
        self.counters = Counters()
        #: Whether key frames are put together, or must be looked at as a player does.
        self.gathers = True
        self.hold_gop = False
        self._gathering: asyncio.Future[Gathered] | None = None
        self._keys: list[Unit] = []
        self._keys_wanted = 0
        self.track: VideoTrack | None = None
        self.urgent = False
        self.frame_bytes = FRAME_BYTES
        self.on_visit: Callable[[float], None] = lambda _: None
        self._clock = clock
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def as_upstream(self) -> Upstream:
        """For a signature that asks for the real one."""
        return cast(Upstream, self)

    async def run(self) -> None:
        visiting = asyncio.create_task(self._visits())
        try:
            await asyncio.shield(self._ended)
        finally:
            visiting.cancel()

    async def _visits(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.on_visit(self._clock.monotonic())

    def end(self, fault: CameraFault | None) -> None:
        """The session is over."""
        if fault is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(fault)

    def frame(self, *, key: bool = False, media_s: float = 0.02) -> None:
        """A frame comes, ``media_s`` of media time after the last."""
        counters = self.counters
        counters.frames += 1
        counters.packets += 2
        counters.bytes += self.frame_bytes
        counters.received += self.frame_bytes
        counters.media_time_s += media_s
        counters.last_frame_at = self._clock.monotonic()
        if key:
            counters.note_key_frame()
            self._keys.append(Unit(True, self._clock.monotonic(), b"key"))
            self._settle()

    def gather(self, *, keys: int = 1, following: int = 0) -> "asyncio.Future[Gathered]":
        self._gathering = asyncio.get_running_loop().create_future()
        self._keys_wanted = keys
        self._settle()
        return self._gathering

    def _settle(self) -> None:
        if self._gathering is not None and not self._gathering.done() and len(self._keys) >= self._keys_wanted:
            self._gathering.set_result(Gathered("h264", b"", tuple(self._keys)))

    @property
    def gathering(self) -> bool:
        """Whether a key frame is waited for."""
        return self._gathering is not None

    def stop_gathering(self) -> None:
        self._gathering, self._keys = None, []

    async def play(self, seconds: float = 3600.0, *, fps: float = 50.0, gop: int = 5) -> None:
        """Let frames come; ``gop`` 0: no key frame among them."""
        loop = asyncio.get_running_loop()
        until, number = loop.time() + seconds, 0
        while loop.time() < until:
            self.frame(key=gop > 0 and number % gop == 0, media_s=1 / fps)
            number += 1
            await asyncio.sleep(1 / fps)
