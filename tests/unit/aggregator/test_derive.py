"""The verdicts on cameras and facilities."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.derive import (
    TRANSITIONS,
    UP,
    FacilityVerdict,
    FlappingRule,
    Observation,
    Standing,
    advance,
    derive_facility,
    observe,
)
from services.contracts.camera import CameraReport, StreamFacts
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Reason, Rung, State
from services.contracts.roster import RosterCamera
from services.contracts.zones import Zone

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RULE = FlappingRule(changes=4, window=timedelta(minutes=10))
KNOWN = (Condition.UNKNOWN, Condition.ONLINE, Condition.DEGRADED, Condition.OFFLINE)


def report(rung: Rung, *reasons: Reason, settled: bool = True) -> CameraReport:
    return CameraReport(
        camera_id=new_id(),
        epoch=1,
        sequence=1,
        settled=settled,
        rung=rung,
        reasons=reasons,
        since=NOW,
        observed_at=NOW,
        stream=StreamFacts(),
        watch="reactor",
    )


@pytest.mark.parametrize(
    ("given_report", "expected"),
    [
        (report(Rung.PICTURE), Observation.PROVED),
        (report(Rung.PICTURE, Reason.CLOCK_SKEW), Observation.PROVED),
        (report(Rung.FRAMES, Reason.FROZEN), Observation.IMPAIRED),
        (report(Rung.FRAMES), Observation.IMPAIRED),
        (report(Rung.PLAYING, Reason.NO_FRAMES), Observation.LOST),
        (report(Rung.UNREACHABLE, Reason.REFUSED), Observation.LOST),
        (report(Rung.REACHABLE, settled=False), Observation.UNSETTLED),
    ],
)
def test_what_a_report_amounts_to(given_report: CameraReport, expected: Observation) -> None:
    assert observe(given_report) is expected


def test_the_table_has_every_case_and_only_known_conditions() -> None:
    assert set(TRANSITIONS) == set(product(KNOWN, Observation))
    assert set(TRANSITIONS.values()) <= set(KNOWN)


def test_silence_never_makes_a_camera_offline() -> None:
    assert {TRANSITIONS[condition, Observation.SILENCE] for condition in KNOWN} == {Condition.UNKNOWN}


def test_an_unsettled_look_changes_nothing() -> None:
    assert all(TRANSITIONS[condition, Observation.UNSETTLED] is condition for condition in KNOWN)


def test_a_camera_that_nobody_knew_is_online_after_one_proof() -> None:
    standing = advance(None, Observation.PROVED, Rung.PICTURE, (), NOW, RULE)
    assert (standing.condition, standing.rung, standing.since) == (Condition.ONLINE, Rung.PICTURE, NOW)


def test_a_repeated_look_does_not_move_since() -> None:
    standing = advance(None, Observation.PROVED, Rung.PICTURE, (), NOW, RULE)
    later = advance(standing, Observation.PROVED, Rung.PICTURE, (), NOW + timedelta(minutes=5), RULE)
    assert later.since == NOW


def test_a_reconnect_keeps_rung_and_reasons_that_were_proved() -> None:
    standing = advance(None, Observation.IMPAIRED, Rung.FRAMES, (Reason.BLACK,), NOW, RULE)
    later = advance(standing, Observation.UNSETTLED, Rung.REACHABLE, (), NOW + timedelta(seconds=1), RULE)
    assert later == standing


def test_a_camera_that_comes_and_goes_is_flapping_until_it_is_calm() -> None:
    standing = advance(None, Observation.PROVED, Rung.PICTURE, (), NOW, RULE)
    now = NOW
    for observation in (Observation.LOST, Observation.PROVED, Observation.LOST, Observation.PROVED):
        now += timedelta(seconds=30)
        rung = Rung.PICTURE if observation is Observation.PROVED else Rung.UNREACHABLE
        standing = advance(standing, observation, rung, (), now, RULE)
    assert (standing.base, standing.condition) == (Condition.ONLINE, Condition.DEGRADED)
    assert standing.reasons == (Reason.FLAPPING,)
    calm = advance(standing, Observation.PROVED, Rung.PICTURE, (), now + timedelta(minutes=11), RULE)
    assert (calm.condition, calm.reasons) == (Condition.ONLINE, ())


def test_our_own_blindness_is_no_flapping() -> None:
    standing = advance(None, Observation.PROVED, Rung.PICTURE, (), NOW, RULE)
    for second in range(20):
        observation = Observation.PROVED if second % 2 else Observation.SILENCE
        standing = advance(standing, observation, Rung.PICTURE, (), NOW + timedelta(seconds=second), RULE)
    assert standing.condition is Condition.ONLINE


@given(st.lists(st.sampled_from(Observation), max_size=60))
def test_memory_of_changes_is_bounded_and_up_is_only_shown_for_up(observations: list[Observation]) -> None:
    standing: Standing | None = None
    for second, observation in enumerate(observations):
        standing = advance(standing, observation, Rung.PICTURE, (), NOW + timedelta(seconds=second), RULE)
        assert len(standing.changes) <= 2 * RULE.changes
        assert (standing.condition in UP) == (standing.base in UP)


# Facilities


def camera(
    zone: Zone = Zone.GATE, *, enabled: bool = True, maintenance: bool = False, record_only: bool = False
) -> RosterCamera:
    return RosterCamera(new_id(), zone, enabled, maintenance, record_only)


def standing(condition: Condition, *reasons: Reason) -> Standing:
    return Standing(condition, condition, Rung.PICTURE, reasons, NOW)


def verdict(
    cameras: Sequence[tuple[RosterCamera, Condition | None]], zones: frozenset[Zone] | None = None
) -> FacilityVerdict:
    standings = {one.camera_id: standing(known) for one, known in cameras if known is not None}
    return derive_facility([one for one, _ in cameras], standings, zones)


ON, BAD, OFF, DARK = Condition.ONLINE, Condition.DEGRADED, Condition.OFFLINE, Condition.UNKNOWN
GATE, YARD = Zone.GATE, Zone.YARD


@pytest.mark.parametrize(
    ("cameras", "zones", "expected"),
    [
        ([], None, State.UNKNOWN),
        ([(camera(), ON)], None, State.CONNECTED),
        ([(camera(), BAD)], None, State.DEGRADED),
        ([(camera(), OFF)], None, State.DISCONNECTED),
        ([(camera(), DARK)], None, State.UNKNOWN),
        ([(camera(), None)], None, State.UNKNOWN),
        ([(camera(GATE), ON), (camera(GATE), OFF)], None, State.CONNECTED),
        ([(camera(GATE), ON), (camera(YARD), OFF)], None, State.DEGRADED),
        ([(camera(GATE), OFF), (camera(YARD), OFF)], None, State.DISCONNECTED),
        # Unknown only where it could change the answer
        ([(camera(GATE), ON), (camera(GATE), DARK)], None, State.CONNECTED),
        ([(camera(GATE), ON), (camera(YARD), DARK)], None, State.UNKNOWN),
        ([(camera(GATE), OFF), (camera(GATE), DARK)], None, State.UNKNOWN),
        ([(camera(GATE), OFF), (camera(GATE), BAD), (camera(GATE), DARK)], None, State.UNKNOWN),
        # An agreed plan names its own zones
        ([(camera(GATE), ON), (camera(YARD), OFF)], frozenset({GATE}), State.CONNECTED),
        ([(camera(GATE), ON)], frozenset({GATE, YARD}), State.DEGRADED),
        ([(camera(GATE), OFF)], frozenset({GATE, YARD}), State.DISCONNECTED),
        # Counted apart
        ([(camera(maintenance=True), OFF)], None, State.MAINTENANCE),
        ([(camera(record_only=True), None)], None, State.RECORD_ONLY),
        ([(camera(maintenance=True), OFF), (camera(record_only=True), None)], None, State.MAINTENANCE),
        ([(camera(GATE), ON), (camera(YARD, maintenance=True), OFF)], None, State.CONNECTED),
        ([(camera(GATE), ON), (camera(YARD, enabled=False), OFF)], None, State.CONNECTED),
        ([(camera(enabled=False), ON)], None, State.UNKNOWN),
    ],
)
def test_the_state_of_a_facility(
    cameras: list[tuple[RosterCamera, Condition | None]], zones: frozenset[Zone] | None, expected: State
) -> None:
    assert verdict(cameras, zones).state is expected


@given(
    st.lists(st.tuples(st.sampled_from(Zone), st.sampled_from(KNOWN)), min_size=1, max_size=5),
    st.none() | st.frozensets(st.sampled_from(Zone), min_size=1, max_size=3),
)
def test_unknown_is_said_exactly_when_the_unknown_cameras_could_change_the_answer(
    given_cameras: list[tuple[Zone, Condition]], zones: frozenset[Zone] | None
) -> None:
    cameras = [(camera(zone), condition) for zone, condition in given_cameras]
    choices = [[condition] if condition is not DARK else [ON, BAD, OFF] for _, condition in cameras]
    possible = {
        verdict([(one, chosen) for (one, _), chosen in zip(cameras, combination, strict=True)], zones).state
        for combination in product(*choices)
    }
    expected = possible.pop() if len(possible) == 1 else State.UNKNOWN
    assert verdict(cameras, zones).state is expected


def test_reasons_are_those_of_cameras_that_are_not_online_the_most_frequent_first() -> None:
    roster = [camera(YARD) for _ in range(4)]
    ids: list[UUID] = [one.camera_id for one in roster]
    standings = {
        ids[0]: standing(OFF, Reason.REFUSED),
        ids[1]: standing(OFF, Reason.TIMEOUT),
        ids[2]: standing(OFF, Reason.TIMEOUT, Reason.CLOCK_SKEW),
        ids[3]: standing(ON, Reason.CLOCK_SKEW),
    }
    assert derive_facility(roster, standings, None).reasons == (Reason.TIMEOUT, Reason.REFUSED)


def test_a_zone_without_any_camera_is_the_first_reason() -> None:
    assert verdict([(camera(GATE), ON)], frozenset({GATE, YARD})).reasons == (Reason.ZONE_UNCOVERED,)
    assert verdict([]).reasons == (Reason.NO_CAMERAS,)
