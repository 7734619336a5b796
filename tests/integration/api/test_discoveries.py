"""Searches over HTTP: what is refused, what is streamed, and how a worker of another process takes part."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.access.roles import Role
from services.api.app import wrapped
from services.api.middleware import FINDINGS_MAX
from services.api.routes import discoveries as routes
from services.contracts.camera import Claim, WorkerIdentity
from services.contracts.discovery import DiscoveryProgress, DiscoveryReport
from services.contracts.errors import Forbidden
from services.contracts.ids import new_id
from services.contracts.scope import EVERYWHERE
from services.ingest.adapters.directory_http import HttpDirectory
from services.runtime.http_client import HttpClient
from services.runtime.http_server import HttpServer
from tests.harness.application import Application, running_application
from tests.harness.findings import LOGIN, Site, channel, found, lease_of, refusing


@pytest.fixture
async def site(application: Application) -> Site:
    return await Site.of(application)


@pytest.fixture
async def url(application: Application) -> AsyncIterator[str]:
    """The API behind a real socket."""
    server = HttpServer(wrapped(application.app), "127.0.0.1", 0, graceful_s=1)
    port = await server.start()
    yield f"http://127.0.0.1:{port}"
    application.process.shutdown.request()
    await server.stop()


# What is refused


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, [""]),
        ({"networks": ["10.20.3.0/24", "10.99.0.0/16", "10.20.0.0/15", "camera"]}, [1, 2, 3]),
        ({"networks": ["::ffff:10.20.3.0/120"]}, [0]),
        ({"networks": [f"10.20.{number}.0/24" for number in range(256)], "hosts": ["10.20.3.4"]}, None),
        ({"networks": ["10.20.0.0/16"]}, None),
        ({"hosts": ["10.20.3.4", "10.20.3.4:8000", "camera.example"]}, None),
        (
            {
                "hosts": [
                    "10.99.0.1",
                    "half-outside.example",
                    "nobody.example",
                    "10.20.3.4:0",
                    "10.20.3.4:x",
                    "10.20.3.4:",
                    "[10.20.3.4]",
                    "0x0a140304",
                    "a b",
                    "::1",
                ]
            },
            list(range(10)),
        ),
        ({"credentials": [{"username": "a", "password": "b"}] * 9, "multicast": True}, ["/credentials"]),
    ],
)
async def test_every_target_that_cannot_be_searched_is_named(
    site: Site, body: dict[str, Any], pointers: list[Any] | None
) -> None:
    answer = await site.client.post("/v1/discoveries", json={"facility_id": site.facility["id"], **body})
    if pointers is None:
        assert answer.status_code == 202, answer.text
        return
    assert answer.status_code == 422
    kind = "networks" if "networks" in body else "hosts"
    expected = [f"/{kind}/{place}" if isinstance(place, int) else place for place in pointers]
    assert [one["pointer"] for one in answer.json()["errors"]] == expected
    assert (await site.client.get("/v1/discoveries")).json()["items"] == []


async def test_a_search_looks_at_no_more_than_65536_addresses(sqlite_url: str, tmp_path: Any) -> None:
    wide = (ip_network("10.0.0.0/8"),)
    async with running_application(sqlite_url, tmp_path, camera_networks=wide) as application:
        site = await Site.of(application)
        body = {"facility_id": site.facility["id"], "networks": ["10.1.0.0/16", "10.2.0.0/24"]}
        answer = await site.client.post("/v1/discoveries", json=body)
        assert answer.status_code == 422
        assert "65,788 addresses" in answer.json()["errors"][0]["detail"]
        body["networks"] = ["10.1.0.0/16", "10.1.3.0/24", "10.1.9.9/32"]
        answer = await site.client.post("/v1/discoveries", json=body)
        assert (answer.status_code, answer.json()["targets"]["networks"]) == (202, ["10.1.0.0/16"])


async def test_without_allowed_networks_the_setting_is_named(sqlite_url: str, tmp_path: Any) -> None:
    async with running_application(sqlite_url, tmp_path, camera_networks=()) as application:
        site = await Site.of(application)
        body = {"facility_id": site.facility["id"], "multicast": True}
        answer = await site.client.post("/v1/discoveries", json=body)
    assert answer.status_code == 422
    assert "VONGGAC_CAMERA_NETWORKS" in answer.json()["errors"][0]["detail"]


async def test_a_repeated_request_begins_one_search(site: Site) -> None:
    body = {"facility_id": site.facility["id"], "networks": ["10.20.3.0/24"]}
    headers = {"Idempotency-Key": "once"}
    first, again = [await site.client.post("/v1/discoveries", json=body, headers=headers) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["location"] == f"/v1/discoveries/{first.json()['id']}"


async def test_a_monitor_sees_searches_and_begins_none(site: Site) -> None:
    discovery_id = await site.search(found("10.20.3.1"))
    monitor = await site.application.client_of(Role.MONITOR)
    assert (await monitor.get(f"/v1/discoveries/{discovery_id}")).status_code == 200
    assert (await monitor.post("/v1/discoveries", json={})).status_code == 403
    assert (await monitor.post(f"/v1/discoveries/{discovery_id}/adopt", json={"all": True})).status_code == 403


# Events


def read_events(text: str) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith(":")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


async def test_a_search_is_followed_to_its_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_LOOK_EVERY_S", 0.02)
    discovery_id = await site.start(credentials=[LOGIN])
    await site.claim()
    following = routes.events(site.application.app.state.services, EVERYWHERE, discovery_id)

    async def coming() -> tuple[str, Any]:
        async with asyncio.timeout(20):
            return read_events(await anext(following))[0]

    name, data = await coming()
    assert (name, data["phase"]) == ("progress", "waiting")
    await site.report(discovery_id, refusing("10.20.3.1", (0, 1)))
    assert (await coming())[1]["phase"] == "asking"
    assert (await coming())[1]["address"] == "10.20.3.1"
    await site.report(discovery_id, refusing("10.20.3.1", (0, 1)), found("10.20.3.2"), status="done")
    assert (await coming())[1]["phase"] == "done"
    assert (await coming())[1]["address"] == "10.20.3.2", "of the other one there is nothing new"
    assert await coming() == ("end", {"status": "done", "failure": None})
    with pytest.raises(StopAsyncIteration):
        await anext(following)
    answer = await site.client.get(f"/v1/discoveries/{discovery_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [name for name, _ in read_events(answer.text)]
    assert told == ["progress", "found", "found", "end"], "whoever comes late is told all that is known"


async def test_a_stream_of_events_ends_when_its_viewer_leaves_when_its_time_is_over_and_when_we_stop(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()
    real = routes.events

    async def watched(*arguments: Any) -> AsyncIterator[str]:
        try:
            async for event in real(*arguments):
                yield event
        finally:
            ended.set()

    monkeypatch.setattr(routes, "events", watched)
    monkeypatch.setattr(routes, "_LOOK_EVERY_S", 0.05)
    discovery_id = await site.start()
    headers = {"Authorization": site.client.headers["authorization"]}
    path = f"/v1/discoveries/{discovery_id}/events"
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        async with client.stream("GET", path) as answer:
            async for line in answer.aiter_lines():
                assert line == "event: progress"
                break
        async with asyncio.timeout(10):
            await ended.wait()
        monkeypatch.setattr(routes, "_STREAM_AT_MOST_S", 0.2)
        monkeypatch.setattr(routes, "_SIGN_OF_LIFE_S", 0.1)
        async with asyncio.timeout(10):
            over = await client.get(path)
        assert ": still here" in over.text
        monkeypatch.setattr(routes, "_STREAM_AT_MOST_S", 900.0)
        async with client.stream("GET", path) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "event: progress"
            site.application.process.shutdown.request()
            async with asyncio.timeout(10):
                rest = [line async for line in lines]
        assert not any(line.startswith("event") for line in rest)


# A worker of another process


async def directory_of(application: Application, url: str) -> tuple[HttpDirectory, HttpClient]:
    client = HttpClient(url, await application.key(Role.WORKER), ssl.create_default_context(), timeout_s=10)
    return HttpDirectory(client), client


async def test_a_worker_of_another_process_takes_searches_and_reports_over_http(
    site: Site, application: Application, url: str
) -> None:
    directory, client = await directory_of(application, url)
    worker = WorkerIdentity(worker_id=new_id(), name="far away")
    try:
        with pytest.raises(Forbidden):
            await directory.claim_discovery(worker)
        await directory.announce(worker)
        assert await directory.claim_discovery(worker) is None
        discovery_id = await site.start(credentials=[LOGIN], multicast=True)
        order = await directory.claim_discovery(worker)
        assert order is not None
        assert (order.discovery_id, order.credentials[0].password) == (discovery_id, LOGIN["password"])
        many = tuple(found(f"10.20.{number // 200}.{number % 200 + 1}", channels=4) for number in range(1500))
        size = len(DiscoveryReport(status="running", progress=DiscoveryProgress(), found=many).model_dump_json())
        assert 1024**2 < size < FINDINGS_MAX
        running = DiscoveryReport(status="running", progress=DiscoveryProgress(phase="asking"), found=many)
        assert (await directory.report_discovery(worker, discovery_id, running)).go_on is True
        assert (await site.read(discovery_id))["found_count"] == 1500
        done = DiscoveryReport(
            status="done", progress=DiscoveryProgress(phase="done"), found=(found("10.20.3.1"),), failure=None
        )
        assert (await directory.report_discovery(worker, discovery_id, done)).go_on is False

        await site.adopt(discovery_id)
        (assignment,) = await directory.claim_cameras(worker, Claim(held=0, capacity=5))
        await directory.report_missing(worker, lease_of(assignment))
        search = await directory.claim_discovery(worker)
        assert search is not None
        assert search.hosts == ("10.20.3.1",)
        assert UUID(str((await site.device(str(assignment.device_id)))["id"])) == assignment.device_id
    finally:
        await client.close()


async def test_other_bodies_than_findings_may_not_be_so_large(site: Site) -> None:
    one = found("10.20.3.1").model_copy(update={"channels": (channel(1, name="x" * 2_000_000),)})
    body = {"facility_id": site.facility["id"], "found": [one.model_dump(mode="json")], "credentials": [LOGIN]}
    assert (await site.client.post("/v1/discoveries/findings", json=body)).status_code == 201
    assert (await site.client.post("/v1/discoveries", json=body)).status_code == 413
