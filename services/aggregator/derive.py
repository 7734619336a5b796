"""The verdicts. Pure: observations and the time go in, conditions and states come out.

A camera's condition moves by the table TRANSITIONS; the diagram in docs/states.md is drawn from it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.contracts.camera import CameraReport
from services.contracts.ids import CameraId
from services.contracts.ladder import Condition, Reason, Rung, State, deciding_first
from services.contracts.roster import RosterCamera
from services.contracts.zones import Zone


class Observation(StrEnum):
    """What one look at a camera amounts to."""

    PROVED = "proved"  # settled at rung picture, nothing deciding against it
    IMPAIRED = "impaired"  # frames arrive, settled, with a deciding reason
    LOST = "lost"  # settled below frames
    UNSETTLED = "unsettled"  # a first look or a reconnect is under way
    SILENCE = "silence"  # nobody told us for too long


#: Hysteresis lies in UNSETTLED, which keeps what was known, and in the settling times of the worker.
TRANSITIONS: dict[tuple[Condition, Observation], Condition] = {
    (Condition.UNKNOWN, Observation.PROVED): Condition.ONLINE,
    (Condition.UNKNOWN, Observation.IMPAIRED): Condition.DEGRADED,
    (Condition.UNKNOWN, Observation.LOST): Condition.OFFLINE,
    (Condition.UNKNOWN, Observation.UNSETTLED): Condition.UNKNOWN,
    (Condition.UNKNOWN, Observation.SILENCE): Condition.UNKNOWN,
    (Condition.ONLINE, Observation.PROVED): Condition.ONLINE,
    (Condition.ONLINE, Observation.IMPAIRED): Condition.DEGRADED,
    (Condition.ONLINE, Observation.LOST): Condition.OFFLINE,
    (Condition.ONLINE, Observation.UNSETTLED): Condition.ONLINE,
    (Condition.ONLINE, Observation.SILENCE): Condition.UNKNOWN,
    (Condition.DEGRADED, Observation.PROVED): Condition.ONLINE,
    (Condition.DEGRADED, Observation.IMPAIRED): Condition.DEGRADED,
    (Condition.DEGRADED, Observation.LOST): Condition.OFFLINE,
    (Condition.DEGRADED, Observation.UNSETTLED): Condition.DEGRADED,
    (Condition.DEGRADED, Observation.SILENCE): Condition.UNKNOWN,
    (Condition.OFFLINE, Observation.PROVED): Condition.ONLINE,
    (Condition.OFFLINE, Observation.IMPAIRED): Condition.DEGRADED,
    (Condition.OFFLINE, Observation.LOST): Condition.OFFLINE,
    (Condition.OFFLINE, Observation.UNSETTLED): Condition.OFFLINE,
    (Condition.OFFLINE, Observation.SILENCE): Condition.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class FlappingRule:
    """So many changes between up and down within the window make a camera flapping."""

    changes: int = 4
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a camera. ``base`` is the condition by the table alone, ``condition`` what is shown."""

    base: Condition
    condition: Condition
    rung: Rung
    reasons: tuple[Reason, ...]
    since: datetime
    changes: tuple[datetime, ...] = ()


UP = frozenset({Condition.ONLINE, Condition.DEGRADED})


def observe(report: CameraReport) -> Observation:
    """What a report amounts to."""
    if not report.settled:
        return Observation.UNSETTLED
    if report.rung.height < Rung.FRAMES.height:
        return Observation.LOST
    if report.rung is Rung.PICTURE and not any(reason.deciding for reason in report.reasons):
        return Observation.PROVED
    return Observation.IMPAIRED


def advance(
    standing: Standing | None,
    observation: Observation,
    rung: Rung,
    reasons: Sequence[Reason],
    now: datetime,
    flapping: FlappingRule,
) -> Standing:
    """The standing after an observation. ``since`` moves only when what is shown changes.

    An unsettled look changes neither rung nor reasons of a camera that was settled before: while we reconnect, what
    was last proved still stands.
    """
    if standing is None:
        standing = Standing(Condition.UNKNOWN, Condition.UNKNOWN, Rung.UNREACHABLE, (Reason.NOT_WATCHED,), now)
    base = TRANSITIONS[standing.base, observation]
    if observation is Observation.UNSETTLED and base is not Condition.UNKNOWN:
        rung, reasons = standing.rung, tuple(reason for reason in standing.reasons if reason is not Reason.FLAPPING)
    changes = tuple(moment for moment in standing.changes if now - moment <= flapping.window)
    crossed = {standing.base, base} & UP and Condition.OFFLINE in {standing.base, base}
    if crossed and base is not standing.base:
        changes = (*changes, now)[-flapping.changes * 2 :]
    condition, shown = base, deciding_first(reasons)
    if base in UP and len(changes) >= flapping.changes:
        condition, shown = Condition.DEGRADED, deciding_first([*shown, Reason.FLAPPING])
    after = Standing(base, condition, rung, shown, now, changes)
    unchanged = (after.condition, after.rung, after.reasons) == (standing.condition, standing.rung, standing.reasons)
    return replace(after, since=standing.since) if unchanged else after


@dataclass(frozen=True, slots=True)
class FacilityVerdict:
    """The state of a facility and why, deciding reasons first, the most frequent before the others."""

    state: State
    reasons: tuple[Reason, ...]


def shown_condition(camera: RosterCamera, known: Condition | None) -> Condition:
    """The condition of a camera as it counts: planned work and missing lines are counted apart."""
    if camera.maintenance:
        return Condition.MAINTENANCE
    if camera.record_only:
        return Condition.RECORD_ONLY
    return known or Condition.UNKNOWN


def derive_facility(
    roster: Iterable[RosterCamera],
    standings: Mapping[CameraId, Standing],
    compulsory: frozenset[Zone] | None,
) -> FacilityVerdict:
    """The state of a facility over its compulsory zones; None means the zones that have an enabled camera.

    Unknown cameras make the facility unknown only where they could change the answer: the state is derived once as if
    all of them were online and once as if all were offline.
    """
    enabled = [camera for camera in roster if camera.enabled]
    if not enabled:
        return FacilityVerdict(State.UNKNOWN, (Reason.NO_CAMERAS,))
    conditions = {
        camera.camera_id: shown_condition(camera, _condition(standings, camera.camera_id)) for camera in enabled
    }
    counted = [camera for camera in enabled if not camera.maintenance and not camera.record_only]
    if not counted:
        maintained = any(camera.maintenance for camera in enabled)
        return FacilityVerdict(State.MAINTENANCE if maintained else State.RECORD_ONLY, ())
    zones = compulsory if compulsory else frozenset(camera.zone for camera in counted)
    best = _state(counted, conditions, zones, unknown_is=Condition.ONLINE)
    worst = _state(counted, conditions, zones, unknown_is=Condition.OFFLINE)
    state = best if best is worst else State.UNKNOWN
    return FacilityVerdict(state, _facility_reasons(state, counted, standings, zones))


def _condition(standings: Mapping[CameraId, Standing], camera_id: CameraId) -> Condition | None:
    standing = standings.get(camera_id)
    return standing.condition if standing else None


def _state(
    cameras: Sequence[RosterCamera],
    conditions: Mapping[CameraId, Condition],
    zones: frozenset[Zone],
    *,
    unknown_is: Condition,
) -> State:
    def condition(camera: RosterCamera) -> Condition:
        known = conditions[camera.camera_id]
        return unknown_is if known is Condition.UNKNOWN else known

    lit = {camera.zone for camera in cameras if condition(camera) is Condition.ONLINE}
    if zones <= lit:
        return State.CONNECTED
    if any(condition(camera) in UP for camera in cameras):
        return State.DEGRADED
    return State.DISCONNECTED


def _facility_reasons(
    state: State, cameras: Sequence[RosterCamera], standings: Mapping[CameraId, Standing], zones: frozenset[Zone]
) -> tuple[Reason, ...]:
    counts: Counter[Reason] = Counter()
    for camera in cameras:
        standing = standings.get(camera.camera_id)
        if standing is None:
            counts[Reason.NOT_WATCHED] += 1
        elif standing.condition is not Condition.ONLINE:
            counts.update(reason for reason in standing.reasons if reason.deciding)
    frequent = [reason for reason, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    if state is not State.CONNECTED and not zones <= {camera.zone for camera in cameras}:
        frequent.insert(0, Reason.ZONE_UNCOVERED)
    return tuple(frequent)
