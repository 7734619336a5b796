"""Thousands of cameras watched by one worker for long: false transitions, miscounted frames, memory, CPU.

``make bench-soak``; with ``--disturb`` the lines of the cameras are bad, though never so bad that a camera should be
called offline, and every transition is a false alarm. See ``disturbances``.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import proc, report
from benchmarks.disturbances import CALM_CLIP, LIVELY_CLIP, Disturber
from benchmarks.measure import miscounted
from benchmarks.trial import Trial
from benchmarks.verdicts import Transition, transitions
from services.runtime.file_limit import raise_file_limit

_ALL_UP_S = 600.0
_DRAIN_S = 2.0
#: What a slow line still owes at the end is let through first, as nothing may be under way while counts are compared.
_CALM_S = 12.0
_PROGRESS_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Of the worker's processes, of its main process, of the cameras, and of all sockets. Seconds and bytes."""

    at: float
    worker_cpu_s: float
    main_cpu_s: float
    cameras_cpu_s: float
    main_rss: int
    main_own: int
    family_own: int
    sockets: int


def usage(worker: int, cameras: int) -> Usage:
    """Read it now."""
    memory = proc.memory_of_one(worker)
    return Usage(
        at=time.monotonic(),
        worker_cpu_s=proc.cpu_s_of(worker),
        main_cpu_s=proc.cpu_s_of_one(worker),
        cameras_cpu_s=proc.cpu_s_of(cameras),
        main_rss=memory.rss,
        main_own=memory.own,
        family_own=proc.memory_of(worker).own,
        sockets=proc.socket_bytes(),
    )


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """Bring all cameras up, watch them for the time, compare every count."""
    ready = [LIVELY_CLIP] if given.disturb else []
    clip = CALM_CLIP if given.disturb else given.clip
    async with Trial(given.cameras, clip, ready=ready) as trial:
        empty = usage(trial.worker.pid, trial.cameras.pid)
        began = await trial.begin()
        online = await trial.all_online(range(given.cameras), began, _ALL_UP_S)
        report.say(f"{len(online)} of {given.cameras} online after {time.monotonic() - began:.0f} s")
        await asyncio.sleep(given.warm_up)
        await trial.load.mark()
        looks_before = (await trial.worker.ask({"do": "count"}))["looks"]
        before = usage(trial.worker.pid, trial.cameras.pid)
        disturber = Disturber(trial, share=given.disturb_share) if given.disturb else None
        if disturber is not None:
            await disturber.begin()
        await _watch(trial, given.minutes * 60, disturber, before.at)
        after = usage(trial.worker.pid, trial.cameras.pid)
        looks_after = (await trial.worker.ask({"do": "count"}))["looks"]
        told = await trial.load.told() or {}
        false = [change for change in transitions(trial.verdicts) if change.at >= before.at]
        if disturber is not None:
            await disturber.end()
            await asyncio.sleep(_CALM_S)
        counts = await _compare(trial, given.cameras)
        counts["looks"] = {name: looks_after[name] - looks_before[name] for name in looks_after}
    return _results(given, online, empty, before, after, false, counts, told, disturber)


async def _watch(trial: Trial, seconds: float, disturber: Disturber | None, began: float) -> None:
    until, progress_at = began + seconds, began + _PROGRESS_EVERY_S
    while (now := time.monotonic()) < until:
        if disturber is not None:
            await disturber.step()
        if now >= progress_at:
            progress_at += _PROGRESS_EVERY_S
            false = sum(change.at >= began for change in transitions(trial.verdicts))
            report.say(f"{now - began:.0f} s, {false} transitions")
        await asyncio.sleep(min(1.0, max(until - now, 0.0)))


async def _compare(trial: Trial, cameras: int) -> dict[str, Any]:
    """Stop the cameras, let everything arrive, and hold each count against what was put on that connection."""
    await trial.load.pause()
    await asyncio.sleep(_DRAIN_S)
    counted = (await trial.worker.ask({"do": "count"}))["counted"]
    told = await trial.load.told() or {}
    await trial.load.resume()
    sent: list[dict[str, int] | None] = [None] * cameras
    for connection in told["connections"]:
        sent[connection["camera"]] = connection if not connection["queued_bytes"] else None
    wrong = miscounted(counted, sent)
    return {
        "frames_compared": sum(one["frames"] for one in sent if one is not None),
        "miscounted_frames": sum(
            abs(one["frames"] - two["frames"]) for one, two in zip(counted, sent, strict=True) if two
        ),
        "miscounted_streams": len(wrong),
        "streams_not_compared": sum(one is None for one in sent),
        "sequence_gaps": sum(one["sequence_gaps"] for one in counted),
    }


def _results(
    given: argparse.Namespace,
    online: dict[int, float],
    empty: Usage,
    before: Usage,
    after: Usage,
    false: Sequence[Transition],
    counts: dict[str, Any],
    told: dict[str, Any],
    disturber: Disturber | None,
) -> dict[str, Any]:
    stream_s = (after.at - before.at) * given.cameras
    return {
        "cameras": given.cameras,
        "never_online": given.cameras - len(online),
        "all_online_after_s": max(online.values(), default=None),
        "watched_s": after.at - before.at,
        "camera_hours": stream_s / 3600,
        "false_transitions": len(false),
        "transitions": [change._asdict() for change in false[:200]],
        **counts,
        "cpu_ms_per_stream_s": (after.worker_cpu_s - before.worker_cpu_s) * 1000 / stream_s,
        "main_process_cpu_ms_per_stream_s": (after.main_cpu_s - before.main_cpu_s) * 1000 / stream_s,
        "cameras_cpu_ms_per_stream_s": (after.cameras_cpu_s - before.cameras_cpu_s) * 1000 / stream_s,
        "rss_bytes_per_camera": (after.main_rss - empty.main_rss) / given.cameras,
        "socket_bytes_per_camera": (after.sockets - empty.sockets) / given.cameras,
        "usage": {"empty": asdict(empty), "before": asdict(before), "after": asdict(after)},
        "late_share": told["late_share"],
        "late_max_s": told["late_max_s"],
        "overflows": told["overflows"],
        "disturbances": dict(disturber.counts) if disturber is not None else dict(Counter[str]()),
    }


def rendered(results: dict[str, Any]) -> str:
    """The table."""
    rows = [
        ("cameras", str(results["cameras"])),
        ("watched, s", report.number(results["watched_s"], 0)),
        ("camera-hours", report.number(results["camera_hours"], 2)),
        ("all online after, s", report.number(results["all_online_after_s"], 1)),
        ("never online", str(results["never_online"])),
        ("false transitions", str(results["false_transitions"])),
        ("frames compared", str(results["frames_compared"])),
        ("miscounted frames", str(results["miscounted_frames"])),
        ("streams miscounted in frames, key frames, packets or bytes", str(results["miscounted_streams"])),
        ("streams not compared", str(results["streams_not_compared"])),
        ("sequence gaps", str(results["sequence_gaps"])),
        (
            "looks at each camera in 30 s",
            report.number(results["looks"]["taken"] / results["cameras"] / results["watched_s"] * 30, 2),
        ),
        ("CPU of the worker, ms for each stream-second", report.number(results["cpu_ms_per_stream_s"], 3)),
        ("of which its main process", report.number(results["main_process_cpu_ms_per_stream_s"], 3)),
        ("CPU of the cameras, ms for each stream-second", report.number(results["cameras_cpu_ms_per_stream_s"], 3)),
        ("RSS of the main process for each camera, KiB", report.number(results["rss_bytes_per_camera"] / 1024, 1)),
        (
            "socket buffers of both ends for each camera, KiB",
            report.number(results["socket_bytes_per_camera"] / 1024, 1),
        ),
        ("frames sent more than 40 ms late, %", report.number(results["late_share"] * 100, 2)),
        *((f"disturbances: {kind}", str(count)) for kind, count in results["disturbances"].items()),
    ]
    return report.table(("", "measured"), rows)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--cameras", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clip", default="360p-200k")
    parser.add_argument(
        "--warm-up", type=float, default=30.0, help="seconds between the last camera online and the start"
    )
    parser.add_argument("--disturb", action="store_true", help="hiccups, slow and cut lines, swings of the bit rate")
    parser.add_argument("--disturb-share", type=float, default=0.02, help="of the cameras, disturbed anew each second")
    parser.add_argument("--json", type=Path, help="where to write the results (benchmarks/results/)")
    parser.add_argument("--markdown", type=Path, help="write the table there, too")
    return parser.parse_args(argv)


def main() -> None:
    raise_file_limit()
    given = arguments()
    results = asyncio.run(run(given))
    text = rendered(results)
    settings = {name: value for name, value in vars(given).items() if name not in {"json", "markdown"}}
    name = "alarms" if given.disturb else "soak"
    path = report.write(name, settings, results, given.json, given.markdown, text)
    print(f"{text}\n\n{path}")
    told = (
        "cameras",
        "camera_hours",
        "false_transitions",
        "miscounted_frames",
        "cpu_ms_per_stream_s",
        "rss_bytes_per_camera",
    )
    print(json.dumps({name: results[name] for name in told}))


if __name__ == "__main__":
    main()
