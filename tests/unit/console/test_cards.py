"""A camera and a facility as the pages show them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.console.camera import address_of, why_not_playable
from services.console.cards import CameraCard, camera_card, ladder
from services.console.facility import WAY, agreed_plan, count_cards, following, open_obstacles, way, why, zone_lines
from services.console.language import Language
from services.contracts.camera import WatchPolicy
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Reason, Rung
from services.contracts.names import Bilingual
from services.contracts.zones import Zone
from services.live.service import CameraNotPlayable
from services.programme.obstacles import Level, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.stages import Stage
from services.programme.tables import ConnectionPlan, Obstacle, PlanZone
from services.programme.texts import Missing
from services.registry.tables import Camera, Device, Protocol, SnapshotRow, Stream, StreamRole

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@dataclass
class Known:
    """What the aggregator would know of a camera."""

    condition: Condition = Condition.ONLINE
    rung: Rung = Rung.PICTURE
    reasons: list[str] = field(default_factory=list)
    since: datetime = NOW - timedelta(minutes=5)
    observed_at: datetime = NOW
    stream: dict[str, Any] = field(default_factory=lambda: {"codec": "h264", "width": 640, "height": 360})
    watch: str = "reactor"


def camera(**more: Any) -> Camera:
    values = {
        "id": new_id(),
        "name": "Cổng chính",
        "zone": Zone.GATE,
        "enabled": True,
        "maintenance": False,
        "watch_policy": None,
        "created_at": NOW - timedelta(days=1),
    }
    return Camera(**{**values, **more})


def card(zone: Zone = Zone.GATE, known: Known | None = None, **more: Any) -> CameraCard:
    return camera_card(camera(zone=zone, **more), known or Known(), None, "worker-1")


def test_a_camera_that_nobody_watched_says_so() -> None:
    shown = camera_card(camera(), None, None, None)
    assert shown.condition is Condition.UNKNOWN
    assert shown.reasons == (Reason.NOT_WATCHED,)
    assert shown.rung is None
    assert shown.since == NOW - timedelta(days=1)
    assert not any(step.reached or step.stopped for step in ladder(shown))


def test_a_camera_that_is_switched_off_is_unknown_whatever_was_known_before() -> None:
    shown = camera_card(camera(enabled=False), Known(reasons=["frozen"]), None, None)
    assert (shown.condition, shown.reasons, shown.rung) == (Condition.UNKNOWN, (), None)
    assert not shown.playable


def test_planned_work_and_a_missing_line_are_told_as_such() -> None:
    assert card(maintenance=True).condition is Condition.MAINTENANCE
    record_only = camera_card(camera(watch_policy=WatchPolicy.RECORD_ONLY), None, None, None)
    assert (record_only.condition, record_only.reasons) == (Condition.RECORD_ONLY, ())


def test_a_sampled_camera_between_two_looks_is_said_to_rest() -> None:
    resting = card(known=Known(watch="resting"))
    assert (resting.resting, resting.condition, resting.playable) == (True, Condition.ONLINE, True)
    assert not card().resting
    assert not card(known=Known(watch="resting"), enabled=False).resting


@pytest.mark.parametrize(
    ("condition", "codec", "playable"),
    [
        (Condition.ONLINE, "h264", True),
        (Condition.DEGRADED, "h265", True),
        (Condition.OFFLINE, "h264", False),
        (Condition.UNKNOWN, "h264", False),
        (Condition.ONLINE, "mjpeg", False),
        (Condition.ONLINE, None, False),
    ],
)
def test_live_view_is_offered_where_a_link_would_be_given(
    condition: Condition, codec: str | None, playable: bool
) -> None:
    assert card(known=Known(condition, stream={"codec": codec})).playable is playable


def test_the_address_of_a_picture_changes_with_the_picture() -> None:
    first = SnapshotRow(taken_at=NOW, size=1, digest=b"\x01" * 32)
    second = SnapshotRow(taken_at=NOW, size=1, digest=b"\x02" * 32)
    pictures = [camera_card(camera(), Known(), row, None).picture for row in (first, second)]
    assert pictures[0] is not None
    assert pictures[1] is not None
    assert pictures[0].version != pictures[1].version


def test_the_ladder_shows_what_was_reached_and_where_it_stopped() -> None:
    steps = ladder(card(known=Known(Condition.OFFLINE, Rung.ANSWERING, ["auth_failed"])))
    assert [step.rung for step in steps if step.reached] == [Rung.REACHABLE, Rung.ANSWERING]
    assert [step.rung for step in steps if step.stopped] == [Rung.AUTHORIZED]


def test_a_camera_that_cannot_be_reached_stops_at_the_first_step() -> None:
    steps = ladder(card(known=Known(Condition.OFFLINE, Rung.UNREACHABLE, ["timeout"])))
    assert not any(step.reached for step in steps)
    assert steps[0].stopped


def test_a_camera_with_a_picture_has_the_whole_ladder() -> None:
    steps = ladder(card())
    assert all(step.reached for step in steps)
    assert len(steps) == 7


def test_a_reason_is_told_with_the_cameras_that_have_it() -> None:
    frozen = card(Zone.YARD, Known(Condition.DEGRADED, Rung.FRAMES, ["frozen"]))
    well = card(Zone.GATE, Known(reasons=["clock_skew"]))
    told = why([Reason.ZONE_UNCOVERED, Reason.FROZEN], [frozen, well])
    assert [(one.reason, list(one.cameras)) for one in told] == [(Reason.ZONE_UNCOVERED, []), (Reason.FROZEN, [frozen])]


def test_cameras_that_are_off_or_in_maintenance_are_not_counted() -> None:
    cards = [card(), card(enabled=False), card(maintenance=True), card(known=Known(Condition.OFFLINE))]
    count = count_cards(cards)
    assert (count.online, count.total) == (1, 2)


def test_of_two_cameras_in_a_zone_the_better_one_counts() -> None:
    cards = [card(Zone.GATE, Known(Condition.OFFLINE)), card(Zone.GATE), card(Zone.YARD, Known(Condition.OFFLINE))]
    assert [(line.zone, line.condition) for line in zone_lines(None, cards)] == [
        (Zone.GATE, Condition.ONLINE),
        (Zone.YARD, Condition.OFFLINE),
    ]


def test_a_zone_of_the_plan_without_a_camera_is_shown_as_missing() -> None:
    plan = ConnectionPlan(kind=PlanKind.REUSE, zones=[PlanZone(zone=Zone.GATE), PlanZone(zone=Zone.SAMPLING)])
    lines = zone_lines(plan, [card(Zone.GATE), card(Zone.YARD)])
    assert [(line.zone, line.condition) for line in lines] == [(Zone.GATE, Condition.ONLINE), (Zone.SAMPLING, None)]


@pytest.mark.parametrize("stage", list(Stage))
def test_the_way_shows_at_most_one_present_stage_with_all_before_it_done(stage: Stage) -> None:
    steps = way(stage)
    assert [step.stage for step in steps] == list(WAY)
    present = [index for index, step in enumerate(steps) if step.present]
    assert len(present) == (1 if stage in WAY else 0)
    if present:
        assert [step.done for step in steps] == [index < present[0] for index in range(len(steps))]


def test_why_a_camera_does_not_play_is_told_in_the_language_of_the_page() -> None:
    refused = CameraNotPlayable("The camera is offline now.", reasons=["auth_failed"])
    assert Reason.AUTH_FAILED.advice.vi in why_not_playable(refused, Language.VI)
    assert Reason.AUTH_FAILED.advice.en in why_not_playable(refused, Language.EN)
    assert why_not_playable(CameraNotPlayable("…", reasons=[]), Language.EN) == "The camera gives no picture now."
    assert "H.264" in why_not_playable(CameraNotPlayable("The camera sends mjpeg."), Language.VI)


def test_a_password_in_the_path_of_a_camera_is_not_shown() -> None:
    device = Device(protocol=Protocol.RTSP, host="10.20.0.5", port=554)
    stream = Stream(role=StreamRole.MAIN, port=554, path="/live?user=admin&password=geheim&channel=1")
    shown = address_of(camera(device=device, streams=[stream], profile=None))
    assert "geheim" not in shown
    assert shown.startswith("rtsp://10.20.0.5:554/live?")


def test_a_channel_of_a_recorder_is_named_by_its_profile() -> None:
    device = Device(protocol=Protocol.ONVIF, host="10.20.0.6", port=80)
    assert address_of(camera(device=device, streams=[], profile="channel-2")) == "ONVIF 10.20.0.6:80 · channel-2"


def test_what_is_missing_is_told_of_the_nearest_step_ahead() -> None:
    lacking = [Missing("a", Bilingual("a", "a")), Missing("b", Bilingual("b", "b"))]
    steps = {Stage.INSTALLING: lacking, Stage.CONNECTING: lacking[:1], Stage.SUSPENDED: [], Stage.SURVEYED: []}
    told = following(Stage.PLAN_AGREED, steps)
    assert told is not None
    assert (told.stage, list(told.missing)) == (Stage.CONNECTING, lacking[:1])
    assert following(Stage.PLAN_AGREED, {Stage.CONNECTING: []}) is None
    assert following(Stage.ACCEPTED, {Stage.TRIAL: lacking}) is None


def test_the_newest_agreed_plan_counts_and_a_later_draft_does_not() -> None:
    plans = [ConnectionPlan(version=version, agreed_at=NOW if version < 3 else None) for version in (3, 2, 1)]
    assert agreed_plan(plans) is plans[1]
    assert agreed_plan(plans[:1]) is None


def test_an_obstacle_is_overdue_only_after_its_day() -> None:
    def obstacle(due: date, *, resolved: bool = False) -> Obstacle:
        return Obstacle(
            id=new_id(),
            facility_id=UUID(int=1),
            code=ObstacleCode.NO_LINE,
            owner="VNPT",
            opened_at=NOW,
            due=due,
            level=Level.FACILITY,
            resolved_at=NOW if resolved else None,
        )

    today = date(2026, 11, 24)
    rows = [obstacle(date(2026, 11, 25)), obstacle(date(2026, 11, 23)), obstacle(today), obstacle(today, resolved=True)]
    shown = open_obstacles(rows, today)
    assert [(one.row.due.day, one.overdue) for one in shown] == [(23, True), (24, False), (25, False)]
