"""The media processes as the test scripts them. Nothing is opened."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason
from services.ingest.media.results import Ended, InitSegment, MuxEvent, ProbeResult, Segment
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, Look
from services.ingest.rtsp.keyframe import Gathered
from services.runtime.clock import SystemClock

Outcome: TypeAlias = ProbeResult | Exception
_noise = np.random.default_rng(7)


def a_picture(*, decode_errors: int = 0, snapshot: bytes | None = None) -> ProbeResult:
    """A look at a scene that lives."""
    luma = _noise.integers(80, 180, (LOOK_HEIGHT, LOOK_WIDTH), dtype=np.uint8)
    return ProbeResult(
        opened=True,
        packets=30,
        keyframe_decoded=True,
        frames_decoded=1,
        decode_errors=decode_errors,
        facts=StreamFacts(codec="h264", width=640, height=360),
        snapshot=snapshot,
        looks=(Look(SystemClock().monotonic(), luma),),
        reason=None,
        detail="",
    )


def no_picture(reason: Reason = Reason.UNDECODABLE) -> ProbeResult:
    """A look that decoded nothing."""
    return ProbeResult(
        opened=True,
        packets=30,
        keyframe_decoded=False,
        frames_decoded=0,
        decode_errors=30,
        facts=StreamFacts(codec="h264"),
        snapshot=None,
        looks=(),
        reason=reason,
        detail="scripted",
    )


class ScriptedMedia:
    """Satisfies ``ingest.ports.StreamMedia``: looks come out as the test says, and then well."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        #: What looks come to once ``outcomes`` is used up.
        self.otherwise: Callable[[], Outcome] = a_picture
        #: Of each look, whether it was alone.
        self.looks: list[bool] = []
        self.muxes: list[ScriptedMux] = []

    async def probe(self, url: str, *, watch_s: float, deadline_s: float, alone: bool = False) -> ProbeResult:
        return await self._look(alone)

    async def decode(
        self, gathered: Gathered, *, deadline_s: float, snapshot: bool, alone: bool = False
    ) -> ProbeResult:
        return await self._look(alone)

    async def _look(self, alone: bool) -> ProbeResult:
        self.looks.append(alone)
        await asyncio.sleep(0.01)
        outcome = self.outcomes.pop(0) if self.outcomes else self.otherwise()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def mux(self, url: str) -> "ScriptedMux":
        self.muxes.append(ScriptedMux(url))
        return self.muxes[-1]


class ScriptedMux:
    """One mux session; the test puts its events."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.entered = self.left = False
        self._events: asyncio.Queue[MuxEvent | Exception] = asyncio.Queue()
        self._ended = False
        self._segments = 0

    def init(self, data: bytes, *, discontinuity: bool = False) -> None:
        self._events.put_nowait(InitSegment(data, "avc1.42c01e", 640, 360, discontinuity))

    def segment(self, data: bytes, duration_s: float = 1.0) -> None:
        self._events.put_nowait(Segment(self._segments, duration_s, data))
        self._segments += 1

    def end(self, event: "Ended | Exception | None" = None) -> None:
        self._events.put_nowait(event or Ended(Reason.ENDED, "scripted"))

    async def __aenter__(self) -> Self:
        self.entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.left = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MuxEvent:
        if self._ended:
            raise StopAsyncIteration
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        self._ended = isinstance(event, Ended)
        return event
