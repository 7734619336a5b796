"""One media process as its parent sees it: started, spoken to, watched, killed and started again. Never imports av."""

import asyncio
import contextlib
import logging
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import services
from services.ingest.media import sandbox, wire
from services.ingest.media.call import Call
from services.ingest.media.results import MediaHostLost
from services.ingest.media.wire import Frame, WireError

log = logging.getLogger(__name__)

_IMPORT_ROOT = str(Path(services.__file__).resolve().parent.parent)

_PING_EVERY_S = 3.0
_READY_WITHIN_S = 30.0
_EXIT_WITHIN_S = 2.0
# Starts that may fail before the host gives up. Later, when it once ran, it never does.
_STILLBORN_MAX = 3

# Pauses before a new start double from the first to the second, and begin anew after a life of a minute.
_RESTART_FIRST_S = 0.1
_RESTART_MAX_S = 5.0
_LONG_LIFE_S = 60.0

_LAST_EVENTS = frozenset({"probed", "ended"})
_CLOSED = "it is closed"
_SERVED = "it has served long enough"
_READ_LIMIT_BYTES = 1024 * 1024
_STDERR_BYTES = 4096
_LOG_LINES_MAX = 50
_LOG_LINE_CHARS = 500


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What one process may use, and how patient its parent is.

    ``memory_bytes`` bounds its address space. A child answers a ping from its main thread: only a stopped process, or
    a GIL held for ever, is silent for ``pong_within_s``. PyAV leaks about 2 kB with each stream it opens (18.1, measured
    over 4000): after ``recycle_after`` requests a child is replaced when it is idle next, after twice as many at once.
    """

    threads: int = 16
    memory_bytes: int = 2 * 1024**3
    grace_s: float = 2.0
    pong_within_s: float = 10.0
    recycle_after: int = 20_000


class MediaProcess:
    """Keeps one child running. ``changed`` is called when ``free`` may have grown."""

    def __init__(self, name: str, limits: ProcessLimits, changed: Callable[[], None]) -> None:
        self._name = name
        self._limits = limits
        self._changed = changed
        self._calls: dict[int, Call] = {}
        self._numbers = 0
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._begun = asyncio.Event()  # the first start succeeded, or has failed for good
        self._served = 0  # requests of this life
        self._stillborn = 0  # starts in a row that failed
        self._pong = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._why = ""

    @property
    def free(self) -> int:
        """Threads that can take a request now; none while the child starts."""
        return self._limits.threads - len(self._calls) if self._ready.is_set() else 0

    @property
    def pid(self) -> int | None:
        """The child's process id, while it is ready."""
        return self._process.pid if self._process is not None and self._ready.is_set() else None

    async def start(self) -> None:
        """Start the child and wait until it is ready. Raises MediaHostLost when it cannot be started."""
        self._keeper = asyncio.create_task(self._keep(), name=f"media process {self._name}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_WITHIN_S):
                await self._begun.wait()
        if not self._ready.is_set():
            await self.close()
            raise MediaHostLost(f"media process {self._name} does not start; its errors are in the log")

    async def close(self) -> None:
        """End the child; requests under way fail with MediaHostLost."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    def begin(self, request: dict[str, Any], *, deadline_s: float | None, lingers_s: float, blob: bytes = b"") -> Call:
        """Send a request to a free thread. Call only while ``free``.

        A child that has not answered after ``deadline_s`` and the grace is killed. After the last answer, or when it
        was cancelled, its thread may stay inside FFmpeg for ``lingers_s`` and the grace; then the child is killed too.
        """
        self._numbers += 1
        call = Call(self._numbers, lingers_s, self._cancelled)
        self._calls[call.number] = call
        self._send({**request, "id": call.number}, blob)
        if deadline_s is not None:
            self._arm(call, deadline_s, "a request is not answered")
        return call

    def kill(self, why: str) -> None:
        """End the child at once. Its requests fail, and it is started again."""
        if self._process is not None and self._process.returncode is None:
            self._why = why
            self._ready.clear()  # no more requests for it
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _cancelled(self, call: Call) -> None:
        if self._calls.get(call.number) is call and not call.answered:
            call.answered = True
            self._send({"op": "cancel", "id": call.number})
            self._arm(call, call.lingers_s, "a cancelled thread does not return")

    def _arm(self, call: Call, seconds: float, why: str) -> None:
        if call.timer is not None:
            call.timer.cancel()
        call.timer = asyncio.get_running_loop().call_later(seconds + self._limits.grace_s, self.kill, why)

    def _send(self, request: dict[str, Any], blob: bytes = b"") -> None:
        # Never waits: there are no more requests than threads, and a blob has a few megabytes at most.
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(wire.encode(request, blob))

    async def _keep(self) -> None:
        """Start the child, and again whenever it ends, until cancelled."""
        loop = asyncio.get_running_loop()
        pause_s = _RESTART_FIRST_S
        while True:
            born_at = loop.time()
            await self._live()
            if self._stillborn >= _STILLBORN_MAX:
                self._begun.set()
            if loop.time() - born_at >= _LONG_LIFE_S:
                pause_s = _RESTART_FIRST_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause_s = min(2 * pause_s, _RESTART_MAX_S)

    async def _live(self) -> None:
        """One life of the child. Returns when it is over, with nothing of it left."""
        self._why = ""
        self._stillborn += 1
        self._served = 0
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-s", "-m", "services.ingest.media.child"),
                *("--parent", str(os.getpid()), "--memory", str(self._limits.memory_bytes)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=sandbox.environment(dict(os.environ), _IMPORT_ROOT),
                start_new_session=True,
                limit=_READ_LIMIT_BYTES,
            )
        except OSError as error:
            log.warning("media process does not start", extra={"process_name": self._name, "why": repr(error)})
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._log_errors(process))
                pinging = tasks.create_task(self._ping())
                await self._read(process)
                self._ready.clear()
                pinging.cancel()
                await self._until_exit(process)
        except asyncio.CancelledError:
            self.kill(_CLOSED)
            raise
        finally:
            self._ready.clear()
            await process.wait()
            self._fail_calls(process.returncode)

    async def _until_exit(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_EXIT_WITHIN_S):
                await process.wait()
        except TimeoutError:
            self.kill("its output ended")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out events until the child's output ends or makes no sense."""
        stdout = process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        try:
            while True:
                header_bytes, blob_bytes = wire.lengths(await stdout.readexactly(wire.LENGTHS.size))
                header = wire.header_of(await stdout.readexactly(header_bytes))
                self._take(Frame(header, await stdout.readexactly(blob_bytes)))
        except asyncio.IncompleteReadError:
            return
        except WireError as error:
            self.kill(f"broken protocol: {error}")

    def _take(self, frame: Frame) -> None:
        event = frame.header.get("event")
        call = self._calls.get(frame.header.get("id", 0))
        if event == "ready":
            self._ready.set()
            self._begun.set()
            self._stillborn = 0
            self._changed()
        elif event == "pong":
            self._pong.set()
        elif call is None:
            return
        elif event == "freed":
            self._forget(call)
            self._recycle()
            self._changed()
        else:
            call.put(frame)
            if event in _LAST_EVENTS and not call.answered:
                call.answered = True
                self._arm(call, call.lingers_s, "a thread does not return")

    def _recycle(self) -> None:
        """Replace a child that has served long."""
        self._served += 1
        if self._served >= self._limits.recycle_after * (2 if self._calls else 1):
            self.kill(_SERVED)

    def _forget(self, call: Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
        del self._calls[call.number]

    def _fail_calls(self, returncode: int | None) -> None:
        calls = list(self._calls.values())
        why = self._why or f"it ended with {returncode}"
        for call in calls:
            self._forget(call)
            call.fail(MediaHostLost(f"the media process is gone: {why}"))
        if self._why != _CLOSED:
            log.log(
                logging.INFO if self._why == _SERVED else logging.WARNING,
                "media process ended",
                extra={"process_name": self._name, "why": why, "returncode": returncode, "requests": len(calls)},
            )

    async def _ping(self) -> None:
        await self._ready.wait()
        while True:
            await asyncio.sleep(_PING_EVERY_S)
            self._pong.clear()
            self._send({"op": "ping"})
            try:
                async with asyncio.timeout(self._limits.pong_within_s):
                    await self._pong.wait()
            except TimeoutError:
                self.kill("it does not answer")
                return

    async def _log_errors(self, process: asyncio.subprocess.Process) -> None:
        """Log what the child writes to standard error, bounded, and read on so that it never blocks."""
        stderr = process.stderr
        assert stderr is not None  # noqa: S101 - it was asked for
        logged = 0
        while data := await stderr.read(_STDERR_BYTES):
            for line in data.decode(errors="replace").splitlines():
                logged += 1
                if logged <= _LOG_LINES_MAX:
                    log.warning("media process says: %s", line[:_LOG_LINE_CHARS], extra={"process_name": self._name})
