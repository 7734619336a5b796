"""Which steps a facility can take, what must be true before each, and what facts alone bring about."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.zones import Zone
from services.programme.guards import Dossier
from services.programme.obstacles import CAUSES, LEVEL_NAMES, Level, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.stages import (
    FOLLOWS,
    STAGE_NAMES,
    TRANSITIONS,
    Stage,
    follow,
    missing_for,
    needs_note,
    next_stages,
    warnings,
)
from services.programme.texts import ZONE_NAMES

EMPTY = Dossier()
SCHEDULED = Dossier(has_contact=True, visit_planned=True, protection_confirmed=True)
SURVEYED = replace(SCHEDULED, survey_complete=True, eligible=True)
PLANNED = replace(
    SURVEYED,
    plan_kind=PlanKind.REUSE,
    plan_agreed=True,
    was_planned=True,
    plan_zones=frozenset({Zone.GATE, Zone.YARD}),
    camera_zones=frozenset({Zone.GATE, Zone.YARD}),
)

dossiers = st.builds(
    Dossier,
    has_contact=st.booleans(),
    visit_planned=st.booleans(),
    protection_confirmed=st.booleans(),
    survey_complete=st.booleans(),
    eligible=st.sampled_from([True, False, None]),
    plan_kind=st.sampled_from([None, *PlanKind]),
    plan_agreed=st.booleans(),
    plan_zones=st.frozensets(st.sampled_from(Zone)),
    was_planned=st.booleans(),
    camera_zones=st.frozensets(st.sampled_from(Zone)),
    open_obstacles=st.frozensets(st.sampled_from(ObstacleCode)),
    acceptance_passed=st.booleans(),
    receiving_people=st.sampled_from([True, False, None]),
)


def codes(was: Stage, to: Stage, dossier: Dossier) -> list[str]:
    missing = missing_for(was, to, dossier)
    assert missing is not None, f"no step from {was} to {to}"
    return [one.code for one in missing]


@pytest.mark.parametrize(
    ("was", "to", "dossier", "missing"),
    [
        (Stage.LISTED, Stage.CONTACT_NAMED, EMPTY, ["contact"]),
        (Stage.CONTACT_NAMED, Stage.SURVEY_SCHEDULED, EMPTY, ["visit", "protection"]),
        (
            Stage.CONTACT_NAMED,
            Stage.SURVEY_SCHEDULED,
            replace(SCHEDULED, protection_confirmed=False),
            ["protection"],
        ),
        (Stage.SURVEY_SCHEDULED, Stage.SURVEYED, SCHEDULED, ["survey"]),
        (Stage.SURVEY_SCHEDULED, Stage.CONTACT_NAMED, SCHEDULED, ["visit_stands"]),
        (Stage.LISTED, Stage.SURVEY_BLOCKED, EMPTY, ["obstacle"]),
        (
            Stage.SURVEY_BLOCKED,
            Stage.LISTED,
            Dossier(open_obstacles=frozenset({ObstacleCode.POWER, ObstacleCode.NO_LINE})),
            ["obstacle_open", "obstacle_open"],
        ),
        (Stage.SURVEYED, Stage.PLAN_AGREED, SURVEYED, ["plan"]),
        (Stage.SURVEYED, Stage.PLAN_AGREED, replace(PLANNED, plan_agreed=False), ["plan_agreement"]),
        (Stage.SURVEYED, Stage.PLAN_AGREED, replace(PLANNED, eligible=False), ["plan_kind"]),
        (Stage.PLAN_AGREED, Stage.INSTALLING, PLANNED, ["work"]),
        (
            Stage.PLAN_AGREED,
            Stage.CONNECTING,
            replace(PLANNED, plan_kind=PlanKind.NOT_FEASIBLE),
            ["plan_feasible"],
        ),
        (Stage.CONNECTING, Stage.TRIAL, replace(PLANNED, plan_zones=frozenset()), ["plan_zones"]),
        (Stage.CONNECTING, Stage.TRIAL, replace(PLANNED, camera_zones=frozenset({Zone.GATE})), ["zone_camera"]),
        (Stage.TRIAL, Stage.ACCEPTED, PLANNED, ["acceptance"]),
        (Stage.CONNECTING, Stage.ACCEPTED, PLANNED, ["acceptance"]),
        (Stage.SUSPENDED, Stage.TRIAL, EMPTY, ["plan"]),
        (Stage.CLOSED, Stage.LISTED, PLANNED, ["reopens_in_trial"]),
    ],
)
def test_a_step_names_what_is_missing(was: Stage, to: Stage, dossier: Dossier, missing: list[str]) -> None:
    assert codes(was, to, dossier) == missing


@pytest.mark.parametrize(
    ("was", "to", "dossier"),
    [
        (Stage.LISTED, Stage.CONTACT_NAMED, Dossier(has_contact=True)),
        (Stage.CONTACT_NAMED, Stage.SURVEY_SCHEDULED, SCHEDULED),
        (Stage.SURVEY_SCHEDULED, Stage.SURVEYED, SURVEYED),
        (Stage.SURVEY_SCHEDULED, Stage.CONTACT_NAMED, Dossier(has_contact=True)),
        (Stage.LISTED, Stage.SURVEY_BLOCKED, Dossier(open_obstacles=frozenset({ObstacleCode.FACILITY_REFUSES}))),
        (Stage.SURVEYED, Stage.PLAN_AGREED, PLANNED),
        (Stage.SURVEYED, Stage.PLAN_AGREED, replace(PLANNED, eligible=False, plan_kind=PlanKind.REPAIR)),
        (Stage.PLAN_AGREED, Stage.INSTALLING, replace(PLANNED, plan_kind=PlanKind.NEW)),
        (Stage.PLAN_AGREED, Stage.CONNECTING, PLANNED),
        (Stage.INSTALLING, Stage.CONNECTING, PLANNED),
        (Stage.CONNECTING, Stage.TRIAL, PLANNED),
        (Stage.TRIAL, Stage.ACCEPTED, replace(PLANNED, acceptance_passed=True)),
        (Stage.SUSPENDED, Stage.TRIAL, PLANNED),
        (Stage.CLOSED, Stage.TRIAL, PLANNED),
        (Stage.CLOSED, Stage.LISTED, EMPTY),
    ],
)
def test_a_step_is_open_once_its_guards_hold(was: Stage, to: Stage, dossier: Dossier) -> None:
    assert codes(was, to, dossier) == []


def test_no_stage_but_connecting_and_trial_leads_to_accepted() -> None:
    assert {was for was, to in TRANSITIONS if to is Stage.ACCEPTED} == {Stage.CONNECTING, Stage.TRIAL}
    assert Stage.ACCEPTED not in {to for steps in FOLLOWS.values() for to in steps}


def test_a_step_that_is_not_in_the_table_does_not_exist() -> None:
    assert missing_for(Stage.LISTED, Stage.TRIAL, PLANNED) is None
    assert missing_for(Stage.ACCEPTED, Stage.LISTED, PLANNED) is None


def test_every_stage_can_be_reached_from_the_list_and_left_again() -> None:
    reached, frontier = {Stage.LISTED}, [Stage.LISTED]
    while frontier:
        stage = frontier.pop()
        for was, to in TRANSITIONS:
            if was is stage and to not in reached:
                reached.add(to)
                frontier.append(to)
    assert reached == set(Stage)
    assert {was for was, _ in TRANSITIONS} == set(Stage)


def test_whatever_happens_by_itself_is_a_step_of_the_table() -> None:
    assert {(was, to) for was, steps in FOLLOWS.items() for to in steps} <= set(TRANSITIONS)


def test_any_stage_can_be_suspended_and_closed_but_only_with_a_reason() -> None:
    for stage in Stage:
        for stop in (Stage.SUSPENDED, Stage.CLOSED):
            if stage not in {Stage.CLOSED, stop}:
                assert codes(stage, stop, EMPTY) == []
                assert needs_note(stage, stop)
    assert needs_note(Stage.ACCEPTED, Stage.TRIAL)
    assert not needs_note(Stage.CONNECTING, Stage.TRIAL)


def test_a_remote_survey_with_its_result_carries_a_listed_facility_to_surveyed() -> None:
    assert follow(Stage.LISTED, SURVEYED) == (Stage.CONTACT_NAMED, Stage.SURVEY_SCHEDULED, Stage.SURVEYED)


def test_a_plan_agreed_before_the_survey_waits_for_it() -> None:
    waiting = replace(PLANNED, survey_complete=False, eligible=None)
    assert follow(Stage.CONTACT_NAMED, waiting) == (Stage.SURVEY_SCHEDULED,)
    assert follow(Stage.SURVEY_SCHEDULED, PLANNED) == (Stage.SURVEYED, Stage.PLAN_AGREED)


@pytest.mark.parametrize("stage", [Stage.LISTED, Stage.CONTACT_NAMED, Stage.SURVEY_SCHEDULED])
def test_an_obstacle_before_the_survey_blocks_it(stage: Stage) -> None:
    blocked = replace(SCHEDULED, open_obstacles=frozenset({ObstacleCode.FACILITY_REFUSES}))
    assert follow(stage, blocked) == (Stage.SURVEY_BLOCKED,)


def test_a_resolved_obstacle_leads_back_to_where_the_file_stands() -> None:
    assert follow(Stage.SURVEY_BLOCKED, SCHEDULED) == (Stage.SURVEY_SCHEDULED,)
    assert follow(Stage.SURVEY_BLOCKED, Dossier(has_contact=True)) == (Stage.CONTACT_NAMED,)
    assert follow(Stage.SURVEY_BLOCKED, EMPTY) == (Stage.LISTED,)


def test_a_survey_that_took_place_was_not_blocked() -> None:
    despite = replace(SURVEYED, open_obstacles=frozenset({ObstacleCode.NO_LINE}))
    assert follow(Stage.SURVEY_BLOCKED, despite) == (Stage.SURVEYED,)
    assert follow(Stage.CONTACT_NAMED, despite) == (Stage.SURVEY_SCHEDULED, Stage.SURVEYED)


def test_an_obstacle_after_the_survey_leaves_the_stage() -> None:
    hindered = replace(PLANNED, open_obstacles=frozenset({ObstacleCode.POWER}))
    for stage in (Stage.SURVEYED, Stage.INSTALLING, Stage.CONNECTING, Stage.TRIAL, Stage.ACCEPTED):
        assert Stage.SURVEY_BLOCKED not in follow(stage, hindered)


def test_a_cancelled_visit_leads_back_to_the_contact() -> None:
    assert follow(Stage.SURVEY_SCHEDULED, Dossier(has_contact=True)) == (Stage.CONTACT_NAMED,)


@given(stage=st.sampled_from(Stage), dossier=dossiers)
def test_following_facts_ends_and_breaks_no_guard(stage: Stage, dossier: Dossier) -> None:
    path = follow(stage, dossier)
    assert len(path) < len(Stage)
    assert len(set(path)) == len(path)
    for to in path:
        assert missing_for(stage, to, dossier) == ()
        stage = to
    assert follow(stage, dossier) == ()
    assert Stage.ACCEPTED not in path


@given(stage=st.sampled_from(Stage), dossier=dossiers)
def test_whatever_is_missing_is_said_in_both_languages(stage: Stage, dossier: Dossier) -> None:
    following = next_stages(stage, dossier)
    assert set(following) == {to for was, to in TRANSITIONS if was is stage}
    for missing in following.values():
        for one in missing:
            assert one.detail.en.endswith(".")
            assert one.detail.vi.endswith(".")
            assert one.detail.en != one.detail.vi
            assert "{" not in one.detail.en + one.detail.vi


def test_every_word_of_the_closed_lists_has_a_name_in_both_languages() -> None:
    assert set(STAGE_NAMES) == set(Stage)
    assert set(CAUSES) == set(ObstacleCode)
    assert set(LEVEL_NAMES) == set(Level)
    assert set(ZONE_NAMES) == set(Zone)


def test_receiving_people_before_acceptance_is_warned_of_and_not_forbidden() -> None:
    receiving = replace(PLANNED, receiving_people=True)
    assert [one.code for one in warnings(Stage.TRIAL, receiving)] == ["receiving_before_accepted"]
    assert warnings(Stage.ACCEPTED, receiving) == ()
    assert warnings(Stage.CLOSED, receiving) == ()
    assert warnings(Stage.TRIAL, replace(receiving, receiving_people=False)) == ()
    assert warnings(Stage.TRIAL, replace(receiving, receiving_people=None)) == ()
