"""What it costs to watch a stream: this engine, PyAV in threads, processes of ffmpeg, under one load in one run.

``make bench-watch STREAMS=60 SECONDS=20``. The last line of stdout is one JSON object for 1 Mb/s.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.distribution import median
from benchmarks.load import GST_STREAMS_MAX, started_load
from benchmarks.measure import Case, Contender, Result, measure
from services.ingest.tools import SessionSettings
from services.runtime.file_limit import raise_file_limit

ENGINE, JUDGE, PYAV, FFMPEG = "engine", "engine with judge", "PyAV threads", "ffmpeg processes"
_HEADLINE_CLIP = "360p-1M"
_COMPARED_CLIPS = ("360p-200k", "360p-1M", "1080p-4M")
_WARM_UP_S = 6.0


def contenders(picture_every_s: float, settle_s: float) -> tuple[Contender, ...]:
    """All four."""
    return (
        Contender(ENGINE, "benchmarks.contenders.engine"),
        # Within so long each camera is looked at once.
        Contender(
            JUDGE,
            "benchmarks.contenders.worker",
            ("--picture-every-s", str(picture_every_s)),
            window_unit_s=picture_every_s,
            settle_s=settle_s,
        ),
        Contender(PYAV, "benchmarks.contenders.pyav_threads"),
        Contender(FFMPEG, "benchmarks.contenders.ffmpeg_processes"),
    )


def planned(given: argparse.Namespace) -> Iterator[tuple[Case, tuple[str, ...], int]]:
    """The cases, who runs in each, and how often."""
    everyone, ours = (ENGINE, JUDGE, PYAV, FFMPEG), (ENGINE, JUDGE)
    seconds, warm_up_s = given.seconds, given.warm_up
    headline_load = "gst" if "gst" in given.cases and given.streams <= GST_STREAMS_MAX else "replay"

    def repeat(load: str, clip: str) -> int:
        return int(given.repeat if (load, clip) == (headline_load, _HEADLINE_CLIP) else given.repeat_others)

    if "compare" in given.cases:
        for clip in given.clips:
            yield Case("replay", clip, given.streams, seconds, warm_up_s), everyone, repeat("replay", clip)
    if "gst" in given.cases:
        streams = min(given.streams, GST_STREAMS_MAX)
        yield Case("gst", _HEADLINE_CLIP, streams, seconds, warm_up_s), everyone, repeat("gst", _HEADLINE_CLIP)
    if "scale" in given.cases:
        yield Case("gst", _HEADLINE_CLIP, GST_STREAMS_MAX, seconds, warm_up_s), (ENGINE,), 1
        yield Case("replay", _HEADLINE_CLIP, 300, seconds, warm_up_s), ours, 1
        yield Case("replay", "360p-200k", 1000, seconds, warm_up_s), ours, 1
        yield Case("replay", "360p-200k", 2000, seconds, warm_up_s), (ENGINE,), 1
    if "large-keys" in given.cases:
        yield Case("replay", "1080p-8M", min(given.streams, 20), seconds, warm_up_s), (ENGINE,), 1


async def run(given: argparse.Namespace) -> list[Result]:
    """Measure all that is planned, contenders taking turns so that a change of the machine's mood meets them all."""
    known = {contender.name: contender for contender in contenders(given.picture_every, given.settle)}
    results = []
    for case, names, repeats in planned(given):
        async with AsyncExitStack() as stack:
            load = await started_load(stack, case.load, case.clip, case.streams)
            for turn in range(repeats):
                for name in names:
                    result = await measure(known[name], case, load)
                    report.say(
                        f"{load.name} {case.clip} × {case.streams}, {name}, {turn + 1}/{repeats}: {result.cpu_ms:.3f} ms"
                    )
                    results.append(result)
    return results


def combined(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The repetitions of each case and contender as one row: medians, and the worst of what should be nothing."""

    order = (ENGINE, JUDGE, PYAV, FFMPEG)

    def place(result: Result) -> tuple[str, str, int, int]:
        return result.load, result.clip, result.streams, order.index(result.contender)

    rows = []
    for (load, clip, streams, index), group in groupby(sorted(results, key=place), key=place):
        turns = list(group)
        rows.append(
            {
                "load": load,
                "clip": clip,
                "streams": streams,
                "contender": order[index],
                "turns": len(turns),
                "miscounted_streams": _worst([turn.miscounted_streams for turn in turns]),
                "found": sorted({found for turn in turns for found in turn.found}),
                **{
                    name: _middle([getattr(turn, name) for turn in turns])
                    for name in (
                        "cpu_ms",
                        "server_ms",
                        "fps",
                        "kbps",
                        "own_bytes",
                        "rss_bytes",
                        "socket_bytes",
                        "held_bytes",
                        "late_share",
                        "looks",
                    )
                },
            }
        )
    return rows


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _worst(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None


def headline(rows: Sequence[dict[str, Any]], streams: int) -> dict[str, Any]:
    """The numbers at 1 Mb/s, from gst-rtsp-server as far as it was asked and carries them, else from the replay."""
    at = [row for row in rows if row["clip"] == _HEADLINE_CLIP and row["streams"] == streams]
    load = (
        "gst-rtsp-server"
        if any(row["load"] == "gst-rtsp-server" and row["contender"] == PYAV for row in at)
        else "replay"
    )
    cost = {row["contender"]: row["cpu_ms"] for row in at if row["load"] == load}

    def ratio(other: str) -> float | None:
        return round(cost[other] / cost[ENGINE], 2) if cost.get(ENGINE) and other in cost else None

    def rounded(name: str) -> float | None:
        return round(cost[name], 4) if name in cost else None

    return {
        "engine_ms_per_stream_s": rounded(ENGINE),
        "engine_with_judge_ms_per_stream_s": rounded(JUDGE),
        "pyav_ms_per_stream_s": rounded(PYAV),
        "ffmpeg_ms_per_stream_s": rounded(FFMPEG),
        "ratio_vs_pyav": ratio(PYAV),
        "ratio_vs_ffmpeg": ratio(FFMPEG),
        "streams": streams,
        "load": load,
    }


def rendered(rows: Sequence[dict[str, Any]]) -> str:
    """The table."""
    engine = {(row["load"], row["clip"], row["streams"]): row["cpu_ms"] for row in rows if row["contender"] == ENGINE}

    def cells(row: dict[str, Any]) -> list[str]:
        base = engine.get((row["load"], row["clip"], row["streams"]))
        return [
            f"{row['contender']}, {row['clip']}, {row['load']}",
            str(row["streams"]),
            report.number(row["cpu_ms"], 3),
            report.number(row["cpu_ms"] / base if base else None, 1),
            report.number(row["server_ms"], 3),
            report.number(row["looks"], 1),
            report.number(row["fps"], 1),
            report.number(row["kbps"], 0),
            report.number(row["own_bytes"] / 1024, 1),
            report.number(row["socket_bytes"] / 1024, 1),
            report.number(row["held_bytes"] / 1024 if row["held_bytes"] is not None else None, 1),
            report.number(row["late_share"] * 100 if row["late_share"] is not None else None, 1),
            report.number(row["miscounted_streams"], 0),
            str(row["turns"]),
        ]

    head = (
        *("contender, clip, load", "streams", "CPU ms", "× engine", "server ms", "looks", "fps", "kb/s"),
        *("own KiB", "sockets KiB", "held KiB", "late %", "miscounted", "turns"),
    )
    return report.table(head, [cells(row) for row in rows])


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; ``--quick`` changes what was not said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watch", description=__doc__)
    parser.add_argument("--streams", type=int, help="in the comparison (60)")
    parser.add_argument(
        "--seconds", type=float, help="of each measurement, at least (20); with the judge whole rounds of 30"
    )
    parser.add_argument("--repeat", type=int, help="turns of each contender where the last line comes from (3)")
    parser.add_argument("--repeat-others", type=int, default=1, help="turns everywhere else (1)")
    parser.add_argument("--cases", default=None, help="of compare,gst,scale,large-keys (compare,gst)")
    parser.add_argument("--clips", help=f"of the comparison ({','.join(_COMPARED_CLIPS)})")
    parser.add_argument("--warm-up", type=float, default=_WARM_UP_S, help="seconds before each measurement (6)")
    parser.add_argument("--settle", type=float, default=30.0, help="seconds more of it with the judge (30)")
    parser.add_argument("--picture-every", type=float, default=SessionSettings().picture_every_s, help="seconds (30)")
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: tells whether it works, not what it costs"
    )
    parser.add_argument("--json", type=Path, help="where to write the results (benchmarks/results/)")
    parser.add_argument("--markdown", type=Path, help="write the table there, too")
    given = parser.parse_args(argv)
    usual = (
        (8, 2.0, 1, "compare", _HEADLINE_CLIP)
        if given.quick
        else (60, 20.0, 3, "compare,gst", ",".join(_COMPARED_CLIPS))
    )
    given.streams, given.seconds, given.repeat = (
        given.streams or usual[0],
        given.seconds or usual[1],
        given.repeat or usual[2],
    )
    given.cases = (given.cases or usual[3]).split(",")
    given.clips = (given.clips or usual[4]).split(",")
    if given.quick:
        given.warm_up, given.settle, given.picture_every = 0.5, 0.0, min(given.picture_every, 2.0)
    return given


def main() -> None:
    raise_file_limit()
    given = arguments()
    rows = combined(asyncio.run(run(given)))
    last = headline(rows, given.streams)
    text = rendered(rows)
    settings = {name: value for name, value in vars(given).items() if name not in {"json", "markdown"}}
    path = report.write("watch", settings, {"rows": rows, "headline": last}, given.json, given.markdown, text)
    print(text)
    print(f"\n{path}")
    print(json.dumps(last), flush=True)


if __name__ == "__main__":
    main()
