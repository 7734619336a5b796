"""How far the programme has come, province by province. Pure.

Facilities that are closed are counted apart and in no other figure, so that closing a site never changes a share.
``accepted`` is what people signed, ``live`` is what the centre sees now: accepted, and its state is connected or
degraded. The committee's word for live is "connected"; the two are always reported side by side.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from services.contracts.ids import FacilityId, ProvinceUnitId
from services.contracts.ladder import State
from services.contracts.names import Bilingual
from services.programme.local_time import local_day
from services.programme.obstacles import Level, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.ports import ProvinceName
from services.programme.stages import Stage
from services.programme.surveys import Conclusion, Need

NATIONAL = Bilingual("Whole country", "Cả nước")
PART = Bilingual("All of these provinces", "Tổng các tỉnh, thành phố này")

_LIVE = frozenset({State.CONNECTED, State.DEGRADED})


@dataclass(frozen=True, slots=True)
class OpenObstacle:
    """An obstacle nobody has resolved yet."""

    code: ObstacleCode
    owner: str
    opened_at: datetime
    due: date
    level: Level


@dataclass(frozen=True, slots=True)
class FacilityProgress:
    """One facility as the report counts it."""

    facility_id: FacilityId
    code: str
    name: str
    province_unit_id: ProvinceUnitId
    enterprise: str
    stage: Stage = Stage.LISTED
    has_contact: bool = False
    #: What the newest complete survey concluded; None: not surveyed.
    conclusion: Conclusion | None = None
    needs: frozenset[Need] = frozenset()
    #: Of the newest agreed plan; None: no plan agreed.
    plan_kind: PlanKind | None = None
    plan_due: date | None = None
    obstacles: tuple[OpenObstacle, ...] = ()
    state: State = State.UNKNOWN
    cameras_registered: int = 0
    cameras_online: int = 0
    receiving_people: bool | None = None

    @property
    def live(self) -> bool:
        return self.stage is Stage.ACCEPTED and self.state in _LIVE

    def overdue(self, today: date) -> bool:
        """Whether the plan, while not accepted, or an open obstacle should have been done before today."""
        late_plan = self.stage is not Stage.ACCEPTED and self.plan_due is not None and self.plan_due < today
        return late_plan or any(obstacle.due < today for obstacle in self.obstacles)


@dataclass(slots=True)
class Figures:
    """The figures of one row. Facilities, unless the name says cameras."""

    listed: int = 0
    contact_named: int = 0
    surveyed: int = 0
    #: At stage survey_blocked now.
    survey_blocked: int = 0
    #: With any obstacle open, whatever the stage.
    blocked: int = 0
    #: With an open obstacle of this code; one facility can have several.
    blocked_by_cause: Counter[ObstacleCode] = field(default_factory=Counter)
    eligible: int = 0
    not_eligible: int = 0
    needs: Counter[Need] = field(default_factory=Counter)
    plans_agreed: int = 0
    accepted: int = 0
    live: int = 0
    #: Accepted without a line: recorded on site, never live.
    record_only: int = 0
    receiving_not_accepted: int = 0
    overdue: int = 0
    suspended: int = 0
    closed: int = 0
    cameras_registered: int = 0
    cameras_online: int = 0

    @property
    def surveyed_percent(self) -> float | None:
        return percent(self.surveyed, self.listed)

    @property
    def accepted_percent(self) -> float | None:
        return percent(self.accepted, self.listed)

    @property
    def live_percent(self) -> float | None:
        return percent(self.live, self.listed)

    @property
    def cameras_online_percent(self) -> float | None:
        return percent(self.cameras_online, self.cameras_registered)

    def count(self, facility: FacilityProgress, today: date) -> None:
        """Add one facility."""
        if facility.stage is Stage.CLOSED:
            self.closed += 1
            return
        accepted = facility.stage is Stage.ACCEPTED
        self.listed += 1
        self.contact_named += facility.has_contact
        self.surveyed += facility.conclusion is not None
        self.survey_blocked += facility.stage is Stage.SURVEY_BLOCKED
        self.blocked += bool(facility.obstacles)
        self.blocked_by_cause.update({obstacle.code for obstacle in facility.obstacles})
        self.eligible += facility.conclusion is Conclusion.ELIGIBLE
        self.not_eligible += facility.conclusion is Conclusion.NOT_ELIGIBLE
        self.needs.update(facility.needs)
        self.plans_agreed += facility.plan_kind is not None
        self.accepted += accepted
        self.live += facility.live
        self.record_only += accepted and facility.plan_kind is PlanKind.RECORD_ONLY
        self.receiving_not_accepted += facility.receiving_people is True and not accepted
        self.overdue += facility.overdue(today)
        self.suspended += facility.stage is Stage.SUSPENDED
        self.cameras_registered += facility.cameras_registered
        self.cameras_online += facility.cameras_online


@dataclass(frozen=True, slots=True)
class ProvinceRow:
    """The figures of one province unit."""

    unit_id: ProvinceUnitId
    code: str
    edition: int
    name: Bilingual
    figures: Figures


@dataclass(frozen=True, slots=True)
class BlockedFacility:
    """One open obstacle, with where it is: who must act next. A line of the list, not a figure."""

    province: Bilingual
    facility: FacilityProgress
    obstacle: OpenObstacle
    days_overdue: int


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """Rows in the order of province codes, their total, and every open obstacle, the most urgent first."""

    as_of: datetime
    provinces: tuple[ProvinceRow, ...]
    total_name: Bilingual
    total: Figures
    obstacles: tuple[BlockedFacility, ...]


def percent(part: int, whole: int) -> float | None:
    """The share in per cent with one decimal, halves rounded up: 11 of 30 is 36.7. None of nothing."""
    if whole == 0:
        return None
    return (2000 * part + whole) // (2 * whole) / 10


def summarise(
    facilities: Iterable[FacilityProgress],
    units: Mapping[ProvinceUnitId, ProvinceName],
    shown: Callable[[ProvinceUnitId], bool],
    as_of: datetime,
    *,
    whole_country: bool,
) -> ProgressReport:
    """The report on these facilities.

    Every unit of 2021 that is ``shown`` has a row, also with nothing in it: silence of a province is news. A unit of
    2025 has one where facilities were registered under it.
    """
    today = local_day(as_of)
    figures: dict[ProvinceUnitId, Figures] = {}
    total = Figures()
    blocked: list[BlockedFacility] = []
    for facility in facilities:
        figures.setdefault(facility.province_unit_id, Figures()).count(facility, today)
        total.count(facility, today)
        if facility.stage is not Stage.CLOSED:
            name = _name(units[facility.province_unit_id])
            blocked += [
                BlockedFacility(name, facility, obstacle, max(0, (today - obstacle.due).days))
                for obstacle in facility.obstacles
            ]
    rows = tuple(
        ProvinceRow(unit.id, unit.code, unit.edition, _name(unit), figures.get(unit.id, Figures()))
        for unit in _in_order(units.values())
        if unit.id in figures or (unit.edition == 2021 and shown(unit.id))
    )
    blocked.sort(key=lambda one: (one.obstacle.due, one.facility.code, one.obstacle.code))
    return ProgressReport(as_of, rows, NATIONAL if whole_country else PART, total, tuple(blocked))


def _name(unit: ProvinceName) -> Bilingual:
    return Bilingual(unit.name_en, unit.name_vi)


def _in_order(units: Iterable[ProvinceName]) -> Sequence[ProvinceName]:
    return sorted(units, key=lambda unit: (unit.edition, unit.code))
