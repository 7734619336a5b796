"""Counts as the pages show them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.aggregator.derive import shown_condition
from services.console.queries import CameraGroup, FacilityGroup
from services.contracts.ids import FacilityId, ProvinceUnitId
from services.contracts.ladder import Condition, State
from services.contracts.roster import RosterCamera
from services.contracts.zones import Zone
from services.programme.stages import Stage

#: In the order in which people must act.
STATES = (
    State.DISCONNECTED,
    State.DEGRADED,
    State.UNKNOWN,
    State.CONNECTED,
    State.MAINTENANCE,
    State.RECORD_ONLY,
)
#: Never hidden, also when nothing is in them.
ALWAYS_SHOWN = STATES[:4]

_NO_ID = UUID(int=0)


@dataclass(slots=True)
class CameraCount:
    """Cameras that are watched: planned work and those without a line are counted apart."""

    online: int = 0
    total: int = 0

    def add(self, group: CameraGroup) -> None:
        condition = counted_condition(group.maintenance, group.record_only, group.known)
        if condition not in {Condition.MAINTENANCE, Condition.RECORD_ONLY}:
            self.total += group.cameras
            self.online += group.cameras if condition is Condition.ONLINE else 0


@dataclass(slots=True)
class Tally:
    """Facilities of a unit, or of all units."""

    states: Counter[State] = field(default_factory=Counter)
    #: Stage accepted and state connected or degraded: what the committee calls connected.
    live: int = 0
    accepted: int = 0
    #: Unknown for want of a camera.
    without_cameras: int = 0

    @property
    def total(self) -> int:
        return self.states.total()

    def add(self, group: FacilityGroup) -> None:
        accepted = group.stage is Stage.ACCEPTED
        self.states[group.state] += group.facilities
        self.accepted += group.facilities if accepted else 0
        self.live += group.facilities if accepted and group.state in {State.CONNECTED, State.DEGRADED} else 0
        silent = group.state is State.UNKNOWN and not group.has_cameras
        self.without_cameras += group.facilities if silent else 0

    @property
    def urgency(self) -> tuple[int, ...]:
        """Sorts the unit with the most trouble first."""
        return tuple(-self.states[state] for state in STATES[:3])


def counted_condition(maintenance: bool, record_only: bool, known: Condition | None) -> Condition:
    """The condition of an enabled camera as it counts, by the aggregator's rule."""
    shape = RosterCamera(_NO_ID, Zone.OTHER_PUBLIC, maintenance=maintenance, record_only=record_only)
    return shown_condition(shape, known)


def tally(groups: Iterable[FacilityGroup]) -> tuple[Tally, Mapping[ProvinceUnitId, Tally]]:
    """All of them, and unit by unit."""
    total, units = Tally(), dict[ProvinceUnitId, Tally]()
    for group in groups:
        total.add(group)
        units.setdefault(group.unit_id, Tally()).add(group)
    return total, units


def count_cameras(groups: Iterable[CameraGroup]) -> CameraCount:
    count = CameraCount()
    for group in groups:
        count.add(group)
    return count


def cameras_by_facility(groups: Iterable[CameraGroup]) -> Mapping[FacilityId, CameraCount]:
    """Camera counts of each facility that has any."""
    found: dict[FacilityId, CameraCount] = {}
    for group in groups:
        if group.facility_id is not None:
            found.setdefault(group.facility_id, CameraCount()).add(group)
    return found


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a bar, in units of its viewBox."""

    state: State
    x: float
    width: float
    count: int


def bar(states: Mapping[State, int], width: float = 100.0) -> list[Slice]:
    """A bar of the states present. A slice is never thinner than 2 units: one site among 500 must be seen."""
    present = [(state, states[state]) for state in STATES if states.get(state)]
    total = sum(count for _, count in present)
    widths = [max(2.0, width * count / total) for _, count in present]
    scale = width / sum(widths) if widths else 0.0
    slices, x = [], 0.0
    for (state, count), raw in zip(present, widths, strict=True):
        slices.append(Slice(state, round(x, 2), round(raw * scale, 2), count))
        x += raw * scale
    return slices
