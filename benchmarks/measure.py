"""One contender under one load, measured: CPU time, memory, and whether it counted what was sent."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import proc
from benchmarks.child import Child, ChildFailed
from benchmarks.load import Load

_TALLIED = ("frames", "key_frames", "packets", "octets")
#: After a pause of the load, so long until every byte has been read: several times the reactor's longest pause.
_DRAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to read cameras.

    ``window_unit_s``: a measurement lasts a multiple of it, since so long is one of its rounds. ``settle_s``: so much longer
    is its warm-up, since it does more in the beginning than later.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    window_unit_s: float = 0.0
    settle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """What to measure."""

    load: str
    clip: str
    streams: int
    seconds: float
    warm_up_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured. Milliseconds of CPU for each second of each stream; bytes for each stream."""

    contender: str
    load: str
    clip: str
    streams: int
    seconds: float
    cpu_ms: float
    server_ms: float
    fps: float | None
    kbps: float | None
    #: Beyond what the contender's processes held before they opened the streams: written by themselves, and resident.
    own_bytes: float
    rss_bytes: float
    #: Kernel memory of both ends of the connections; of everything on this machine that came or went meanwhile, too.
    socket_bytes: float
    #: What the kernel held for a socket when the reactor came to visit it, on average.
    held_bytes: float | None
    #: Share of frames that the replay sent more than a frame's time late: above a few per cent the machine was full.
    late_share: float | None
    #: Streams whose count differed from what was put on their connection, once all had arrived.
    miscounted_streams: int | None
    #: Looks at each stream in 30 s: well above one, and the beginning was measured instead of what lasts.
    looks: float | None
    found: tuple[str, ...]

    def members(self) -> dict[str, Any]:
        return asdict(self)


def miscounted(counted: list[dict[str, int]], sent: list[dict[str, int] | None]) -> list[int]:
    """Indices of the streams whose counts are not what was sent, or of which the server has no connection."""
    return [
        index
        for index, (ours, theirs) in enumerate(zip(counted, sent, strict=True))
        if theirs is None or any(ours[name] != theirs[name] for name in _TALLIED)
    ]


def window_s(wanted_s: float, unit_s: float) -> float:
    """The wanted length, rounded up to whole rounds of the contender."""
    if unit_s <= 0:
        return wanted_s
    return max(-(-wanted_s // unit_s), 1.0) * unit_s


async def measure(contender: Contender, case: Case, load: Load) -> Result:
    """Run it. Raises ChildFailed when not all streams came up."""
    seconds = window_s(case.seconds, contender.window_unit_s)
    async with Child(contender.module, *contender.arguments) as child:
        sockets_before = proc.socket_bytes()
        memory_before = proc.memory_of(child.pid)
        opened = await child.ask({"do": "open", "streams": load.streams}, within_s=300)
        if opened["open"] != case.streams:
            why = sorted(set(opened.get("faults", ())))
            raise ChildFailed(
                f"{contender.name} opened {opened['open']} of {case.streams} streams of {case.clip} {why}"
            )
        await asyncio.sleep(case.warm_up_s + contender.settle_s)
        await load.mark()
        before = await child.ask({"do": "count"})
        began, cpu_before, server_before = time.monotonic(), proc.cpu_s_of(child.pid), proc.cpu_s_of(load.pid)
        await asyncio.sleep(seconds)
        cpu_s, server_s = proc.cpu_s_of(child.pid) - cpu_before, proc.cpu_s_of(load.pid) - server_before
        elapsed_s = time.monotonic() - began
        after = await child.ask({"do": "count"})
        told = await load.told()
        memory, sockets = proc.memory_of(child.pid), proc.socket_bytes()
        wrong = await _miscounted(child, load) if "counted" in after else None
    stream_s = elapsed_s * case.streams
    return Result(
        contender=contender.name,
        load=load.name,
        clip=case.clip,
        streams=case.streams,
        seconds=round(elapsed_s, 2),
        cpu_ms=cpu_s * 1000 / stream_s,
        server_ms=server_s * 1000 / stream_s,
        fps=_grown(before, after, "frames", stream_s),
        kbps=_rate_kbps(before, after, stream_s),
        own_bytes=(memory.own - memory_before.own) / case.streams,
        rss_bytes=(memory.rss - memory_before.rss) / case.streams,
        socket_bytes=max(sockets - sockets_before, 0) / case.streams,
        held_bytes=_held_bytes(before, after),
        late_share=told["late_share"] if told else None,
        miscounted_streams=len(wrong) if wrong is not None else None,
        looks=(after["judged"] - before["judged"]) * 30 / stream_s if "judged" in after else None,
        found=tuple(sorted({*after.get("found", ()), *after.get("faults", ())})),
    )


async def _miscounted(child: Child, load: Load) -> list[int] | None:
    """Let what is under way arrive and compare. None when the load cannot tell what it sent."""
    if not await load.pause():
        return None
    await asyncio.sleep(_DRAIN_S)
    counted = (await child.ask({"do": "count"}))["counted"]
    told = await load.told()
    await load.resume()
    sent: list[dict[str, int] | None] = [None] * len(counted)
    for connection in (told or {})["connections"]:
        # What still waits at the server was not put on the line: then the counts must not be compared as if it were.
        sent[connection["camera"]] = connection if not connection["queued_bytes"] else None
    return miscounted(counted, sent)


def _grown(before: dict[str, Any], after: dict[str, Any], name: str, stream_s: float) -> float | None:
    if after.get(name) is None:
        return None
    return float((sum(after[name]) - sum(before[name])) / stream_s)


def _held_bytes(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    if "reactor" not in after:
        return None
    held, samples = (after["reactor"][name] - before["reactor"][name] for name in ("held_bytes", "held_samples"))
    return held / samples if samples else None


def _rate_kbps(before: dict[str, Any], after: dict[str, Any], stream_s: float) -> float | None:
    if "counted" not in after:
        return None
    octets = sum(one["octets"] for one in after["counted"]) - sum(one["octets"] for one in before["counted"])
    return float(octets * 8 / 1000 / stream_s)
