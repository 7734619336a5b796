"""When a facility may be accepted, and which camera is the evidence for a zone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.contracts.errors import Invalid
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Rung
from services.contracts.names import CONDITION_NAMES, RUNG_NAMES
from services.contracts.roster import RosterCamera
from services.contracts.zones import Zone
from services.programme.acceptance import (
    Judgement,
    NewAcceptance,
    RecordingCheck,
    Signatures,
    judge,
)
from services.programme.guards import Dossier
from services.programme.obstacles import ObstacleCode
from services.programme.plans import PlanKind
from services.programme.ports import CameraProof
from services.programme.stages import Stage
from tests.doubles.programme import NOON, Proof

FRESH = timedelta(seconds=60)
FILE = Dossier(
    has_contact=True,
    survey_complete=True,
    eligible=True,
    plan_kind=PlanKind.REUSE,
    plan_agreed=True,
    plan_zones=frozenset({Zone.GATE, Zone.YARD}),
)
GATE = RosterCamera(new_id(), Zone.GATE, name="Gate 1")
YARD = RosterCamera(new_id(), Zone.YARD, name="Yard 1")
BOTH: Mapping[UUID, CameraProof] = {GATE.camera_id: Proof(), YARD.camera_id: Proof()}


def judged(
    dossier: Dossier = FILE,
    roster: Sequence[RosterCamera] = (GATE, YARD),
    proofs: Mapping[UUID, CameraProof] = BOTH,
    stage: Stage = Stage.TRIAL,
    recording_checked: bool = False,
) -> Judgement:
    return judge(stage, dossier, roster, proofs, NOON, FRESH, recording_checked=recording_checked)


def codes(judgement: Judgement) -> list[tuple[str, Zone | None]]:
    return [(one.code, one.zone) for one in judgement.missing]


@pytest.mark.parametrize("stage", [Stage.CONNECTING, Stage.TRIAL])
def test_a_picture_in_every_zone_of_an_agreed_plan_is_accepted(stage: Stage) -> None:
    judgement = judged(stage=stage)
    assert judgement.missing == ()
    assert [(one.zone, one.camera) for one in judgement.evidence] == [(Zone.GATE, GATE), (Zone.YARD, YARD)]


def test_other_stages_are_refused() -> None:
    for stage in set(Stage) - {Stage.CONNECTING, Stage.TRIAL}:
        assert codes(judged(stage=stage)) == [("stage", None)]


@pytest.mark.parametrize(
    ("dossier", "code"),
    [
        (replace(FILE, plan_kind=None, plan_agreed=False, plan_zones=frozenset()), "plan"),
        (replace(FILE, plan_agreed=False), "plan_agreement"),
        (replace(FILE, plan_zones=frozenset()), "plan_zones"),
        (replace(FILE, plan_kind=PlanKind.NOT_FEASIBLE), "plan_feasible"),
        (replace(FILE, open_obstacles=frozenset({ObstacleCode.NO_BUDGET})), "obstacle_open"),
    ],
)
def test_an_unfinished_file_is_refused(dossier: Dossier, code: str) -> None:
    judgement = judged(dossier)
    assert (code, None) in codes(judgement)
    assert judgement.evidence == ()


def test_a_zone_without_a_camera_is_refused_and_named() -> None:
    assert codes(judged(roster=[GATE])) == [("zone_without_camera", Zone.YARD)]


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"maintenance": True}, {"record_only": True}], ids=lambda change: next(iter(change))
)
def test_a_camera_that_is_not_watched_proves_nothing(change: dict[str, bool]) -> None:
    unwatched = replace(YARD, **change)  # type: ignore[arg-type]
    assert codes(judged(roster=[GATE, unwatched])) == [("zone_without_camera", Zone.YARD)]


def test_a_camera_nobody_looked_at_proves_nothing() -> None:
    assert codes(judged(proofs={GATE.camera_id: Proof()})) == [("zone_not_watched", Zone.YARD)]


@pytest.mark.parametrize(
    "proof",
    [
        Proof(condition=Condition.DEGRADED),
        Proof(condition=Condition.OFFLINE, rung=Rung.REACHABLE),
        Proof(condition=Condition.UNKNOWN),
        Proof(rung=Rung.FRAMES),
    ],
    ids=["degraded", "offline", "unknown", "frames only"],
)
def test_less_than_an_online_picture_proves_nothing(proof: Proof) -> None:
    judgement = judged(proofs={**BOTH, YARD.camera_id: proof})
    assert codes(judgement) == [("zone_not_proved", Zone.YARD)]
    assert "Yard 1" in judgement.missing[0].detail.en
    assert RUNG_NAMES[proof.rung].vi in judgement.missing[0].detail.vi
    assert CONDITION_NAMES[proof.condition].vi in judgement.missing[0].detail.vi


@pytest.mark.parametrize(("age_s", "accepted"), [(0, True), (60, True), (61, False), (-60, True), (-61, False)])
def test_only_a_fresh_look_counts_whichever_way_the_clock_is_off(age_s: int, accepted: bool) -> None:
    old = Proof(observed_at=NOON - timedelta(seconds=age_s))
    judgement = judged(proofs={**BOTH, YARD.camera_id: old})
    assert codes(judgement) == ([] if accepted else [("zone_proof_stale", Zone.YARD)])


def test_one_good_camera_of_several_is_enough_and_is_the_evidence() -> None:
    dark = RosterCamera(new_id(), Zone.YARD, name="Yard 2")
    newest = RosterCamera(new_id(), Zone.YARD, name="Yard 3")
    proofs = {
        GATE.camera_id: Proof(),
        YARD.camera_id: Proof(observed_at=NOON - timedelta(seconds=30)),
        dark.camera_id: Proof(condition=Condition.OFFLINE, rung=Rung.UNREACHABLE, observed_at=NOON),
        newest.camera_id: Proof(observed_at=NOON - timedelta(seconds=5)),
    }
    judgement = judged(roster=[dark, YARD, newest, GATE], proofs=proofs)
    assert judgement.missing == ()
    assert judgement.evidence[1].camera is newest


def test_everything_that_is_missing_is_told_at_once() -> None:
    judgement = judged(
        replace(FILE, plan_agreed=False, open_obstacles=frozenset({ObstacleCode.POWER})), (), {}, Stage.SURVEYED
    )
    assert codes(judgement) == [
        ("stage", None),
        ("plan_agreement", None),
        ("obstacle_open", None),
        ("zone_without_camera", Zone.GATE),
        ("zone_without_camera", Zone.YARD),
    ]
    assert judgement.missing[3].as_json() == {
        "code": "zone_without_camera",
        "zone": "gate",
        "detail": {
            "en": "No camera that is enabled and out of maintenance looks at zone gate.",
            "vi": "Chưa có camera nào đang bật và không bảo trì tại vị trí cổng ra vào.",
        },
    }


def test_an_acceptance_that_nobody_signed_is_refused() -> None:
    judgement = judge(Stage.TRIAL, FILE, (GATE, YARD), BOTH, NOON, FRESH, signed=False)
    assert codes(judgement) == [("signatures", None)]
    NewAcceptance().check(NOON)


class TestRecordOnly:
    DOSSIER = replace(FILE, plan_kind=PlanKind.RECORD_ONLY)
    ROSTER = (replace(GATE, record_only=True), replace(YARD, record_only=True))

    def test_is_accepted_without_a_picture_at_the_centre_once_somebody_played_it_back(self) -> None:
        judgement = judged(self.DOSSIER, self.ROSTER, {}, recording_checked=True)
        assert judgement.missing == ()
        assert [one.proof for one in judgement.evidence] == [None, None]

    def test_is_refused_while_nobody_played_it_back(self) -> None:
        assert codes(judged(self.DOSSIER, self.ROSTER, {})) == [("recording", None)]

    def test_needs_a_recording_camera_in_every_zone(self) -> None:
        judgement = judged(self.DOSSIER, (self.ROSTER[0], YARD), BOTH, recording_checked=True)
        assert codes(judgement) == [("zone_not_recorded", Zone.YARD)]

    def test_does_not_excuse_other_plans_from_proof(self) -> None:
        judgement = judged(FILE, self.ROSTER, {}, recording_checked=True)
        assert codes(judgement) == [("zone_without_camera", Zone.GATE), ("zone_without_camera", Zone.YARD)]


def test_an_acceptance_names_who_signed() -> None:
    with pytest.raises(Invalid) as caught:
        NewAcceptance(Signatures("", "  ", "x" * 201), RecordingCheck("", NOON + timedelta(hours=1), 0)).check(NOON)
    assert [fault.pointer for fault in caught.value.faults] == [
        "/signatures/so_tttt",
        "/signatures/enterprise",
        "/signatures/facility",
        "/recording/checked_by",
        "/recording/checked_at",
        "/recording/kept_days",
    ]
