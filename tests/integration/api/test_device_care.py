"""What is done to a device through a worker: its clock, a look for factory passwords."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.contracts.camera import AuthOutcome, CameraAssignment
from services.contracts.ladder import Reason
from services.contracts.worker_endpoint import ClockSet
from services.registry.ports import InterrogationFailed
from services.registry.tables import AuthAttempt
from tests.harness.application import Application
from tests.harness.findings import LOGIN, OTHER_LOGIN, Site, found, lease_of


@pytest.fixture
async def site(application: Application) -> Site:
    return await Site.of(application)


async def adopted(site: Site) -> tuple[str, CameraAssignment]:
    """A device with one camera, watched by the site's worker."""
    made = await site.adopted(found("10.20.3.1"))
    (assignment,) = (await site.leases()).values()
    return made["devices"][0]["id"], assignment


async def test_a_devices_clock_is_set_through_the_worker(site: Site) -> None:
    device_id, _ = await adopted(site)
    interrogator = site.application.interrogator
    interrogator.clocks["10.20.3.1", 80] = ClockSet(offset_before_s=-3600.2, offset_after_s=0.1)
    answer = await site.client.post(f"/v1/devices/{device_id}/clock")
    assert (answer.status_code, answer.json()) == (200, {"offset_before_s": -3600.2, "offset_after_s": 0.1})
    ((source, credentials),) = interrogator.clocks_set
    assert (source.address, source.path) == ("10.20.3.1", "/onvif/device_service")
    assert credentials is not None
    assert credentials.password == LOGIN["password"]
    assert (await site.device(device_id))["clock_offset_s"] == 0.1
    audit = (await site.client.get("/v1/audit", params={"action": "device.clock"})).json()["items"]
    assert audit[0]["details"]["offset_before_s"] == -3600.2


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (InterrogationFailed(Reason.TIMEOUT), 409, "device-refused"),
        (InterrogationFailed(Reason.AUTH_FAILED, AuthOutcome.REFUSED), 409, "device-refused"),
        (InterrogationFailed(Reason.NOT_WATCHED), 503, "unavailable"),
    ],
)
async def test_a_clock_that_cannot_be_set_says_why(
    application: Application, failure: InterrogationFailed, status: int, kind: str
) -> None:
    site = await Site.of(application)
    device_id, assignment = await adopted(site)
    application.interrogator.clocks["10.20.3.1", 80] = failure
    answer = await site.client.post(f"/v1/devices/{device_id}/clock")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:vonggac:problem:{kind}")
    if status == 409:
        assert answer.json()["reason"] == failure.reason
        assert answer.json()["advice"]["vi"]
    assert (await site.renewed(assignment)).refusals == (1 if failure.auth else 0)
    await site.client.post(f"/v1/devices/{device_id}/clock")
    third = await site.client.post(f"/v1/devices/{device_id}/clock")
    assert len(application.interrogator.clocks_set) == (2 if failure.auth else 3)
    assert third.json()["type"].endswith("budget-spent" if failure.auth else kind)


async def dahua(site: Site) -> str:
    made = await site.adopted(found("10.20.3.1", manufacturer="Dahua Technology"))
    device_id: str = made["devices"][0]["id"]
    return device_id


async def test_a_factory_password_is_found_when_its_owner_asks_and_the_camera_is_marked(site: Site) -> None:
    device_id = await dahua(site)
    (assignment,) = (await site.leases()).values()
    site.application.interrogator.sign_ins["10.20.3.1", 80, "admin"] = AuthOutcome.ACCEPTED
    assert (await site.device(device_id))["factory_password"] is None
    answer = await site.client.post(f"/v1/devices/{device_id}/factory-password-check")
    assert (answer.status_code, answer.json()["factory_password"], answer.json()["tried"]) == (200, True, 1)
    device = await site.device(device_id)
    assert device["factory_password"] is True
    assert device["factory_password_at"] is not None
    assert (await site.renewed(assignment)).notes == (Reason.FACTORY_PASSWORD,)
    audit = (await site.client.get("/v1/audit", params={"subject": device_id})).json()["items"]
    assert [one["action"] for one in audit] == ["device.factory_password.try", "device.factory_password"]
    await site.client.put(f"/v1/devices/{device_id}/credentials", json=OTHER_LOGIN)
    assert (await site.device(device_id))["factory_password"] is None, "not known of the new one"


async def test_no_more_than_two_are_tried_and_then_the_device_rests_for_an_hour(site: Site) -> None:
    device_id = await dahua(site)
    path = f"/v1/devices/{device_id}/factory-password-check"
    answer = await site.client.post(path)
    assert (answer.json()["factory_password"], answer.json()["tried"]) == (False, 2)
    assert [(username, password) for _, username, password in site.application.interrogator.tried] == [
        ("admin", "admin"),
        ("888888", "888888"),
    ]
    again = await site.client.post(path)
    assert (again.status_code, again.json()["type"]) == (409, "urn:vonggac:problem:budget-spent")
    async with site.application.database.write() as session:
        for attempt in await session.scalars(select(AuthAttempt)):
            attempt.at -= timedelta(minutes=61)
    assert (await site.client.post(path)).status_code == 200
    assert len(site.application.interrogator.tried) == 4


async def test_a_device_that_locks_out_is_tried_no_further_and_one_that_failed_lately_not_at_all(site: Site) -> None:
    device_id = await dahua(site)
    interrogator = site.application.interrogator
    interrogator.sign_ins["10.20.3.1", 80, "admin"] = AuthOutcome.LOCKED_OUT
    path = f"/v1/devices/{device_id}/factory-password-check"
    answer = await site.client.post(path)
    assert (answer.json()["factory_password"], len(interrogator.tried)) == (None, 1)
    assert (await site.client.post(path)).status_code == 409

    other = await Site.of(site.application, "HG-2", reach="other")
    made = await other.adopted(found("10.20.3.1", manufacturer="Dahua"))
    (assignment,) = (await other.leases()).values()
    await site.application.directory.record_auth(other.worker, lease_of(assignment), 1, AuthOutcome.REFUSED)
    refused = await other.client.post(f"/v1/devices/{made['devices'][0]['id']}/factory-password-check")
    assert refused.status_code == 409
    assert len(interrogator.tried) == 1, "one more refusal could lock the account that we use"


async def test_a_device_of_an_unknown_maker_is_not_tried(site: Site) -> None:
    device_id, _ = await adopted(site)
    answer = await site.client.post(f"/v1/devices/{device_id}/factory-password-check")
    assert (answer.json()["factory_password"], answer.json()["tried"]) == (None, 0)
    assert site.application.interrogator.tried == []


async def test_a_device_known_by_rtsp_only_has_no_clock_to_set(application: Application) -> None:
    site = await Site.of(application)
    body = {
        "facility_id": site.facility["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": "rtsp://10.20.3.1/a"},
    }
    device_id = (await site.client.post("/v1/cameras", json=body)).json()["device_id"]
    for path in ("clock", "factory-password-check"):
        answer = await site.client.post(f"/v1/devices/{device_id}/{path}")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:vonggac:problem:not-an-onvif-device")
