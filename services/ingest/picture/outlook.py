"""An outlook: what one camera shows from one direction in one light, averaged over many looks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ingest.picture.scene import Grid, Measured, likeness

# An outlook follows slow changes, such as shadows and furniture, within so many looks. How sharp it is, it follows over a
# day of looks, since a lens mists over in minutes to hours.
_LOOKS_FOLLOWED = 16
_SHARPNESS_LOOKS_FOLLOWED = 2880

_STRUCTURE_SCALE = 127

# Contrast, in levels, that a cell must be expected to have for its absence to mean something, and of what is expected
# the share under which it is gone. Noise shows in the contrast by a fifth of the roughness of plain cells.
_EXPECTED_MIN = 5.0
_GONE_SHARE = 0.3
_NOISE_IN_CONTRAST = 0.2
_VISIBLE_CELLS_MIN = 22
_SATURATED = 225.0
_BLACK_LEVEL = 10.0

# Cells with edges, by which sharpness is measured.
_EDGE_CONTRAST_MIN = 4.0
_EDGE_CONTRAST_NOW_MIN = 2.0
_EDGE_CELLS_MIN = 8
_PLAIN_CELLS_PERCENTILE = 10


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """Averages over ``looks`` looks, kept small (2.3 KB).

    ``structure`` is int8, 127 times that of ``Measured``; ``grids`` float16 of shape (2, 9, 16): level and contrast;
    ``sharpness`` how rough points are in cells with edges, by levels of contrast.
    """

    structure: NDArray[np.int8]
    grids: NDArray[np.float16]
    sharpness: float
    looks: int
    begun_at_monotonic: float
    last_at_monotonic: float

    def likeness(self, measured: Measured) -> float:
        """Correlation of structure with a look, -1 to 1."""
        return likeness(self.unpacked(), measured.structure)

    def unpacked(self) -> Grid:
        """The structure on the scale of ``Measured``."""
        return self.structure.astype(np.float32) / np.float32(_STRUCTURE_SCALE)

    def likeness_to(self, other: "Outlook") -> float:
        """Correlation of structure with another outlook, -1 to 1."""
        return likeness(self.unpacked(), other.unpacked())

    @property
    def lasted_s(self) -> float:
        """From its first look to its last."""
        return self.last_at_monotonic - self.begun_at_monotonic


def begun(measured: Measured, now: float) -> Outlook:
    """An outlook of one look."""
    grids = np.stack([measured.level, measured.contrast])
    sharp = _sharpness(measured, _edges(measured.contrast))
    return Outlook(_packed(measured.structure), grids.astype(np.float16), sharp or 0.0, 1, now, now)


def learned(outlook: Outlook, measured: Measured, now: float) -> Outlook:
    """The outlook with one more look."""
    looks = outlook.looks + 1
    rate = max(1 / looks, 1 / _LOOKS_FOLLOWED)
    known = outlook.unpacked()
    grids = outlook.grids.astype(np.float32)
    grids += rate * (np.stack([measured.level, measured.contrast]) - grids)
    sharp = _sharpness(measured, _edges(outlook.grids[1]))
    sharpness = outlook.sharpness
    if sharp is not None:
        sharpness += max(1 / looks, 1 / _SHARPNESS_LOOKS_FOLLOWED) * (sharp - sharpness)
    structure = _packed(known + np.float32(rate) * (measured.structure - known))
    return Outlook(structure, grids.astype(np.float16), sharpness, looks, outlook.begun_at_monotonic, now)


def share_gone(outlook: Outlook, measured: Measured) -> float | None:
    """Share of the cells that should show something, of those, in which it vanished; None when too few should.

    Contrast falls with the light, so less is expected of a darker cell, and nothing of an overexposed one. Measured on
    12 places through six encodings: fully covered 0.73 to 0.98, also at night and with noise of six levels; 70 % covered
    0.51 to 0.72, less in a bare corridor; under infra-red 0.29 at most, twelve people 0.08, blur of 9 pixels 0.22, fog
    that leaves 40 % of the contrast 0.46.
    """
    level, contrast = outlook.grids.astype(np.float32)
    light = np.minimum(1.0, (measured.level - _BLACK_LEVEL) / np.maximum(level - _BLACK_LEVEL, 1.0))
    expected = contrast * light
    visible = (expected >= _EXPECTED_MIN) & (measured.level < _SATURATED)
    count = int(np.count_nonzero(visible))
    if count < _VISIBLE_CELLS_MIN:
        return None
    noise = _NOISE_IN_CONTRAST * _plain_roughness(measured)
    gone = visible & (measured.contrast - noise <= _GONE_SHARE * expected)
    return float(np.count_nonzero(gone)) / count


def share_structured(measured: Measured) -> float:
    """Share of all cells that show anything, 0 to 1."""
    noise = _NOISE_IN_CONTRAST * _plain_roughness(measured)
    return float(np.mean(measured.contrast - noise >= _EXPECTED_MIN))


def sharpness_left(outlook: Outlook, measured: Measured) -> float | None:
    """How sharp the look is, as a share of what the outlook is; None when too few edges are to be seen.

    Measured at 640x360: blur of 4 pixels 0.30 to 0.50, of 5 pixels 0.23 to 0.41, also at crf 40; never under 0.61 for
    crf 46, infra-red light, noise of ten levels, fog, rain, a crowd or a seventh of the light. At other sizes the
    pixels count in proportion: what is measured is the angle.
    """
    sharp = _sharpness(measured, _edges(outlook.grids[1]))
    return None if sharp is None or outlook.sharpness <= 0 else sharp / outlook.sharpness


def structured_cells(outlook: Outlook) -> int:
    """How many cells show anything."""
    return int(np.count_nonzero(outlook.grids[1] >= _EDGE_CONTRAST_MIN))


def _packed(structure: NDArray[np.floating]) -> NDArray[np.int8]:
    packed: NDArray[np.int8] = np.clip(np.rint(structure * _STRUCTURE_SCALE), -127, 127).astype(np.int8)
    return packed


def _edges(contrast: NDArray[np.float16] | Grid) -> NDArray[np.bool_]:
    middle = float(np.sort(contrast, axis=None)[contrast.size // 2])  # a twentieth of the time of np.median
    edges: NDArray[np.bool_] = contrast >= max(middle, _EDGE_CONTRAST_MIN)
    return edges


def _sharpness(measured: Measured, edges: NDArray[np.bool_]) -> float | None:
    count = int(np.count_nonzero(edges))
    contrast = float(measured.contrast[edges].sum())
    if count < _EDGE_CELLS_MIN or contrast < _EDGE_CONTRAST_NOW_MIN * count:
        return None
    # The roughness of plain cells is noise, of which there is more by night.
    return float((measured.detail[edges] - _plain_roughness(measured)).sum()) / contrast


def _plain_roughness(measured: Measured) -> float:
    return float(np.sort(measured.detail, axis=None)[measured.detail.size * _PLAIN_CELLS_PERCENTILE // 100])
