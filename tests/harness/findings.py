"""Findings, searches and workers that run them, for tests of the registry."""

from typing import Any
from uuid import UUID

import httpx

from services.access.roles import Role
from services.contracts.camera import CameraAssignment, Claim, LeaseRef, WorkerIdentity
from services.contracts.discovery import (
    DiscoveryOrder,
    DiscoveryProgress,
    DiscoveryReply,
    DiscoveryReport,
    Found,
    FoundChannel,
    FoundStream,
    Refusal,
)
from services.contracts.ids import new_id
from services.contracts.ladder import Reason, Rung
from tests.harness.application import Application

LOGIN = {"username": "quan-tri", "password": "mật khẩu 1"}
OTHER_LOGIN = {"username": "admin", "password": "mật khẩu 2"}


def stream(role: str = "main", number: int = 1, **members: Any) -> FoundStream:
    usual = {"role": role, "profile": f"{role}-{number}", "port": 554, "path": f"/{role}/{number}", "codec": "h264"}
    return FoundStream.model_validate(usual | {"width": 1920, "height": 1080} | members)


def channel(number: int = 1, **members: Any) -> FoundChannel:
    usual: dict[str, Any] = {
        "key": f"main-{number}",
        "name": f"Kênh {number}",
        "profiles": (f"main-{number}", f"sub-{number}"),
        "streams": (stream("main", number), stream("sub", number, width=640, height=360)),
        "rung": Rung.DESCRIBED,
    }
    return FoundChannel.model_validate(usual | members)


def found(address: str, *, channels: int = 1, **members: Any) -> Found:
    """An ONVIF device with marks of its own, made from its address."""
    last = int(address.rpartition(".")[2])
    usual: dict[str, Any] = {
        "address": address,
        "port": 80,
        "protocol": "onvif",
        "service_path": "/onvif/device_service",
        "seen_by": ("multicast",),
        "endpoint": f"urn:uuid:00000000-0000-0000-0000-0000000000{last:02x}",
        "manufacturer": "Hãng",
        "model": "IPC-1",
        "firmware": "1.0",
        "serial": f"SN-{last}",
        "mac": f"44:19:b6:00:00:{last:02x}",
        "auth_mode": "digest",
        "clock_offset_s": 1.5,
        "channels": tuple(channel(number + 1) for number in range(channels)),
        "rung": Rung.DESCRIBED,
        "credential": 0,
    }
    return Found.model_validate(usual | members)


def refusing(address: str, *refusals: tuple[int, int], locked_out: bool = False, **members: Any) -> Found:
    """A device that refused; pairs of the set's index and how often."""
    told = tuple(Refusal(credential=set_, count=count, locked_out=locked_out) for set_, count in refusals)
    reason = Reason.AUTH_LOCKED_OUT if locked_out else Reason.AUTH_FAILED
    usual: dict[str, Any] = {"channels": 0, "rung": Rung.ANSWERING, "reasons": (reason,), "credential": None}
    return found(address, **(usual | {"refusals": told} | members))


class Site:
    """A facility of an application, its operator, and a worker that gets there."""

    def __init__(self, application: Application, client: httpx.AsyncClient, facility: dict[str, Any]) -> None:
        self.application = application
        self.client = client
        self.facility = facility
        self.worker = WorkerIdentity(worker_id=new_id(), name="w", reaches=(facility["reach"],))

    @classmethod
    async def of(cls, application: Application, code: str = "HG-1", **more: Any) -> "Site":
        client = await application.client_of(Role.OPERATOR)
        body = {"code": code, "name": "Cơ sở", "province_code": "93", **more}
        made = await client.post("/v1/facilities", json=body)
        assert made.status_code == 201, made.text
        site = cls(application, client, made.json())
        await application.directory.announce(site.worker)
        return site

    async def start(self, **body: Any) -> UUID:
        usual: dict[str, Any] = {"facility_id": self.facility["id"], "networks": ["10.20.3.0/24"]}
        answer = await self.client.post("/v1/discoveries", json=usual | body)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["id"])

    async def claim(self, worker: WorkerIdentity | None = None) -> DiscoveryOrder | None:
        return await self.application.directory.claim_discovery(worker or self.worker)

    async def report(
        self, discovery_id: UUID, *findings: Found, status: str = "running", worker: WorkerIdentity | None = None
    ) -> DiscoveryReply:
        progress = DiscoveryProgress(phase="done" if status == "done" else "asking", hosts=len(findings))
        report = DiscoveryReport.model_validate({"status": status, "progress": progress, "found": findings})
        return await self.application.directory.report_discovery(worker or self.worker, discovery_id, report)

    async def search(self, *findings: Found, **body: Any) -> UUID:
        """A whole search that found these."""
        discovery_id = await self.start(**({"credentials": [LOGIN, OTHER_LOGIN]} | body))
        order = await self.claim()
        assert order is not None
        assert order.discovery_id == discovery_id
        await self.report(discovery_id, *findings, status="done")
        return discovery_id

    async def read(self, discovery_id: UUID) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/discoveries/{discovery_id}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def adopt(self, discovery_id: UUID, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/discoveries/{discovery_id}/adopt", json=body or {"all": True})

    async def adopted(self, *findings: Found) -> dict[str, Any]:
        """Found, and adopted altogether."""
        answer = await self.adopt(await self.search(*findings))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def device(self, device_id: str) -> dict[str, Any]:
        told: dict[str, Any] = (await self.client.get(f"/v1/devices/{device_id}")).json()
        return told

    async def leases(self) -> dict[UUID, CameraAssignment]:
        """All free cameras, leased to the worker; by camera."""
        assigned = await self.application.directory.claim_cameras(self.worker, Claim(held=0, capacity=100))
        return {one.camera_id: one for one in assigned}

    async def renewed(self, assignment: CameraAssignment) -> CameraAssignment:
        """What its holder is told about a camera now."""
        lease = lease_of(assignment)
        renewal = await self.application.directory.renew_leases(self.worker, [(lease, 0)])
        return renewal.changed[0]


def lease_of(assignment: CameraAssignment) -> LeaseRef:
    return LeaseRef(camera_id=assignment.camera_id, epoch=assignment.epoch)
