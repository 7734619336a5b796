"""Percentiles of few values, without interpolation: each is a value that was measured."""

import math
from collections.abc import Iterable, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values do not exceed (nearest rank). ValueError when empty."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def median(values: Sequence[float]) -> float:
    """The middle value; the lower one of two."""
    return percentile(values, 0.5)


def summary(values: Iterable[float]) -> dict[str, float | int]:
    """Count, min, median, p95 and max. Only the count when nothing was measured."""
    kept = list(values)
    if not kept:
        return {"count": 0}
    return {
        "count": len(kept),
        "min": min(kept),
        "median": median(kept),
        "p95": percentile(kept, 0.95),
        "max": max(kept),
    }
