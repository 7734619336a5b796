"""What surveys, obstacles and plans must say, and which field is named when they do not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.contracts.errors import Invalid
from services.contracts.zones import FORBIDDEN_ZONES, Zone
from services.programme.errors import ZoneForbidden
from services.programme.fields import Fields
from services.programme.local_time import local_day
from services.programme.obstacles import Level, NewObstacle, ObstacleCode, levels_above
from services.programme.plans import Line, NewPlan, Party, PlanKind
from services.programme.surveys import (
    Conclusion,
    Need,
    NewSurvey,
    PresentState,
    Protection,
    SurveyMode,
    SurveyResult,
)
from tests.doubles.programme import NOON

TOMORROW = NOON + timedelta(days=1)
PROTECTION = Protection("CV 2581/SYT", "level 3 suits, N95", "gate, corridor A", "Nguyễn Văn An", date(2021, 6, 1))
RESULT = SurveyResult(PresentState(cameras=5), Conclusion.ELIGIBLE)
VISIT = NewSurvey(SurveyMode.ON_SITE, TOMORROW, "Viettel Hải Dương, 2 people", PROTECTION)
OBSTACLE = NewObstacle(ObstacleCode.LOCKED_CREDENTIALS, "Sở TT&TT Hải Dương", date(2021, 5, 20))
PLAN = NewPlan(PlanKind.REUSE, ["gate", "yard"], Line.INTERNET, due=date(2021, 5, 20), agreed_by=frozenset(Party))


def pointers(check: Callable[[], object]) -> list[str]:
    with pytest.raises(Invalid) as caught:
        check()
    return [fault.pointer for fault in caught.value.faults]


def result_faults(result: SurveyResult) -> list[str]:
    fields = Fields()
    result.check(fields, NOON)
    return [fault.pointer for fault in fields.faults]


def test_a_complete_visit_is_taken() -> None:
    VISIT.check(NOON)
    replace(VISIT, mode=SurveyMode.REMOTE, protection=None, result=RESULT).check(NOON)


def test_a_visit_names_every_field_at_fault() -> None:
    bad = replace(
        VISIT,
        team=" ",
        result=SurveyResult(PresentState(cameras=-1, line_up_mbps=float("nan")), Conclusion.NOT_ELIGIBLE),
    )
    assert pointers(lambda: bad.check(NOON)) == [
        "/team",
        "/result/present/cameras",
        "/result/present/line_up_mbps",
        "/result/needs",
    ]


def test_protection_conditions_are_complete_or_refused() -> None:
    empty = Protection("", "", "", "", date(2021, 5, 10))
    assert pointers(lambda: replace(VISIT, protection=empty).check(NOON)) == [
        "/protection/guidance",
        "/protection/equipment",
        "/protection/route",
        "/protection/confirmed_by",
        "/protection/isolation_until",
    ]


def test_isolation_is_counted_from_the_day_of_the_visit_in_viet_nam() -> None:
    # 18:00 UTC of the 10th is 01:00 of the 11th in Viet Nam.
    late = datetime.fromisoformat("2021-05-10T18:00:00+00:00")
    assert local_day(late) == date(2021, 5, 11)
    same_day = replace(PROTECTION, isolation_until=date(2021, 5, 10))
    assert pointers(lambda: replace(VISIT, scheduled_at=late, protection=same_day).check(NOON)) == [
        "/protection/isolation_until"
    ]
    replace(VISIT, scheduled_at=late, protection=replace(same_day, isolation_until=date(2021, 5, 11))).check(NOON)


def test_a_remote_survey_has_no_protection_conditions() -> None:
    assert pointers(lambda: replace(VISIT, mode=SurveyMode.REMOTE).check(NOON)) == ["/protection"]


@pytest.mark.parametrize("year", [1, 1999, 2200, 9999])
def test_a_visit_of_another_age_is_refused(year: int) -> None:
    assert pointers(lambda: replace(VISIT, scheduled_at=NOON.replace(year=year)).check(NOON)) == ["/scheduled_at"]


def test_a_moment_without_a_time_zone_is_refused() -> None:
    assert pointers(lambda: replace(VISIT, scheduled_at=NOON.replace(tzinfo=None)).check(NOON)) == ["/scheduled_at"]


@pytest.mark.parametrize(
    ("result", "at"),
    [
        (replace(RESULT, conclusion=Conclusion.NOT_ELIGIBLE), "/needs"),
        (replace(RESULT, needs=frozenset({Need.REPAIR})), "/needs"),
        (replace(RESULT, present=PresentState(cameras=0)), "/conclusion"),
        (replace(RESULT, completed_at=TOMORROW), "/completed_at"),
        (replace(RESULT, notes="x" * 4001), "/notes"),
    ],
)
def test_a_conclusion_that_contradicts_itself_is_refused(result: SurveyResult, at: str) -> None:
    assert result_faults(result) == [at]


def test_a_facility_without_cameras_needs_new_ones() -> None:
    new = SurveyResult(PresentState(cameras=0), Conclusion.NOT_ELIGIBLE, frozenset({Need.NEW}))
    assert result_faults(new) == []


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "\ud800"])
def test_text_the_database_could_not_keep_is_refused(text: str) -> None:
    assert pointers(lambda: replace(VISIT, team=text).check(NOON)) == ["/team"]
    assert pointers(lambda: replace(OBSTACLE, owner=text).check(NOON)) == ["/owner"]


def test_an_obstacle_has_an_owner_and_is_due_after_it_was_opened() -> None:
    OBSTACLE.check(NOON)
    replace(OBSTACLE, due=local_day(NOON)).check(NOON)
    assert pointers(lambda: replace(OBSTACLE, owner="").check(NOON)) == ["/owner"]
    assert pointers(lambda: replace(OBSTACLE, due=date(2021, 5, 9)).check(NOON)) == ["/due"]
    assert pointers(lambda: replace(OBSTACLE, opened_at=TOMORROW).check(NOON)) == ["/opened_at"]


def test_an_old_obstacle_can_be_entered_late() -> None:
    old = datetime.fromisoformat("2021-05-06T09:00:00+07:00")
    replace(OBSTACLE, opened_at=old, due=date(2021, 5, 8)).check(NOON)


def test_an_obstacle_is_escalated_upwards_only() -> None:
    assert levels_above(Level.FACILITY) == (Level.DISTRICT, Level.PROVINCE_COMMITTEE, Level.NATIONAL)
    assert levels_above(Level.NATIONAL) == ()


def test_a_plan_gives_its_zones() -> None:
    assert PLAN.check() == {Zone.GATE, Zone.YARD}
    assert replace(PLAN, zones=[]).check() == frozenset()


@pytest.mark.parametrize("zone", sorted(FORBIDDEN_ZONES))
def test_a_plan_that_looks_into_private_rooms_is_refused_with_the_reason(zone: str) -> None:
    with pytest.raises(ZoneForbidden) as caught:
        replace(PLAN, zones=["gate", zone]).check()
    assert [fault.pointer for fault in caught.value.faults] == ["/zones/1"]
    assert "privacy" in caught.value.detail


def test_a_plan_names_known_zones_once() -> None:
    assert pointers(lambda: replace(PLAN, zones=["gate", "attic", "gate"]).check()) == ["/zones/1", "/zones/2"]


@pytest.mark.parametrize("missing", sorted(Party))
def test_a_plan_is_agreed_by_all_three_parties_or_not_at_all(missing: Party) -> None:
    assert PLAN.agreed
    assert not replace(PLAN, agreed_by=frozenset(Party) - {missing}).agreed


def test_an_agreed_plan_says_by_when_and_over_which_line() -> None:
    assert pointers(lambda: replace(PLAN, line=None, due=None).check()) == ["/line", "/due"]
    replace(PLAN, line=None, due=None, agreed_by=frozenset()).check()
    replace(PLAN, kind=PlanKind.RECORD_ONLY, line=None).check()
    replace(PLAN, kind=PlanKind.NOT_FEASIBLE, line=None, due=None, zones=[]).check()
