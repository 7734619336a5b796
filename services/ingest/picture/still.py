"""Whether a picture is frozen: the same source encoded again, however often and with whatever clock on it.

The evidence is identity, not likeness. A *block* is 3 by 3 points of a look. When one and the same picture is encoded
again at a quantizer near the last, many blocks come out exactly as before; a living sensor changes each of its points a
little, and no block with texture in it survives that. Measured with x264 and x265 at 60 kb/s to crf 23, on a corridor
and a yard, by day and under infra-red, in pairs of key frames: of a still, 5 to 100 % of the textured blocks are
identical once the rate control has come near a state it had before; with noise of a tenth of a level 5.8 % at most and
mostly none; with noise of half a level 1 % at most. How much two looks differ tells far less: a still at another
quantizer differs by 2 to 4 levels on average, noise of two levels by 2.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.ingest.picture.clock import Clocks, clock_like
from services.ingest.picture.look import LOOK_HEIGHT, LOOK_WIDTH, Look, Luma, levels_apart

BLOCK = 3
_BLOCK_ROWS, _BLOCK_COLUMNS = LOOK_HEIGHT // BLOCK, LOOK_WIDTH // BLOCK

# A block with a smaller range is plain: coding alone may give it one level, and the same one every time.
_TEXTURE_MIN = 6
_TEXTURED_BLOCKS_MIN = 24
#: Of the textured blocks, the share that is identical in two looks of one source.
_IDENTICAL_MIN = 0.1
# A picture with hardly any texture says little: all of it must be the same, for so many times as long.
_PLAIN_IDENTICAL_MIN = 0.995
_PLAIN_AGE_FACTOR = 8

# A point has moved when it differs by more than these, the second being a multiple of what 95 % of the points stay
# under: a still that is encoded anew has peaks of 16 levels at crf 23 and of 57 between quantizers 20 and 36.
_MOVED_LEVELS_MIN = 8
_MOVED_SPREADS = 5
# More than this spread is another picture: the most that was measured between quantizers is 13.
_SPREAD_MAX = 16
# Where hardly a point differs, one that moved is enough. Otherwise edges account for a few.
_EXACT_CHANGED_MAX = 0.02
_MOVED_POINTS_MAX = 15
#: So many moved points are somebody who moves, whatever the encoder does.
_SOMEBODY_POINTS = 40

# Encoding a still moves its mean by 0.06 levels at most; more than this is light, which may come back as well.
_LIGHT_MAX = 0.15

# Traces kept of a run, 1.2 KB each, and for how many times the needed age.
_TRACES_MAX = 6
_AGE_FACTOR = 10

# A camera that starts its encoder anew for each session shows the same series of key frames every time, of which only
# the first may have been kept: the later ones of one probe, seconds after, do not clear what it said. Nor do two looks
# at quantizers that were not seen yet, nor as long as more is identical than noise leaves.
_MET_HOLDS_S = 5.0
_MET_HOLDS_LOOKS = 2
_STILL_IDENTICAL_MIN = 0.03

# A camera that was seen to stand still without being frozen must stand still for so much longer to be called frozen.
_STICKS_FACTOR = 3
_STICKS_MAX_S = 3600.0

_HASH_FACTORS = np.random.default_rng(1).integers(1, 2**32, BLOCK * BLOCK, dtype=np.uint32) | np.uint32(1)

Blocks = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What is kept of a look: a check sum of each block, uint16 of shape (18, 32). Two differing blocks have the same
    one in 1 of 65,536 cases."""

    taken_at_monotonic: float
    blocks: Blocks


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The present run of stillness: nothing moved and the light stayed. An empty one begins.

    ``traces`` are those of its looks, oldest first; ``newest`` is the last of them in full; ``light`` by how many levels it rose since;
    ``met_at_monotonic``: when an old look of the run was last met again, and ``unmet`` how many looks came since;
    ``still_s``: for how long each look shows the same as the one before; ``stood_still_s``: for how long this camera
    was seen to do so and then turned out to be alive; ``clocks``: those that are written over it.
    """

    traces: tuple[Trace, ...] = ()
    newest: Look | None = None
    light: float = 0.0
    met_at_monotonic: float | None = None
    unmet: int = 0
    still_s: float = 0.0
    stood_still_s: float = 0.0
    clocks: Clocks = field(default_factory=Clocks)

    def begun_anew(self) -> "Run":
        """Without looks; what was learned of the camera stays."""
        return Run(stood_still_s=self.stood_still_s, clocks=self.clocks)


def follow(run: Run, look: Look, *, frozen_after_s: float) -> tuple[Run, bool]:
    """The run with this look, and whether the picture is frozen."""
    now, luma = look.taken_at_monotonic, look.luma
    trace = Trace(now, _blocks(luma))
    if run.newest is None:
        return replace(run, traces=(trace,), newest=look), False
    textured = _textured(luma)
    change = _change(run.newest.luma, luma, run.clocks)
    clocks, light = change.clocks, run.light + change.light
    same = _one_source(run.traces[-1].blocks, trace.blocks, textured)
    if change.moved or abs(light) > _LIGHT_MAX:
        stood_still_s = run.stood_still_s
        if same and change.moved >= _SOMEBODY_POINTS:
            # Somebody moves before a background that is identical to the last point: no sensor does that without help.
            stood_still_s = max(stood_still_s, run.still_s)
        return Run((trace,), look, stood_still_s=stood_still_s, clocks=clocks), False
    still_s = run.still_s + now - run.newest.taken_at_monotonic if same else 0.0
    needed_s = max(frozen_after_s, min(_STICKS_FACTOR * run.stood_still_s, _STICKS_MAX_S))
    met = any(_shows_frozen(earlier, trace, textured, needed_s) for earlier in run.traces)
    met_at = now if met else run.met_at_monotonic
    if not met and met_at is not None and run.unmet <= _MET_HOLDS_LOOKS:
        met = any(
            _one_source(earlier.blocks, trace.blocks, textured, share=_STILL_IDENTICAL_MIN) for earlier in run.traces
        )
    unmet = 0 if met else run.unmet + 1
    frozen = met_at is not None and (now - met_at <= _MET_HOLDS_S or unmet <= _MET_HOLDS_LOOKS)
    kept = _kept(run.traces, oldest=now - _AGE_FACTOR * needed_s)
    followed = Run((*kept, trace), look, light, met_at, unmet, still_s, run.stood_still_s, clocks)
    return followed, frozen


def seen_before(run: Run) -> bool:
    """Whether the newest look shows the same picture as an older one of the run."""
    if run.newest is None:
        return False
    textured = _textured(run.newest.luma)
    return any(_one_source(earlier.blocks, run.traces[-1].blocks, textured) for earlier in run.traces[:-1])


def stands_still(looks: Sequence[Look]) -> bool | None:
    """Whether looks taken within seconds show one and the same picture; None when a single one tells nothing.

    ``judge`` compares looks that are half a minute apart. A clip that is played in a loop shows the same key frame
    again after that time though its picture moves, and so does a recorder that repeats itself: two key frames in a row
    tell them from a picture that is frozen.
    """
    if len(looks) < 2:
        return None
    return all(
        not _change(earlier.luma, later.luma, None).moved
        and _one_source(_blocks(earlier.luma), _blocks(later.luma), _textured(later.luma))
        for earlier, later in pairwise(looks)
    )


def _shows_frozen(earlier: Trace, newest: Trace, textured: NDArray[np.bool_], needed_s: float) -> bool:
    age_s = newest.taken_at_monotonic - earlier.taken_at_monotonic
    if np.count_nonzero(textured) < _TEXTURED_BLOCKS_MIN:
        needed_s *= _PLAIN_AGE_FACTOR
    return age_s >= needed_s and _one_source(earlier.blocks, newest.blocks, textured)


def _one_source(a: Blocks, b: Blocks, textured: NDArray[np.bool_], *, share: float = _IDENTICAL_MIN) -> bool:
    same = a == b
    count = int(np.count_nonzero(textured))
    if count < _TEXTURED_BLOCKS_MIN:
        return bool(np.mean(same) >= _PLAIN_IDENTICAL_MIN)
    return bool(np.count_nonzero(same & textured) >= share * count)


def _block_points(luma: Luma) -> list[Luma]:
    """The nine points of every block, each of shape (18, 32)."""
    return [luma[row::BLOCK, column::BLOCK] for row in range(BLOCK) for column in range(BLOCK)]


def _blocks(luma: Luma) -> Blocks:
    sums = np.zeros((_BLOCK_ROWS, _BLOCK_COLUMNS), np.uint32)
    for points, factor in zip(_block_points(luma), _HASH_FACTORS, strict=True):
        sums += points * factor
    return (sums >> np.uint32(16)).astype(np.uint16)


def _textured(luma: Luma) -> NDArray[np.bool_]:
    rows_high = np.maximum(np.maximum(luma[0::BLOCK], luma[1::BLOCK]), luma[2::BLOCK])
    rows_low = np.minimum(np.minimum(luma[0::BLOCK], luma[1::BLOCK]), luma[2::BLOCK])
    high = np.maximum(np.maximum(rows_high[:, 0::BLOCK], rows_high[:, 1::BLOCK]), rows_high[:, 2::BLOCK])
    low = np.minimum(np.minimum(rows_low[:, 0::BLOCK], rows_low[:, 1::BLOCK]), rows_low[:, 2::BLOCK])
    textured: NDArray[np.bool_] = high - low >= _TEXTURE_MIN
    return textured


class _Change(NamedTuple):
    """Between two looks: ``moved`` points, beyond what encoding anew explains and but for known clocks; ``light``, by
    how many levels all others rose; the clocks as seen now."""

    moved: int
    light: float
    clocks: Clocks


def _change(before: Luma, after: Luma, clocks: Clocks | None) -> _Change:
    """Without ``clocks`` whatever changes like one is taken for one."""
    apart = levels_apart(before, after)
    spread = int(np.searchsorted(np.cumsum(np.bincount(apart.ravel())), apart.size * 95 // 100))
    moved = apart > max(_MOVED_LEVELS_MIN, min(_MOVED_SPREADS * spread, 255))
    count = int(np.count_nonzero(moved))
    rise = int(after.sum()) - int(before.sum()) - int(after[moved].sum()) + int(before[moved].sum())
    light = rise / max(apart.size - count, 1)
    like_clock = clock_like(moved, before, after)
    explained = like_clock.only_clocks and (clocks is None or clocks.explain(like_clock))
    clocks = (clocks or Clocks()).seen_with(like_clock)
    if spread > _SPREAD_MAX:
        return _Change(apart.size, light, clocks)
    exact = np.count_nonzero(apart) - count <= _EXACT_CHANGED_MAX * apart.size
    return _Change(0 if explained or not (exact or count > _MOVED_POINTS_MAX) else count, light, clocks)


def _kept(traces: tuple[Trace, ...], *, oldest: float) -> list[Trace]:
    kept = [trace for trace in traces if trace.taken_at_monotonic >= oldest]
    if len(kept) >= _TRACES_MAX:
        # Thin out the closest pair, so that what is kept always reaches back far enough.
        gaps = [later.taken_at_monotonic - earlier.taken_at_monotonic for earlier, later in pairwise(kept)]
        del kept[gaps.index(min(gaps)) + 1]
    return kept
