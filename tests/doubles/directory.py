"""The registry as a worker meets it: leases by the test's clock, and answers that fail or are late on demand."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    Claim,
    Credentials,
    Interrogation,
    LeaseRef,
    Renewal,
    RtspSource,
    Snapshot,
    Source,
    WorkerIdentity,
)
from services.contracts.discovery import DiscoveryOrder, DiscoveryReply, DiscoveryReport
from services.contracts.errors import Forbidden
from services.contracts.ids import CameraId, WorkerId, new_id
from services.runtime.clock import Clock

WORKER = WorkerIdentity(worker_id=new_id(), name="worker under test")


@dataclass
class Lease:
    """Who holds a camera."""

    worker_id: WorkerId
    epoch: int
    until: float


def an_assignment(source: Source | None = None, **members: object) -> CameraAssignment:
    """A camera as it is leased first; without credentials if nothing else is said."""
    usual = {
        "camera_id": new_id(),
        "facility_id": new_id(),
        "device_id": new_id(),
        "reach": "default",
        "source": source or RtspSource(address="10.20.3.4", port=554, path="/"),
        "epoch": 1,
        "version": 1,
        "credential_version": 0,
        "credential_fingerprint": "",
        "refusals": 0,
    }
    return CameraAssignment.model_validate(usual | members)


class ScriptedDirectory:
    """Satisfies ``ingest.ports.Directory``. Every call does its work first; then it may fail, or answer late."""

    def __init__(self, clock: Clock, ttl_s: float = 20.0) -> None:
        self.ttl_s = ttl_s
        self.cameras: dict[CameraId, CameraAssignment] = {}
        self.leases: dict[CameraId, Lease] = {}
        self.credentials: dict[CameraId, Credentials] = {}
        #: Cameras whose devices were said to be missing.
        self.missing: list[CameraId] = []
        #: Searches that wait for a worker; what was told of them; those that shall end.
        self.searches: list[DiscoveryOrder] = []
        self.search_reports: list[tuple[UUID, DiscoveryReport]] = []
        self.cancelled_searches: set[UUID] = set()
        #: Names of the methods called, in order.
        self.calls: list[str] = []
        self.auth: list[tuple[CameraId, int, AuthOutcome]] = []
        self.told: list[Interrogation] = []
        #: By camera: the TLS certificate that holds.
        self.certificates: dict[CameraId, str] = {}
        self.snapshots: list[Snapshot] = []
        self.released: list[LeaseRef] = []
        #: What all methods raise, without doing anything; or the one of this name.
        self.failing: Exception | None = None
        self.failing_in: dict[str, Exception] = {}
        #: Told of each call after its work, before it answers.
        self.on_call: Callable[[str], None] = lambda _: None
        self._clock = clock
        self._late: dict[str, asyncio.Event] = {}
        self._known: set[WorkerId] = set()
        self._epochs: dict[CameraId, int] = {}

    def add(self, assignment: CameraAssignment | None = None) -> CameraAssignment:
        """A camera that may be leased."""
        camera = assignment or an_assignment()
        self.cameras[camera.camera_id] = camera
        return camera

    def change(self, camera_id: CameraId, **members: object) -> CameraAssignment:
        """The registry changed this camera."""
        camera = self.cameras[camera_id]
        self.cameras[camera_id] = camera.model_copy(update={"version": camera.version + 1, **members})
        return self.cameras[camera_id]

    def forget_everything(self) -> None:
        """Another database: no worker is known, no camera leased."""
        self._known.clear()
        self.leases.clear()
        self._epochs.clear()

    def hold_back(self, method: str) -> asyncio.Event:
        """Let answers of this method wait until the event is set."""
        self._late[method] = asyncio.Event()
        return self._late[method]

    # CameraDirectory

    async def announce(self, worker: WorkerIdentity) -> None:
        self._enter("announce")
        self._known.add(worker.worker_id)
        await self._leave("announce")

    async def claim_cameras(self, worker: WorkerIdentity, claim: Claim) -> Sequence[CameraAssignment]:
        self._enter("claim_cameras", worker)
        now = self._clock.monotonic()
        granted: list[CameraAssignment] = []
        for camera_id, camera in self.cameras.items():
            lease = self.leases.get(camera_id)
            if (lease is None or lease.until <= now) and len(granted) < claim.capacity - claim.held:
                epoch = self._epochs[camera_id] = self._epochs.get(camera_id, 0) + 1
                self.leases[camera_id] = Lease(worker.worker_id, epoch, now + self.ttl_s)
                granted.append(camera.model_copy(update={"epoch": epoch}))
        await self._leave("claim_cameras")
        return granted

    async def renew_leases(self, worker: WorkerIdentity, leases: Sequence[tuple[LeaseRef, int]]) -> Renewal:
        self._enter("renew_leases", worker)
        held, changed, lost = [], [], []
        for ref, version in leases:
            if not self._holds(worker, ref) or ref.camera_id not in self.cameras:
                lost.append(ref)
                continue
            held.append(ref)
            self.leases[ref.camera_id].until = self._clock.monotonic() + self.ttl_s
            camera = self.cameras[ref.camera_id]
            if camera.version != version:
                changed.append(camera.model_copy(update={"epoch": ref.epoch}))
        await self._leave("renew_leases")
        return Renewal(ttl_s=self.ttl_s, held=tuple(held), changed=tuple(changed), lost=tuple(lost))

    async def release_leases(self, worker: WorkerIdentity, leases: Sequence[LeaseRef]) -> None:
        self._enter("release_leases", worker)
        self.released += leases
        for ref in leases:
            if self._holds(worker, ref):
                del self.leases[ref.camera_id]
        await self._leave("release_leases")

    async def credentials_for(self, worker: WorkerIdentity, lease: LeaseRef) -> Credentials | None:
        self._enter("credentials_for")
        await self._leave("credentials_for")
        return self.credentials.get(lease.camera_id)

    async def record_auth(self, worker: WorkerIdentity, lease: LeaseRef, version: int, outcome: AuthOutcome) -> None:
        self._enter("record_auth")
        self.auth.append((lease.camera_id, version, outcome))
        await self._leave("record_auth")

    async def record_certificate(self, worker: WorkerIdentity, lease: LeaseRef, shown: str) -> str:
        self._enter("record_certificate")
        holds = self.certificates.setdefault(lease.camera_id, shown)
        await self._leave("record_certificate")
        return holds

    async def record_interrogation(self, worker: WorkerIdentity, lease: LeaseRef, told: Interrogation) -> None:
        self._enter("record_interrogation")
        self.told.append(told)
        await self._leave("record_interrogation")

    async def put_snapshot(self, worker: WorkerIdentity, lease: LeaseRef, snapshot: Snapshot) -> None:
        self._enter("put_snapshot")
        self.snapshots.append(snapshot)
        await self._leave("put_snapshot")

    async def report_missing(self, worker: WorkerIdentity, lease: LeaseRef) -> None:
        self._enter("report_missing")
        self.missing.append(lease.camera_id)
        await self._leave("report_missing")

    # DiscoveryDesk

    async def claim_discovery(self, worker: WorkerIdentity) -> DiscoveryOrder | None:
        self._enter("claim_discovery")
        await self._leave("claim_discovery")
        return self.searches.pop(0) if self.searches else None

    async def report_discovery(
        self, worker: WorkerIdentity, discovery_id: UUID, report: DiscoveryReport
    ) -> DiscoveryReply:
        self._enter("report_discovery")
        self.search_reports.append((discovery_id, report))
        await self._leave("report_discovery")
        return DiscoveryReply(go_on=discovery_id not in self.cancelled_searches)

    def _enter(self, method: str, worker: WorkerIdentity | None = None) -> None:
        self.calls.append(method)
        error = self.failing_in.get(method, self.failing)
        if error is not None:
            raise error
        if worker is not None and worker.worker_id not in self._known:
            raise Forbidden("Announce this worker first, with the same key.")

    async def _leave(self, method: str) -> None:
        self.on_call(method)
        late = self._late.get(method)
        if late is not None:
            await late.wait()

    def _holds(self, worker: WorkerIdentity, ref: LeaseRef) -> bool:
        lease = self.leases.get(ref.camera_id)
        return (
            lease is not None
            and (lease.worker_id, lease.epoch) == (worker.worker_id, ref.epoch)
            and lease.until > self._clock.monotonic()
        )
