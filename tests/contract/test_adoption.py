"""Findings become devices and cameras, on each kind of database."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from services.contracts.camera import AuthOutcome, Channel, DeviceFacts, Interrogation, OnvifSource, RtspSource
from services.contracts.discovery import Found
from services.contracts.ladder import Reason, Rung
from services.registry.discovery_tables import Discovery
from services.registry.ports import InterrogationFailed
from services.registry.tables import AuthAttempt, Camera
from tests.harness.application import Application
from tests.harness.findings import LOGIN, OTHER_LOGIN, Site, channel, found, refusing, stream


@pytest.fixture
async def site(application_on_each: Application) -> Site:
    return await Site.of(application_on_each)


def rtsp_only(address: str, path: str = "/live/0", **members: Any) -> Found:
    one = channel(1, key=path, name="", profiles=(), streams=(stream(path=path, profile=None),))
    usual: dict[str, Any] = {"protocol": "rtsp", "port": 554, "service_path": None, "endpoint": None, "serial": None}
    return found(address, **(usual | {"manufacturer": None, "model": None} | members)).model_copy(
        update={"channels": (one,)}
    )


WHOLE_SITE = (
    found("10.20.3.1", channels=4, name="Đầu ghi"),
    found("10.20.3.2"),
    found("10.20.3.3", credential=1),
    rtsp_only("10.20.3.4"),
    refusing("10.20.3.5", (0, 1), (1, 1)),
    refusing("10.20.3.6", (0, 2), locked_out=True),
)


async def test_all_that_can_be_is_adopted_and_the_rest_is_named_with_what_to_do(site: Site) -> None:
    discovery_id = await site.search(*WHOLE_SITE)
    answer = await site.adopt(discovery_id, all=True, zone="corridor")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(one["address"], one["port"], one["created"]) for one in told["devices"]] == [
        ("10.20.3.1", 80, True),
        ("10.20.3.2", 80, True),
        ("10.20.3.3", 80, True),
        ("10.20.3.4", 554, True),
    ]
    assert [(one["address"], one["channel"], one["name"]) for one in told["cameras"]] == [
        ("10.20.3.1", "main-1", "Kênh 1"),
        ("10.20.3.1", "main-2", "Kênh 2"),
        ("10.20.3.1", "main-3", "Kênh 3"),
        ("10.20.3.1", "main-4", "Kênh 4"),
        ("10.20.3.2", "main-1", "Kênh 1 2"),
        ("10.20.3.3", "main-1", "Kênh 1 3"),
        ("10.20.3.4", "/live/0", "10.20.3.4"),
    ]
    assert {one["zone"] for one in told["cameras"]} == {"corridor"}
    assert [(one["address"], one["reason"]) for one in told["left_out"]] == [
        ("10.20.3.5", "auth_failed"),
        ("10.20.3.6", "auth_locked_out"),
    ]
    assert all(one["advice"]["vi"] and one["advice"]["en"] for one in told["left_out"])

    assignments = sorted((await site.leases()).values(), key=lambda one: (one.source.address, str(one.camera_id)))
    assert len(assignments) == 7
    recorder = assignments[0]
    assert recorder.source == OnvifSource(address="10.20.3.1", port=80, profile="main-1")
    assert recorder.identity is not None
    assert (recorder.identity.mac, recorder.identity.serial) == ("44:19:b6:00:00:01", "SN-1")
    assert assignments[-1].source == RtspSource(address="10.20.3.4", port=554, path="/live/0")
    async with site.application.database.read() as session:
        cameras = (await session.scalars(select(Camera).order_by(Camera.id))).unique().all()
        logins = [site.application.parts.vault.reveal(camera) for camera in cameras]
    first, other = LOGIN["password"], OTHER_LOGIN["password"]
    assert [login.password if login else None for login in logins] == [first] * 5 + [other] + [first]
    assert [(str(one.role), one.path) for one in cameras[1].streams] == [("main", "/main/2"), ("sub", "/sub/2")]
    device = await site.device(told["devices"][0]["id"])
    assert (device["maker"], device["firmware"], device["mac"]) == ("Hãng", "1.0", "44:19:b6:00:00:01")
    assert [one["profile"] for one in device["channels"]] == ["main-1", "main-2", "main-3", "main-4"]
    assert device["conflicts"] == []


async def test_adopting_again_gives_the_same_ids_and_makes_nothing(site: Site) -> None:
    discovery_id = await site.search(*WHOLE_SITE)
    first, again = [(await site.adopt(discovery_id)).json() for _ in range(2)]
    assert [one["id"] for one in again["cameras"]] == [one["id"] for one in first["cameras"]]
    assert [one["id"] for one in again["devices"]] == [one["id"] for one in first["devices"]]
    assert not any(one["created"] for one in (*again["cameras"], *again["devices"]))
    later = await site.adopt(await site.search(*WHOLE_SITE))
    assert [one["id"] for one in later.json()["cameras"]] == [one["id"] for one in first["cameras"]]
    async with site.application.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Camera)) == 7


async def test_adoptions_at_the_same_moment_make_each_camera_once(site: Site) -> None:
    discovery_id = await site.search(*WHOLE_SITE)
    answers = await asyncio.gather(*(site.adopt(discovery_id) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(one["created"] for answer in answers for one in answer.json()["cameras"]) == 7


async def test_known_devices_are_named_in_the_next_search(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1", channels=2), found("10.20.3.2"))
    found_again = (await site.read(await site.search(found("10.20.3.2"), found("10.20.3.9"))))["found"]
    assert [one["known_device_id"] for one in found_again] == [made["devices"][1]["id"], None]


async def test_the_credentials_of_a_search_are_erased_once_nothing_is_left_to_adopt(site: Site) -> None:
    discovery_id = await site.search(found("10.20.3.1"), found("10.20.3.2"))

    async def kept() -> bool:
        async with site.application.database.read() as session:
            query = select(Discovery.credentials).where(Discovery.id == discovery_id)
            return await session.scalar(query) is not None

    answer = await site.adopt(discovery_id, devices=[{"address": "10.20.3.1", "port": 80}])
    assert answer.status_code == 200
    assert await kept()
    await site.adopt(discovery_id)
    assert not await kept()


async def test_chosen_channels_get_their_names_and_zones(site: Site) -> None:
    discovery_id = await site.search(found("10.20.3.1", channels=3), found("10.20.3.2", name="Cổng"))
    wish = {
        "devices": [
            {
                "address": "10.20.3.1",
                "port": 80,
                "channels": [
                    {"key": "main-2", "name": "Cổng chính", "zone": "gate"},
                    {"key": "main-3", "enabled": False},
                ],
            },
            {"address": "10.20.3.2", "port": 80, "name": "Sân sau"},
        ],
        "zone": "yard",
    }
    answer = await site.adopt(discovery_id, **wish)
    assert [(one["channel"], one["name"], one["zone"]) for one in answer.json()["cameras"]] == [
        ("main-2", "Cổng chính", "gate"),
        ("main-3", "Kênh 3", "yard"),
        ("main-1", "Sân sau", "yard"),
    ]
    cameras = (await site.client.get("/v1/cameras")).json()["items"]
    assert [one["enabled"] for one in cameras] == [True, False, True]


@pytest.mark.parametrize(
    ("wish", "status", "pointer"),
    [
        ({"all": True, "zone": "inside_room"}, 422, "/zone"),
        ({"all": True, "zone": "roof"}, 422, "/zone"),
        ({"all": True, "devices": [{"address": "10.20.3.1", "port": 80}]}, 422, ""),
        ({"all": False}, 422, ""),
        ({"devices": [{"address": "10.20.3.7", "port": 80}]}, 422, "/devices/0/address"),
        ({"devices": [{"address": "10.20.3.1", "port": 80}] * 2}, 422, "/devices/1/address"),
        (
            {"devices": [{"address": "10.20.3.1", "port": 80, "channels": [{"key": "main-9"}]}]},
            422,
            "/devices/0/channels/0/key",
        ),
        (
            {"devices": [{"address": "10.20.3.1", "port": 80, "channels": [{"key": "main-1", "zone": "toilet"}]}]},
            422,
            "/devices/0/channels/0/zone",
        ),
        ({"devices": [{"address": "10.20.3.1", "port": 80}, {"address": "10.20.3.5", "port": 80}]}, 409, "/devices/1"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_place_at_fault_and_nothing_is_stored(
    application: Application, wish: dict[str, Any], status: int, pointer: str
) -> None:
    site = await Site.of(application)
    discovery_id = await site.search(*WHOLE_SITE)
    answer = await site.adopt(discovery_id, **wish)
    assert answer.status_code == status, answer.text
    if status == 409:
        (left_out,) = answer.json()["left_out"]
        assert (left_out["address"], left_out["reason"]) == ("10.20.3.5", "auth_failed")
    faults = [one["pointer"] for one in answer.json()["errors"]]
    assert any(one.startswith(pointer) for one in faults), faults
    assert (await site.client.get("/v1/devices")).json()["items"] == []


async def test_a_device_for_which_the_right_password_is_given_now_is_asked_and_adopted(site: Site) -> None:
    discovery_id = await site.search(refusing("10.20.3.5", (0, 1), (1, 1)))
    site.application.interrogator.answers["10.20.3.5", 80] = Interrogation(
        device=DeviceFacts(maker="Hãng", model="IPC-1", serial="SN-5", auth_mode="digest"),
        channels=(Channel(profile="p1", profiles=("p1", "p2"), name="Sân"),),
    )
    wish = [{"address": "10.20.3.5", "port": 80, "credentials": {"username": "admin", "password": "right"}}]
    answer = await site.adopt(discovery_id, devices=wish)
    assert answer.status_code == 200, answer.text
    assert [(one["channel"], one["name"]) for one in answer.json()["cameras"]] == [("p1", "Sân")]
    (assignment,) = (await site.leases()).values()
    assert (assignment.credential_version, assignment.refusals) == (1, 0)


async def test_a_wrong_password_at_adoption_counts_and_is_not_tried_a_third_time(site: Site) -> None:
    discovery_id = await site.search(refusing("10.20.3.5", (0, 1)))
    interrogator = site.application.interrogator
    interrogator.answers["10.20.3.5", 80] = InterrogationFailed(Reason.AUTH_FAILED, AuthOutcome.REFUSED)
    wish = [{"address": "10.20.3.5", "port": 80, "credentials": LOGIN}]
    for _ in range(3):
        answer = await site.adopt(discovery_id, devices=wish)
        assert answer.status_code == 409
        assert answer.json()["left_out"][0]["reason"] == "auth_failed"
        assert answer.json()["errors"][0]["pointer"] == "/devices/0/credentials"
    assert len(interrogator.asked) == 1, "one refusal in the search and one now are two"
    assert LOGIN["password"] not in answer.text


async def test_a_camera_of_another_facility_of_the_reach_is_left_out(application_on_each: Application) -> None:
    first, second = [await Site.of(application_on_each, code=code) for code in ("A", "B")]
    await first.adopted(found("10.20.3.1"))
    answer = await second.adopt(await second.search(found("10.20.3.1"), found("10.20.3.2")))
    told = answer.json()
    assert [one["address"] for one in told["cameras"]] == ["10.20.3.2"]
    assert [(one["address"], one["reason"]) for one in told["left_out"]] == [("10.20.3.1", "registered_elsewhere")]
    assert first.facility["id"] not in answer.text


async def test_cameras_that_were_registered_by_hand_are_recognised(site: Site) -> None:
    """By RTSP address, by ONVIF under another of the channel's profiles, and while the device was silent."""
    sources = (
        {"kind": "rtsp", "url": "rtsp://10.20.3.1/main/1"},
        {"kind": "onvif", "host": "10.20.3.2", "profile": "sub-1"},
        {"kind": "onvif", "host": "10.20.3.3"},
    )
    ids = []
    for source in sources:
        body = {"facility_id": site.facility["id"], "name": "x", "zone": "gate", "source": source}
        answer = await site.client.post("/v1/cameras", json=body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    told = await site.adopted(found("10.20.3.1"), found("10.20.3.2"), found("10.20.3.3"))
    assert [one["id"] for one in told["cameras"]] == ids
    assert not any(one["created"] for one in told["cameras"])


async def test_a_device_seen_at_two_addresses_is_adopted_once_and_two_that_share_a_reference_twice(
    site: Site,
) -> None:
    twin = found("10.20.3.2", mac="44:19:b6:00:00:01", serial="SN-1", endpoint="urn:uuid:1", same_as=("10.20.3.1",))
    clone = found("10.20.3.3", endpoint="urn:uuid:1", same_as=("10.20.3.1",))
    told = await site.adopted(found("10.20.3.1", endpoint="urn:uuid:1"), twin, clone)
    assert [one["address"] for one in told["devices"]] == ["10.20.3.1", "10.20.3.3"]
    assert [(one["address"], one["reason"]) for one in told["left_out"]] == [("10.20.3.2", "seen_twice")]


async def test_a_channel_that_shows_nothing_is_left_out_unless_it_is_named(site: Site) -> None:
    empty = channel(2, rung=Rung.AUTHORIZED, reasons=(Reason.NOT_FOUND,))
    recorder = found("10.20.3.1").model_copy(update={"channels": (channel(1), empty)})
    discovery_id = await site.search(recorder)
    told = (await site.adopt(discovery_id)).json()
    assert [one["channel"] for one in told["cameras"]] == ["main-1"]
    assert [(one["channel"], one["reason"]) for one in told["left_out"]] == [("main-2", "not_found")]
    wish = [{"address": "10.20.3.1", "port": 80, "channels": [{"key": "main-2"}]}]
    named = await site.adopt(discovery_id, devices=wish)
    assert [one["channel"] for one in named.json()["cameras"]] == ["main-2"]


async def test_another_device_at_a_known_address_is_not_adopted_over_it(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1"))
    for channels in (1, 2):
        marks = {"mac": "44:19:b6:00:00:99", "serial": "SN-99", "endpoint": "urn:uuid:99"}
        told = await site.adopted(found("10.20.3.1", channels=channels, **marks))
        assert told["cameras"] == []
        assert [(one["channel"], one["reason"]) for one in told["left_out"]] == [(None, "wrong_device")]
    device = await site.device(made["devices"][0]["id"])
    assert (device["serial"], device["mac"]) == ("SN-1", "44:19:b6:00:00:01")
    (conflict,) = device["conflicts"]
    assert (conflict["kind"], conflict["seen"]["serial"]) == ("other_device", "SN-99")


async def test_what_devices_say_is_cut_and_cleaned(site: Site) -> None:
    nasty = found("10.20.3.1", name="a\x00b\ud7ff", model="M" * 5000, serial="\x07SN", firmware="1\n2")
    told = await site.adopted(nasty)
    device = await site.device(told["devices"][0]["id"])
    assert (len(device["model"]), device["serial"], device["firmware"]) == (200, "SN", "12")


async def test_findings_from_site_are_kept_and_adopted_like_any_other(site: Site) -> None:
    body = {
        "facility_id": site.facility["id"],
        "found": [one.model_dump(mode="json") for one in WHOLE_SITE],
        "credentials": [LOGIN, OTHER_LOGIN],
    }
    answer = await site.client.post("/v1/discoveries/findings", json=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["kind"], told["status"], len(told["found"])) == ("findings", "done", 6)
    assert LOGIN["password"] not in answer.text
    assert len((await site.adopt(UUID(told["id"]))).json()["cameras"]) == 7
    assert (await site.client.post(f"/v1/discoveries/{told['id']}/repeat")).status_code == 409
    async with site.application.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(AuthAttempt)) == 4, "accepted by four devices"
    audit = (await site.client.get("/v1/audit", params={"action": "discovery.findings"})).json()["items"]
    assert audit[0]["details"]["found"][0] == "10.20.3.1:80"


async def test_findings_that_cannot_be_true_are_named(application: Application) -> None:
    site = await Site.of(application)
    body = {
        "facility_id": site.facility["id"],
        "found": [
            found(address, **members).model_dump(mode="json")
            for address, members in (
                ("10.20.3.1", {}),
                ("10.99.0.1", {}),
                ("10.20.3.2", {"port": 0}),
                ("10.20.3.3", {"credential": 1}),
                ("10.20.3.1", {}),
            )
        ],
        "credentials": [LOGIN],
    }
    answer = await site.client.post("/v1/discoveries/findings", json=body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [
        "/found/1/address",
        "/found/2/port",
        "/found/3/credential",
        "/found/4",
    ]
    assert "VONGGAC_CAMERA_NETWORKS" in answer.json()["errors"][0]["detail"]
