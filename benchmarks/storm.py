"""Five hundred cameras that come up at once, a third of them dead: when are the others online, and are the dead ones left
in peace? ``make bench-storm``.

Dead in three ways: nobody listens; the connection is reset at once; it is accepted and never answered. Afterwards all
that live vanish together, and come back together: a site whose power failed.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.distribution import summary
from benchmarks.trial import Trial
from benchmarks.verdicts import is_offline
from services.runtime.file_limit import raise_file_limit

CLIP = "360p-200k"
#: In words of ``replay.control``.
_DEATHS = ("refuse", "reject", "mute")
_ALL_UP_S = 120.0


def dead_cameras(count: int) -> dict[int, str]:
    """Every third camera with the way it is dead."""
    return {index: _DEATHS[index // 3 % len(_DEATHS)] for index in range(0, count, 3)}


def overlapping(attempts: Sequence[Sequence[float | None]]) -> int:
    """How many connections to a camera began before the one before them had ended."""
    return sum(
        before[1] is None or (after[0] is not None and after[0] < before[1]) for before, after in pairwise(attempts)
    )


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """The storm, and the return."""
    dead = dead_cameras(given.cameras)
    living = [index for index in range(given.cameras) if index not in dead]
    async with Trial(given.cameras, CLIP) as trial:
        for way in _DEATHS:
            await trial.order(way, [index for index, how in dead.items() if how == way])
        began = await trial.begin()
        online = await trial.all_online(living, began, _ALL_UP_S)
        report.say(f"{len(online)} of {len(living)} online")
        await asyncio.sleep(max(given.seconds - max(online.values(), default=0.0), 0.0))
        # In this order: what begins between the two questions must not look like one too many.
        attempts = (await trial.cameras.ask({"do": "attempts"}))["attempts"]
        ended = (await trial.worker.ask({"do": "ended_attempts"}))["ended_attempts"]
        told = await trial.load.told()
        back = await _power_cut(trial, living, given.off_seconds)
    countable = [index for index, how in dead.items() if how != "refuse"]
    return {
        "online_s": summary(online.values()),
        "not_online": len(living) - len(online),
        "connections_of_living": summary(len(attempts[index]) for index in living),
        "dead": {
            way: {
                "cameras": sum(how == way for how in dead.values()),
                "connections": summary(len(attempts[index]) for index in dead if dead[index] == way),
                "attempts_ended": summary(ended[index] for index in dead if dead[index] == way),
            }
            for way in _DEATHS
        },
        # After each attempt that ended, one step of the back-off is waited for; one attempt may be under way.
        "more_than_one_per_step": sum(len(attempts[index]) > ended[index] + 1 for index in countable),
        "overlapping": sum(overlapping(attempts[index]) for index in countable),
        "back_online_s": summary(back.values()),
        "not_back_online": len(living) - len(back),
        "late_share": told["late_share"] if told else None,
    }


async def _power_cut(trial: Trial, living: Sequence[int], off_s: float) -> dict[int, float]:
    """Seconds until each is online again, from the moment at which all are back."""
    gone = await trial.order("refuse", living)
    for camera in living:
        await trial.until(camera, gone, is_offline, 30.0)
    await asyncio.sleep(off_s)
    back = await trial.order("heal", living)
    return await trial.all_online(living, back, _ALL_UP_S)


def rendered(results: dict[str, Any]) -> str:
    """The tables."""

    def row(name: str, told: dict[str, float]) -> list[str]:
        return [
            name,
            *(
                report.number(told.get(key), 2 if key != "count" else 0)
                for key in ("count", "min", "median", "p95", "max")
            ),
        ]

    head = ("", "count", "min", "median", "p95", "max")
    rows = [
        row("leased → online, s", results["online_s"]),
        row("power back → online, s", results["back_online_s"]),
        row("connections of a living camera", results["connections_of_living"]),
    ]
    for way, told in results["dead"].items():
        if way != "refuse":
            rows.append(row(f"connections of a dead camera ({way})", told["connections"]))
        rows.append(row(f"attempts ended, dead camera ({way})", told["attempts_ended"]))
    return "\n".join(
        [
            report.table(head, rows),
            "",
            f"Living cameras that never came online: {results['not_online']}, never came back: {results['not_back_online']}. "
            f"Dead cameras with more than one connection in a step of the back-off: {results['more_than_one_per_step']}; "
            f"connections that overlapped: {results['overlapping']}.",
        ]
    )


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--cameras", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=40.0, help="that attempts at the dead ones are counted")
    parser.add_argument("--off-seconds", type=float, default=5.0, help="that the power stays off")
    parser.add_argument("--json", type=Path, help="where to write the results (benchmarks/results/)")
    parser.add_argument("--markdown", type=Path, help="write the table there, too")
    return parser.parse_args(argv)


def main() -> None:
    raise_file_limit()
    given = arguments()
    results = asyncio.run(run(given))
    text = rendered(results)
    settings = {"cameras": given.cameras, "seconds": given.seconds, "off_seconds": given.off_seconds, "clip": CLIP}
    path = report.write("storm", settings, results, given.json, given.markdown, text)
    print(f"{text}\n\n{path}")
    print(
        json.dumps(
            {
                "online_max_s": results["online_s"].get("max"),
                "more_than_one_per_step": results["more_than_one_per_step"],
            }
        )
    )


if __name__ == "__main__":
    main()
