"""A process of a measurement: started with arguments, spoken to by JSON lines, ended by the end of its stdin."""

import asyncio
import json
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_LINE_MAX_BYTES = 64 * 1024 * 1024
_END_S = 15.0


class ChildFailed(Exception):
    """The process did not do what it was asked."""


class Child:
    """``async with Child("benchmarks.replay", "--cameras", "5") as child: await child.ask({"do": "tell"})``."""

    def __init__(
        self, module: str, *arguments: str, on_event: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> None:
        """``on_event`` is given the lines that have a member ``event``; all others are answers."""
        self._module = module
        self._arguments = arguments
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()
        #: What it said when it was ready.
        self.greeting: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ChildFailed("not started")
        return self._process.pid

    async def start(self, ready_s: float = 120.0) -> None:
        """Start it and wait for its first answer."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_MAX_BYTES,
        )
        self._reading = asyncio.create_task(self._read())
        self.greeting = await self._answer(ready_s)

    async def ask(self, order: dict[str, Any], within_s: float = 60.0) -> dict[str, Any]:
        """Say something and give the answer. Whoever asks meanwhile waits."""
        async with self._asking:
            if self._process is None or self._process.stdin is None:
                raise ChildFailed("not started")
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            return await self._answer(within_s)

    async def end(self) -> None:
        """Let it end, and end it if it does not. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)
        # The transport of the process is closed by the loop only once its pipes are.
        process._transport.close()  # type: ignore[attr-defined] # noqa: SLF001

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.end()

    async def _answer(self, within_s: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(within_s):
                answer = await self._answers.get()
        except TimeoutError as error:
            raise ChildFailed(f"{self._module} did not answer within {within_s:.0f} s") from error
        if answer is None:
            raise ChildFailed(f"{self._module} ended by itself; see its stderr")
        return answer

    async def _read(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            if "event" in told:
                self._on_event(told)
            else:
                self._answers.put_nowait(told)
        self._answers.put_nowait(None)
