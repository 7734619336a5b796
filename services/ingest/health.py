"""The life of a camera as its worker sees it. Pure: signals and the time go in, what to report comes out.

The phases move by the table PHASES; the diagram in docs/states.md is drawn from it. A report is *settled* in the
phases UP and DOWN. NEW and SHAKEN last as long as a connection attempt, which is bounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.contracts.ladder import PICTURE_REASONS, Reason, Rung, deciding_first


class Phase(StrEnum):
    """Where a watched camera stands."""

    NEW = "new"  # nothing settled yet
    UP = "up"  # a key frame decoded and frames have come for a while
    SHAKEN = "shaken"  # it was up, its stream ended, one reconnect is being tried
    DOWN = "down"  # settled below frames


class Signal(StrEnum):
    """What happened."""

    PROVED = "proved"  # a key frame decoded and frames came for `settle_up` seconds
    FAILED = "failed"  # a connection attempt did not lead to frames, or no picture decodes from them
    ENDED = "ended"  # a stream that had frames ended
    SILENT = "silent"  # no frame for `settle_down` seconds


#: Down only after a second proof: silence that lasted, or an end and one failed reconnect.
PHASES: dict[tuple[Phase, Signal], Phase] = {
    (Phase.NEW, Signal.PROVED): Phase.UP,
    (Phase.NEW, Signal.FAILED): Phase.DOWN,
    (Phase.NEW, Signal.ENDED): Phase.DOWN,
    (Phase.NEW, Signal.SILENT): Phase.DOWN,
    (Phase.UP, Signal.PROVED): Phase.UP,
    (Phase.UP, Signal.FAILED): Phase.DOWN,
    (Phase.UP, Signal.ENDED): Phase.SHAKEN,
    (Phase.UP, Signal.SILENT): Phase.DOWN,
    (Phase.SHAKEN, Signal.PROVED): Phase.UP,
    (Phase.SHAKEN, Signal.FAILED): Phase.DOWN,
    (Phase.SHAKEN, Signal.ENDED): Phase.DOWN,
    (Phase.SHAKEN, Signal.SILENT): Phase.DOWN,
    (Phase.DOWN, Signal.PROVED): Phase.UP,
    (Phase.DOWN, Signal.FAILED): Phase.DOWN,
    (Phase.DOWN, Signal.ENDED): Phase.DOWN,
    (Phase.DOWN, Signal.SILENT): Phase.DOWN,
}

SETTLED = frozenset({Phase.UP, Phase.DOWN})


@dataclass(frozen=True, slots=True)
class Health:
    """What a worker knows of one camera. ``notes`` are advisory and shown in every phase."""

    phase: Phase
    rung: Rung
    reasons: tuple[Reason, ...]
    since: datetime
    picture: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()

    @property
    def settled(self) -> bool:
        return self.phase in SETTLED

    @property
    def shown_reasons(self) -> tuple[Reason, ...]:
        return deciding_first([*self.reasons, *self.notes])


def new_health(now: datetime) -> Health:
    """A camera that was just leased."""
    return Health(Phase.NEW, Rung.UNREACHABLE, (), now)


def advance(health: Health, signal: Signal, rung: Rung, reason: Reason | None, now: datetime) -> Health:
    """The health after a signal. ``rung`` and ``reason`` say how far it came and why not further.

    An end while up changes nothing that is reported: what was proved stands until a reconnect failed.
    """
    phase = PHASES[health.phase, signal]
    if phase is Phase.SHAKEN:
        return replace(health, phase=phase)
    if phase is Phase.UP:
        picture = tuple(one for one in health.picture if one in PICTURE_REASONS)
        after = replace(health, phase=phase, rung=_lit_rung(picture), reasons=picture, since=now)
    else:
        after = replace(
            health, phase=phase, rung=rung, reasons=(reason,) if reason is not None else (), since=now, picture=()
        )
    return _with_since(health, after)


def judged(health: Health, picture: Sequence[Reason], now: datetime) -> Health:
    """The health after a look at the picture. It counts at once while up, and otherwise once the camera is up."""
    found = tuple(dict.fromkeys(picture))
    if health.phase is not Phase.UP:
        return replace(health, picture=found)
    return _with_since(health, replace(health, picture=found, rung=_lit_rung(found), reasons=found, since=now))


def climbed(health: Health, rung: Rung) -> Health:
    """A first look got this far; shown while it is still under way."""
    return replace(health, rung=rung) if health.phase is Phase.NEW else health


def noted(health: Health, notes: Sequence[Reason]) -> Health:
    """The health with these advisory reasons instead of the former."""
    return replace(health, notes=deciding_first(notes))


def same_report(one: Health, other: Health) -> bool:
    """Whether both would be reported alike, so that nothing has to be sent at once."""
    return (one.settled, one.rung, one.shown_reasons) == (other.settled, other.rung, other.shown_reasons)


def _lit_rung(picture: tuple[Reason, ...]) -> Rung:
    return Rung.FRAMES if any(reason.deciding for reason in picture) else Rung.PICTURE


def _with_since(before: Health, after: Health) -> Health:
    unchanged = (before.phase, before.rung, before.reasons) == (after.phase, after.rung, after.reasons)
    return replace(after, since=before.since) if unchanged else after
