"""Statuses as the API tells them, from rows of registry and aggregator."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from services.aggregator.derive import shown_condition
from services.aggregator.tables import CameraHealth, FacilityState
from services.api.schemas.base import ReasonOut
from services.api.schemas.cameras import CameraStatus, StreamFactsOut
from services.api.schemas.facilities import CameraCounts, FacilityStatus
from services.contracts.ladder import Condition, Reason, Rung, State
from services.contracts.roster import RosterCamera
from services.registry.tables import Camera, Facility


def camera_condition(camera: Camera, health: CameraHealth | None) -> Condition:
    """The condition of a camera as it counts."""
    if not camera.enabled:
        return Condition.UNKNOWN
    shape = RosterCamera(camera.id, camera.zone, camera.enabled, camera.maintenance, camera.record_only)
    return shown_condition(shape, health.condition if health else None)


def camera_status(camera: Camera, health: CameraHealth | None, worker: str | None) -> CameraStatus:
    """How a camera is; one that nobody has watched yet is unknown, and says so."""
    if health is None:
        return CameraStatus(
            camera_id=camera.id,
            condition=camera_condition(camera, None),
            rung=Rung.UNREACHABLE,
            reasons=[ReasonOut.of(Reason.NOT_WATCHED)] if not camera.record_only else [],
            since=camera.created_at,
            observed_at=None,
            stream=StreamFactsOut(),
            worker=worker,
            watch="none",
        )
    return CameraStatus(
        camera_id=camera.id,
        condition=camera_condition(camera, health),
        rung=health.rung,
        reasons=[ReasonOut.of(Reason(code)) for code in health.reasons],
        since=health.since,
        observed_at=health.observed_at,
        stream=StreamFactsOut.model_validate(health.stream),
        worker=worker,
        watch=health.watch,
    )


def count_cameras(cameras: Iterable[Camera], healths: Mapping[UUID, CameraHealth]) -> CameraCounts:
    """Enabled cameras by condition."""
    counts = Counter(camera_condition(camera, healths.get(camera.id)) for camera in cameras if camera.enabled)
    return CameraCounts(total=counts.total(), **{str(condition): counts[condition] for condition in Condition})


def facility_status(
    facility: Facility,
    state: FacilityState | None,
    cameras: Iterable[Camera],
    healths: Mapping[UUID, CameraHealth],
) -> FacilityStatus:
    """Whether a facility is connected; one that was never derived is unknown since it was registered."""
    cameras = list(cameras)
    never = Reason.NOT_WATCHED if any(camera.enabled for camera in cameras) else Reason.NO_CAMERAS
    return FacilityStatus(
        facility_id=facility.id,
        state=state.state if state else State.UNKNOWN,
        since=state.since if state else facility.created_at,
        reasons=[ReasonOut.of(Reason(code)) for code in (state.reasons if state else [never])],
        cameras=count_cameras(cameras, healths),
    )
