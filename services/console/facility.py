"""The page of one facility: how it is and why, its cameras, and where it stands in the programme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from uuid import UUID

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.access.roles import Scope
from services.console.cards import CameraCard, camera_card
from services.console.counts import CameraCount
from services.console.frame import Frame, Visit
from services.console.services import ConsoleServices
from services.contracts.ladder import Condition, Reason, State
from services.contracts.zones import Zone
from services.programme.local_time import local_day
from services.programme.stages import Stage
from services.programme.tables import ConnectionPlan, Obstacle
from services.programme.texts import Missing

CHANGES_MAX = 8

#: The way of a facility that meets no difficulty.
WAY = (
    Stage.LISTED,
    Stage.CONTACT_NAMED,
    Stage.SURVEY_SCHEDULED,
    Stage.SURVEYED,
    Stage.PLAN_AGREED,
    Stage.INSTALLING,
    Stage.CONNECTING,
    Stage.TRIAL,
    Stage.ACCEPTED,
)

#: Of several cameras in a zone the best one counts.
_BEST_FIRST = (
    Condition.ONLINE,
    Condition.DEGRADED,
    Condition.UNKNOWN,
    Condition.OFFLINE,
    Condition.MAINTENANCE,
    Condition.RECORD_ONLY,
)


@dataclass(frozen=True, slots=True)
class Why:
    """A reason with the cameras it is about; none of them when it is about the facility."""

    reason: Reason
    cameras: Sequence[CameraCard]


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """A zone that must be seen. ``condition`` is None when no camera looks at it."""

    zone: Zone
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Milestone:
    """A stage on the way."""

    stage: Stage
    done: bool
    present: bool


@dataclass(frozen=True, slots=True)
class Following:
    """The next stage and what is missing before it."""

    stage: Stage
    missing: Sequence[Missing]


@dataclass(frozen=True, slots=True)
class OpenObstacle:
    """An obstacle nobody has resolved yet."""

    row: Obstacle
    overdue: bool


Values: TypeAlias = dict[str, object]


class FacilityPage:
    """Gathers and renders."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services

    def routes(self, frame: Frame) -> Sequence[BaseRoute]:
        async def facility(visit: Visit) -> Response:
            values = await self._facility(visit, visit.request.path_params["facility_id"])
            return frame.renderer.page("facility.html", visit.setting, values)

        needed = (Scope.STATUS_READ, Scope.REGISTRY_READ, Scope.PROGRAMME_READ)
        return [frame.page("/facilities/{facility_id:uuid}", facility, *needed)]

    async def _facility(self, visit: Visit, facility_id: UUID) -> Values:
        services = self._services
        facility = await services.registry.facility(visit.provinces, facility_id)
        state = await services.status.facility_state(facility_id)
        cards = await self._cards(visit, facility_id)
        file = await services.programme.facility_file(visit.provinces, facility_id)
        plan = agreed_plan(file.plans)
        today = local_day(visit.setting.now)
        return {
            "facility": facility,
            "unit": facility.province_unit,
            "state": state.state if state else State.UNKNOWN,
            "since": state.since if state else facility.created_at,
            "why": why([Reason(code) for code in state.reasons] if state else [Reason.NO_CAMERAS], cards),
            "cards": cards,
            "cameras": count_cards(cards),
            "pictures": visit.principal.may(Scope.PICTURE_READ),
            "live": visit.principal.may(Scope.LIVE_REQUEST),
            "file": file,
            "way": way(file.stage),
            "following": following(file.stage, file.next_stages),
            "plan": plan,
            "zones": zone_lines(plan, cards),
            "obstacles": open_obstacles(file.obstacles, today),
            "changes": await services.queries.recent_changes(facility_id, CHANGES_MAX),
        }

    async def _cards(self, visit: Visit, facility_id: UUID) -> Sequence[CameraCard]:
        services = self._services
        cameras = await services.cameras.cameras_of(visit.provinces, facility_id)
        ids = [camera.id for camera in cameras]
        healths = await services.status.camera_healths(ids)
        pictures = await services.snapshots.taken_at(ids) if visit.principal.may(Scope.PICTURE_READ) else {}
        workers = await services.queries.watchers(ids)
        # In order of registration: people who look all day know where each camera is.
        return [
            camera_card(camera, healths.get(camera.id), pictures.get(camera.id), workers.get(camera.id))
            for camera in sorted(cameras, key=lambda camera: camera.id)
        ]


def why(reasons: Sequence[Reason], cards: Sequence[CameraCard]) -> list[Why]:
    """Each reason of the facility with the cameras that have it."""
    troubled = [card for card in cards if card.enabled and card.condition is not Condition.ONLINE]
    return [Why(reason, [card for card in troubled if reason in card.reasons]) for reason in reasons]


def count_cards(cards: Sequence[CameraCard]) -> CameraCount:
    """Cameras that are watched, and those of them that are online."""
    watched = [
        card.condition
        for card in cards
        if card.enabled and card.condition not in {Condition.MAINTENANCE, Condition.RECORD_ONLY}
    ]
    return CameraCount(online=watched.count(Condition.ONLINE), total=len(watched))


def agreed_plan(plans: Sequence[ConnectionPlan]) -> ConnectionPlan | None:
    """The newest plan that all parties agreed to: its zones are compulsory."""
    return next((plan for plan in plans if plan.agreed_at is not None), None)


def zone_lines(plan: ConnectionPlan | None, cards: Sequence[CameraCard]) -> list[ZoneLine]:
    """The zones of the plan or, without one, those that have an enabled camera; each with its best camera."""
    seen: dict[Zone, list[Condition]] = {}
    for card in cards:
        if card.enabled:
            seen.setdefault(card.zone, []).append(card.condition)
    zones = (plan.compulsory_zones if plan is not None else frozenset()) or frozenset(seen)
    return [
        ZoneLine(zone, min(seen[zone], key=_BEST_FIRST.index) if zone in seen else None)
        for zone in Zone
        if zone in zones
    ]


def way(stage: Stage) -> list[Milestone]:
    """The stages in order; none is present while the facility stands beside the way."""
    present = WAY.index(stage) if stage in WAY else None
    return [
        Milestone(one, done=present is not None and index < present, present=index == present)
        for index, one in enumerate(WAY)
    ]


def following(stage: Stage, next_stages: Mapping[Stage, Sequence[Missing]]) -> Following | None:
    """The step that comes next on the way, if something is missing before it.

    Of two that are possible, the one for which less is missing: a plan that needs no installation skips that stage.
    """
    ahead = [one for one in WAY if one in next_stages and (stage not in WAY or WAY.index(one) > WAY.index(stage))]
    if not ahead:
        return None
    nearest = min(ahead, key=lambda one: len(next_stages[one]))
    return Following(nearest, next_stages[nearest]) if next_stages[nearest] else None


def open_obstacles(obstacles: Sequence[Obstacle], today: date) -> list[OpenObstacle]:
    """Those that somebody must still resolve, the first to be due first."""
    rows = sorted((row for row in obstacles if row.resolved_at is None), key=lambda row: (row.due, row.id))
    return [OpenObstacle(row, overdue=row.due < today) for row in rows]
