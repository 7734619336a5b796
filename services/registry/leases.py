"""Leases: which worker watches which camera, for how long. Decisions by the database's clock."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.contracts.camera import (
    CameraAssignment,
    Claim,
    LeaseRef,
    OnvifSource,
    Renewal,
    RtspSource,
    Source,
    WatchPolicy,
    WorkerIdentity,
)
from services.contracts.errors import Forbidden
from services.contracts.identity import tells
from services.contracts.ids import PrincipalId
from services.contracts.ladder import Reason
from services.contracts.scope import ProvinceScope
from services.contracts.worker_endpoint import WorkerEndpoint
from services.registry import lease_repository, repository
from services.registry.errors import LeaseNotHeld
from services.registry.identity import evidence_of
from services.registry.interrogations import changed_cameras
from services.registry.tables import Camera, Device, Protocol, Worker
from services.storage.cipher import KeyRing
from services.storage.database import AsyncSession, Transactions, database_now

#: Most cameras one claim takes: short transactions, and a fair start when several workers come up together.
CLAIM_MAX = 100
#: How often one claim looks again when others were faster.
_CLAIM_TRIES = 3

#: How long a worker that is gone stays listed.
_REMEMBER_WORKERS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkerCaller:
    """Whose word a request of a worker is: the principal (None in this process) and how far its key reaches."""

    principal_id: PrincipalId | None
    scope: ProvinceScope


def fair_share(
    cameras_by_reach: Mapping[str, int], reaches_of_workers: Sequence[Collection[str]], mine: Collection[str]
) -> int:
    """How many cameras a worker should watch: of each reach its part among the workers that get there. Pure.

    ``reaches_of_workers`` includes this worker; no reaches means all of them.
    """
    share = 0
    for reach, cameras in cameras_by_reach.items():
        if mine and reach not in mine:
            continue
        workers = sum(1 for reaches in reaches_of_workers if not reaches or reach in reaches)
        share += math.ceil(cameras / max(workers, 1))
    return share


@dataclass(frozen=True, slots=True)
class WatchDefaults:
    """How cameras are watched that say nothing else."""

    policy: WatchPolicy = WatchPolicy.CONTINUOUS
    sample_every_s: int = 600

    def sample_every_of(self, policy: WatchPolicy | None, every_s: int | None) -> int | None:
        """Seconds between two looks at a camera with these settings of its own; None: watched without pause."""
        return (every_s or self.sample_every_s) if (policy or self.policy) is WatchPolicy.SAMPLED else None


class Leases:
    """Announce, claim, renew, release."""

    def __init__(
        self, transactions: Transactions, keys: KeyRing, ttl: timedelta, watch: WatchDefaults = WatchDefaults()
    ) -> None:
        self._transactions = transactions
        self._keys = keys
        self.ttl = ttl
        self._watch = watch

    async def announce(self, caller: WorkerCaller, identity: WorkerIdentity) -> None:
        """Note that a worker lives. Raises Forbidden for an id that another key came with."""
        async with self._transactions.write() as session:
            now = await database_now(session)
            row = await lease_repository.worker(session, identity.worker_id)
            if row is None:
                await lease_repository.forget_workers(session, now - _REMEMBER_WORKERS)
                row = Worker(id=identity.worker_id, principal_id=caller.principal_id, capacity=0, started_at=now)
                session.add(row)
            elif row.principal_id != caller.principal_id:
                raise Forbidden("This worker id belongs to another key.")
            row.name = identity.name
            row.reaches = list(identity.reaches)
            row.media_url = identity.media_url
            row.media_certificate = identity.media_certificate
            row.media_token = (
                self._keys.encrypt(identity.media_token, f"worker:{row.id}:media_token")
                if identity.media_token is not None
                else None
            )
            row.heartbeat_at = now

    async def claim(self, caller: WorkerCaller, worker_id: UUID, claim: Claim) -> Sequence[CameraAssignment]:
        """Lease free cameras: up to the worker's fair share, and beyond it only those free for a whole TTL.

        The second rule keeps a camera from staying dark when the others of its reach are full.
        """
        async with self._transactions.write() as session:
            now = await database_now(session)
            worker = await self.announced(session, caller, worker_id)
            worker.capacity = claim.capacity
            living = await lease_repository.living_workers(session, now - self.ttl)
            counts = await lease_repository.watchable_by_reach(session, caller.scope, worker.reaches)
            share = fair_share(counts, [other.reaches for other in living], worker.reaches)
            room = min(claim.capacity - claim.held, CLAIM_MAX)
            within = min(room, share - claim.held)
            granted: list[tuple[Camera, int]] = []
            for limit, free_since in ((within, None), (room, now - self.ttl)):
                for _ in range(_CLAIM_TRIES):
                    if limit <= len(granted):
                        break
                    found = await lease_repository.free_cameras(
                        session, caller.scope, worker.reaches, now, free_since=free_since, limit=limit - len(granted)
                    )
                    ids = [camera.id for camera in found]
                    epochs = await lease_repository.grant(session, ids, worker_id, now, now + self.ttl)
                    granted += [(camera, epochs[camera.id]) for camera in found if camera.id in epochs]
                    if len(epochs) == len(found):
                        break
                    # Another claim was faster with some of them: it ended between our looking and our locking.
            return await self._assignments(session, granted)

    async def renew(self, caller: WorkerCaller, worker_id: UUID, leases: Sequence[tuple[LeaseRef, int]]) -> Renewal:
        """Prolong what is still held. What ran out is lost, even if nobody took it: the worker has fenced itself."""
        async with self._transactions.write() as session:
            now = await database_now(session)
            worker = await self.announced(session, caller, worker_id)
            worker.heartbeat_at = now
            standing = await lease_repository.held(session, worker_id, now)
            kept: list[LeaseRef] = []
            changed: list[tuple[Camera, int]] = []
            lost: list[LeaseRef] = []
            for ref, version in leases:
                epoch, camera = standing.get(ref.camera_id, (None, None))
                if camera is None or epoch != ref.epoch:
                    lost.append(ref)
                    continue
                kept.append(ref)
                if camera.watch_version != version:
                    changed.append((camera, ref.epoch))
            if kept:
                await lease_repository.prolong(session, worker_id, [ref.camera_id for ref in kept], now + self.ttl)
            told = await self._assignments(session, changed)
        return Renewal(ttl_s=self.ttl.total_seconds(), held=tuple(kept), changed=tuple(told), lost=tuple(lost))

    async def release(self, caller: WorkerCaller, worker_id: UUID, leases: Sequence[LeaseRef]) -> None:
        """Give leases back; those not held are ignored."""
        async with self._transactions.write() as session:
            now = await database_now(session)
            await self.announced(session, caller, worker_id)
            await lease_repository.release(session, worker_id, {ref.camera_id: ref.epoch for ref in leases}, now)

    async def require(self, session: AsyncSession, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef) -> Camera:
        """The leased camera. Raises LeaseNotHeld unless this worker holds exactly this lease now."""
        now = await database_now(session)
        await self.announced(session, caller, worker_id)
        standing = (await lease_repository.leases(session, [lease.camera_id])).get(lease.camera_id)
        if (
            standing is None
            or standing.worker_id != worker_id
            or standing.epoch != lease.epoch
            or standing.expires_at <= now
        ):
            raise LeaseNotHeld
        camera = await repository.camera(session, caller.scope, lease.camera_id)
        if camera is None:
            raise LeaseNotHeld
        return camera

    def endpoint_of(self, worker: Worker | None) -> WorkerEndpoint | None:
        """Where the API finds this worker; None if it serves nothing."""
        if worker is None or not (worker.media_url and worker.media_certificate and worker.media_token):
            return None
        return WorkerEndpoint(
            worker_id=worker.id,
            url=worker.media_url,
            certificate_pem=worker.media_certificate,
            token=self._keys.decrypt(worker.media_token, f"worker:{worker.id}:media_token"),
        )

    async def announced(self, session: AsyncSession, caller: WorkerCaller, worker_id: UUID) -> Worker:
        """The worker of this id. Raises Forbidden unless it was announced with the same key."""
        worker = await lease_repository.worker(session, worker_id)
        if worker is None or worker.principal_id != caller.principal_id:
            raise Forbidden("Announce this worker first, with the same key.")
        return worker

    async def _assignments(
        self, session: AsyncSession, granted: Sequence[tuple[Camera, int]]
    ) -> list[CameraAssignment]:
        changed = await changed_cameras(session, [camera.id for camera, _ in granted]) if granted else frozenset()
        return [await self._assignment(session, camera, epoch, camera.id in changed) for camera, epoch in granted]

    async def _assignment(
        self, session: AsyncSession, camera: Camera, epoch: int, settings_changed: bool
    ) -> CameraAssignment:
        fingerprint = camera.credential.fingerprint if camera.credential else ""
        attempt = await repository.auth_attempt(session, camera.device_id, fingerprint)
        identity = evidence_of(camera.device)
        return CameraAssignment(
            camera_id=camera.id,
            facility_id=camera.facility_id,
            device_id=camera.device_id,
            reach=camera.facility.reach,
            source=source_of(camera),
            epoch=epoch,
            version=camera.watch_version,
            credential_version=camera.credential.version if camera.credential else 0,
            credential_fingerprint=fingerprint,
            refusals=attempt.refusals if attempt else 0,
            refused_at=attempt.at if attempt and attempt.refusals else None,
            locked_out=attempt.locked_out if attempt else False,
            certificate=camera.device.certificate,
            sample_every_s=self._watch.sample_every_of(camera.watch_policy, camera.sample_every_s),
            stream_choice=camera.stream_choice,
            identity=identity if tells(identity) else None,
            notes=tuple(
                reason
                for reason, holds in (
                    (Reason.FACTORY_PASSWORD, camera.device.factory_password),
                    (Reason.SETTINGS_CHANGED, settings_changed),
                )
                if holds
            ),
        )


def onvif_source(device: Device, profile: str | None = None) -> OnvifSource:
    """Where ONVIF of this device is."""
    path = {"path": device.service_path} if device.service_path else {}
    return OnvifSource(
        address=device.address,
        port=device.port,
        profile=profile,
        tls=device.tls,
        certificate=device.service_certificate,
        **path,
    )


def source_of(camera: Camera) -> Source:
    """Where a worker finds this camera."""
    device = camera.device
    if device.protocol is Protocol.ONVIF:
        return onvif_source(device, camera.profile)
    return RtspSource(address=device.address, port=device.port, path=camera.streams[0].path, tls=device.tls)
