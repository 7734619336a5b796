"""When a camera is connected to again, and what a failed attempt means. Pure but for the dice, which come in.

A look at a sampled camera has three attempts before it counts as failed, so that a hiccup of the line in the second of the look raises no
alarm: over a continuous watch the same hiccup would have passed unnoticed. A camera that is down is looked at as often
as one that is up, but at least every five minutes, so that who mends it need not wait for the next day's look.
"""

from collections.abc import Callable
from dataclasses import dataclass

from services.contracts.ladder import Reason
from services.ingest.backoff import CAP_LATE_S, delay_s
from services.ingest.health import Signal

Uniform = Callable[[float, float], float]

#: About how long to wait before the second and the third attempt of one look.
RETRIES_S = (2.0, 8.0)
_RETRY_SPREAD = 0.5
_JITTER = 0.1
#: A look stands for its interval, the jitter and a reserve, and for the attempts of the next look: three timeouts of
#: 12 s, their pauses, and the wait for a slot to connect.
_FRESH_FACTOR = 1.25
_FRESH_RESERVE_S = 120.0
#: What another attempt does not change. Refused credentials have their budget besides.
_FINAL = frozenset({Reason.ADDRESS_REFUSED, Reason.AUTH_LOCKED_OUT})


def rest_s(every_s: float, uniform: Uniform, *, first: bool) -> float:
    """Seconds from a good look to the next. After the first a random part only, so that cameras leased together part."""
    return uniform(_JITTER * every_s, every_s) if first else _jittered(every_s, uniform)


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed. ``failures`` in a row came before it; ``was_up``: the camera counted as up until now."""

    reason: Reason
    failures: int
    was_up: bool
    #: Of a sampled camera; None: it is watched without pause.
    every_s: float | None
    #: The budget of its credentials is spent: only other ones will help.
    spent: bool = False


def signal_of(failure: Failure) -> Signal | None:
    """What a failed attempt amounts to; None: nothing yet."""
    if failure.every_s is None:
        lost = failure.was_up and failure.reason not in {Reason.UNDECODABLE, Reason.CODEC_UNSUPPORTED}
        return Signal.ENDED if lost else Signal.FAILED
    if failure.failures >= len(RETRIES_S) or failure.reason in _FINAL or failure.spent:
        return Signal.FAILED
    return Signal.ENDED if failure.was_up else None


def retry_s(failure: Failure, down_for_s: float, uniform: Uniform) -> float:
    """Seconds from a failed attempt to the next. ``down_for_s`` is how long the camera has been down."""
    if failure.every_s is None:
        return delay_s(failure.failures, down_for_s, uniform)
    if failure.failures < len(RETRIES_S):
        pause_s = RETRIES_S[failure.failures]
        return uniform((1 - _RETRY_SPREAD) * pause_s, (1 + _RETRY_SPREAD) * pause_s)
    return _jittered(min(failure.every_s, CAP_LATE_S), uniform)


def fresh_for_s(every_s: float) -> float:
    """For how many seconds what a look showed stands."""
    return _FRESH_FACTOR * every_s + _FRESH_RESERVE_S


def start_delay_s(together: int, uniform: Uniform) -> float:
    """Seconds before the first attempt of one of so many cameras leased together: none to speak of for a single one."""
    return uniform(0.0, min(2.0, together / 100))


def _jittered(seconds: float, uniform: Uniform) -> float:
    return uniform((1 - _JITTER) * seconds, (1 + _JITTER) * seconds)
