"""Places in media processes, and the queue of those who wait for one."""

import asyncio
from collections import deque

from services.ingest.media.process import MediaProcess, ProcessLimits
from services.ingest.media.results import MediaHostBusy


class Pool:
    """A fixed number of processes with a fixed number of threads each."""

    def __init__(self, name: str, *, processes: int, limits: ProcessLimits, backlog: int) -> None:
        """At most ``backlog`` requests wait for a thread."""
        self._backlog = backlog
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.processes = [MediaProcess(f"{name}-{number}", limits, self._wake_next) for number in range(processes)]

    async def start(self) -> None:
        """Start all processes. Raises MediaHostLost when one cannot be started; then none is left."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for process in self.processes:
                    tasks.create_task(process.start())
        except BaseExceptionGroup as failures:
            await self.close()
            raise failures.exceptions[0] from None

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(process.close() for process in self.processes))

    async def place(self, until: float) -> MediaProcess:
        """A process with a free thread, to be used at once, before anything else is awaited.

        Waits until that moment of the loop's clock. Raises MediaHostBusy then, or now when too many wait.
        """
        process = None if self._waiting else self._freest()
        if process is None and len(self._waiting) >= self._backlog:
            raise MediaHostBusy(f"{self._backlog} requests are waiting for a media thread")
        enqueue = self._waiting.append
        while process is None:
            turn = asyncio.get_running_loop().create_future()
            enqueue(turn)
            try:
                async with asyncio.timeout_at(until):
                    await turn
            except BaseException as interruption:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._wake_next()
                if isinstance(interruption, TimeoutError):
                    raise MediaHostBusy("no media thread came free in time") from None
                raise
            process = self._freest()
            # Somebody was faster: the next turn is ours.
            enqueue = self._waiting.appendleft
        return process

    def _freest(self) -> MediaProcess | None:
        process = max(self.processes, key=lambda candidate: candidate.free)
        return process if process.free > 0 else None

    def _wake_next(self) -> None:
        """Let as many go on as there are free threads; whoever comes too late waits again."""
        for _ in range(min(len(self._waiting), sum(max(process.free, 0) for process in self.processes))):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
