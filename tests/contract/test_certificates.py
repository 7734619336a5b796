"""Cameras inside TLS, from the registration to the certificate that is kept, on each kind of database."""

from typing import Any

import pytest

from services.access.roles import Role
from services.contracts.camera import CameraAssignment, Claim, LeaseRef, RtspSource, WorkerIdentity
from services.contracts.errors import Conflict
from services.contracts.ids import new_id
from tests.harness.application import Application

ONE, OTHER = "a" * 64, "b" * 64
URL = "rtsps://10.20.3.4/live"


async def register(application: Application, *paths: str) -> list[dict[str, Any]]:
    client = await application.client_of(Role.OPERATOR)
    facility = await client.post("/v1/facilities", json={"code": f"F-{new_id()}", "name": "x", "province_code": "93"})
    cameras = []
    for path in paths:
        body = {
            "facility_id": facility.json()["id"],
            "name": path,
            "zone": "gate",
            "source": {"kind": "rtsp", "url": f"{URL}/{path}"},
        }
        made = await client.post("/v1/cameras", json=body)
        assert made.status_code == 201
        cameras.append(made.json())
    return cameras


async def claimed(application: Application) -> tuple[WorkerIdentity, list[CameraAssignment]]:
    worker = WorkerIdentity(worker_id=new_id(), name="worker")
    await application.directory.announce(worker)
    return worker, list(await application.directory.claim_cameras(worker, Claim(held=0, capacity=10)))


def lease(camera: CameraAssignment) -> LeaseRef:
    return LeaseRef(camera_id=camera.camera_id, epoch=camera.epoch)


async def changed(
    application: Application, worker: WorkerIdentity, cameras: list[CameraAssignment]
) -> list[CameraAssignment]:
    held = [(lease(camera), camera.version) for camera in cameras]
    return list((await application.directory.renew_leases(worker, held)).changed)


async def test_a_camera_inside_tls_is_leased_as_such(application_on_each: Application) -> None:
    (camera,) = await register(application_on_each, "a")
    assert camera["source"] == {"kind": "rtsp", "url": "rtsps://10.20.3.4:322/live/a"}
    _, (assignment,) = await claimed(application_on_each)
    assert assignment.source == RtspSource(address="10.20.3.4", port=322, path="/live/a", tls=True)
    assert assignment.certificate is None


async def test_the_certificate_shown_first_holds_for_all_cameras_of_the_device(
    application_on_each: Application,
) -> None:
    directory = application_on_each.directory
    await register(application_on_each, "a", "b")
    worker, cameras = await claimed(application_on_each)
    assert await directory.record_certificate(worker, lease(cameras[0]), ONE) == ONE
    assert await directory.record_certificate(worker, lease(cameras[1]), OTHER) == ONE
    assert await changed(application_on_each, worker, cameras) == []
    await directory.release_leases(worker, [lease(camera) for camera in cameras])
    again = await directory.claim_cameras(worker, Claim(held=0, capacity=10))
    assert [camera.certificate for camera in again] == [ONE, ONE]


async def test_saving_the_address_anew_forgets_the_certificate(application_on_each: Application) -> None:
    registered = await register(application_on_each, "a", "b")
    worker, cameras = await claimed(application_on_each)
    await application_on_each.directory.record_certificate(worker, lease(cameras[0]), ONE)
    client = await application_on_each.client_of(Role.OPERATOR)
    answer = await client.patch(f"/v1/cameras/{registered[0]['id']}", json={"source": registered[0]["source"]})
    assert answer.status_code == 200
    told = await changed(application_on_each, worker, cameras)
    assert {camera.camera_id for camera in told} == {camera.camera_id for camera in cameras}
    assert [camera.certificate for camera in told] == [None, None]
    assert await application_on_each.directory.record_certificate(worker, lease(cameras[1]), OTHER) == OTHER


async def test_a_device_that_turned_to_tls_is_another_to_trust(application_on_each: Application) -> None:
    (camera,) = await register(application_on_each, "a")
    worker, cameras = await claimed(application_on_each)
    await application_on_each.directory.record_certificate(worker, lease(cameras[0]), ONE)
    client = await application_on_each.client_of(Role.OPERATOR)
    plain = {"source": {"kind": "rtsp", "url": "rtsp://10.20.3.4:322/live/a"}}
    assert (await client.patch(f"/v1/cameras/{camera['id']}", json=plain)).status_code == 200
    (told,) = await changed(application_on_each, worker, cameras)
    assert told.source == RtspSource(address="10.20.3.4", port=322, path="/live/a", tls=False)
    assert told.certificate is None


async def test_only_whoever_holds_the_lease_may_say_what_was_shown(application_on_each: Application) -> None:
    await register(application_on_each, "a")
    worker, (camera,) = await claimed(application_on_each)
    with pytest.raises(Conflict):
        await application_on_each.directory.record_certificate(
            worker, LeaseRef(camera_id=camera.camera_id, epoch=camera.epoch + 1), ONE
        )


async def test_a_worker_of_its_own_process_says_it_over_http(application: Application) -> None:
    await register(application, "a")
    client, worker_id = await application.client_of(Role.WORKER), new_id()
    await client.put(f"/v1/workers/{worker_id}", json={"worker_id": str(worker_id), "name": "worker"})
    (camera,) = (await client.post(f"/v1/workers/{worker_id}/claims", json={"held": 0, "capacity": 5})).json()
    url = f"/v1/workers/{worker_id}/cameras/{camera['camera_id']}/certificate"
    epoch = {"epoch": camera["epoch"]}
    assert (await client.post(url, params=epoch, json={"sha256": ONE})).json() == {"sha256": ONE}
    assert (await client.post(url, params=epoch, json={"sha256": OTHER})).json() == {"sha256": ONE}
    assert (await client.post(url, params=epoch, json={"sha256": "x"})).status_code == 422
