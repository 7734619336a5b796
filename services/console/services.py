"""What the pages need, put together by ``assembly``."""

from dataclasses import dataclass

from services.access.sessions import ConsoleSessions
from services.aggregator.queries import StatusQueries
from services.console.queries import ConsoleQueries
from services.live.service import LiveLinks
from services.programme.service import Programme
from services.registry.cameras import CameraRegistry
from services.registry.directory import SnapshotDesk
from services.registry.service import Registry
from services.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """Everything behind the pages."""

    sessions: ConsoleSessions
    registry: Registry
    cameras: CameraRegistry
    snapshots: SnapshotDesk
    status: StatusQueries
    live: LiveLinks
    programme: Programme
    queries: ConsoleQueries
    clock: Clock
    #: Address by which people reach the console; empty: as the request came.
    public_url: str
    #: Whether browsers come by TLS, so that cookies may be sent by nothing else.
    secure: bool
