"""A look: the luma of one key frame, sampled at a grid of points.

Points and not averages, because averaging removes the one thing that tells a living sensor from a frozen one, its
noise; and because fine detail, which averages lose as well, stays in the points as roughness, so that blur shows.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Columns and rows of a look.
LOOK_WIDTH = 96
LOOK_HEIGHT = 54

Luma = NDArray[np.uint8]

_LARGE = 12


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


def difference(a: Luma, b: Luma) -> Difference:
    """Compare two looks of one shape."""
    apart = levels_apart(a, b)
    return Difference(float(np.mean(apart > 0)), float(np.mean(apart > _LARGE)), int(apart.max()))


def levels_apart(a: Luma, b: Luma) -> Luma:
    """The distance of each point, without wrapping around."""
    apart: Luma = np.maximum(a, b) - np.minimum(a, b)
    return apart
