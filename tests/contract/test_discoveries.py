"""Searches for devices, on each kind of database: who runs them, how they end, what is remembered of them."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from services.contracts.camera import WorkerIdentity
from services.contracts.errors import Forbidden
from services.contracts.ids import new_id
from services.contracts.scope import ProvinceScope
from services.registry.discovery_tables import Discovery, DiscoveryAttempt
from services.registry.leases import WorkerCaller
from tests.harness.application import Application
from tests.harness.findings import LOGIN, OTHER_LOGIN, Site, found, refusing


@pytest.fixture
async def site(application_on_each: Application) -> Site:
    return await Site.of(application_on_each)


async def later(site: Site, discovery_id: UUID, by: timedelta) -> None:
    """Let all that has happened to a search be so much longer ago."""
    async with site.application.database.write() as session:
        row = await session.get_one(Discovery, discovery_id)
        row.created_at -= by
        if row.heartbeat_at is not None:
            row.heartbeat_at -= by


async def another_worker(site: Site, *reaches: str) -> WorkerIdentity:
    worker = WorkerIdentity(worker_id=new_id(), name="another", reaches=reaches)
    await site.application.directory.announce(worker)
    return worker


async def test_a_search_goes_to_a_worker_and_what_it_reports_is_read(site: Site) -> None:
    discovery_id = await site.start(hosts=["camera.example:8080", "10.20.9.9"], multicast=True, credentials=[LOGIN])
    waiting = await site.read(discovery_id)
    assert (waiting["status"], waiting["progress"]["phase"], waiting["kind"]) == ("running", "waiting", "asked")
    assert waiting["targets"] == {
        "networks": ["10.20.3.0/24"],
        "hosts": ["10.20.3.7:8080", "10.20.9.9"],
        "multicast": True,
    }
    order = await site.claim()
    assert order is not None
    assert (order.networks, order.hosts, order.multicast) == (
        ("10.20.3.0/24",),
        ("10.20.3.7:8080", "10.20.9.9"),
        True,
    )
    assert [(one.username, one.password) for one in order.credentials] == [(LOGIN["username"], LOGIN["password"])]
    assert (await site.report(discovery_id, found("10.20.3.5"))).go_on is True
    running = await site.read(discovery_id)
    assert (running["status"], running["progress"]["phase"]) == ("running", "asking")
    assert [one["address"] for one in running["found"]] == ["10.20.3.5"]
    await site.report(discovery_id, found("10.20.3.5"), refusing("10.20.3.6", (0, 2)), status="done")
    done = await site.read(discovery_id)
    assert done["status"] == "done"
    assert done["ended_at"] is not None
    assert done["found"][1]["reasons"] == ["auth_failed"]
    assert done["advice"]["auth_failed"]["vi"].startswith("Camera từ chối")
    assert (await site.report(discovery_id, found("10.20.3.5"))).go_on is False, "it has ended"
    listed = await site.client.get("/v1/discoveries", params={"facility_id": site.facility["id"]})
    assert [(one["id"], one["found_count"]) for one in listed.json()["items"]] == [(str(discovery_id), 2)]


async def test_without_credentials_the_sets_of_the_site_are_tried_in_their_order(site: Site) -> None:
    path = f"/v1/facilities/{site.facility['id']}/credential-sets"
    for label, position in (("second", 5), ("first", 1)):
        body = {"label": label, "username": label, "password": "p", "position": position}
        assert (await site.client.post(path, json=body)).status_code == 201
    await site.start()
    order = await site.claim()
    assert order is not None
    assert [one.username for one in order.credentials] == ["first", "second"]
    await site.report(order.discovery_id, status="done")
    await site.start(credentials=[])
    none = await site.claim()
    assert none is not None
    assert none.credentials == ()


async def test_one_search_goes_to_one_worker_however_many_ask_at_once(site: Site) -> None:
    discovery_id = await site.start()
    workers = [await another_worker(site) for _ in range(6)]
    orders = await asyncio.gather(*(site.claim(worker) for worker in workers))
    assert [order.discovery_id for order in orders if order is not None] == [discovery_id]


async def test_a_worker_runs_one_search_at_a_time(site: Site) -> None:
    first, second = await site.start(), await site.start(networks=["10.20.4.0/24"])
    order = await site.claim()
    assert order is not None
    assert order.discovery_id == first, "the oldest one"
    assert await site.claim() is None
    await site.report(first, status="done")
    order = await site.claim()
    assert order is not None
    assert order.discovery_id == second


async def test_only_a_worker_that_gets_there_is_given_a_search(application_on_each: Application) -> None:
    site = await Site.of(application_on_each, reach="north")
    discovery_id = await site.start()
    assert await site.claim(await another_worker(site, "south")) is None
    with pytest.raises(Forbidden):
        await site.claim(WorkerIdentity(worker_id=new_id(), name="never announced"))
    desk = application_on_each.parts.desk
    elsewhere = WorkerCaller(new_id(), ProvinceScope(frozenset({"2021-30"})))
    stranger = WorkerIdentity(worker_id=new_id(), name="hai-duong")
    await desk.leases.announce(elsewhere, stranger)
    assert await desk.discoveries.claim(elsewhere, stranger.worker_id) is None
    order = await site.claim()
    assert order is not None
    assert order.discovery_id == discovery_id


async def test_reports_of_a_worker_that_does_not_run_a_search_change_nothing(site: Site) -> None:
    discovery_id = await site.start()
    assert (await site.report(discovery_id, found("10.20.3.5"))).go_on is False, "nobody has taken it"
    assert await site.claim() is not None
    other = await another_worker(site)
    assert (await site.report(discovery_id, found("10.20.3.5"), status="done", worker=other)).go_on is False
    assert (await site.report(new_id(), status="done")).go_on is False
    told = await site.read(discovery_id)
    assert (told["status"], told["found"]) == ("running", [])


async def test_a_cancelled_search_stops_its_worker(site: Site) -> None:
    discovery_id = await site.start()
    await site.claim()
    await site.report(discovery_id, found("10.20.3.5"))
    for _ in range(2):
        cancelled = await site.client.post(f"/v1/discoveries/{discovery_id}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await site.report(discovery_id, found("10.20.3.6"), status="done")).go_on is False
    told = await site.read(discovery_id)
    assert (told["status"], [one["address"] for one in told["found"]]) == ("cancelled", ["10.20.3.5"])


async def test_a_search_whose_worker_is_lost_goes_to_another_and_is_given_up_after_three(site: Site) -> None:
    discovery_id = await site.start()
    for _ in range(3):
        worker = await another_worker(site)
        order = await site.claim(worker)
        assert order is not None
        assert (await site.read(discovery_id))["found"] == [], "it begins anew"
        await site.report(discovery_id, found("10.20.3.5"), worker=worker)
        assert await site.claim() is None, "it is being run"
        await later(site, discovery_id, timedelta(seconds=21))
    assert await site.claim() is None
    told = await site.read(discovery_id)
    assert told["status"] == "failed"
    assert "Three workers were lost" in told["failure"]
    assert told["failure_advice"]["vi"].startswith("Ba tiến trình đã mất")
    assert (await site.report(discovery_id, status="done", worker=worker)).go_on is False


async def test_a_worker_that_comes_back_too_late_is_told_to_stop(site: Site) -> None:
    discovery_id = await site.start()
    await site.claim()
    await later(site, discovery_id, timedelta(seconds=21))
    other = await another_worker(site)
    assert await site.claim(other) is not None
    assert (await site.report(discovery_id, found("10.20.3.5"))).go_on is False
    assert (await site.report(discovery_id, worker=other)).go_on is True


async def test_a_search_that_nobody_comes_for_fails_with_what_to_do(site: Site) -> None:
    discovery_id = await site.start()
    discoveries = site.application.app.state.services.discoveries
    await later(site, discovery_id, timedelta(minutes=9))
    await discoveries.tidy()
    assert (await site.read(discovery_id))["status"] == "running"
    await later(site, discovery_id, timedelta(minutes=2))
    await discoveries.tidy()
    told = await site.read(discovery_id)
    assert told["status"] == "failed"
    assert "Start an ingest worker" in told["failure"]


async def test_two_searches_of_a_facility_run_at_once_and_no_third(site: Site) -> None:
    body = {"facility_id": site.facility["id"], "networks": ["10.20.3.0/24"]}
    answers = await asyncio.gather(*(site.client.post("/v1/discoveries", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 409, 409, 409]


async def test_a_search_is_repeated_with_its_targets_and_credentials(site: Site) -> None:
    discovery_id = await site.search(found("10.20.3.5"), hosts=["10.20.9.9:8000"], credentials=[LOGIN])
    answer = await site.client.post(f"/v1/discoveries/{discovery_id}/repeat")
    assert answer.status_code == 202
    assert answer.json()["id"] != str(discovery_id)
    assert answer.headers["location"] == f"/v1/discoveries/{answer.json()['id']}"
    order = await site.claim()
    assert order is not None
    assert (order.networks, order.hosts) == (("10.20.3.0/24",), ("10.20.9.9:8000",))
    assert [one.username for one in order.credentials] == [LOGIN["username"]]


async def test_credentials_of_searches_are_encrypted_audited_when_they_leave_and_erased(site: Site) -> None:
    discovery_id = await site.start(credentials=[LOGIN])

    async def kept() -> str | None:
        async with site.application.database.read() as session:
            return await session.scalar(select(Discovery.credentials).where(Discovery.id == discovery_id))

    assert LOGIN["password"] not in str(await kept())
    assert await site.claim() is not None
    await site.report(discovery_id, refusing("10.20.3.6", (0, 2)), status="done")
    audit = (await site.client.get("/v1/audit", params={"subject": str(discovery_id)})).json()["items"]
    assert [entry["action"] for entry in audit] == ["discovery.start", "credentials.fetch"]
    assert audit[0]["details"]["networks"] == ["10.20.3.0/24"]
    told = (await site.client.get(f"/v1/discoveries/{discovery_id}")).text + str(audit)
    assert not any(secret in told for secret in LOGIN.values())
    assert await kept() is not None, "for adoption, and for a repetition"
    await later(site, discovery_id, timedelta(hours=25))
    await site.application.app.state.services.discoveries.tidy()
    assert await kept() is None


# What hosts refused


async def refused(site: Site, *logins: dict[str, str]) -> list[tuple[str, int, int, bool]]:
    """What a worker that searches now is told about earlier refusals."""
    await site.start(credentials=list(logins))
    order = await site.claim()
    assert order is not None
    await site.report(order.discovery_id, status="failed")
    return sorted((one.address, one.credential, one.refusals, one.locked_out) for one in order.refused)


async def test_what_was_refused_is_given_to_the_next_search_and_counted_once(site: Site) -> None:
    discovery_id = await site.start(credentials=[LOGIN, OTHER_LOGIN])
    await site.claim()
    for refusals in ([(0, 1)], [(0, 1)], [(0, 2), (1, 1)], [(0, 2), (1, 1)]):
        await site.report(discovery_id, refusing("10.20.3.6", *refusals))
    await site.report(discovery_id, refusing("10.20.3.6", (0, 2), (1, 1)), status="done")
    assert await refused(site, LOGIN, OTHER_LOGIN) == [("10.20.3.6", 0, 2, False), ("10.20.3.6", 1, 1, False)]
    assert await refused(site, OTHER_LOGIN, LOGIN) == [("10.20.3.6", 0, 1, False), ("10.20.3.6", 1, 2, False)]
    changed = {**LOGIN, "password": "another"}
    assert await refused(site, changed) == [], "of these nothing is known"


async def test_refusals_that_a_lost_worker_told_of_count(site: Site) -> None:
    discovery_id = await site.start(credentials=[LOGIN])
    await site.claim()
    await site.report(discovery_id, refusing("10.20.3.6", (0, 1)))
    await later(site, discovery_id, timedelta(seconds=21))
    other = await another_worker(site)
    order = await site.claim(other)
    assert order is not None
    assert [(one.address, one.refusals) for one in order.refused] == [("10.20.3.6", 1)]
    await site.report(discovery_id, refusing("10.20.3.6", (0, 1)), status="done", worker=other)
    assert await refused(site, LOGIN) == [("10.20.3.6", 0, 2, False)]


async def test_a_lock_out_is_told_with_its_time_and_an_acceptance_forgives(site: Site) -> None:
    await site.search(refusing("10.20.3.6", (0, 1), locked_out=True))
    assert await refused(site, LOGIN) == [("10.20.3.6", 0, 1, True)]
    await site.search(found("10.20.3.6", credential=0))
    assert await refused(site, LOGIN) == []


async def test_refusals_mean_something_within_their_reach_only_and_are_forgotten_after_a_month(
    application_on_each: Application,
) -> None:
    sites = [await Site.of(application_on_each, reach=reach, code=reach) for reach in ("north", "south")]
    await sites[0].search(refusing("10.20.3.6", (0, 2)))
    assert await refused(sites[1], LOGIN) == []
    async with application_on_each.database.write() as session:
        for row in await session.scalars(select(DiscoveryAttempt)):
            row.at -= timedelta(days=31)
    assert await refused(sites[0], LOGIN) == []


async def test_a_search_and_the_watch_of_a_device_share_one_budget(site: Site) -> None:
    """Two refusals in a search leave no attempt to the worker that watches the camera, and the other way round."""
    made = await site.adopted(found("10.20.3.5"))
    await site.search(refusing("10.20.3.5", (1, 2)))
    device_id = made["devices"][0]["id"]
    assert (await site.client.put(f"/v1/devices/{device_id}/credentials", json=OTHER_LOGIN)).status_code == 204
    (assignment,) = (await site.leases()).values()
    assert assignment.refusals == 2
    body = {
        "facility_id": site.facility["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "onvif", "host": "10.20.3.9", "profile": "a"},
        "credentials": LOGIN,
    }
    await site.search(refusing("10.20.3.9", (0, 2)))
    asked = len(site.application.interrogator.asked)
    assert (await site.client.post("/v1/cameras", json=body)).status_code == 201
    assert len(site.application.interrogator.asked) == asked, "refused twice in a search: not tried at registration"
    assert [one.refusals for one in (await site.leases()).values()] == [2]
