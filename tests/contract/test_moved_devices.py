"""Devices that are no longer at their address, on each kind of database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from services.contracts.camera import DeviceFacts, Interrogation, OnvifSource
from services.registry.discovery_tables import Discovery
from services.registry.tables import Camera
from tests.harness.application import Application
from tests.harness.findings import LOGIN, OTHER_LOGIN, Site, found, lease_of


@pytest.fixture
async def site(application_on_each: Application) -> Site:
    return await Site.of(application_on_each)


async def missing(site: Site, address: str) -> None:
    """A worker says that the device at this address is gone."""
    for assignment in (await site.leases()).values():
        if assignment.source.address == address:
            await site.application.directory.report_missing(site.worker, lease_of(assignment))
        await site.application.directory.release_leases(site.worker, [lease_of(assignment)])


async def addresses(site: Site) -> dict[str, str]:
    """Address by device."""
    items = (await site.client.get("/v1/devices")).json()["items"]
    return {one["id"]: one["address"] for one in items}


async def test_a_missing_device_is_looked_for_in_its_neighbourhood_and_keeps_everything(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1", channels=2), found("10.20.4.2", credential=1))
    device_id = made["devices"][0]["id"]
    await missing(site, "10.20.3.1")
    assert (await site.device(device_id))["missing_at"] is not None
    order = await site.claim()
    assert order is not None
    assert (order.networks, order.multicast) == (("10.20.3.0/24", "10.20.4.0/24"), True)
    assert order.hosts == ("10.20.3.1", "10.20.4.2")
    assert [one.username for one in order.credentials] == [LOGIN["username"], OTHER_LOGIN["username"]]
    spared = [(one.address, one.credential, one.refusals) for one in order.refused]
    assert spared == [("10.20.4.2", 0, 2)], "a camera that is at home is tried with its own password only"

    before = await site.leases()
    moved = found("10.20.3.77", channels=2, mac="44:19:b6:00:00:01", serial="SN-1", endpoint="urn:uuid:new")
    await site.report(order.discovery_id, moved, found("10.20.4.2"), status="done")
    device = await site.device(device_id)
    assert (device["address"], device["host"], device["missing_at"]) == ("10.20.3.77", "10.20.3.77", None)
    assert device["endpoint"] == "urn:uuid:new", "references change"
    assert [one["id"] for one in (await site.client.get("/v1/cameras")).json()["items"]] == [
        one["id"] for one in made["cameras"]
    ]
    for assignment in before.values():
        if assignment.device_id == UUID(device_id):
            told = await site.renewed(assignment)
            assert told.version > assignment.version
            assert told.source == OnvifSource(address="10.20.3.77", port=80, profile=assignment.source.profile)  # type: ignore[union-attr]
            assert told.credential_fingerprint == assignment.credential_fingerprint
    (change,) = (await site.client.get(f"/v1/devices/{device_id}/changes")).json()["items"]
    assert (change["field"], change["was"], change["now"]) == ("address", "10.20.3.1:80", "10.20.3.77:80")
    audit = (await site.client.get("/v1/audit", params={"subject": device_id})).json()["items"]
    assert [entry["action"] for entry in audit] == ["device.move"]
    listed = (await site.client.get("/v1/discoveries")).json()["items"]
    assert [one["kind"] for one in listed] == ["asked", "search"]
    async with site.application.database.read() as session:
        assert (await session.get_one(Discovery, order.discovery_id)).credentials is None
        keys = (await session.scalars(select(Camera.source_key).order_by(Camera.id))).all()
    assert keys[0] == f"{site.facility['reach']}|onvif|10.20.3.77|80|main-1"


async def test_two_devices_that_swapped_addresses_are_told_apart(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1"), found("10.20.3.2"))
    first, second = (one["id"] for one in made["devices"])
    swapped = [
        found("10.20.3.1").model_copy(update={"address": "10.20.3.2"}),
        found("10.20.3.2").model_copy(update={"address": "10.20.3.1"}),
    ]
    found_then = (await site.read(await site.search(*swapped)))["found"]
    assert await addresses(site) == {first: "10.20.3.2", second: "10.20.3.1"}
    assert [one["known_device_id"] for one in found_then] == [first, second]
    cameras = (await site.client.get("/v1/cameras")).json()["items"]
    assert {one["device_id"]: one["source"]["host"] for one in cameras} == {first: "10.20.3.2", second: "10.20.3.1"}


async def test_a_device_that_took_a_silent_ones_address_is_left_to_a_human(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1"), found("10.20.3.2"))
    first, second = (one["id"] for one in made["devices"])
    await site.search(found("10.20.3.1").model_copy(update={"address": "10.20.3.2"}))
    assert await addresses(site) == {first: "10.20.3.1", second: "10.20.3.2"}
    (conflict,) = (await site.device(first))["conflicts"]
    assert (conflict["kind"], conflict["address"], conflict["device_id"]) == ("address_taken", "10.20.3.2", second)
    refused = await site.client.post(f"/v1/devices/{first}/identity", json={"accept": True})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vonggac:problem:identity-undecided")


async def test_a_search_that_did_not_look_at_the_old_address_moves_nothing(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1"))
    elsewhere = found("10.20.3.1").model_copy(update={"address": "10.20.5.9"})
    discovery_id = await site.search(elsewhere, networks=["10.20.5.0/24"])
    assert await addresses(site) == {made["devices"][0]["id"]: "10.20.3.1"}
    known = (await site.read(discovery_id))["found"][0]["known_device_id"]
    assert known == made["devices"][0]["id"], "it is known all the same"
    told = (await site.adopt(discovery_id)).json()
    assert await addresses(site) == {made["devices"][0]["id"]: "10.20.5.9"}, "whoever adopts it says that it moved"
    assert [(one["id"], one["created"]) for one in told["cameras"]] == [(made["cameras"][0]["id"], False)]


@pytest.mark.parametrize(
    "seen",
    [
        {"mac": "44:19:b6:00:00:99", "endpoint": None},  # one serial on many cameras
        {"mac": None, "endpoint": None, "serial": "SN-9"},
        {"mac": "44:19:b6:00:00:01", "serial": "SN-9", "endpoint": None},  # clones
        {"mac": None, "serial": None},
    ],
)
async def test_evidence_that_is_not_clear_moves_nothing(application: Application, seen: dict[str, Any]) -> None:
    site = await Site.of(application)
    made = await site.adopted(found("10.20.3.1", endpoint="urn:uuid:a"))
    marks = {"serial": "SN-1", "endpoint": "urn:uuid:b"} | seen
    await site.search(found("10.20.3.50", **marks))
    assert await addresses(site) == {made["devices"][0]["id"]: "10.20.3.1"}


async def test_a_device_that_is_still_at_home_does_not_move_to_its_second_address(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1"))
    twin = found("10.20.3.1").model_copy(update={"address": "10.20.3.9"})
    await site.search(found("10.20.3.1"), twin)
    assert await addresses(site) == {made["devices"][0]["id"]: "10.20.3.1"}


async def test_the_registry_searches_a_facility_once_in_a_quarter_of_an_hour(site: Site) -> None:
    await site.adopted(found("10.20.3.1"), found("10.20.3.2"))
    for _ in range(2):
        await missing(site, "10.20.3.1")
        await missing(site, "10.20.3.2")
    order = await site.claim()
    assert order is not None
    await site.report(order.discovery_id, status="done")
    await missing(site, "10.20.3.2")
    assert await site.claim() is None
    async with site.application.database.write() as session:
        (await session.get_one(Discovery, order.discovery_id)).created_at -= timedelta(minutes=16)
    await missing(site, "10.20.3.2")
    assert await site.claim() is not None


async def test_a_device_without_marks_is_not_looked_for(site: Site) -> None:
    body = {
        "facility_id": site.facility["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": "rtsp://10.20.3.1/a"},
    }
    assert (await site.client.post("/v1/cameras", json=body)).status_code == 201
    await missing(site, "10.20.3.1")
    assert await site.claim() is None


async def test_an_answer_from_home_ends_a_devices_being_missing(site: Site) -> None:
    made = await site.adopted(found("10.20.3.1"))
    device_id = made["devices"][0]["id"]
    (assignment,) = (await site.leases()).values()
    await site.application.directory.report_missing(site.worker, lease_of(assignment))
    told = Interrogation(device=DeviceFacts(mac="44:19:b6:00:00:01", serial="SN-1"), channels=())
    await site.application.directory.record_interrogation(site.worker, lease_of(assignment), told)
    assert (await site.device(device_id))["missing_at"] is None
