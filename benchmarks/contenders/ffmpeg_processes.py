"""An ffmpeg process for each camera that reads it and keeps nothing. What it read, only the server can tell."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import Any

from benchmarks.orders import obey
from services.runtime.file_limit import raise_file_limit

_AT_ONCE = 8
_SETTLE_S = 1.0


class _Processes:
    def __init__(self) -> None:
        self._running: list[Process] = []
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def handle(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "open":
            await asyncio.gather(*(self._open(*stream) for stream in order["streams"]))
        alive = sum(process.returncode is None for process in self._running)
        return {"open": alive, "frames": None}

    async def _open(self, address: str, port: int, path: str) -> None:
        async with self._gate:
            arguments = [
                *("-nostdin", "-nostats", "-loglevel", "fatal", "-rtsp_transport", "tcp"),
                *("-i", f"rtsp://{address}:{port}{path}", "-map", "0:v", "-c", "copy", "-f", "null", "-"),
            ]
            process = await asyncio.create_subprocess_exec(
                "ffmpeg", *arguments, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
            )
            self._running.append(process)
            await asyncio.sleep(_SETTLE_S)

    async def close(self) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*(process.communicate() for process in self._running))


async def _run() -> None:
    raise_file_limit()
    processes = _Processes()
    try:
        await obey(processes.handle)
    finally:
        await processes.close()


if __name__ == "__main__":
    asyncio.run(_run())
