"""What a look shows, in numbers that can be compared with those of another day.

*Structure* is where edges run and in which direction. It does not change with brightness, and hardly when infra-red
light turns dark cloth bright: an edge stays where it is, only its sign turns, which an angle taken twice forgets.
Correlation of two looks, measured on 16 drawn places at crf 26: the same place 0.86 and more; under infra-red light
0.55 to 0.84, with noise of ten levels 0.32 to 0.69; a third of the light 0.75; twelve people before it 0.36; another
place 0.05 in the middle, 0.3 for corridors and 0.4 for yards drawn alike; turned by 6 % of the width 0.35 in the middle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ingest.picture.look import LOOK_HEIGHT, LOOK_WIDTH, Luma

Grid = NDArray[np.float32]

#: Shape of ``structure`` for each of its two directions, and of the other grids.
STRUCTURE_ROWS, STRUCTURE_COLUMNS = 17, 31
CELL_ROWS, CELL_COLUMNS = 9, 16

_POOL = 3
# Averages over 3 by 3 points, as products: a third of the time that numpy takes to average over two axes.
_POOL_ROWS = np.kron(np.eye(LOOK_HEIGHT // _POOL, dtype=np.float32), np.full((1, _POOL), 1 / _POOL, np.float32))
_POOL_COLUMNS = np.kron(np.eye(LOOK_WIDTH // _POOL, dtype=np.float32), np.full((_POOL, 1), 1 / _POOL, np.float32))
# Edges much weaker than this are noise and count less.
_EDGE = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One look in numbers.

    ``structure``: (2, 17, 31), the cosine and sine of twice the direction of edges, mean taken off. By cells, (9, 16):
    ``level`` the mean, ``contrast`` how far averages of 3 by 3 points lie apart, ``detail`` how rough single points
    are; all in levels.
    """

    structure: Grid
    level: Grid
    contrast: Grid
    detail: Grid


def measured(luma: Luma) -> Measured:
    """Measure a look."""
    points = luma.astype(np.float32)
    pooled: Grid = _POOL_ROWS @ points @ _POOL_COLUMNS
    across = np.abs(points[:, 2:] - 2 * points[:, 1:-1] + points[:, :-2])
    down = np.abs(points[2:] - 2 * points[1:-1] + points[:-2])
    rough = np.zeros_like(points)
    rough[:, 1:-1] += across
    rough[1:-1] += down
    apart: Grid = np.zeros_like(pooled)
    apart[:, :-1] += np.abs(np.diff(pooled, axis=1))
    apart[:-1] += np.abs(np.diff(pooled, axis=0))
    return Measured(_structure(points), _halved(pooled), _halved(apart), _halved(_POOL_ROWS @ rough @ _POOL_COLUMNS))


def likeness(a: Grid, b: Grid) -> float:
    """Correlation of two structures, -1 to 1; 0 when one of them is empty."""
    norm = float(np.sqrt(np.vdot(a, a) * np.vdot(b, b)))
    return float(np.vdot(a, b)) / norm if norm > 0 else 0.0


def best_shift(a: Grid, b: Grid, *, far: int) -> tuple[float, int]:
    """The greatest likeness of ``a`` shifted against ``b`` by up to ``far`` places, and the shift that gives it."""
    shape = (2 * STRUCTURE_ROWS, 2 * STRUCTURE_COLUMNS)
    product = np.fft.rfft2(a, shape) * np.conj(np.fft.rfft2(b, shape))
    surface = np.fft.irfft2(product, shape).sum(axis=0)
    surface = np.roll(surface, (far, far), axis=(0, 1))[: 2 * far + 1, : 2 * far + 1]
    offsets = np.abs(np.arange(-far, far + 1))
    # What two pictures share when shifted is less; without this a shift could never win.
    overlap = (1 - offsets / STRUCTURE_ROWS)[:, None] * (1 - offsets / STRUCTURE_COLUMNS)[None, :]
    surface = surface / overlap
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    norm = float(np.sqrt(np.vdot(a, a) * np.vdot(b, b)))
    return (float(surface[row, column]) / norm if norm > 0 else 0.0), int(max(offsets[row], offsets[column]))


def _structure(points: Grid) -> Grid:
    right = points[:51, 1:94] - points[:51, :93]
    under = points[1:52, :93] - points[:51, :93]
    across, down = right * right, under * under
    strength = across + down + np.float32(_EDGE * _EDGE)
    doubled = np.stack([(across - down) / strength, 2 * right * under / strength])
    pooled = _POOL_ROWS[:STRUCTURE_ROWS, :51] @ doubled @ _POOL_COLUMNS[:93, :STRUCTURE_COLUMNS]
    return np.asarray(pooled - pooled.mean(axis=(1, 2), keepdims=True), np.float32)


def _halved(pooled: Grid) -> Grid:
    return np.asarray(
        (pooled[0::2, 0::2] + pooled[1::2, 0::2] + pooled[0::2, 1::2] + pooled[1::2, 1::2]) / 4, np.float32
    )
