"""A camera as the pages show it, put together from what registry and aggregator know. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.console.counts import counted_condition
from services.contracts.camera import StreamFacts
from services.contracts.ladder import Condition, Reason, Rung
from services.contracts.zones import Zone
from services.live.service import PLAYABLE_CODECS
from services.registry.tables import Camera, SnapshotRow


class Health(Protocol):
    """What is known of a camera now. Satisfied by the aggregator's rows."""

    @property
    def condition(self) -> Condition: ...
    @property
    def rung(self) -> Rung: ...
    @property
    def reasons(self) -> Sequence[str]: ...
    @property
    def since(self) -> datetime: ...
    @property
    def observed_at(self) -> datetime: ...
    @property
    def stream(self) -> Mapping[str, Any]: ...
    @property
    def watch(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """The newest picture. ``version`` changes with it and stands in its address."""

    taken_at: datetime
    version: str


@dataclass(frozen=True, slots=True)
class CameraCard:
    """One camera."""

    id: UUID
    name: str
    zone: Zone
    enabled: bool
    condition: Condition
    #: None while nobody has looked.
    rung: Rung | None
    reasons: tuple[Reason, ...]
    since: datetime
    observed_at: datetime | None
    #: Between two looks at a sampled camera.
    resting: bool
    stream: StreamFacts
    picture: Picture | None
    worker: str | None

    @property
    def up(self) -> bool:
        """Whether a picture arrives."""
        return self.condition in {Condition.ONLINE, Condition.DEGRADED}

    @property
    def playable(self) -> bool:
        """Whether a live link would be given."""
        return self.enabled and self.up and self.stream.codec in PLAYABLE_CODECS


def camera_card(camera: Camera, health: Health | None, snapshot: SnapshotRow | None, worker: str | None) -> CameraCard:
    """A camera that is switched off is unknown, whatever was known of it before."""
    known = health.condition if health is not None and camera.enabled else None
    condition = (
        counted_condition(camera.maintenance, camera.record_only, known) if camera.enabled else Condition.UNKNOWN
    )
    watched = camera.enabled and not camera.record_only
    if health is not None:
        reasons = tuple(Reason(code) for code in health.reasons) if watched else ()
    else:
        reasons = (Reason.NOT_WATCHED,) if watched else ()
    return CameraCard(
        id=camera.id,
        name=camera.name,
        zone=camera.zone,
        enabled=camera.enabled,
        condition=condition,
        rung=health.rung if health is not None and watched else None,
        reasons=reasons,
        since=health.since if health is not None else camera.created_at,
        observed_at=health.observed_at if health is not None else None,
        resting=health is not None and watched and health.watch == "resting",
        stream=StreamFacts.model_validate(health.stream) if health is not None else StreamFacts(),
        picture=Picture(snapshot.taken_at, snapshot.digest.hex()[:16]) if snapshot is not None else None,
        worker=worker,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """A rung of the ladder as it is drawn. The one that was not reached is where the camera stopped."""

    rung: Rung
    reached: bool
    stopped: bool


def ladder(card: CameraCard) -> list[Step]:
    """The rungs above ``unreachable``, lowest first."""
    height = card.rung.height if card.rung is not None else -1
    return [
        Step(rung, reached=rung.height <= height, stopped=card.rung is not None and rung.height == height + 1)
        for rung in Rung
        if rung is not Rung.UNREACHABLE
    ]
