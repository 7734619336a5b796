"""Upstreams for tests: short bounds, and always closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.contracts.camera import Credentials, RtspSource
from services.contracts.ladder import Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.upstream import Upstream, UpstreamLimits
from services.runtime.clock import SystemClock

CREDENTIALS = Credentials(username="admin", password='p@ss:w/rd?#%"é', version=1)

#: As the defaults, but a test does not wait for seconds.
QUICK = UpstreamLimits(connect_s=0.5, reply_s=0.6, open_s=1.2, teardown_s=0.3)


class Watched:
    """An upstream, the rungs it reached, and the task that runs it."""

    def __init__(self, upstream: Upstream, rungs: list[Rung]) -> None:
        self.upstream = upstream
        self.rungs = rungs
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open and run it."""
        await self.upstream.open()
        self._running = asyncio.create_task(self.upstream.run())

    async def ended(self, within_s: float = 5.0) -> CameraFault | None:
        """Wait for its end: the fault, or None when it was closed."""
        assert self._running is not None
        async with asyncio.timeout(within_s):
            try:
                await self._running
            except CameraFault as fault:
                return fault
        return None

    async def until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        """Wait until the condition holds."""
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.01)

    async def frames(self, count: int) -> None:
        """Wait until so many frames were counted."""
        await self.until(lambda: self.upstream.counters.frames >= count)

    async def close(self) -> None:
        await self.upstream.close()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)


@asynccontextmanager
async def watched(
    port: int,
    credentials: Credentials | None = None,
    *,
    path: str = "/cam",
    limits: UpstreamLimits = QUICK,
    hold_gop: bool = False,
    tunnel: bool = False,
    allow_basic: bool = False,
    tls: bool = False,
    certificate: str | None = None,
) -> AsyncIterator[Watched]:
    """An upstream that is not open yet."""
    rungs: list[Rung] = []
    reactor = Reactor(SystemClock(), pause_max_s=0.05)
    upstream = Upstream(
        RtspSource(address="127.0.0.1", port=port, path=path, tls=tls),
        credentials,
        clock=SystemClock(),
        reactor=reactor,
        on_rung=rungs.append,
        limits=limits,
        hold_gop=hold_gop,
        tunnel=tunnel,
        allow_basic=allow_basic,
        certificate=certificate,
    )
    watch = Watched(upstream, rungs)
    try:
        yield watch
    finally:
        await watch.close()
        reactor.close()


async def fault_of_opening(watch: Watched) -> CameraFault:
    """The fault with which it does not open."""
    try:
        await watch.open()
    except CameraFault as fault:
        return fault
    raise AssertionError("it opened")


async def fault_of_session(watch: Watched, within_s: float = 5.0) -> CameraFault:
    """The fault that ends it, at once or after a while."""
    try:
        await watch.open()
    except CameraFault as fault:
        return fault
    ended = await watch.ended(within_s)
    assert ended is not None
    return ended
