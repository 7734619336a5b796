"""The figures of the progress report, against numbers the press printed in May and June 2021."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.contracts.ids import new_id
from services.contracts.ladder import State
from services.programme.obstacles import Level, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.report import (
    NATIONAL,
    PART,
    FacilityProgress,
    OpenObstacle,
    ProgressReport,
    percent,
    summarise,
)
from services.programme.stages import Stage
from services.programme.surveys import Conclusion, Need
from services.registry import provinces
from tests.doubles.programme import NOON

HAI_DUONG, THAI_NGUYEN, HAU_GIANG = "2021-30", "2021-19", "2021-93"
LOCKED = OpenObstacle(ObstacleCode.LOCKED_CREDENTIALS, "Sở TT&TT", NOON, date(2021, 5, 20), Level.PROVINCE_COMMITTEE)


def facility(unit: str, number: int = 1) -> FacilityProgress:
    return FacilityProgress(new_id(), f"{unit}-{number:03}", f"Site {number}", unit, "viettel")


def accepted(unit: str, number: int, cameras: int) -> FacilityProgress:
    return replace(
        facility(unit, number),
        stage=Stage.ACCEPTED,
        has_contact=True,
        conclusion=Conclusion.ELIGIBLE,
        plan_kind=PlanKind.REUSE,
        state=State.CONNECTED,
        cameras_registered=cameras,
        cameras_online=cameras,
    )


def report(facilities: Sequence[FacilityProgress], shown: frozenset[str] | None = None) -> ProgressReport:
    return summarise(
        facilities,
        provinces.units(),
        lambda unit: shown is None or unit in shown,
        NOON,
        whole_country=shown is None,
    )


def test_hai_duong_on_18_may_2021_17_of_68_is_25_percent() -> None:
    connected = [accepted(HAI_DUONG, n, 5) for n in range(17)]
    blocked = [
        replace(facility(HAI_DUONG, 100 + n), stage=Stage.SURVEY_BLOCKED, obstacles=(LOCKED,)) for n in range(51)
    ]
    row = next(row for row in report([*connected, *blocked]).provinces if row.unit_id == HAI_DUONG)
    assert row.name == ("Hai Duong", "Hải Dương")
    assert (row.figures.listed, row.figures.accepted, row.figures.live) == (68, 17, 17)
    assert row.figures.accepted_percent == 25.0
    assert (row.figures.survey_blocked, row.figures.blocked) == (51, 51)
    assert row.figures.blocked_by_cause == {ObstacleCode.LOCKED_CREDENTIALS: 51}


def test_thai_nguyen_on_17_may_2021_11_of_30_is_36_7_percent_with_85_cameras() -> None:
    connected = [accepted(THAI_NGUYEN, n, 8 if n < 8 else 7) for n in range(11)]
    waiting = [facility(THAI_NGUYEN, 100 + n) for n in range(19)]
    row = next(row for row in report([*connected, *waiting]).provinces if row.unit_id == THAI_NGUYEN)
    assert row.figures.accepted_percent == 36.7
    assert row.figures.cameras_online == 85
    assert row.figures.listed - row.figures.accepted == 19


def test_hau_giang_on_25_june_2021_has_12_facilities_with_60_cameras() -> None:
    row = next(
        row for row in report([accepted(HAU_GIANG, n, 5) for n in range(12)]).provinces if row.unit_id == HAU_GIANG
    )
    assert (row.figures.accepted, row.figures.cameras_registered, row.figures.accepted_percent) == (12, 60, 100.0)


def test_the_last_row_is_the_sum_of_the_others() -> None:
    all_of_it = report([accepted(HAI_DUONG, 1, 5), facility(HAI_DUONG, 2), accepted(HAU_GIANG, 3, 8)])
    assert all_of_it.total_name == NATIONAL
    assert (all_of_it.total.listed, all_of_it.total.live, all_of_it.total.cameras_registered) == (3, 2, 13)
    assert all_of_it.total.listed == sum(row.figures.listed for row in all_of_it.provinces)


def test_every_province_of_2021_has_a_row_even_with_nothing_in_it() -> None:
    rows = report([]).provinces
    assert len(rows) == 63
    assert [row.code for row in rows] == sorted(row.code for row in rows)
    assert rows[0].figures.accepted_percent is None


def test_a_unit_of_2025_has_a_row_where_facilities_stand_under_it() -> None:
    rows = report([facility("2025-24")]).provinces
    assert len(rows) == 64
    assert (rows[-1].unit_id, rows[-1].name.en) == ("2025-24", "Bac Ninh")


def test_a_part_of_the_country_is_not_called_the_whole() -> None:
    part = report([accepted(HAI_DUONG, 1, 5)], frozenset({HAI_DUONG}))
    assert [row.unit_id for row in part.provinces] == [HAI_DUONG]
    assert part.total_name == PART


@pytest.mark.parametrize(
    ("stage", "state", "live"),
    [
        (Stage.ACCEPTED, State.CONNECTED, 1),
        (Stage.ACCEPTED, State.DEGRADED, 1),
        (Stage.ACCEPTED, State.DISCONNECTED, 0),
        (Stage.ACCEPTED, State.UNKNOWN, 0),
        (Stage.ACCEPTED, State.MAINTENANCE, 0),
        (Stage.ACCEPTED, State.RECORD_ONLY, 0),
        (Stage.TRIAL, State.CONNECTED, 0),
        (Stage.SUSPENDED, State.CONNECTED, 0),
    ],
)
def test_live_is_accepted_and_connected_or_degraded_now(stage: Stage, state: State, live: int) -> None:
    assert report([replace(facility(HAI_DUONG), stage=stage, state=state)]).total.live == live


def test_a_closed_facility_changes_no_share() -> None:
    closed = replace(accepted(HAI_DUONG, 2, 5), stage=Stage.CLOSED, obstacles=(LOCKED,))
    figures = report([accepted(HAI_DUONG, 1, 5), closed]).total
    assert (figures.listed, figures.closed, figures.accepted_percent) == (1, 1, 100.0)
    assert (figures.cameras_registered, figures.blocked) == (5, 0)
    assert report([closed]).obstacles == ()


def test_conclusions_and_needs_are_counted_by_facility() -> None:
    needy = replace(
        facility(HAI_DUONG), conclusion=Conclusion.NOT_ELIGIBLE, needs=frozenset({Need.REPAIR, Need.ADDITION})
    )
    figures = report([needy, replace(needy, needs=frozenset({Need.REPAIR})), accepted(HAI_DUONG, 9, 1)]).total
    assert (figures.surveyed, figures.eligible, figures.not_eligible) == (3, 1, 2)
    assert figures.needs == {Need.REPAIR: 2, Need.ADDITION: 1}


def test_a_facility_with_two_obstacles_is_one_blocked_facility_with_two_causes() -> None:
    power = replace(LOCKED, code=ObstacleCode.POWER)
    figures = report([replace(facility(HAI_DUONG), obstacles=(LOCKED, power))]).total
    assert figures.blocked == 1
    assert figures.blocked_by_cause == {ObstacleCode.LOCKED_CREDENTIALS: 1, ObstacleCode.POWER: 1}


def test_overdue_begins_the_day_after_the_due_day_in_viet_nam() -> None:
    due_today = replace(facility(HAI_DUONG), plan_kind=PlanKind.NEW, plan_due=date(2021, 5, 10))
    assert report([due_today]).total.overdue == 0
    assert report([replace(due_today, plan_due=date(2021, 5, 9))]).total.overdue == 1
    assert report([replace(due_today, plan_due=date(2021, 5, 9), stage=Stage.ACCEPTED)]).total.overdue == 0
    evening = summarise([due_today], provinces.units(), lambda _: True, NOON + timedelta(hours=12), whole_country=True)
    assert evening.total.overdue == 1


def test_open_obstacles_are_listed_most_urgent_first_with_their_owner() -> None:
    late = replace(LOCKED, due=date(2021, 5, 7), owner="UBND huyện Chí Linh")
    listed = report(
        [
            replace(facility(HAI_DUONG, 1), obstacles=(LOCKED,)),
            replace(facility(THAI_NGUYEN, 2), obstacles=(late,)),
        ]
    ).obstacles
    assert [(one.obstacle.owner, one.days_overdue) for one in listed] == [("UBND huyện Chí Linh", 3), ("Sở TT&TT", 0)]
    assert listed[0].province.vi == "Thái Nguyên"


def test_receiving_people_without_acceptance_and_recording_only_are_counted() -> None:
    early = replace(facility(HAI_DUONG, 1), receiving_people=True)
    offline = replace(accepted(HAI_DUONG, 2, 5), plan_kind=PlanKind.RECORD_ONLY, state=State.RECORD_ONLY)
    figures = report([early, replace(offline, receiving_people=True)]).total
    assert (figures.receiving_not_accepted, figures.record_only, figures.accepted, figures.live) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (17, 68, 25.0),
        (11, 30, 36.7),
        (1, 3, 33.3),
        (2, 3, 66.7),
        (1, 16, 6.3),
        (1, 2000, 0.1),
        (0, 5, 0.0),
        (5, 5, 100.0),
    ],
)
def test_percentages_have_one_decimal_and_round_halves_up(part: int, whole: int, expected: float) -> None:
    assert percent(part, whole) == expected


def test_nothing_of_nothing_is_no_percentage() -> None:
    assert percent(0, 0) is None
