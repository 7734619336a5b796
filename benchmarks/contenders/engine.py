"""This engine alone: upstream sessions and one reactor. Frames are counted, pictures are not looked at.

The one place of the measurements that puts the engine's parts together by itself; everything larger runs a ``Worker``.
"""

import asyncio
import gc
from dataclasses import asdict
from typing import Any

from benchmarks.orders import obey
from services.contracts.camera import RtspSource
from services.ingest.faults import CameraFault
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.upstream import Upstream
from services.runtime.clock import SystemClock
from services.runtime.file_limit import raise_file_limit

#: gst-rtsp-server answers SETUP later than we wait when 64 of 300 come at once; opening is not what is measured.
_AT_ONCE = 16
_TRIES = 3


class _Engine:
    def __init__(self) -> None:
        self._clock = SystemClock()
        self._reactor = Reactor(self._clock)
        #: In the order of the streams.
        self._upstreams: list[Upstream] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._faults: list[str] = []

    async def handle(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "open":
            return await self._open(order["streams"])
        counters = [upstream.counters for upstream in self._upstreams]
        return {
            "counted": [
                {
                    "frames": one.frames,
                    "key_frames": one.key_frames,
                    "packets": one.packets,
                    "octets": one.bytes,
                    "sequence_gaps": one.sequence_gaps,
                }
                for one in counters
            ],
            "frames": [one.frames for one in counters],
            "faults": self._faults,
            "reactor": asdict(self._reactor.statistics),
        }

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(upstream.close() for upstream in self._upstreams))
        self._reactor.close()

    async def _open(self, streams: list[tuple[str, int, str]]) -> dict[str, Any]:
        sources = [RtspSource(address=address, port=port, path=path) for address, port, path in streams]
        self._upstreams = [self._new(source) for source in sources]
        await asyncio.gather(*(self._begin(index, source) for index, source in enumerate(sources)))
        gc.collect()
        return {"open": sum(not task.done() for task in self._tasks), "faults": self._faults}

    def _new(self, source: RtspSource) -> Upstream:
        return Upstream(source, None, clock=self._clock, reactor=self._reactor)

    async def _begin(self, index: int, source: RtspSource) -> None:
        async with self._gate:
            for left in reversed(range(_TRIES)):
                try:
                    await self._upstreams[index].open()
                except CameraFault as fault:
                    if not left:
                        self._faults.append(f"{fault.reason.value}: {fault.detail}")
                        return
                    self._upstreams[index] = self._new(source)
                else:
                    break
        self._tasks.append(asyncio.create_task(self._read(self._upstreams[index])))

    async def _read(self, upstream: Upstream) -> None:
        try:
            await upstream.run()
        except CameraFault as fault:
            self._faults.append(f"{fault.reason.value}: {fault.detail}")


async def _run() -> None:
    raise_file_limit()
    engine = _Engine()
    try:
        await obey(engine.handle)
    finally:
        await engine.close()


if __name__ == "__main__":
    asyncio.run(_run())
