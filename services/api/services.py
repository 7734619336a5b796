"""What the routes need, put together by ``assembly``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.access.audit import Audit
from services.access.keys import ApiKeys
from services.aggregator.queries import StatusQueries
from services.api.idempotency import IdempotencyStore
from services.live.service import LiveLinks
from services.programme.service import Programme
from services.registry.adoption import Adoptions
from services.registry.cameras import CameraRegistry
from services.registry.credential_sets import CredentialSets
from services.registry.devices import Devices
from services.registry.directory import SnapshotDesk, WorkerDesk
from services.registry.discoveries import Discoveries
from services.registry.service import Registry
from services.runtime.metrics import Metrics
from services.runtime.tasks import Shutdown


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Everything behind the routes. ``readiness`` maps a part to a check that raises when it is not ready."""

    registry: Registry
    cameras: CameraRegistry
    discoveries: Discoveries
    adoptions: Adoptions
    credential_sets: CredentialSets
    devices: Devices
    desk: WorkerDesk
    snapshots: SnapshotDesk
    status: StatusQueries
    live: LiveLinks
    programme: Programme
    keys: ApiKeys
    audit: Audit
    idempotency: IdempotencyStore
    metrics: Metrics
    readiness: dict[str, Callable[[], Awaitable[None]]]
    public_url: str
    shutdown: Shutdown
