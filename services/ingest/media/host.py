"""The media processes as the rest of ingest uses them: probe a stream, remux a stream. Never imports av."""

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from pydantic import ValidationError

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason
from services.ingest.media.call import Call
from services.ingest.media.events import Ended, InitSegment, MuxEvent, Segment
from services.ingest.media.pool import Pool
from services.ingest.media.process import ProcessLimits
from services.ingest.media.results import MediaHostBusy, MediaHostLost, ProbeResult
from services.ingest.media.wire import Frame, UnitPlan
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, Look
from services.ingest.rtsp.keyframe import Gathered

#: How long a decoder may go on after its deadline before its process is ended.
_DECODE_LINGERS_S = 5.0


class MediaHost:
    """PyAV at arm's length: streams are opened and decoded in child processes that may hang, crash or run out of memory.

    Give it loopback URLs of the relay only. Start it in a thread that lives as long as the host (see
    ``sandbox.confine``). Probes and live sessions share threads: use two hosts where they should not.
    """

    def __init__(
        self,
        processes: int = 1,
        threads_per_process: int = 16,
        memory_limit_bytes: int = 2 * 1024**3,
        *,
        grace_s: float = 2.0,
        pong_within_s: float = 10.0,
        recycle_after: int = 20_000,
        backlog: int = 256,
    ) -> None:
        """``memory_limit_bytes`` bounds the address space of each process; ``backlog``, the requests that wait.

        For the others see ``process.ProcessLimits``.
        """
        limits = ProcessLimits(threads_per_process, memory_limit_bytes, grace_s, pong_within_s, recycle_after)
        self._pool = Pool("media", processes=processes, limits=limits, backlog=backlog)
        self._alone = Pool("alone", processes=1, limits=replace(limits, threads=1), backlog=backlog)
        self._alone_starting: asyncio.Task[None] | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that are ready."""
        return [process.pid for pool in (self._pool, self._alone) for process in pool.processes if process.pid]

    async def start(self) -> None:
        """Start the children. Raises MediaHostLost when they cannot be started."""
        await self._pool.start()

    async def close(self) -> None:
        """End the children. Requests under way fail with MediaHostLost."""
        if self._alone_starting is not None:
            await asyncio.wait([self._alone_starting])
        await self._alone.close()
        await self._pool.close()

    async def probe(
        self, url: str, *, deadline_s: float, watch_s: float = 2.5, silence_s: float = 5.0, alone: bool = False
    ) -> ProbeResult:
        """Open a stream as a player would, decode its next key frame, watch it for ``watch_s`` of media time.

        ``watch_s`` 0 is the quick look: the next key frame, its picture and no rates. ``deadline_s`` includes the wait
        for a free thread, which takes half of it at most: a stream that was given no time shall not look like one that
        does not open. When it comes, the result tells what was learned until then. The caller then closes the
        relay's connection, which frees the thread. ``alone`` is for a stream that was being probed when a process was
        lost: it gets a process to itself, where it can harm no other.

        Raises MediaHostBusy or MediaHostLost.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        pool = await self._started_alone() if alone else self._pool
        process = await pool.place(until - deadline_s / 2)
        remaining_s = max(until - loop.time(), 0.0)
        call = process.begin(
            {"op": "probe", "url": url, "deadline_s": remaining_s, "watch_s": watch_s, "silence_s": silence_s},
            deadline_s=remaining_s,
            lingers_s=silence_s,
        )
        try:
            return _probed(await call.next())
        except asyncio.CancelledError:
            call.cancel()
            raise

    async def decode(
        self, gathered: Gathered, *, deadline_s: float, snapshot: bool, alone: bool = False
    ) -> ProbeResult:
        """Decode key frames that were gathered from a stream: a look for each, a JPEG of the first if wanted, no rates.

        ``deadline_s`` and ``alone`` as with ``probe``. Raises MediaHostBusy or MediaHostLost.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        pool = await self._started_alone() if alone else self._pool
        process = await pool.place(until - deadline_s / 2)
        remaining_s = max(until - loop.time(), 0.0)
        request = {
            "op": "decode",
            "codec": gathered.codec,
            "deadline_s": remaining_s,
            "snapshot": snapshot,
            "extradata_bytes": len(gathered.extradata),
            "units": [UnitPlan(len(unit.data), unit.key, unit.arrived_at) for unit in gathered.units],
        }
        blob = b"".join((gathered.extradata, *(unit.data for unit in gathered.units)))
        call = process.begin(request, deadline_s=remaining_s, lingers_s=_DECODE_LINGERS_S, blob=blob)
        try:
            return _probed(await call.next())
        except asyncio.CancelledError:
            call.cancel()
            raise

    def mux(self, url: str, *, silence_s: float = 10.0, wait_s: float = 5.0) -> "MuxSession":
        """Remux a stream while the session is entered: ``async with host.mux(url) as events: async for event in events``."""
        return MuxSession(self._pool, url, silence_s=silence_s, wait_s=wait_s)

    async def _started_alone(self) -> Pool:
        if self._alone_starting is None or _failed(self._alone_starting):
            self._alone_starting = asyncio.create_task(self._alone.start(), name="media process alone")
        try:
            await asyncio.shield(self._alone_starting)
        except MediaHostLost as error:
            # It never got to see the stream, which must not be blamed for it.
            raise MediaHostBusy("the process for streams that need one alone does not start") from error
        return self._alone


class MuxSession:
    """One remuxed stream: an async context manager, and an iterator of events that ends after ``Ended``.

    Entering raises MediaHostBusy when no thread comes free in time. Iterating raises MediaHostLost when the process is
    gone, MuxOverrun when the reader is too slow. Leaving ends the session in the child too.
    """

    def __init__(self, pool: Pool, url: str, *, silence_s: float, wait_s: float) -> None:
        self._pool = pool
        self._url = url
        self._silence_s = silence_s
        self._wait_s = wait_s
        self._call: Call | None = None
        self._ended = False

    async def __aenter__(self) -> Self:
        process = await self._pool.place(asyncio.get_running_loop().time() + self._wait_s)
        self._call = process.begin(
            {"op": "mux", "url": self._url, "silence_s": self._silence_s}, deadline_s=None, lingers_s=self._silence_s
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._call is not None:
            self._call.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MuxEvent:
        if self._ended or self._call is None:
            raise StopAsyncIteration
        event = _muxed(await self._call.next())
        self._ended = isinstance(event, Ended)
        return event


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _probed(frame: Frame) -> ProbeResult:
    """Read the child's answer, which hostile video may have had a hand in."""
    header, blob = frame
    reason = _reason(frame)
    try:
        moments = [float(moment) for moment in header["looks_at"]]
        snapshot_bytes = len(blob) - len(moments) * LOOK_HEIGHT * LOOK_WIDTH
        lumas = np.frombuffer(blob, np.uint8, offset=snapshot_bytes).reshape(len(moments), LOOK_HEIGHT, LOOK_WIDTH)
        return ProbeResult(
            opened=bool(header["opened"]),
            packets=int(header["packets"]),
            keyframe_decoded=bool(header["keyframe_decoded"]),
            frames_decoded=int(header["frames_decoded"]),
            decode_errors=int(header["decode_errors"]),
            facts=StreamFacts(**header["facts"]),
            snapshot=blob[:snapshot_bytes] or None,
            looks=tuple(Look(moment, luma.copy()) for moment, luma in zip(moments, lumas, strict=True)),
            reason=reason,
            detail=str(header["detail"]),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise MediaHostLost(f"the media process answers nonsense: {type(error).__name__}") from error


def _muxed(frame: Frame) -> MuxEvent:
    header, blob = frame
    try:
        match header.get("event"):
            case "init":
                return InitSegment(
                    data=blob,
                    codec=str(header["codec"]),
                    width=int(header["width"]),
                    height=int(header["height"]),
                    discontinuity=bool(header["discontinuity"]),
                )
            case "segment":
                return Segment(int(header["index"]), float(header["duration_s"]), blob)
            case _:
                return Ended(_reason(frame), str(header.get("detail", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise MediaHostLost(f"the media process answers nonsense: {type(error).__name__}") from error


def _reason(frame: Frame) -> Reason | None:
    reason = frame.header.get("reason")
    try:
        return None if reason is None else Reason(reason)
    except ValueError:
        return Reason.UNDECODABLE
