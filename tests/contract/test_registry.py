"""The registry over HTTP, on each kind of database."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from services.access.roles import Role
from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    Channel,
    Claim,
    DeviceFacts,
    Interrogation,
    LeaseRef,
    WorkerIdentity,
)
from services.contracts.errors import Conflict
from services.contracts.ids import new_id
from services.contracts.ladder import Reason
from services.registry.ports import InterrogationFailed
from services.registry.tables import AuthAttempt, Camera, Credential, Device
from tests.harness.application import Application


@pytest.fixture
async def operator(application_on_each: Application) -> httpx.AsyncClient:
    return await application_on_each.client_of(Role.OPERATOR)


async def facility(client: httpx.AsyncClient, code: str = "HG-001", **more: object) -> dict[str, object]:
    answer = await client.post("/v1/facilities", json={"code": code, "name": "Cơ sở", "province_code": "93", **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def camera(facility_id: object, url: str = "rtsp://10.20.3.4/a", **more: object) -> dict[str, object]:
    return {
        "facility_id": facility_id,
        "name": "Cổng chính",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": url},
        **more,
    }


def onvif(facility_id: object, **source: object) -> dict[str, object]:
    return camera(facility_id) | {"source": {"kind": "onvif", "host": "10.20.3.5", "port": 80, **source}}


async def test_a_facility_is_kept_as_it_was_given(operator: httpx.AsyncClient) -> None:
    made = await facility(operator, kind="hotel", capacity=120, contact_name="Nguyễn Văn An")
    read = (await operator.get(f"/v1/facilities/{made['id']}")).json()
    assert read == made
    assert (read["province_name"]["vi"], read["designated_enterprise"], read["reach"]) == (
        "Hậu Giang",
        "vnpt",
        "default",
    )


async def test_a_patch_changes_what_it_names_and_grows_the_version(operator: httpx.AsyncClient) -> None:
    made = await facility(operator, address="1 Trần Hưng Đạo")
    etag = (await operator.get(f"/v1/facilities/{made['id']}")).headers["etag"]
    changed = await operator.patch(
        f"/v1/facilities/{made['id']}", json={"name": "Tên mới", "address": None}, headers={"If-Match": etag}
    )
    assert (changed.status_code, changed.json()["name"], changed.json()["address"]) == (200, "Tên mới", None)
    assert changed.headers["etag"] != etag
    stale = await operator.patch(f"/v1/facilities/{made['id']}", json={"name": "x"}, headers={"If-Match": etag})
    assert stale.status_code == 412


async def test_a_code_is_taken_once(operator: httpx.AsyncClient) -> None:
    await facility(operator)
    again = await operator.post("/v1/facilities", json={"code": "HG-001", "name": "x", "province_code": "01"})
    assert again.status_code == 409
    assert again.json()["errors"][0]["pointer"] == "/code"


async def test_a_facility_with_cameras_is_deleted_only_when_that_is_meant(operator: httpx.AsyncClient) -> None:
    made = await facility(operator)
    assert (await operator.post("/v1/cameras", json=camera(made["id"]))).status_code == 201
    refused = await operator.delete(f"/v1/facilities/{made['id']}")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vonggac:problem:facility-has-cameras")
    assert (await operator.delete(f"/v1/facilities/{made['id']}?cascade=true")).status_code == 204
    assert (await operator.get(f"/v1/facilities/{made['id']}")).status_code == 404
    assert (await operator.get("/v1/cameras")).json()["items"] == []
    assert (await operator.get("/v1/devices")).json()["items"] == [], "a device that gives no camera is gone too"


async def test_lists_lose_and_double_nothing_while_rows_are_added(operator: httpx.AsyncClient) -> None:
    for number in range(7):
        await facility(operator, f"A-{number}")
    seen, cursor = [], None
    while True:
        page = (
            await operator.get("/v1/facilities", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [item["code"] for item in page["items"]]
        if len(seen) == 3:
            await facility(operator, "Z-new")
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [*(f"A-{number}" for number in range(7)), "Z-new"]


async def test_credentials_are_stored_encrypted_and_never_come_back(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    made = await facility(operator)
    body = camera(made["id"], credentials={"username": "quan-tri", "password": "hunter2 & mật khẩu"})
    answer = await operator.post("/v1/cameras", json=body)
    assert answer.json()["has_credentials"] is True
    texts = [answer.text, (await operator.get("/v1/cameras")).text, (await operator.get("/v1/audit")).text]
    assert not any("hunter2" in text or "quan-tri" in text for text in texts)
    async with application_on_each.database.read() as session:
        row = (await session.scalars(select(Credential))).one()
        assert "hunter2" not in row.password
        assert "quan-tri" not in row.username
        stored = await session.get(Camera, UUID(answer.json()["id"]))
        assert stored is not None
        revealed = application_on_each.parts.vault.reveal(stored)
    assert revealed is not None
    assert revealed.password == "hunter2 & mật khẩu"


async def test_how_a_camera_is_watched_is_kept_as_it_was_given_and_null_means_the_default(
    operator: httpx.AsyncClient,
) -> None:
    def told(body: dict[str, object]) -> tuple[object, ...]:
        return body["watch_policy"], body["sample_every_s"], body["stream_choice"]

    facility_id = (await facility(operator))["id"]
    plain = (await operator.post("/v1/cameras", json=camera(facility_id))).json()
    assert told(plain) == (None, None, "auto")
    given = {"watch_policy": "sampled", "sample_every_s": 900, "stream_choice": "main"}
    made = (await operator.post("/v1/cameras", json=camera(facility_id, "rtsp://10.20.3.4/b", **given))).json()
    assert told(made) == ("sampled", 900, "main")
    where = f"/v1/cameras/{made['id']}"
    assert told((await operator.patch(where, json={"sample_every_s": 60})).json()) == ("sampled", 60, "main")
    changes = {"watch_policy": None, "sample_every_s": None, "stream_choice": "sub"}
    assert told((await operator.patch(where, json=changes)).json()) == (None, None, "sub")
    assert told((await operator.get(where)).json()) == (None, None, "sub")
    assert told((await operator.patch(where, json={"name": "Cổng sau"})).json()) == (None, None, "sub")


async def test_the_same_camera_is_registered_once_in_a_reach(operator: httpx.AsyncClient) -> None:
    first, second = await facility(operator, "A", reach="north"), await facility(operator, "B", reach="south")
    assert (await operator.post("/v1/cameras", json=camera(first["id"]))).status_code == 201
    again = await operator.post("/v1/cameras", json=camera(first["id"], "RTSP://10.20.3.4:554/a"))
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "/source")
    assert "camera_id" in again.json()
    assert (await operator.post("/v1/cameras", json=camera(second["id"]))).status_code == 201, "another reach"
    assert (await operator.post("/v1/cameras", json=camera(first["id"], "rtsp://10.20.3.4/b"))).status_code == 201


async def test_a_facility_cannot_move_into_a_reach_where_its_camera_is_already(operator: httpx.AsyncClient) -> None:
    first, second = await facility(operator, "A", reach="north"), await facility(operator, "B", reach="south")
    for one in (first, second):
        await operator.post("/v1/cameras", json=camera(one["id"]))
    moved = await operator.patch(f"/v1/facilities/{second['id']}", json={"reach": "north"})
    assert moved.status_code == 409
    assert (await operator.get(f"/v1/facilities/{second['id']}")).json()["reach"] == "south"


RECORDER = Interrogation(
    device=DeviceFacts(maker="Hãng", model="NVR-4", serial="1", auth_mode="digest", clock_offset_s=2.0),
    channels=(
        Channel(
            profile="ch1-main", profiles=("ch1-main", "ch1-sub"), name="Kênh 1", codec="h264", width=1920, height=1080
        ),
        Channel(
            profile="ch2-main", profiles=("ch2-main", "ch2-sub"), name="Kênh 2", codec="h264", width=1920, height=1080
        ),
    ),
)


async def test_a_recorder_without_a_named_profile_answers_with_its_channels(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    application_on_each.interrogator.answers["10.20.3.5", 80] = RECORDER
    made = await facility(operator)
    refused = await operator.post("/v1/cameras", json=onvif(made["id"]))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/source/profile"
    assert [channel["profile"] for channel in refused.json()["channels"]] == ["ch1-main", "ch2-main"]
    assert (await operator.get("/v1/devices")).json()["items"] == [], "nothing is stored"

    for profile in ("ch1-main", "ch2-sub"):
        assert (await operator.post("/v1/cameras", json=onvif(made["id"], profile=profile))).status_code == 201
    assert (await operator.post("/v1/cameras", json=onvif(made["id"], profile="ch1-sub"))).status_code == 409
    assert (await operator.post("/v1/cameras", json=onvif(made["id"], profile="ch9"))).status_code == 422
    (device,) = (await operator.get("/v1/devices")).json()["items"]
    assert (device["maker"], device["model"], len(device["channels"])) == ("Hãng", "NVR-4", 2)


async def test_a_device_that_does_not_answer_is_registered_all_the_same(operator: httpx.AsyncClient) -> None:
    made = await facility(operator)
    answer = await operator.post("/v1/cameras", json=onvif(made["id"]))
    assert answer.status_code == 201
    status = (await operator.get(f"/v1/cameras/{answer.json()['id']}/status")).json()
    assert (status["condition"], status["reasons"][0]["code"]) == ("unknown", "not_watched")


async def test_a_refusal_at_registration_counts_as_the_first_of_two(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    failure = InterrogationFailed(Reason.AUTH_FAILED, AuthOutcome.REFUSED)
    application_on_each.interrogator.answers["10.20.3.5", 80] = failure
    made = await facility(operator)
    body = onvif(made["id"]) | {"credentials": {"username": "a", "password": "wrong"}}
    answer = await operator.post("/v1/cameras", json=body)
    assert answer.status_code == 201
    worker = WorkerIdentity(worker_id=new_id(), name="w")
    await application_on_each.directory.announce(worker)
    (assignment,) = await application_on_each.directory.claim_cameras(worker, Claim(held=0, capacity=10))
    assert assignment.refusals == 1
    lease = LeaseRef(camera_id=assignment.camera_id, epoch=assignment.epoch)
    await application_on_each.directory.record_auth(worker, lease, 1, AuthOutcome.REFUSED)
    renewal = await application_on_each.directory.renew_leases(worker, [(lease, 0)])
    assert renewal.changed[0].refusals == 2

    async def enter_again() -> CameraAssignment:
        path = f"/v1/cameras/{assignment.camera_id}/credentials"
        answer = await operator.put(path, json={"username": "a", "password": "wrong"})
        assert answer.status_code == 204
        return (await application_on_each.directory.renew_leases(worker, [(lease, 0)])).changed[0]

    changed = await enter_again()
    assert (changed.refusals, changed.credential_version) == (2, 2), "the same ones, refused just now"
    async with application_on_each.database.write() as session:
        attempt = (await session.scalars(select(AuthAttempt))).one()
        attempt.at -= timedelta(minutes=6)
    assert (await enter_again()).refusals == 0, "refused a while ago and typed again"


async def test_channels_of_one_device_share_the_budget_of_equal_credentials(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    application_on_each.interrogator.answers["10.20.3.5", 80] = RECORDER
    made = await facility(operator)
    for profile, password in (("ch1-main", "same"), ("ch2-main", "same")):
        body = onvif(made["id"], profile=profile) | {"credentials": {"username": "a", "password": password}}
        assert (await operator.post("/v1/cameras", json=body)).status_code == 201
    async with application_on_each.database.read() as session:
        prints = (await session.scalars(select(Credential.fingerprint))).all()
        attempts = (await session.scalars(select(AuthAttempt))).all()
    assert len(set(prints)) == 1
    assert len(attempts) == 1


async def test_a_camera_that_moves_to_another_address_keeps_its_id_and_its_credentials(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    made = await facility(operator)
    body = camera(made["id"], credentials={"username": "a", "password": "b"})
    camera_id = (await operator.post("/v1/cameras", json=body)).json()["id"]
    moved = await operator.patch(
        f"/v1/cameras/{camera_id}", json={"source": {"kind": "rtsp", "url": "rtsp://10.20.3.9/other"}}
    )
    assert moved.status_code == 200, moved.text
    assert moved.json()["id"] == camera_id
    assert moved.json()["source"]["url"] == "rtsp://10.20.3.9:554/other"
    assert moved.json()["has_credentials"] is True
    async with application_on_each.database.read() as session:
        devices = (await session.scalars(select(Device))).all()
        stored = await session.get(Camera, UUID(camera_id))
        assert stored is not None
        revealed = application_on_each.parts.vault.reveal(stored)
    assert [device.address for device in devices] == ["10.20.3.9"]
    assert revealed is not None
    assert revealed.password == "b"


async def test_credentials_leave_only_to_the_holder_of_the_lease_and_are_audited(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    made = await facility(operator)
    body = camera(made["id"], credentials={"username": "a", "password": "b"})
    camera_id = (await operator.post("/v1/cameras", json=body)).json()["id"]
    directory = application_on_each.directory
    holder, other = (WorkerIdentity(worker_id=new_id(), name=name) for name in ("holder", "other"))
    await directory.announce(holder)
    (assignment,) = await directory.claim_cameras(holder, Claim(held=0, capacity=10))
    await directory.announce(other)
    lease = LeaseRef(camera_id=assignment.camera_id, epoch=assignment.epoch)
    credentials = await directory.credentials_for(holder, lease)
    assert credentials is not None
    assert (credentials.username, credentials.password) == ("a", "b")
    for worker, ref in ((other, lease), (holder, LeaseRef(camera_id=lease.camera_id, epoch=lease.epoch + 1))):
        with pytest.raises(Conflict):
            await directory.credentials_for(worker, ref)
    entries = (await operator.get("/v1/audit", params={"action": "credentials.fetch"})).json()["items"]
    assert [entry["subject"] for entry in entries] == [camera_id]


async def test_a_recorder_is_not_asked_again_with_credentials_that_it_refused_twice(
    operator: httpx.AsyncClient, application_on_each: Application
) -> None:
    failure = InterrogationFailed(Reason.AUTH_FAILED, AuthOutcome.REFUSED)
    application_on_each.interrogator.answers["10.20.3.5", 80] = failure
    made = await facility(operator)
    bodies = [
        onvif(made["id"], profile=f"channel-{number}") | {"credentials": {"username": "a", "password": "wrong"}}
        for number in range(8)
    ]
    answers = await asyncio.gather(*(operator.post("/v1/cameras", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {201}
    assert len(application_on_each.interrogator.asked) == 2
    bodies[0]["source"]["profile"] = "another"  # type: ignore[index]
    bodies[0]["credentials"] = {"username": "a", "password": "right"}
    assert (await operator.post("/v1/cameras", json=bodies[0])).status_code == 201
    assert len(application_on_each.interrogator.asked) == 3, "other credentials have attempts of their own"
