"""How long to wait before the next attempt. Pure but for the dice, which come in."""

from collections.abc import Callable

FIRST_S = 0.5
#: Soon after a loss the camera probably comes back soon; after a while it is a matter for people.
CAP_EARLY_S = 4.0
EARLY_FOR_S = 120.0
CAP_LATE_S = 300.0

#: A device that said it locked us out is tried once more after this long.
LOCKOUT_S = 3600.0


def delay_s(failures: int, down_for_s: float, uniform: Callable[[float, float], float]) -> float:
    """Seconds to wait after ``failures`` attempts in a row, with full jitter so that sites do not reconnect in step.

    ``down_for_s`` is how long the camera has been down; ``uniform`` draws between two numbers.
    """
    cap = CAP_EARLY_S if down_for_s < EARLY_FOR_S else CAP_LATE_S
    ceiling = min(cap, FIRST_S * 2.0 ** min(failures, 12))
    return uniform(0.0, ceiling)
