"""A worker of its own process asks the real API over HTTP on loopback; the database is SQLite."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.access.roles import Role
from services.api.app import wrapped
from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    Channel,
    Claim,
    DeviceFacts,
    DeviceStream,
    Interrogation,
    LeaseRef,
    OnvifSource,
    RtspSource,
    Snapshot,
    WorkerIdentity,
)
from services.contracts.errors import Conflict, Forbidden, ServiceError, Unauthenticated, Unavailable
from services.contracts.ids import new_id
from services.ingest.adapters.directory_http import HttpDirectory
from services.ingest.sign_in import lease_of
from services.registry.tables import CameraLease, Worker
from services.runtime.http_client import HttpClient, trusting
from services.runtime.http_server import HttpServer
from tests.harness.application import Application, running_application
from tests.harness.server_process import free_port

ME = WorkerIdentity(
    worker_id=new_id(),
    name="worker-1",
    media_url="https://127.0.0.1:9999",
    media_certificate="pem",
    media_token="token",
)
LOGIN = {"username": "admin", "password": 'p@ss:w/rd?#%"é'}
JPEG = b"\xff\xd8\xff" + bytes(1000)


@dataclass
class Api:
    """The API as it listens."""

    application: Application
    url: str

    def as_worker(self, key: str) -> HttpDirectory:
        client = HttpClient(self.url, key, trusting(None), timeout_s=5.0)
        self.application.process.stack.push_async_callback(client.close)
        return HttpDirectory(client)

    async def camera(self, host: str = "10.20.3.4", **more: Any) -> str:
        """Register a camera; gives its id."""
        operator = await self.application.client_of(Role.OPERATOR)
        facility = {"code": f"F-{host}", "name": "x", "province_code": "93"}
        facility_id = (await operator.post("/v1/facilities", json=facility)).json()["id"]
        source = more.pop("source", {"kind": "rtsp", "url": f"rtsp://{host}:8554/live?ch=1"})
        body = {"facility_id": facility_id, "name": "x", "zone": "gate", "source": source, **more}
        answer = await operator.post("/v1/cameras", json=body)
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        return made


@pytest.fixture
async def api(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_application(sqlite_url, tmp_path) as application:
        server = HttpServer(wrapped(application.app), "127.0.0.1", 0, graceful_s=1)
        port = await server.start()
        yield Api(application, f"http://127.0.0.1:{port}")
        await server.stop()


@pytest.fixture
async def worker(api: Api) -> HttpDirectory:
    """A worker that said that it lives."""
    directory = api.as_worker(await api.application.key(Role.WORKER))
    await directory.announce(ME)
    return directory


async def claimed(directory: HttpDirectory, held: int = 0) -> CameraAssignment:
    (assignment,) = await directory.claim_cameras(ME, Claim(held=held, capacity=10))
    return assignment


async def test_a_worker_announces_itself_with_its_media_endpoint(api: Api, worker: HttpDirectory) -> None:
    async with api.application.database.read() as session:
        row = (await session.scalars(select(Worker))).one()
    assert (row.id, row.name, row.media_url, row.media_certificate) == (
        ME.worker_id,
        "worker-1",
        "https://127.0.0.1:9999",
        "pem",
    )
    assert "token" not in (row.media_token or ""), "kept encrypted"


async def test_a_claim_gives_the_camera_and_no_credentials(api: Api, worker: HttpDirectory) -> None:
    camera_id = await api.camera(credentials=LOGIN)
    one = await claimed(worker)
    assert str(one.camera_id) == camera_id
    assert one.source == RtspSource(address="10.20.3.4", port=8554, path="/live?ch=1")
    assert (one.epoch, one.version, one.credential_version, one.refusals) == (1, 1, 1, 0)
    assert LOGIN["password"] not in one.model_dump_json()
    assert await worker.claim_cameras(ME, Claim(held=1, capacity=10)) == []


async def test_a_renewal_tells_what_is_held_changed_and_lost(api: Api, worker: HttpDirectory) -> None:
    camera_id = await api.camera()
    one = await claimed(worker)
    before = await expiry(api)
    lost = LeaseRef(camera_id=new_id(), epoch=3)
    renewal = await worker.renew_leases(ME, [(lease_of(one), one.version), (lost, 1)])
    assert (renewal.held, renewal.changed, renewal.lost) == ((lease_of(one),), (), (lost,))
    assert renewal.ttl_s == 20.0
    assert await expiry(api) > before

    operator = await api.application.client_of(Role.OPERATOR)
    await operator.put(f"/v1/cameras/{camera_id}/credentials", json=LOGIN)
    (changed,) = (await worker.renew_leases(ME, [(lease_of(one), one.version)])).changed
    assert (changed.version, changed.credential_version, changed.epoch) == (2, 1, 1)
    assert (await worker.renew_leases(ME, [(lease_of(one), changed.version)])).changed == ()

    await operator.delete(f"/v1/cameras/{camera_id}")
    assert (await worker.renew_leases(ME, [(lease_of(one), 2)])).lost == (lease_of(one),)


async def expiry(api: Api) -> datetime:
    async with api.application.database.read() as session:
        return (await session.scalars(select(CameraLease))).one().expires_at


async def test_a_released_camera_can_be_claimed_at_once_with_a_higher_epoch(api: Api, worker: HttpDirectory) -> None:
    await api.camera()
    one = await claimed(worker)
    await worker.release_leases(ME, [lease_of(one), LeaseRef(camera_id=new_id(), epoch=1)])
    again = await claimed(worker)
    assert (again.camera_id, again.epoch) == (one.camera_id, 2)


async def test_credentials_come_whole_and_every_time_they_are_audited(api: Api, worker: HttpDirectory) -> None:
    await api.camera(credentials=LOGIN)
    one = await claimed(worker)
    for _ in range(2):
        got = await worker.credentials_for(ME, lease_of(one))
        assert got is not None
        assert (got.username, got.password, got.version) == (LOGIN["username"], LOGIN["password"], 1)
    operator = await api.application.client_of(Role.OPERATOR)
    entries = (await operator.get("/v1/audit", params={"action": "credentials.fetch"})).json()["items"]
    assert [entry["subject"] for entry in entries] == [str(one.camera_id)] * 2
    assert {entry["details"]["worker_id"] for entry in entries} == {str(ME.worker_id)}
    assert LOGIN["password"] not in str(entries)
    await operator.delete(f"/v1/cameras/{one.camera_id}/credentials")
    assert await worker.credentials_for(ME, lease_of(one)) is None, "removed, so there are none"


async def test_refusals_count_for_whoever_leases_the_camera_next(api: Api, worker: HttpDirectory) -> None:
    await api.camera(credentials=LOGIN)
    one = await claimed(worker)
    await worker.record_auth(ME, lease_of(one), 1, AuthOutcome.REFUSED)
    await worker.record_auth(ME, lease_of(one), 1, AuthOutcome.LOCKED_OUT)
    await worker.record_auth(ME, lease_of(one), 7, AuthOutcome.REFUSED)  # of a version that is not the present one
    await worker.release_leases(ME, [lease_of(one)])
    again = await claimed(worker)
    assert (again.refusals, again.locked_out) == (2, True)
    assert again.refused_at is not None
    await worker.record_auth(ME, lease_of(again), 1, AuthOutcome.ACCEPTED)
    await worker.release_leases(ME, [lease_of(again)])
    assert (await claimed(worker)).refusals == 0


async def test_the_certificate_shown_first_is_the_one_that_holds(api: Api, worker: HttpDirectory) -> None:
    await api.camera()
    one = await claimed(worker)
    assert await worker.record_certificate(ME, lease_of(one), "a" * 64) == "a" * 64
    assert await worker.record_certificate(ME, lease_of(one), "b" * 64) == "a" * 64
    await worker.release_leases(ME, [lease_of(one)])
    assert (await claimed(worker)).certificate == "a" * 64


def told(address: str) -> Interrogation:
    source = RtspSource(address=address, port=554, path="/s?a=1&b=ü")
    return Interrogation(
        device=DeviceFacts(maker="Hãng", model="M", serial="S1", auth_mode="digest", clock_offset_s=-1.5),
        channels=(Channel(profile="main", profiles=("main",), name="Kênh 1", codec="h264", width=640, height=360),),
        streams=(DeviceStream(role="main", profile="main", source=source, original_uri="rtsp://192.168.1.9/s"),),
    )


async def test_what_a_device_told_is_kept(api: Api, worker: HttpDirectory) -> None:
    api.application.interrogator.answers["10.20.3.5", 80] = told("10.20.3.5")
    source = {"kind": "onvif", "host": "10.20.3.5", "port": 80, "profile": "main"}
    camera_id = await api.camera("10.20.3.5", source=source)
    one = await claimed(worker)
    assert one.source == OnvifSource(address="10.20.3.5", port=80, profile="main")
    again = told("10.20.3.5").model_copy(update={"device": DeviceFacts(firmware="9.9")})
    await worker.record_interrogation(ME, lease_of(one), again)
    operator = await api.application.client_of(Role.OPERATOR)
    (device,) = (await operator.get("/v1/devices")).json()["items"]
    assert (device["maker"], device["firmware"], device["auth_mode"]) == ("Hãng", "9.9", "digest")
    camera = (await operator.get(f"/v1/cameras/{camera_id}")).json()
    assert [stream["path"] for stream in camera["streams"]] == ["/s?a=1&b=ü"]


async def test_a_snapshot_is_kept_with_its_moment(api: Api, worker: HttpDirectory) -> None:
    camera_id = await api.camera()
    one = await claimed(worker)
    taken_at = datetime(2026, 11, 24, 8, 0, 1, 250_000, tzinfo=UTC)
    await worker.put_snapshot(ME, lease_of(one), Snapshot(taken_at=taken_at, jpeg=JPEG))
    monitor = await api.application.client_of(Role.MONITOR)
    answer = await monitor.get(f"/v1/cameras/{camera_id}/snapshot.jpg")
    assert (answer.status_code, answer.content) == (200, JPEG)
    with pytest.raises(ServiceError):
        await worker.put_snapshot(ME, lease_of(one), Snapshot(taken_at=taken_at, jpeg=b"GIF89a"))
    with pytest.raises(ServiceError):
        await worker.put_snapshot(ME, lease_of(one), Snapshot(taken_at=taken_at, jpeg=JPEG + bytes(1024 * 1024)))
    assert (await monitor.get(f"/v1/cameras/{camera_id}/snapshot.jpg")).content == JPEG


async def test_without_the_lease_everything_is_a_conflict(api: Api, worker: HttpDirectory) -> None:
    await api.camera(credentials=LOGIN)
    stale = lease_of(await claimed(worker)).model_copy(update={"epoch": 9})
    for asked in (
        worker.credentials_for(ME, stale),
        worker.record_auth(ME, stale, 1, AuthOutcome.REFUSED),
        worker.record_certificate(ME, stale, "a" * 64),
        worker.record_interrogation(ME, stale, told("10.20.3.5")),
        worker.put_snapshot(ME, stale, Snapshot(taken_at=datetime.now(UTC), jpeg=JPEG)),
    ):
        with pytest.raises(Conflict):
            await asked


async def test_another_key_cannot_speak_for_this_worker(api: Api, worker: HttpDirectory) -> None:
    await api.camera(credentials=LOGIN)
    lease = lease_of(await claimed(worker))
    other = api.as_worker(await api.application.key(Role.WORKER))
    unknown = ME.model_copy(update={"worker_id": new_id()})
    for asked in (
        other.renew_leases(unknown, []),
        other.announce(ME),
        other.claim_cameras(ME, Claim(held=0, capacity=1)),
        other.renew_leases(ME, [(lease, 1)]),
        other.release_leases(ME, [lease]),
        other.credentials_for(ME, lease),
    ):
        with pytest.raises(Forbidden):
            await asked


async def test_a_key_of_another_role_is_forbidden_and_a_revoked_one_unauthenticated(api: Api) -> None:
    with pytest.raises(Forbidden):
        await api.as_worker(await api.application.key(Role.OPERATOR)).announce(ME)
    operator = await api.application.client_of(Role.OPERATOR)
    made = (await operator.post("/v1/keys", json={"name": "w", "role": "worker"})).json()
    directory = api.as_worker(made["key"])
    await directory.announce(ME)
    await operator.delete(f"/v1/keys/{made['id']}")
    with pytest.raises(Unauthenticated):
        await directory.announce(ME)


async def test_a_key_of_one_province_leases_nothing_of_another(api: Api) -> None:
    await api.camera()
    directory = api.as_worker(await api.application.key(Role.WORKER, "2021-01"))
    await directory.announce(ME)
    assert await directory.claim_cameras(ME, Claim(held=0, capacity=10)) == []


async def test_an_api_that_is_not_there_is_unavailable() -> None:
    client = HttpClient(f"http://127.0.0.1:{free_port()}", "vg_x", trusting(None), timeout_s=2.0)
    with pytest.raises(Unavailable):
        await HttpDirectory(client).announce(ME)
    await client.close()
