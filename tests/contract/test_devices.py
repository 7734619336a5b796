"""What is known of a device and done with it as a whole, on each kind of database."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    Channel,
    DeviceFacts,
    DeviceStream,
    Interrogation,
    RtspSource,
)
from services.contracts.ladder import Reason
from services.registry.tables import AuthAttempt
from tests.harness.application import Application
from tests.harness.findings import LOGIN, OTHER_LOGIN, Site, found, lease_of

MARKS = {"mac": "44:19:b6:00:00:01", "endpoint": "urn:uuid:00000000-0000-0000-0000-000000000001", "serial": "SN-1"}


@pytest.fixture
async def site(application_on_each: Application) -> Site:
    return await Site.of(application_on_each)


def told(*, codec: str = "h264", width: int = 1920, **device: Any) -> Interrogation:
    """What the device of ``found("10.20.3.1")`` says of itself."""
    usual: dict[str, Any] = {"maker": "Hãng", "model": "IPC-1", "firmware": "1.0", **MARKS}
    streams = tuple(
        DeviceStream(
            role=role,
            profile=f"{role}-1",
            source=RtspSource(address="10.20.3.1", port=554, path=f"/{role}/1"),
            original_uri="rtsp://x/",
            codec=codec if role == "main" else "h264",
            width=width if role == "main" else 640,
            height=1080 if role == "main" else 360,
        )
        for role in ("main", "sub")
    )
    return Interrogation(
        device=DeviceFacts.model_validate(usual | device),
        channels=(Channel(profile="main-1", profiles=("main-1", "sub-1"), name="Kênh 1"),),
        streams=streams,
    )


async def adopted(site: Site) -> tuple[str, CameraAssignment]:
    """A device with one camera, watched by the site's worker."""
    made = await site.adopted(found("10.20.3.1"))
    (assignment,) = (await site.leases()).values()
    return made["devices"][0]["id"], assignment


async def record(site: Site, assignment: CameraAssignment, what: Interrogation) -> None:
    await site.application.directory.record_interrogation(site.worker, lease_of(assignment), what)


async def changes(site: Site, device_id: str) -> list[tuple[str, str, str]]:
    items = (await site.client.get(f"/v1/devices/{device_id}/changes")).json()["items"]
    return [(one["field"], one["was"], one["now"]) for one in items]


# Facts and changes


async def test_what_was_changed_on_site_is_kept_told_to_the_worker_and_acknowledged(site: Site) -> None:
    device_id, assignment = await adopted(site)
    await record(site, assignment, told())
    assert await changes(site, device_id) == []
    assert (await site.renewed(assignment)).notes == ()

    await record(site, assignment, told(codec="H265", width=1280, firmware="2.0"))
    expected = [
        ("firmware", "1.0", "2.0"),
        ("main.codec", "h264", "h265"),
        ("main.size", "1920x1080", "1280x1080"),
    ]
    assert sorted(await changes(site, device_id)) == expected
    changed = await site.renewed(assignment)
    assert changed.version > assignment.version, "the worker learns it at once"
    assert changed.notes == (Reason.SETTINGS_CHANGED,)
    await record(site, assignment, told(codec="h265", width=1280, firmware="2.0"))
    assert len(await changes(site, device_id)) == 3, "told once"

    answer = await site.client.post(f"/v1/devices/{device_id}/changes/acknowledge")
    assert answer.json() == {"changes": 3}
    assert (await site.renewed(assignment)).notes == ()
    assert (await site.client.post(f"/v1/devices/{device_id}/changes/acknowledge")).json() == {"changes": 0}
    assert len(await changes(site, device_id)) == 3, "what was acknowledged stays in the list"


async def test_a_setting_that_is_put_back_is_no_change_any_more(site: Site) -> None:
    device_id, assignment = await adopted(site)
    for codec in ("h265", "mjpeg", "h265", "h264"):
        await record(site, assignment, told(codec=codec))
    assert await changes(site, device_id) == []
    assert (await site.renewed(assignment)).notes == ()


async def test_all_facts_of_a_device_are_shown(site: Site) -> None:
    device_id, assignment = await adopted(site)
    services = ("http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver20/media/wsdl")
    more: dict[str, Any] = {"services": services, "name": "cam-cong", "auth_mode": "digest", "clock_offset_s": -3600.0}
    await record(site, assignment, told(certificate="ab" * 32, **more))
    device = await site.device(device_id)
    shown = {name: device[name] for name in ("name", "mac", "auth_mode", "clock_offset_s", "services", "serial")}
    assert shown == {
        "name": "cam-cong",
        "mac": MARKS["mac"],
        "auth_mode": "digest",
        "clock_offset_s": -3600.0,
        "services": list(services),
        "serial": "SN-1",
    }
    assert device["identity_at"] is not None


# Identity


async def test_the_first_interrogation_teaches_who_a_device_is(site: Site) -> None:
    body = {
        "facility_id": site.facility["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "onvif", "host": "10.20.3.1"},
    }
    made = (await site.client.post("/v1/cameras", json=body)).json()
    (assignment,) = (await site.leases()).values()
    assert assignment.identity is None
    await record(site, assignment, told())
    assert (await site.device(made["device_id"]))["mac"] == MARKS["mac"]
    identity = (await site.renewed(assignment)).identity
    assert identity is not None
    assert (identity.mac, identity.serial, identity.maker) == (MARKS["mac"], "SN-1", "Hãng")


STRANGER: dict[str, Any] = {"mac": "44:19:b6:00:00:99", "endpoint": "urn:uuid:99", "serial": "SN-99", "model": "IPC-9"}


async def test_what_another_device_says_at_a_known_address_is_not_kept_but_shown(site: Site) -> None:
    device_id, assignment = await adopted(site)
    await record(site, assignment, told(codec="h265", firmware="9.9", **STRANGER))
    device = await site.device(device_id)
    assert (device["serial"], device["firmware"], device["model"]) == ("SN-1", "1.0", "IPC-1")
    assert await changes(site, device_id) == []
    (conflict,) = device["conflicts"]
    assert (conflict["kind"], conflict["seen"]["mac"], conflict["differ"]) == (
        "other_device",
        STRANGER["mac"],
        ["endpoint", "mac", "serial"],
    )
    camera = (await site.client.get(f"/v1/cameras/{assignment.camera_id}")).json()
    assert camera["streams"][0]["codec"] == "h264"
    await record(site, assignment, told())
    assert (await site.device(device_id))["conflicts"] == [], "the known one is back"


async def test_somebody_accepts_the_device_that_stands_there_now(site: Site) -> None:
    device_id, assignment = await adopted(site)
    await record(site, assignment, told(**STRANGER))
    answer = await site.client.post(f"/v1/devices/{device_id}/identity", json={"accept": True})
    assert answer.status_code == 200
    told_now = answer.json()
    assert (told_now["serial"], told_now["mac"], told_now["conflicts"]) == ("SN-99", STRANGER["mac"], [])
    assert [field for field, _, _ in await changes(site, device_id)] == ["identity"]
    renewed = await site.renewed(assignment)
    assert renewed.identity is not None
    assert (renewed.identity.serial, renewed.version > assignment.version) == ("SN-99", True)
    await record(site, assignment, told(codec="h265", **STRANGER))
    assert (await site.device(device_id))["conflicts"] == []
    audit = (await site.client.get("/v1/audit", params={"action": "device.identity"})).json()["items"]
    assert audit[0]["details"] == {"accept": True}


async def test_a_conflict_that_no_human_wants_is_put_aside_until_it_is_seen_again(site: Site) -> None:
    device_id, assignment = await adopted(site)
    await record(site, assignment, told(**STRANGER))
    answer = await site.client.post(f"/v1/devices/{device_id}/identity", json={"accept": False})
    assert (answer.json()["serial"], answer.json()["conflicts"]) == ("SN-1", [])
    await record(site, assignment, told(**STRANGER))
    assert len((await site.device(device_id))["conflicts"]) == 1


async def test_accepting_without_a_known_conflict_lets_the_next_answer_teach(site: Site) -> None:
    """A worker that says wrong_device need not have told who it is."""
    device_id, assignment = await adopted(site)
    await site.client.post(f"/v1/devices/{device_id}/identity", json={"accept": True})
    assert (await site.renewed(assignment)).identity is None
    await record(site, assignment, told(**STRANGER))
    assert (await site.device(device_id))["serial"] == "SN-99"


async def test_a_reference_that_changes_at_each_start_is_the_same_device(site: Site) -> None:
    device_id, assignment = await adopted(site)
    await record(site, assignment, told(endpoint="urn:uuid:2b1d", firmware="1.1"))
    device = await site.device(device_id)
    assert (device["endpoint"], device["firmware"], device["conflicts"]) == ("urn:uuid:2b1d", "1.1", [])


# Credentials


async def test_one_call_sets_the_credentials_of_all_cameras_of_a_device(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1", channels=3), found("10.20.3.2"))
    assignments = (await site.leases()).values()
    device_id = made["devices"][0]["id"]
    assert (await site.client.put(f"/v1/devices/{device_id}/credentials", json=OTHER_LOGIN)).status_code == 204
    for assignment in assignments:
        known = await site.application.directory.credentials_for(site.worker, lease_of(assignment))
        assert known is not None
        told_now = await site.renewed(assignment)
        if str(assignment.device_id) == device_id:
            assert (known.password, known.version) == (OTHER_LOGIN["password"], 2)
            assert told_now.version > assignment.version
        else:
            assert (known.password, told_now.version) == (LOGIN["password"], assignment.version)


async def test_the_same_wrong_credentials_are_forgiven_after_a_while_only(site: Site) -> None:
    device_id, assignment = await adopted(site)
    for _ in range(2):
        await site.application.directory.record_auth(site.worker, lease_of(assignment), 1, AuthOutcome.REFUSED)
    path = f"/v1/devices/{device_id}/credentials"
    await site.client.put(path, json=LOGIN)
    assert (await site.renewed(assignment)).refusals == 2
    async with site.application.database.write() as session:
        (await session.scalars(select(AuthAttempt))).one().at -= timedelta(minutes=6)
    await site.client.put(path, json=LOGIN)
    assert (await site.renewed(assignment)).refusals == 0


# Sets of a site


async def test_credential_sets_are_kept_in_order_and_never_given_back(site: Site) -> None:
    path = f"/v1/facilities/{site.facility['id']}/credential-sets"
    texts = []
    ids = []
    for label in ("a", "b"):
        answer = await site.client.post(path, json={"label": label, **LOGIN})
        assert answer.status_code == 201, answer.text
        texts.append(answer.text)
        ids.append(answer.json()["id"])
    changed = await site.client.put(
        f"/v1/credential-sets/{ids[1]}", json={"label": "first", "position": 0, **OTHER_LOGIN}
    )
    assert (changed.json()["version"], changed.json()["position"]) == (2, 0)
    listed = await site.client.get(path)
    assert [(one["label"], one["id"]) for one in listed.json()["items"]] == [("first", ids[1]), ("a", ids[0])]
    audit = await site.client.get("/v1/audit")
    for text in (*texts, changed.text, listed.text, audit.text):
        assert not any(secret in text for secret in (*LOGIN.values(), OTHER_LOGIN["password"]))
    assert (await site.client.delete(f"/v1/credential-sets/{ids[0]}")).status_code == 204
    assert (await site.client.delete(f"/v1/credential-sets/{ids[0]}")).status_code == 404
    for number in range(7):
        assert (await site.client.post(path, json={"label": str(number), **LOGIN})).status_code == 201
    assert (await site.client.post(path, json={"label": "ninth", **LOGIN})).status_code == 409


async def test_a_facility_goes_with_its_searches_and_sets(site: Site) -> None:
    await site.adopted(found("10.20.3.1"))
    path = f"/v1/facilities/{site.facility['id']}"
    await site.client.post(f"{path}/credential-sets", json={"label": "a", **LOGIN})
    assert (await site.client.delete(path, params={"cascade": "true"})).status_code == 204
    assert (await site.client.get("/v1/discoveries")).json()["items"] == []
