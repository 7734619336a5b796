"""Long-running tasks with names, and a shutdown in two stages.

The first SIGTERM or SIGINT asks everything to finish; the second ends the process at once.
"""

import asyncio
import logging
import os
import random
import signal
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Shutdown:
    """The wish to stop, shared by all tasks of a process."""

    def __init__(self) -> None:
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Ask everything to finish."""
        self._requested.set()

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    async def wait(self) -> None:
        """Return once a stop was requested."""
        await self._requested.wait()

    async def sleep(self, seconds: float) -> bool:
        """Sleep, but not beyond a stop. Returns False when the stop came."""
        try:
            async with asyncio.timeout(seconds):
                await self._requested.wait()
        except TimeoutError:
            return True
        return False

    def on_signals(self) -> None:
        """Let SIGTERM and SIGINT request the stop, and a second one end the process at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
        if self.requested:
            os._exit(128 + number)
        log.info("stopping", extra={"signal": number.name})
        self.request()


async def repeat(
    name: str,
    shutdown: Shutdown,
    every_s: float,
    step: Callable[[], Awaitable[object]],
    *,
    wake: asyncio.Event | None = None,
    least_s: float = 0.0,
    jitter: float = 0.1,
) -> None:
    """Run ``step`` now and then every ``every_s`` seconds (± jitter) until shutdown, or sooner when ``wake`` is set.

    After each run there is a pause of at least ``least_s``, however often it is woken.

    A step that raises is logged on its first failure and on recovery, and repeated: no task of ours dies half-way.
    """
    failing = False
    while not shutdown.requested:
        if wake is not None:
            wake.clear()
        try:
            await step()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not failing:
                log.exception("task failing", extra={"task_name": name, "error": repr(error)})
            failing = True
        else:
            if failing:
                log.info("task recovered", extra={"task_name": name})
            failing = False
        pause = every_s * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311 - jitter, not a secret
        if least_s:
            await shutdown.sleep(least_s)
        await _first_of(shutdown.wait(), wake.wait() if wake else None, timeout=max(pause - least_s, 0.0))


async def _first_of(*waits: Awaitable[object] | None, timeout: float) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits if wait is not None]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_until_shutdown(
    shutdown: Shutdown, tasks: dict[str, Callable[[], Awaitable[None]]], *, grace_s: float
) -> None:
    """Run the tasks until shutdown was requested or one of them ends; then give the others ``grace_s`` to finish.

    Raises the first error of a task that failed. A task that merely ends early stops the process too:
    a half-alive process is worse than a restarted one.
    """
    running = {asyncio.ensure_future(start()): name for name, start in tasks.items()}
    stop = asyncio.ensure_future(shutdown.wait())
    done, _ = await asyncio.wait([*running, stop], return_when=asyncio.FIRST_COMPLETED)
    for task in done - {stop}:
        if not shutdown.requested:
            log.error("task ended early", extra={"task_name": running[task]})
    shutdown.request()
    stop.cancel()
    _, late = await asyncio.wait(running, timeout=grace_s)
    for task in late:
        log.warning("task did not finish in time", extra={"task_name": running[task]})
        task.cancel()
    results = await asyncio.gather(*running, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
