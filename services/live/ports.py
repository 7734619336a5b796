"""What live needs from elsewhere."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.contracts.hls import HlsWindow
from services.contracts.ids import CameraId, PrincipalId
from services.contracts.ladder import Condition, Reason
from services.contracts.scope import ProvinceScope
from services.storage.database import AsyncSession


@dataclass(frozen=True, slots=True)
class Viewable:
    """A camera as far as viewing it is concerned."""

    camera_id: CameraId
    province_unit_id: str
    condition: Condition
    reasons: tuple[Reason, ...]
    codec: str | None


class Cameras(Protocol):
    """Which camera is meant, and how it is. Satisfied in assembly by registry and aggregator together."""

    async def viewable(self, scope: ProvinceScope, camera_id: CameraId) -> Viewable:
        """Raises NotFound, also for a camera out of scope."""


class HlsSource(Protocol):
    """The media of a camera. In process: ``ingest.live.LiveMuxers``; split: ``live.worker_hls.WorkerHls``.

    Raises Unavailable when no worker holds the camera or its stream gives nothing in time, NotFound for a section or
    segment that is gone.
    """

    async def window(self, camera_id: CameraId) -> HlsWindow:
        """The current window. Starts muxing when nobody watched before, and waits for the first segment."""

    async def init(self, camera_id: CameraId, number: int) -> bytes:
        """An initialisation section."""

    async def segment(self, camera_id: CameraId, index: int) -> bytes:
        """A media segment."""


class AuditLog(Protocol):
    """Keeps who looked at what. Satisfied by access.audit."""

    async def record(
        self,
        session: AsyncSession,
        *,
        principal_id: PrincipalId | None,
        action: str,
        subject: str,
        province_unit_id: str | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        """Add an entry in the caller's transaction."""


class Principals(Protocol):
    """Whether a principal's key is still good. Satisfied by access.keys."""

    async def still_valid(self, principal_id: UUID) -> bool:
        """False once the key was revoked or has expired."""
