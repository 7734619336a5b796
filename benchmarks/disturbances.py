"""What bad lines and busy cameras do without being offline, again and again, to many cameras at once.

Each of these must leave a camera's condition as it is, by the rules of ``docs/states.md``:

* hiccup: nothing comes for 3 seconds, then everything at once. Silence counts after 5.
* slow: for 10 seconds the line lets through half of what the camera makes; what waited comes afterwards. Frames are
  late then, but media goes on at half the pace; below a quarter of it a stream would rightly count as silent.
* cut: the connection is reset, and the camera takes the next one. An end counts after a reconnect that failed.
* swing: the bit rate becomes tenfold for two groups of pictures, and falls back. Never on a line that is slow: there
  a camera would rightly be called silent, so that half of the lanes swing and the other half grow slow.

What would rightly change it is not done here: silence beyond 5 seconds, a camera that refuses the reconnect, a pace
below a quarter for 5 seconds or more, more than 3 cuts of one camera in 10 minutes (flapping).

They are made by the replay's own queue for each connection, above TCP. Packets that are lost, delayed or come out of
order below TCP show above it as these same pauses and bursts, but this is not the kernel's netem.
"""

import random
import time
from collections import Counter, deque

from benchmarks.replay.clips import CLIPS
from benchmarks.trial import Trial

CALM_CLIP = "360p-200k"
#: The same picture at ten times the rate.
LIVELY_CLIP = "360p-2M"

HICCUP_S = 3.0
SLOW_S = 10.0
SLOW_SHARE = 0.5
SWING_S = 4.0
SWING_EVERY_S = 40.0
CUTS_MAX = 3
CUTS_WITHIN_S = 600.0
#: After each, so long until the next on the same camera: what waited has to come, and a reconnect to be proved.
REST_S = 20.0
#: Cuts are a small part: each costs the worker a first look, as it would in the field.
_KINDS = ("hiccup", "slow", "cut")
_WEIGHTS = (6, 3, 1)


class CutBudget:
    """Remembers cuts, so that no camera flaps. Pure."""

    def __init__(self, most: int = CUTS_MAX, within_s: float = CUTS_WITHIN_S) -> None:
        self._most = most
        self._within_s = within_s
        self._cuts: dict[int, deque[float]] = {}

    def spend(self, camera: int, now: float) -> bool:
        """Whether this camera may be cut now; then it counts as cut."""
        cuts = self._cuts.setdefault(camera, deque())
        while cuts and now - cuts[0] >= self._within_s:
            cuts.popleft()
        if len(cuts) >= self._most:
            return False
        cuts.append(now)
        return True


class Disturber:
    """Disturbs some of the cameras at each step: ``begin``, ``step`` about once a second, ``end``."""

    def __init__(self, trial: Trial, *, share: float, seed: int = 1) -> None:
        self._trial = trial
        self._share = share
        self._random = random.Random(seed)
        self._free_at = [0.0] * trial.count
        self._cuts = CutBudget()
        self._swing_back: dict[int, float] = {}
        self._swing_at: list[float] = []
        self.counts: Counter[str] = Counter()

    async def begin(self) -> None:
        """Learn how the cameras are spread over lanes: in turns, see ``replay.server``."""
        now = time.monotonic()
        lanes = (await self._trial.load.told() or {})["lanes"]
        self._swing_at = [now + self._random.uniform(0, SWING_EVERY_S) for _ in range(lanes)]

    async def step(self) -> None:
        """Disturb a share of those that are at rest, and swing the rates that are due."""
        now = time.monotonic()
        resting = [camera for camera, free_at in enumerate(self._free_at) if free_at <= now]
        wanted = min(len(resting), max(round(self._share * self._trial.count), 1))
        by_kind: dict[str, list[int]] = {kind: [] for kind in _KINDS}
        for camera in self._random.sample(resting, wanted):
            kind = self._random.choices(_KINDS, _WEIGHTS)[0]
            if kind == "slow" and self._swings(camera % len(self._swing_at)):
                kind = "hiccup"
            if kind == "cut" and not self._cuts.spend(camera, now):
                kind = "hiccup"
            by_kind[kind].append(camera)
            self._free_at[camera] = now + {"hiccup": HICCUP_S, "slow": SLOW_S, "cut": 0.0}[kind] + REST_S
        await self._trial.order("hold", by_kind["hiccup"], seconds=HICCUP_S)
        await self._trial.order("slow", by_kind["slow"], seconds=SLOW_S, kbps=CLIPS[CALM_CLIP].kbps * SLOW_SHARE)
        await self._trial.order("cut", by_kind["cut"], reset=self._random.random() < 0.5)
        self.counts.update({kind: len(cameras) for kind, cameras in by_kind.items()})
        await self._swing(now)

    async def end(self) -> None:
        """Let all rates fall back."""
        for lane in list(self._swing_back):
            await self._trial.order("swing", (), lane=lane, clip=CALM_CLIP)
        self._swing_back.clear()

    def _swings(self, lane: int) -> bool:
        return lane % 2 == 0

    async def _swing(self, now: float) -> None:
        for lane, at in enumerate(self._swing_at):
            if not self._swings(lane):
                continue
            if lane in self._swing_back and now >= self._swing_back[lane]:
                del self._swing_back[lane]
                await self._trial.order("swing", (), lane=lane, clip=CALM_CLIP)
            elif lane not in self._swing_back and now >= at:
                self._swing_at[lane] = now + SWING_EVERY_S * self._random.uniform(0.8, 1.2)
                self._swing_back[lane] = now + SWING_S
                self.counts["swing"] += -(-(self._trial.count - lane) // len(self._swing_at))
                await self._trial.order("swing", (), lane=lane, clip=LIVELY_CLIP)
