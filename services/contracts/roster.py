"""What the registry tells others about a facility's cameras."""

from dataclasses import dataclass
from datetime import datetime

from services.contracts.ids import CameraId, WorkerId
from services.contracts.zones import Zone


@dataclass(frozen=True, slots=True)
class RosterCamera:
    """A camera on a facility's list."""

    camera_id: CameraId
    zone: Zone
    enabled: bool = True
    maintenance: bool = False
    record_only: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class KnownLease:
    """Who may report on a camera. ``worker_id`` is None when nobody holds it."""

    worker_id: WorkerId | None
    epoch: int
    expires_at: datetime
