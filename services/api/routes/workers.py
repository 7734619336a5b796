"""What workers of their own process ask: leases, credentials, and where they bring what they learned.

Kept off the ingress: only workers come here, with keys of role worker, over TLS.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    CertificateShown,
    Claim,
    Credentials,
    Interrogation,
    LeaseRef,
    Renewal,
    Snapshot,
    Value,
    WorkerIdentity,
)
from services.contracts.discovery import DiscoveryOrder, DiscoveryReply, DiscoveryReport
from services.contracts.errors import Fault, Invalid
from services.registry.leases import WorkerCaller

router = APIRouter(prefix="/v1/workers", tags=["workers"])

AsWorker = Annotated[Principal, needs(Scope.WORKER)]
Epoch = Annotated[int, Query(ge=1)]


class HeldLease(Value):
    """A lease with the version of the assignment that the worker knows."""

    lease: LeaseRef
    version: int


class AuthReport(Value):
    """What a device said to the credentials of this version."""

    version: int
    outcome: AuthOutcome


def _caller(principal: Principal) -> WorkerCaller:
    return WorkerCaller(principal.id, principal.provinces)


@router.put("/{worker_id}", status_code=204)
async def announce(worker_id: UUID, body: WorkerIdentity, services: Services, principal: AsWorker) -> None:
    """Say that this worker lives, and where it serves live media."""
    if body.worker_id != worker_id:
        raise Invalid("The id in the body is another one.", faults=(Fault("/worker_id", "differs from the address"),))
    await services.desk.leases.announce(_caller(principal), body)


@router.post("/{worker_id}/claims")
async def claim(worker_id: UUID, body: Claim, services: Services, principal: AsWorker) -> list[CameraAssignment]:
    """Lease cameras that nobody watches."""
    return list(await services.desk.leases.claim(_caller(principal), worker_id, body))


@router.post("/{worker_id}/renewals")
async def renew(worker_id: UUID, body: list[HeldLease], services: Services, principal: AsWorker) -> Renewal:
    """Prolong leases; learn which changed and which are lost."""
    held = [(item.lease, item.version) for item in body]
    return await services.desk.leases.renew(_caller(principal), worker_id, held)


@router.post("/{worker_id}/releases", status_code=204)
async def release(worker_id: UUID, body: list[LeaseRef], services: Services, principal: AsWorker) -> None:
    """Give leases back."""
    await services.desk.leases.release(_caller(principal), worker_id, body)


@router.post("/{worker_id}/cameras/{camera_id}/credentials")
async def credentials_for(
    worker_id: UUID, camera_id: UUID, epoch: Epoch, services: Services, principal: AsWorker
) -> Credentials | None:
    """Credentials of a camera that this worker holds the lease on. Audited."""
    lease = LeaseRef(camera_id=camera_id, epoch=epoch)
    return await services.desk.credentials_for(_caller(principal), worker_id, lease)


@router.post("/{worker_id}/cameras/{camera_id}/auth", status_code=204)
async def record_auth(
    worker_id: UUID, camera_id: UUID, epoch: Epoch, body: AuthReport, services: Services, principal: AsWorker
) -> None:
    """Count what the device said to the credentials."""
    lease = LeaseRef(camera_id=camera_id, epoch=epoch)
    await services.desk.record_auth(_caller(principal), worker_id, lease, body.version, body.outcome)


@router.post("/{worker_id}/cameras/{camera_id}/certificate")
async def record_certificate(
    worker_id: UUID, camera_id: UUID, epoch: Epoch, body: CertificateShown, services: Services, principal: AsWorker
) -> CertificateShown:
    """Keep the TLS certificate that a device showed, unless one is known; answers with the one that holds."""
    lease = LeaseRef(camera_id=camera_id, epoch=epoch)
    holds = await services.desk.record_certificate(_caller(principal), worker_id, lease, body.sha256)
    return CertificateShown(sha256=holds)


@router.post("/{worker_id}/cameras/{camera_id}/interrogation", status_code=204)
async def record_interrogation(
    worker_id: UUID, camera_id: UUID, epoch: Epoch, body: Interrogation, services: Services, principal: AsWorker
) -> None:
    """Keep what ONVIF told."""
    lease = LeaseRef(camera_id=camera_id, epoch=epoch)
    await services.desk.record_interrogation(_caller(principal), worker_id, lease, body)


@router.post("/{worker_id}/cameras/{camera_id}/missing", status_code=204)
async def report_missing(
    worker_id: UUID, camera_id: UUID, epoch: Epoch, services: Services, principal: AsWorker
) -> None:
    """Say that the device of a leased camera is not at its address. It is looked for if that was not done lately."""
    lease = LeaseRef(camera_id=camera_id, epoch=epoch)
    await services.desk.discoveries.report_missing(_caller(principal), worker_id, lease)


@router.post("/{worker_id}/discoveries")
async def claim_discovery(worker_id: UUID, services: Services, principal: AsWorker) -> DiscoveryOrder | None:
    """Take a search that waits for a worker of this reach; null when none does. Audited, for its credentials."""
    return await services.desk.discoveries.claim(_caller(principal), worker_id)


@router.put("/{worker_id}/discoveries/{discovery_id}")
async def report_discovery(
    worker_id: UUID, discovery_id: UUID, body: DiscoveryReport, services: Services, principal: AsWorker
) -> DiscoveryReply:
    """Say how far a search is and what it found so far; the body may have up to 8 MiB."""
    return await services.desk.discoveries.report(_caller(principal), worker_id, discovery_id, body)


@router.put("/{worker_id}/cameras/{camera_id}/snapshot.jpg", status_code=204)
async def put_snapshot(
    worker_id: UUID,
    camera_id: UUID,
    epoch: Epoch,
    taken_at: Annotated[datetime, Query()],
    request: Request,
    services: Services,
    principal: AsWorker,
) -> None:
    """Keep the newest picture; the body is the JPEG, at most 1 MiB."""
    if taken_at.tzinfo is None:
        raise Invalid("taken_at needs a time zone.", faults=(Fault("/taken_at", "needs a time zone"),))
    snapshot = Snapshot(taken_at=taken_at, jpeg=await request.body())
    lease = LeaseRef(camera_id=camera_id, epoch=epoch)
    await services.desk.put_snapshot(_caller(principal), worker_id, lease, snapshot)
