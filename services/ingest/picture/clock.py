"""Clocks that cameras and recorders write over the picture.

A running clock changes though its picture may be frozen. It is one line of text in the upper or lower third, and where
it changes there are strokes about in both looks: a person who goes leaves a bare place, a digit leaves a digit. That
alone happens by chance too; a clock is known once it has changed in the same place several times running, which on a
camera that lives takes a few looks. A camera and its recorder may each write one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.ingest.picture.look import LOOK_HEIGHT, LOOK_WIDTH, Luma

#: Above and below these rows there may be clocks.
MIDDLE_ROWS = slice(LOOK_HEIGHT // 3, LOOK_HEIGHT * 2 // 3)

_ROWS_MAX = 6
_POINTS_MAX = 200
_CONTRAST_MIN = 48
_REACH = 2
_STROKES_SHARE = 0.9
# A clock at the same place: two rows and six columns about it count as it, since other digits may change next time.
_ROWS_BESIDE = 2
_COLUMNS_BESIDE = 6
_KNOWN_AFTER = 3

Points = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Clock:
    """Where something like a clock changed, in rows and columns of a look, and how many times running."""

    top: int
    bottom: int
    left: int
    right: int
    seen: int = 1

    @property
    def known(self) -> bool:
        """Whether it was seen often enough."""
        return self.seen >= _KNOWN_AFTER

    def holds(self, points: Points) -> bool:
        """Whether all these points lie at it."""
        (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
        return bool(
            top >= self.top - _ROWS_BESIDE
            and bottom <= self.bottom + _ROWS_BESIDE
            and left >= self.left - _COLUMNS_BESIDE
            and right <= self.right + _COLUMNS_BESIDE
        )


@dataclass(frozen=True, slots=True)
class Clocks:
    """The one in the upper third and the one in the lower."""

    upper: Clock | None = None
    lower: Clock | None = None

    def seen_with(self, change: "Change") -> "Clocks":
        """With what changed like a clock this time."""
        return Clocks(_seen_again(self.upper, change.upper), _seen_again(self.lower, change.lower))

    def explain(self, change: "Change") -> bool:
        """Whether all that changed is a known clock."""
        return change.only_clocks and all(
            part is None or (clock is not None and clock.known and clock.holds(part))
            for clock, part in ((self.upper, change.upper), (self.lower, change.lower))
        )


class Change(NamedTuple):
    """Points, (row, column) each, that changed like a clock, in either third; and whether nothing else moved."""

    upper: Points | None
    lower: Points | None
    only_clocks: bool


def clock_like(moved: NDArray[np.bool_], before: Luma, after: Luma) -> Change:
    """What of the points that moved between two looks is like a clock."""
    thirds = slice(0, MIDDLE_ROWS.start), slice(MIDDLE_ROWS.stop, LOOK_HEIGHT)
    only_clocks = not moved[MIDDLE_ROWS].any()
    found: list[Points | None] = []
    for third in thirds:
        points = np.argwhere(moved[third]) + np.array((third.start, 0))
        is_clock = 0 < len(points) <= _POINTS_MAX and _in_one_line(points) and _among_strokes(points, before, after)
        only_clocks = only_clocks and (is_clock or not len(points))
        found.append(points if is_clock else None)
    return Change(found[0], found[1], only_clocks)


def _in_one_line(points: Points) -> bool:
    return bool(np.ptp(points[:, 0]) < _ROWS_MAX)


def _among_strokes(points: Points, before: Luma, after: Luma) -> bool:
    around = np.mgrid[-_REACH : _REACH + 1, -_REACH : _REACH + 1].reshape(2, -1)
    rows = np.clip(points[:, 0][:, None] + around[0], 0, LOOK_HEIGHT - 1)
    columns = np.clip(points[:, 1][:, None] + around[1], 0, LOOK_WIDTH - 1)
    strokes = np.ones(len(points), bool)
    for luma in (before, after):
        strokes &= np.ptp(luma[rows, columns], axis=1) >= _CONTRAST_MIN
    return bool(np.mean(strokes) >= _STROKES_SHARE)


def _seen_again(clock: Clock | None, points: Points | None) -> Clock | None:
    if points is None:
        return clock
    (top, left), (bottom, right) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    if clock is not None and clock.holds(points):
        top, bottom = min(top, clock.top), max(bottom, clock.bottom)
        left, right = min(left, clock.left), max(right, clock.right)
        if bottom - top < _ROWS_MAX:
            return Clock(top, bottom, left, right, min(clock.seen + 1, _KNOWN_AFTER))
    return Clock(top, bottom, left, right)
