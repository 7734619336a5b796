"""The registry as workers see it. The API puts HTTP before it; in one process ``LocalDirectory`` is called directly."""

from collections.abc import Sequence
from uuid import UUID

from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    Claim,
    Credentials,
    Interrogation,
    LeaseRef,
    Renewal,
    Snapshot,
    WorkerIdentity,
)
from services.contracts.discovery import DiscoveryOrder, DiscoveryReply, DiscoveryReport
from services.contracts.scope import EVERYWHERE, ProvinceScope
from services.contracts.worker_endpoint import WorkerEndpoint
from services.registry import interrogations, lease_repository, repository, snapshots
from services.registry.credentials import CredentialVault
from services.registry.discovery_desk import DiscoveryDesk
from services.registry.errors import CameraNotFound, SnapshotNotFound
from services.registry.leases import Leases, WorkerCaller
from services.registry.ports import AuditLog
from services.registry.snapshots import SnapshotFiles
from services.registry.tables import SnapshotRow
from services.runtime.clock import Clock
from services.storage.database import Transactions, database_now


class WorkerDesk:
    """Everything a worker may ask of the registry, each request under the leases it holds."""

    def __init__(
        self,
        transactions: Transactions,
        leases: Leases,
        vault: CredentialVault,
        files: SnapshotFiles,
        audit: AuditLog,
        clock: Clock,
        discoveries: DiscoveryDesk,
    ) -> None:
        self._transactions = transactions
        self.leases = leases
        self.discoveries = discoveries
        self._vault = vault
        self._files = files
        self._audit = audit
        self._clock = clock

    async def watcher_of(self, camera_id: UUID) -> str | None:
        """Name of the worker that holds the lease on a camera now."""
        async with self._transactions.read() as session:
            holder = await lease_repository.holder(session, camera_id, await database_now(session))
        return holder.name if holder is not None else None

    async def endpoint_for_camera(self, camera_id: UUID) -> WorkerEndpoint | None:
        """The media endpoint of the worker that holds a camera now; None if nobody does, or it is in this process."""
        async with self._transactions.read() as session:
            holder = await lease_repository.holder(session, camera_id, await database_now(session))
        return self.leases.endpoint_of(holder)

    async def endpoint_for_reach(self, reach: str) -> WorkerEndpoint | None:
        """The media endpoint of the worker heard of last that gets to this reach; None without one."""
        async with self._transactions.read() as session:
            since = await database_now(session) - self.leases.ttl
            living = await lease_repository.living_workers(session, since)
        able = [worker for worker in living if not worker.reaches or reach in worker.reaches]
        able.sort(key=lambda worker: worker.heartbeat_at, reverse=True)
        return next((found for worker in able if (found := self.leases.endpoint_of(worker))), None)

    async def credentials_for(self, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef) -> Credentials | None:
        """The credentials of a leased camera. Audited each time they leave. Raises LeaseNotHeld."""
        async with self._transactions.write() as session:
            camera = await self.leases.require(session, caller, worker_id, lease)
            credentials = self._vault.reveal(camera)
            if credentials is not None:
                await self._audit.record(
                    session,
                    principal_id=caller.principal_id,
                    action="credentials.fetch",
                    subject=str(camera.id),
                    province_unit_id=camera.facility.province_unit_id,
                    details={"worker_id": str(worker_id), "version": credentials.version},
                )
            return credentials

    async def record_auth(
        self, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef, version: int, outcome: AuthOutcome
    ) -> None:
        """Count what the device said; a version that was replaced meanwhile is no longer of interest."""
        async with self._transactions.write() as session:
            camera = await self.leases.require(session, caller, worker_id, lease)
            known = camera.credential.version if camera.credential else 0
            if version == known:
                fingerprint = camera.credential.fingerprint if camera.credential else ""
                await interrogations.remember_auth(session, camera.device_id, fingerprint, outcome, self._clock.now())

    async def record_certificate(self, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef, shown: str) -> str:
        """The certificate that holds for the device of a leased camera: the one shown now, unless one is known."""
        async with self._transactions.write() as session:
            camera = await self.leases.require(session, caller, worker_id, lease)
            if camera.device.certificate is None:
                camera.device.certificate = shown
            return camera.device.certificate

    async def record_interrogation(
        self, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef, told: Interrogation
    ) -> None:
        """Keep what ONVIF told, if it is the known device that told it."""
        async with self._transactions.write() as session:
            camera = await self.leases.require(session, caller, worker_id, lease)
            now = self._clock.now()
            if await interrogations.keep_facts(session, camera.device, told, now):
                await interrogations.keep_streams(session, camera, told, now)

    async def put_snapshot(self, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef, snapshot: Snapshot) -> None:
        snapshots.check_jpeg(snapshot.jpeg)
        async with self._transactions.write() as session:
            await self.leases.require(session, caller, worker_id, lease)
            await snapshots.note(session, lease.camera_id, snapshot)
            await self._files.put(lease.camera_id, snapshot.jpeg)


class SnapshotDesk:
    """Pictures for those who may see them."""

    def __init__(self, transactions: Transactions, files: SnapshotFiles) -> None:
        self._transactions = transactions
        self._files = files

    async def snapshot(self, scope: ProvinceScope, camera_id: UUID) -> tuple[SnapshotRow, bytes]:
        """Row and JPEG. Raises CameraNotFound or SnapshotNotFound."""
        async with self._transactions.read() as session:
            if await repository.camera(session, scope, camera_id) is None:
                raise CameraNotFound
            row = await repository.snapshot(session, camera_id)
        jpeg = await self._files.get(camera_id)
        if row is None or jpeg is None:
            raise SnapshotNotFound
        return row, jpeg

    async def taken_at(self, camera_ids: Sequence[UUID]) -> dict[UUID, SnapshotRow]:
        """Rows of those cameras that have a picture."""
        async with self._transactions.read() as session:
            return {row.camera_id: row for row in await repository.snapshots(session, camera_ids)}


class LocalDirectory:
    """``ingest.ports.CameraDirectory`` and ``DiscoveryDesk`` for a worker in this process, which reaches all provinces."""

    def __init__(self, desk: WorkerDesk) -> None:
        self._desk = desk
        self._caller = WorkerCaller(None, EVERYWHERE)

    async def announce(self, worker: WorkerIdentity) -> None:
        await self._desk.leases.announce(self._caller, worker)

    async def claim_cameras(self, worker: WorkerIdentity, claim: Claim) -> Sequence[CameraAssignment]:
        return await self._desk.leases.claim(self._caller, worker.worker_id, claim)

    async def renew_leases(self, worker: WorkerIdentity, leases: Sequence[tuple[LeaseRef, int]]) -> Renewal:
        return await self._desk.leases.renew(self._caller, worker.worker_id, leases)

    async def release_leases(self, worker: WorkerIdentity, leases: Sequence[LeaseRef]) -> None:
        await self._desk.leases.release(self._caller, worker.worker_id, leases)

    async def credentials_for(self, worker: WorkerIdentity, lease: LeaseRef) -> Credentials | None:
        return await self._desk.credentials_for(self._caller, worker.worker_id, lease)

    async def record_auth(self, worker: WorkerIdentity, lease: LeaseRef, version: int, outcome: AuthOutcome) -> None:
        await self._desk.record_auth(self._caller, worker.worker_id, lease, version, outcome)

    async def record_certificate(self, worker: WorkerIdentity, lease: LeaseRef, shown: str) -> str:
        return await self._desk.record_certificate(self._caller, worker.worker_id, lease, shown)

    async def record_interrogation(self, worker: WorkerIdentity, lease: LeaseRef, told: Interrogation) -> None:
        await self._desk.record_interrogation(self._caller, worker.worker_id, lease, told)

    async def put_snapshot(self, worker: WorkerIdentity, lease: LeaseRef, snapshot: Snapshot) -> None:
        await self._desk.put_snapshot(self._caller, worker.worker_id, lease, snapshot)

    async def report_missing(self, worker: WorkerIdentity, lease: LeaseRef) -> None:
        await self._desk.discoveries.report_missing(self._caller, worker.worker_id, lease)

    async def claim_discovery(self, worker: WorkerIdentity) -> DiscoveryOrder | None:
        return await self._desk.discoveries.claim(self._caller, worker.worker_id)

    async def report_discovery(
        self, worker: WorkerIdentity, discovery_id: UUID, report: DiscoveryReport
    ) -> DiscoveryReply:
        return await self._desk.discoveries.report(self._caller, worker.worker_id, discovery_id, report)
