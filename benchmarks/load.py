"""Where the streams of a comparison come from: gst-rtsp-server, or our replay."""

from contextlib import AsyncExitStack
from typing import Any, Protocol, TypeAlias

from benchmarks.child import Child
from benchmarks.replay.clips import CLIPS, GROUP_FRAMES
from tests.harness.gst_server import GstMount, GstServer

#: Address, port and path.
StreamAddress: TypeAlias = tuple[str, int, str]

#: One pipeline serves many clients of gst-rtsp-server; several, so that not all streams arrive in step.
_GST_MOUNTS = 4
GST_STREAMS_MAX = 300
#: In 1080p an encoder takes a good part of a core.
_GST_LARGE_WIDTH = 1280


class Load(Protocol):
    """A server of streams in a process of its own."""

    name: str

    @property
    def pid(self) -> int:
        """Its process."""

    @property
    def streams(self) -> list[StreamAddress]:
        """As many as were asked for."""

    async def told(self) -> dict[str, Any] | None:
        """What was put on each connection, and how punctually; None when it cannot tell."""

    async def mark(self) -> None:
        """Begin anew with what is told of punctuality."""

    async def pause(self) -> bool:
        """Make no more frames, so that what is under way arrives. False when it cannot."""

    async def resume(self) -> None:
        """Go on."""


class ReplayLoad:
    """``benchmarks.replay`` as a process."""

    name = "replay"

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def streams(self) -> list[StreamAddress]:
        greeting = self._child.greeting
        return [(address, greeting["port"], "/main") for address in greeting["addresses"]]

    async def told(self) -> dict[str, Any] | None:
        return await self._child.ask({"do": "tell"})

    async def mark(self) -> None:
        await self._child.ask({"do": "mark"})

    async def pause(self) -> bool:
        await self._child.ask({"do": "pause"})
        return True

    async def resume(self) -> None:
        await self._child.ask({"do": "resume"})


class GstLoad:
    """gst-rtsp-server as a process; a few shared pipelines that encode all the time."""

    name = "gst-rtsp-server"

    def __init__(self, server: GstServer, count: int) -> None:
        self._server = server
        self._count = count

    @property
    def pid(self) -> int:
        process = self._server._process  # noqa: SLF001 - the harness has no name for it
        if process is None:
            raise RuntimeError("gst-rtsp-server is not started")
        return process.pid

    @property
    def streams(self) -> list[StreamAddress]:
        paths = [mount.path for mount in self._server.mounts]
        return [("127.0.0.1", self._server.port, paths[index % len(paths)]) for index in range(self._count)]

    async def told(self) -> dict[str, Any] | None:
        return None

    async def mark(self) -> None:
        """Nothing is told."""

    async def pause(self) -> bool:
        return False

    async def resume(self) -> None:
        """It was not paused."""


async def started_load(stack: AsyncExitStack, kind: str, clip: str, count: int) -> Load:
    """A load of so many streams that ends with the stack. ``kind`` is ``gst`` or ``replay``."""
    if kind == "replay":
        return ReplayLoad(
            await stack.enter_async_context(Child("benchmarks.replay", "--cameras", str(count), "--clip", clip))
        )
    wanted = CLIPS[clip]
    mounts = [
        GstMount(
            path=f"/cam{index}",
            # A ball before an even ground cannot be made to fill a megabit; smpte has a field of snow.
            pattern="smpte",
            bitrate_kbps=wanted.kbps,
            gop=GROUP_FRAMES,
            size=f"{wanted.width}x{wanted.height}",
        )
        for index in range(1 if wanted.width > _GST_LARGE_WIDTH else _GST_MOUNTS)
    ]
    return GstLoad(await stack.enter_async_context(GstServer(mounts)), count)
