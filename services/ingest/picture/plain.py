"""Pictures without a scene in them: black, and the one-coloured screen of a recorder that has no camera."""

import numpy as np

from services.ingest.picture.look import Luma

# Black in limited range is 16, in full range 0; a sensor without light adds noise on either.
_BLACK_CELL = 6
_BLACK_CELL_MAX = 34
_BLACK_CELL_RANGE_MAX = 10
_LIT = 64
_LIT_POINTS = 3

# A generated screen is the same level everywhere but for its text; at 60 kb/s and at 1 Mb/s, with text, 93 % of its
# points and more stay within one level of the commonest. Of a corridor or yard it is never more than 45 %, of a hand
# before the lens 20 %. Below the first bound lies what a sensor without light gives as well, above the second what
# light gives that is too strong for it: neither is generated for sure.
_PLAIN_SHARE_MIN = 0.85
_PLAIN_LEVEL_MIN = 28
_PLAIN_LEVEL_MAX = 228


def is_black(luma: Luma) -> bool:
    """Whether the picture is dark and flat. One lamp or a dim outline in it makes it not black."""
    if np.count_nonzero(luma > _LIT) >= _LIT_POINTS:
        return False
    rows, columns = (size // _BLACK_CELL for size in luma.shape)
    cropped = luma[: rows * _BLACK_CELL, : columns * _BLACK_CELL]
    cells = cropped.reshape(rows, _BLACK_CELL, columns, _BLACK_CELL).mean(axis=(1, 3))
    return bool(cells.max() <= _BLACK_CELL_MAX and cells.max() - cells.min() <= _BLACK_CELL_RANGE_MAX)


def plain_level(luma: Luma) -> int | None:
    """The level of a screen of one colour, with or without text on it; None for anything else.

    A blue screen in the colours of BT.709 has a luma of 32: it is one-coloured here, where ``is_black`` would take it
    for darkness.
    """
    counts = np.bincount(luma.ravel(), minlength=256)
    level = int(counts.argmax())
    if not _PLAIN_LEVEL_MIN <= level <= _PLAIN_LEVEL_MAX:
        return None
    return level if counts[level - 1 : level + 2].sum() >= _PLAIN_SHARE_MIN * luma.size else None
