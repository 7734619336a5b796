"""The other end of ``child.Child`` inside asyncio: orders on stdin, answers and events on stdout."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

_ORDER_MAX_BYTES = 16 * 1024 * 1024


def say(told: dict[str, Any]) -> None:
    """One line, with the monotonic time."""
    sys.stdout.write(json.dumps({"at": time.monotonic(), **told}) + "\n")
    sys.stdout.flush()


async def obey(handle: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    """Greet, then answer one order after the other until stdin ends."""
    reader = asyncio.StreamReader(limit=_ORDER_MAX_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say({"ready": True})
    while line := await reader.readline():
        say(await handle(json.loads(line)))
