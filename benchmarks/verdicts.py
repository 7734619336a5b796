"""What a worker said of its cameras, in order, and what of it is a change. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

ONLINE, OFFLINE, UNSETTLED = "online", "offline", "unsettled"


class Verdict(NamedTuple):
    """A report that said something new. ``at`` is when it was on the bus, monotonic; ``reasons`` are the deciding ones."""

    at: float
    camera: int
    condition: str
    reasons: tuple[str, ...]

    @classmethod
    def told(cls, event: dict[str, Any]) -> "Verdict":
        return cls(event["at"], event["camera"], event["condition"], tuple(event["reasons"]))


class Transition(NamedTuple):
    """A camera's condition became another."""

    at: float
    camera: int
    was: str
    now: str
    reasons: tuple[str, ...]


def transitions(verdicts: Iterable[Verdict]) -> list[Transition]:
    """The changes of condition that the aggregator would make. An unsettled report changes nothing that was known."""
    known: dict[int, str] = {}
    found = []
    for verdict in verdicts:
        if verdict.condition == UNSETTLED:
            continue
        was = known.get(verdict.camera)
        if was is not None and was != verdict.condition:
            found.append(Transition(verdict.at, verdict.camera, was, verdict.condition, verdict.reasons))
        known[verdict.camera] = verdict.condition
    return found


def first_after(verdicts: Iterable[Verdict], camera: int, at: float, fits: Callable[[Verdict], bool]) -> Verdict | None:
    """The first verdict on this camera later than ``at`` that fits."""
    return next((one for one in verdicts if one.camera == camera and one.at > at and fits(one)), None)


def is_offline(verdict: Verdict) -> bool:
    """The camera is gone, settled."""
    return verdict.condition == OFFLINE


def is_frozen(verdict: Verdict) -> bool:
    """Its picture stands still."""
    return "frozen" in verdict.reasons


def is_online(verdict: Verdict) -> bool:
    """All is well, settled."""
    return verdict.condition == ONLINE
