"""``CameraDirectory`` and ``DiscoveryDesk`` over HTTPS, for a worker of its own process: it never sees the database."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

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
    WorkerIdentity,
)
from services.contracts.discovery import DiscoveryOrder, DiscoveryReply, DiscoveryReport
from services.contracts.errors import Unavailable
from services.contracts.ids import CameraId
from services.runtime.http_client import HttpAnswer, HttpClient

T = TypeVar("T")

_ASSIGNMENTS = TypeAdapter(list[CameraAssignment])
_RENEWAL = TypeAdapter(Renewal)
_CERTIFICATE = TypeAdapter(CertificateShown)
_CREDENTIALS = TypeAdapter(Credentials | None)
_ORDER = TypeAdapter(DiscoveryOrder | None)
_REPLY = TypeAdapter(DiscoveryReply)

#: A report on a large search is a few megabytes, which a site's line needs time for.
_REPORT_TIMEOUT_S = 20.0


class HttpDirectory:
    """Asks the API's ``/v1/workers`` routes."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def announce(self, worker: WorkerIdentity) -> None:
        await self._client.request("PUT", _path(worker), json=worker.model_dump(mode="json"))

    async def claim_cameras(self, worker: WorkerIdentity, claim: Claim) -> Sequence[CameraAssignment]:
        answer = await self._client.request("POST", f"{_path(worker)}/claims", json=claim.model_dump(mode="json"))
        return _read(_ASSIGNMENTS, answer)

    async def renew_leases(self, worker: WorkerIdentity, leases: Sequence[tuple[LeaseRef, int]]) -> Renewal:
        body = [{"lease": lease.model_dump(mode="json"), "version": version} for lease, version in leases]
        return _read(_RENEWAL, await self._client.request("POST", f"{_path(worker)}/renewals", json=body))

    async def release_leases(self, worker: WorkerIdentity, leases: Sequence[LeaseRef]) -> None:
        body = [lease.model_dump(mode="json") for lease in leases]
        await self._client.request("POST", f"{_path(worker)}/releases", json=body)

    async def credentials_for(self, worker: WorkerIdentity, lease: LeaseRef) -> Credentials | None:
        answer = await self._client.request(
            "POST", _camera_path(worker, lease.camera_id, "credentials"), params={"epoch": lease.epoch}
        )
        return _read(_CREDENTIALS, answer)

    async def record_auth(self, worker: WorkerIdentity, lease: LeaseRef, version: int, outcome: AuthOutcome) -> None:
        await self._client.request(
            "POST",
            _camera_path(worker, lease.camera_id, "auth"),
            params={"epoch": lease.epoch},
            json={"version": version, "outcome": outcome.value},
        )

    async def record_certificate(self, worker: WorkerIdentity, lease: LeaseRef, shown: str) -> str:
        answer = await self._client.request(
            "POST",
            _camera_path(worker, lease.camera_id, "certificate"),
            params={"epoch": lease.epoch},
            json={"sha256": shown},
        )
        return _read(_CERTIFICATE, answer).sha256

    async def record_interrogation(self, worker: WorkerIdentity, lease: LeaseRef, told: Interrogation) -> None:
        await self._client.request(
            "POST",
            _camera_path(worker, lease.camera_id, "interrogation"),
            params={"epoch": lease.epoch},
            json=told.model_dump(mode="json"),
        )

    async def put_snapshot(self, worker: WorkerIdentity, lease: LeaseRef, snapshot: Snapshot) -> None:
        await self._client.request(
            "PUT",
            _camera_path(worker, lease.camera_id, "snapshot.jpg"),
            params={"epoch": lease.epoch, "taken_at": snapshot.taken_at.isoformat()},
            content=snapshot.jpeg,
        )

    async def report_missing(self, worker: WorkerIdentity, lease: LeaseRef) -> None:
        await self._client.request(
            "POST", _camera_path(worker, lease.camera_id, "missing"), params={"epoch": lease.epoch}
        )

    async def claim_discovery(self, worker: WorkerIdentity) -> DiscoveryOrder | None:
        return _read(_ORDER, await self._client.request("POST", f"{_path(worker)}/discoveries"))

    async def report_discovery(
        self, worker: WorkerIdentity, discovery_id: UUID, report: DiscoveryReport
    ) -> DiscoveryReply:
        answer = await self._client.request(
            "PUT",
            f"{_path(worker)}/discoveries/{discovery_id}",
            json=report.model_dump(mode="json"),
            timeout_s=_REPORT_TIMEOUT_S,
        )
        return _read(_REPLY, answer)


def _path(worker: WorkerIdentity) -> str:
    return f"/v1/workers/{worker.worker_id}"


def _camera_path(worker: WorkerIdentity, camera_id: CameraId, what: str) -> str:
    return f"{_path(worker)}/cameras/{camera_id}/{what}"


def _read(adapter: TypeAdapter[T], answer: HttpAnswer) -> T:
    try:
        return adapter.validate_json(answer.body)
    except ValidationError as error:
        raise Unavailable("The API answered in a form that this worker does not know; are versions mixed?") from error
