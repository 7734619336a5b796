"""From a fault to the event on the bus: a killed connection, a silent one, a frozen picture. ``make bench-faults``.

Each camera gets one fault after the other, at random moments, and is healed in between until it is online again. So the
distribution holds whatever the moment of a fault meets: a look just over, or just due.
"""

import argparse
import asyncio
import json
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.distribution import summary
from benchmarks.replay.clips import frozen_clip_of
from benchmarks.trial import Trial
from benchmarks.verdicts import Transition, Verdict, is_frozen, is_offline, is_online, transitions
from services.runtime.file_limit import raise_file_limit

CLIP = "360p-200k"
KINDS = ("kill", "silence", "freeze")
#: Seconds from fault to event.
TARGETS_S = {"kill": 1.0, "silence": 6.0, "freeze": 90.0}
_GIVEN_UP_S = 180.0
_ALL_UP_S = 120.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One that was injected. ``found_s`` None: it was not told in time. Monotonic moments."""

    kind: str
    camera: int
    began_at: float
    ended_at: float
    found_s: float | None


def unexplained(changes: Sequence[Transition], faults: Sequence[Fault]) -> list[Transition]:
    """The changes away from online on cameras that had no fault at that moment."""
    return [
        change
        for change in changes
        if change.was == "online"
        and not any(fault.camera == change.camera and fault.began_at <= change.at <= fault.ended_at for fault in faults)
    ]


class _Injector:
    def __init__(self, trial: Trial, kinds: Sequence[str], *, pause_max_s: float, random_: random.Random) -> None:
        self._trial = trial
        self._left = deque(kinds)
        self._pause_max_s = pause_max_s
        self._random = random_
        self.faults: list[Fault] = []
        self.lost: list[int] = []

    async def spoil(self, camera: int) -> None:
        """One fault after the other, until none is left or the camera does not come back."""
        while self._left:
            kind = self._left.popleft()
            await asyncio.sleep(self._random.uniform(0, self._pause_max_s))
            began = await self._inject(kind, camera)
            found = await self._trial.until(camera, began, is_frozen if kind == "freeze" else is_offline, _GIVEN_UP_S)
            healed = await self._heal(kind, camera)
            online: Verdict | None = None
            if found is not None or kind != "freeze":
                online = await self._trial.until(camera, healed, is_online, _GIVEN_UP_S)
            ended = online.at if online is not None else healed
            self.faults.append(Fault(kind, camera, began, ended, found.at - began if found is not None else None))
            report.say(f"{len(self.faults)}: {kind}, {self.faults[-1].found_s}")
            if online is None and found is not None:
                self.lost.append(camera)
                return

    async def _inject(self, kind: str, camera: int) -> float:
        match kind:
            case "kill":  # and nobody listens from then on; some devices end with FIN, some with RST
                return await self._trial.order("refuse", [camera], reset=self._random.random() < 0.5)
            case "silence":
                return await self._trial.order("silence", [camera])
            case _:  # at the next key frame, so that up to two seconds of what is measured are the camera's own
                return await self._trial.order("play", [camera], clip=frozen_clip_of(CLIP))

    async def _heal(self, kind: str, camera: int) -> float:
        if kind == "freeze":
            return await self._trial.order("play", [camera], clip=CLIP)
        return await self._trial.order("heal", [camera])


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """Inject them all."""
    kinds = [given.kinds[index % len(given.kinds)] for index in range(given.faults)]
    random_ = random.Random(given.seed)
    random_.shuffle(kinds)
    worker = ("--picture-every-s", str(given.picture_every), "--frozen-after-s", str(given.frozen_after))
    async with Trial(given.cameras, CLIP, ready=[frozen_clip_of(CLIP)], worker=worker) as trial:
        began = await trial.begin()
        online = await trial.all_online(range(given.cameras), began, _ALL_UP_S)
        injector = _Injector(trial, kinds, pause_max_s=given.pause_max, random_=random_)
        await asyncio.gather(*map(injector.spoil, online))
        told = await trial.load.told()
        changes = transitions(trial.verdicts)
    return {
        "found_s": {
            kind: summary(
                fault.found_s for fault in injector.faults if fault.kind == kind and fault.found_s is not None
            )
            for kind in given.kinds
        },
        "not_found": {
            kind: sum(fault.kind == kind and fault.found_s is None for fault in injector.faults) for kind in given.kinds
        },
        "never_back": injector.lost,
        "never_online": given.cameras - len(online),
        "unexplained": [change._asdict() for change in unexplained(changes, injector.faults)],
        "faults": [[fault.kind, fault.camera, fault.found_s] for fault in injector.faults],
        "late_share": told["late_share"] if told else None,
    }


def rendered(results: dict[str, Any]) -> str:
    """The table."""
    rows = [
        [
            kind,
            *(
                report.number(told.get(key), 2 if key != "count" else 0)
                for key in ("count", "min", "median", "p95", "max")
            ),
            str(results["not_found"][kind]),
            report.number(TARGETS_S[kind], 0),
        ]
        for kind, told in results["found_s"].items()
    ]
    head = ("fault", "found", "min s", "median s", "p95 s", "max s", "not found", "at most s")
    return "\n".join(
        [
            report.table(head, rows),
            "",
            f"Changes away from online without a fault: {len(results['unexplained'])}; "
            f"cameras that did not come back: {len(results['never_back'])}.",
        ]
    )


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--cameras", type=int, default=60)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS), help="kill,silence,freeze")
    parser.add_argument("--pause-max", type=float, default=40.0, help="seconds before each fault, at most")
    parser.add_argument("--picture-every", type=float, default=30.0, help="seconds; the product's default is 30")
    parser.add_argument("--frozen-after", type=float, default=25.0, help="seconds; the product's default is 25")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the results (benchmarks/results/)")
    parser.add_argument("--markdown", type=Path, help="write the table there, too")
    return parser.parse_args(argv)


def main() -> None:
    raise_file_limit()
    given = arguments()
    results = asyncio.run(run(given))
    text = rendered(results)
    settings = {name: value for name, value in vars(given).items() if name not in {"json", "markdown"}} | {"clip": CLIP}
    path = report.write("faults", settings, results, given.json, given.markdown, text)
    print(f"{text}\n\n{path}")
    print(json.dumps({kind: told.get("max") for kind, told in results["found_s"].items()}))


if __name__ == "__main__":
    main()
