"""Live links over HTTP, with the media scripted."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from services.access.roles import Role
from services.contracts.camera import CameraReport, Claim, StreamFacts, WorkerIdentity
from services.contracts.ids import new_id
from services.contracts.ladder import Reason, Rung
from services.contracts.messages import CameraHealthReported
from services.runtime.clock import SystemClock
from tests.harness.application import Application, running_application


@pytest.fixture
async def application(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Application]:
    async with running_application(sqlite_url, tmp_path, live_link_ttl=5, live_session_max=2.5) as running:
        yield running


async def camera_online(application: Application, host: str = "10.20.3.4", codec: str = "h264") -> str:
    """A camera that a worker reported online."""
    operator = await application.client_of(Role.OPERATOR)
    facility = await operator.post("/v1/facilities", json={"code": host, "name": "x", "province_code": "93"})
    body = {
        "facility_id": facility.json()["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": f"rtsp://{host}/a"},
    }
    camera_id: str = (await operator.post("/v1/cameras", json=body)).json()["id"]
    await report(application, Rung.PICTURE, codec=codec)
    return camera_id


async def report(application: Application, rung: Rung, *reasons: Reason, codec: str = "h264") -> None:
    worker = WorkerIdentity(worker_id=new_id(), name="w")
    await application.directory.announce(worker)
    for one in await application.directory.claim_cameras(worker, Claim(held=0, capacity=10)):
        now = SystemClock().now()
        facts = CameraReport(
            camera_id=one.camera_id,
            epoch=one.epoch,
            sequence=1,
            settled=True,
            rung=rung,
            reasons=reasons,
            since=now,
            observed_at=now,
            stream=StreamFacts(codec=codec, width=640, height=360),
            watch="reactor",
        )
        await application.aggregator.on_camera_health(
            CameraHealthReported(facility_id=one.facility_id, worker_id=worker.worker_id, reports=(facts,))
        )


async def link(client: httpx.AsyncClient, camera_id: str) -> str:
    answer = await client.post(f"/v1/cameras/{camera_id}/live-links")
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["links"][0]["url"]
    return url


async def test_a_link_opens_playlists_and_segments(application: Application) -> None:
    camera_id = await camera_online(application)
    monitor, anybody = await application.client_of(Role.MONITOR), application.client(None)
    answer = await anybody.get(await link(monitor, camera_id))
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    media_url = f"/live/{camera_id}/{answer.text.splitlines()[-1]}"
    media = await anybody.get(media_url)
    parts = re.findall(r'(?:URI="([^"]+)"|^(seg-\S+))', media.text, re.MULTILINE)
    names = [one or other for one, other in parts]
    assert [name.split("?")[0] for name in names] == ["init-0.mp4", "seg-7.m4s", "init-1.mp4", "seg-8.m4s"]
    for name in names:
        part = await anybody.get(f"/live/{camera_id}/{name}")
        assert (part.status_code, part.content) == (200, b"init" if "init" in name else b"segment")


async def test_every_grant_and_every_view_is_audited(application: Application) -> None:
    camera_id = await camera_online(application)
    monitor, operator = await application.client_of(Role.MONITOR), await application.client_of(Role.OPERATOR)
    url = await link(monitor, camera_id)
    await application.client(None).get(url)
    entries = (await operator.get("/v1/audit", params={"subject": camera_id})).json()["items"]
    actions = {entry["action"]: entry for entry in entries}
    assert {"live.grant", "live.view"} <= set(actions)
    assert actions["live.grant"]["principal_id"] == actions["live.view"]["principal_id"]
    token = parse_qs(urlsplit(url).query)["token"][0]
    assert token not in str(entries)


def session_of(playlist: str) -> str:
    return playlist.splitlines()[-1].split("session=")[1]


async def test_an_altered_foreign_or_expired_link_gets_neither_playlist_nor_segment(application: Application) -> None:
    camera_id, other_id = await camera_online(application), await camera_online(application, "10.20.3.5")
    monitor, anybody = await application.client_of(Role.MONITOR), application.client(None)
    url = await link(monitor, camera_id)
    token = parse_qs(urlsplit(url).query)["token"][0]
    opened = await anybody.get(url)
    session = session_of(opened.text)
    application.hls.served.clear()

    altered = token[:-3] + ("AAA" if not token.endswith("AAA") else "BBB")
    attempts = [
        f"/live/{camera_id}/index.m3u8",
        f"/live/{camera_id}/index.m3u8?token={altered}",
        f"/live/{other_id}/index.m3u8?token={token}",
        f"/live/{camera_id}/index.m3u8?token={session}",
        f"/live/{camera_id}/media.m3u8?session={token}",
        f"/live/{other_id}/media.m3u8?session={session}",
        f"/live/{camera_id}/seg-7.m4s?session={token}",
        f"/live/{other_id}/seg-7.m4s?session={session}",
        f"/live/{other_id}/init-0.mp4?session={session}",
        f"/live/{camera_id}/seg-7.m4s?session={session[:-3]}AAA",
        f"/live/{camera_id}/seg-7.m4s",
    ]
    for attempt in attempts:
        answer = await anybody.get(attempt)
        assert answer.status_code in {403, 422}, attempt
        assert answer.headers["content-type"] == "application/problem+json"
    await asyncio.sleep(5.2)
    assert (await anybody.get(url)).status_code == 403, "the link's time is over"
    assert (await anybody.get(f"/live/{camera_id}/seg-7.m4s?session={session}")).status_code == 403
    assert (await anybody.get(f"/live/{camera_id}/media.m3u8?session={session}")).status_code == 403
    assert application.hls.served == [], "nothing was asked of the camera"


async def test_a_view_lasts_its_time_though_the_link_may_still_be_opened(application: Application) -> None:
    camera_id = await camera_online(application)
    monitor, anybody = await application.client_of(Role.MONITOR), application.client(None)
    url = await link(monitor, camera_id)
    session = session_of((await anybody.get(url)).text)
    segment = f"/live/{camera_id}/seg-7.m4s?session={session}"
    assert (await anybody.get(segment)).status_code == 200
    await asyncio.sleep(2.8)
    assert (await anybody.get(segment)).status_code == 403, "checked on every segment"
    assert (await anybody.get(url)).status_code == 200


async def test_a_revoked_key_ends_its_links_and_its_views(application: Application) -> None:
    camera_id = await camera_online(application)
    operator = await application.client_of(Role.OPERATOR)
    made = (await operator.post("/v1/keys", json={"name": "x", "role": "monitor"})).json()
    anybody = application.client(None)
    url = await link(application.client(made["key"]), camera_id)
    session = session_of((await anybody.get(url)).text)
    await operator.delete(f"/v1/keys/{made['id']}")
    assert (await anybody.get(url)).status_code == 403
    assert (await anybody.get(f"/live/{camera_id}/media.m3u8?session={session}")).status_code == 403


async def test_a_camera_that_gives_no_picture_gets_no_link_but_its_reasons(application: Application) -> None:
    operator = await application.client_of(Role.OPERATOR)
    facility = await operator.post("/v1/facilities", json={"code": "A", "name": "x", "province_code": "93"})
    body: dict[str, Any] = {
        "facility_id": facility.json()["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": "rtsp://10.20.3.4/a"},
    }
    camera_id = (await operator.post("/v1/cameras", json=body)).json()["id"]
    for expected in (["not_watched"], ["refused"]):
        answer = await operator.post(f"/v1/cameras/{camera_id}/live-links")
        assert (answer.status_code, answer.json()["reasons"]) == (409, expected)
        await report(application, Rung.UNREACHABLE, Reason.REFUSED)
    UUID(camera_id)


async def test_a_codec_that_no_player_takes_gets_no_link(application: Application) -> None:
    camera_id = await camera_online(application, codec="mjpeg")
    answer = await (await application.client_of(Role.MONITOR)).post(f"/v1/cameras/{camera_id}/live-links")
    assert answer.status_code == 409
    assert "mjpeg" in answer.json()["detail"]
