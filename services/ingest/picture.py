"""What a picture shows, judged from small looks at it. Pure: numpy and nothing else.

A *look* is the luma of one key frame, sampled at a grid of points. Points and not averages, because averaging removes
the one thing that tells a living sensor from a frozen one: its noise. Measured with x264 and x265 on a still: once the
rate control has settled, two key frames of a frozen source differ in at most a few per cent of the points and soon in
none, while noise of only 0.5 levels before the encoder changes 35 %, and light that drifts by one level in 10 s changes
20 % within a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.contracts.ladder import Reason

#: Columns and rows of a look.
LOOK_WIDTH = 96
LOOK_HEIGHT = 54

Luma = NDArray[np.uint8]

# Two looks are the same picture when so few points differ, and none by more. The first frames of an encoder, before
# its rate control has settled, differ more than that: hence any earlier look of the run may be the one that is met.
_SAME_CHANGED_MAX = 0.1
_SAME_PEAK_MAX = 8

# Consecutive looks belong to one run of stillness unless something moved or the light changed: what encoding does to a
# still stays under these. A thing that moves and comes back would otherwise be met again in the same place.
_RUN_PEAK_MAX = 16
_RUN_LARGE = 12
_RUN_LARGE_SHARE_MAX = 0.005
# Encoding a still moves its mean by 0.06 levels at most; more than this is light, which may come back as well.
_RUN_MEAN_MAX = 0.15

# Looks kept of a run, about 5 KB each, and for how many times ``frozen_after_s``.
_RUN_LOOKS_MAX = 6
_RUN_AGE_FACTOR = 8

# A camera that starts its encoder anew for each session shows the same series of key frames every time, of which only
# the first may have been kept: the later ones of one probe, seconds after, do not clear what it said.
_MET_HOLDS_S = 5.0

# Black in limited range is 16, in full range 0; a sensor without light adds noise on either.
_BLACK_CELL = 6
_BLACK_CELL_MAX = 34
_BLACK_CELL_RANGE_MAX = 10
_LIT = 64
_LIT_POINTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One look: ``luma`` is uint8 of shape (LOOK_HEIGHT, LOOK_WIDTH), in the range the camera uses."""

    taken_at_monotonic: float
    luma: Luma


class Difference(NamedTuple):
    """How far two looks are apart."""

    changed: float  # share of points that differ at all, 0 to 1
    large: float  # share of points that differ by more than encoding a still explains
    peak: int  # the largest difference, in levels


@dataclass(frozen=True, slots=True)
class History:
    """The looks of the present run of stillness, oldest first. An empty one begins.

    ``met_at_monotonic``: when an old look of the run was last met again.
    """

    looks: tuple[Look, ...] = ()
    met_at_monotonic: float | None = None


def difference(a: Luma, b: Luma) -> Difference:
    """Compare two looks of one shape."""
    apart = np.abs(a.astype(np.int16) - b.astype(np.int16))
    return Difference(float(np.mean(apart > 0)), float(np.mean(apart > _RUN_LARGE)), int(apart.max()))


def is_black(luma: Luma) -> bool:
    """Whether the picture is dark and flat. One lamp or a dim outline in it makes it not black."""
    if np.count_nonzero(luma > _LIT) >= _LIT_POINTS:
        return False
    rows, columns = (size // _BLACK_CELL for size in luma.shape)
    cropped = luma[: rows * _BLACK_CELL, : columns * _BLACK_CELL]
    cells = cropped.reshape(rows, _BLACK_CELL, columns, _BLACK_CELL).mean(axis=(1, 3))
    return bool(cells.max() <= _BLACK_CELL_MAX and cells.max() - cells.min() <= _BLACK_CELL_RANGE_MAX)


def judge(history: History, look: Look, *, frozen_after_s: float) -> tuple[History, tuple[Reason, ...]]:
    """The history with this look, and what is wrong with the picture now.

    Looks come in the order they were taken. A black picture is not called frozen too: without light nothing can be
    seen to move.
    """
    if is_black(look.luma):
        return History(), (Reason.BLACK,)
    if not history.looks or not (_unmoved(history.looks[-1], look) and _same_light(history.looks[0], look)):
        return History((look,)), ()
    now = look.taken_at_monotonic
    met = any(
        now - earlier.taken_at_monotonic >= frozen_after_s and _same_picture(earlier, look) for earlier in history.looks
    )
    met_at = now if met else history.met_at_monotonic
    frozen = met_at is not None and now - met_at <= _MET_HOLDS_S
    kept = _kept(history.looks, oldest=now - _RUN_AGE_FACTOR * frozen_after_s)
    return History((*kept, look), met_at), (Reason.FROZEN,) if frozen else ()


def seen_before(history: History) -> bool:
    """Whether the newest look shows the same picture as an older one: reason to look again soon."""
    return any(_same_picture(earlier, history.looks[-1]) for earlier in history.looks[:-1])


def stands_still(looks: Sequence[Look]) -> bool | None:
    """Whether looks taken within seconds show one and the same picture; None when a single one tells nothing.

    ``judge`` compares looks that are half a minute apart. A clip that is played in a loop shows the same key frame
    again after that time though its picture moves, and so does a recorder that repeats itself: two key frames in a row
    tell them from a picture that is frozen.
    """
    if len(looks) < 2:
        return None
    return all(_same_picture(earlier, later) for earlier, later in pairwise(looks))


def _same_picture(a: Look, b: Look) -> bool:
    apart = difference(a.luma, b.luma)
    return apart.changed <= _SAME_CHANGED_MAX and apart.peak <= _SAME_PEAK_MAX


def _unmoved(a: Look, b: Look) -> bool:
    apart = difference(a.luma, b.luma)
    return apart.peak <= _RUN_PEAK_MAX and apart.large <= _RUN_LARGE_SHARE_MAX


def _same_light(a: Look, b: Look) -> bool:
    return abs(float(a.luma.mean()) - float(b.luma.mean())) <= _RUN_MEAN_MAX


def _kept(looks: tuple[Look, ...], *, oldest: float) -> list[Look]:
    kept = [look for look in looks if look.taken_at_monotonic >= oldest]
    if len(kept) >= _RUN_LOOKS_MAX:
        # Thin out the closest pair, so that what is kept always reaches back far enough.
        gaps = [later.taken_at_monotonic - earlier.taken_at_monotonic for earlier, later in pairwise(kept)]
        del kept[gaps.index(min(gaps)) + 1]
    return kept
