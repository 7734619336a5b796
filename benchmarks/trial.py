"""Cameras of the replay and one whole worker that watches them, each in a process of its own."""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from benchmarks.child import Child
from benchmarks.load import ReplayLoad, StreamAddress
from benchmarks.verdicts import Verdict, first_after, is_online


class Trial:
    """``async with Trial(60, "360p-200k") as trial: await trial.begin()``."""

    def __init__(self, cameras: int, clip: str, *, ready: Collection[str] = (), worker: tuple[str, ...] = ()) -> None:
        """``ready``: clips that the cameras will be told to change to; ``worker``: arguments of its process."""
        self.count = cameras
        more = ("--ready", *ready) if ready else ()
        self.cameras = Child("benchmarks.replay", "--cameras", str(cameras), "--clip", clip, *more)
        self.worker = Child("benchmarks.contenders.worker", *worker, on_event=self._on_event)
        self.load = ReplayLoad(self.cameras)
        #: All that was said, in order.
        self.verdicts: list[Verdict] = []
        self._of_camera: dict[int, list[Verdict]] = {}
        self._said = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    @property
    def streams(self) -> list[StreamAddress]:
        return self.load.streams

    async def begin(self) -> float:
        """Let the worker begin with all cameras. Returns when it did, monotonic."""
        return float((await self.worker.ask({"do": "begin", "streams": self.streams}))["at"])

    async def order(self, do: str, cameras: Collection[int], **more: Any) -> float:
        """Something shall happen to these cameras. Returns when it did, monotonic."""
        return float((await self.cameras.ask({"do": do, "cameras": list(cameras), **more}))["at"])

    async def until(
        self, camera: int, after: float, fits: Callable[[Verdict], bool], within_s: float
    ) -> Verdict | None:
        """The first verdict on a camera later than ``after`` that fits; None when none came within that time."""
        try:
            async with asyncio.timeout(within_s):
                while (found := first_after(self._of_camera.get(camera, ()), camera, after, fits)) is None:
                    async with self._said:
                        await self._said.wait()
                return found
        except TimeoutError:
            return None

    async def all_online(self, cameras: Collection[int], after: float, within_s: float) -> dict[int, float]:
        """Seconds from ``after`` until each of these cameras was online for the first time; of those that came in time."""
        deadline = time.monotonic() + within_s
        times = {}
        for camera in cameras:
            found = await self.until(camera, after, is_online, max(deadline - time.monotonic(), 0.001))
            if found is not None:
                times[camera] = found.at - after
        return times

    async def __aenter__(self) -> Self:
        try:
            await self._stack.enter_async_context(self.cameras)
            await self._stack.enter_async_context(self.worker)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _on_event(self, event: dict[str, Any]) -> None:
        verdict = Verdict.told(event)
        self.verdicts.append(verdict)
        self._of_camera.setdefault(verdict.camera, []).append(verdict)
        task = asyncio.ensure_future(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._said:
            self._said.notify_all()
