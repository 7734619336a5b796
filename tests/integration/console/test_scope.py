"""What a key does not reach is not there, and what its role may not see is not shown."""

from uuid import UUID, uuid4

import pytest

from services.access.roles import Role
from services.contracts.camera import Claim, LeaseRef, Snapshot, WorkerIdentity
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Rung, State
from services.runtime.clock import SystemClock
from tests.harness.application import Application
from tests.harness.console import (
    Visitor,
    conclude_camera,
    conclude_facility,
    register_camera,
    register_facility,
    visitor_of,
)

JPEG = b"\xff\xd8\xff\xe0 not much of a picture \xff\xd9"


async def put_picture(application: Application, camera: UUID, jpeg: bytes = JPEG) -> None:
    """Upload a picture as the worker that watches the camera."""
    worker = WorkerIdentity(worker_id=new_id(), name="worker-1")
    await application.directory.announce(worker)
    claimed = await application.directory.claim_cameras(worker, Claim(held=0, capacity=100))
    lease = next(LeaseRef(camera_id=one.camera_id, epoch=one.epoch) for one in claimed if one.camera_id == camera)
    await application.directory.put_snapshot(worker, lease, Snapshot(taken_at=SystemClock().now(), jpeg=jpeg))


@pytest.fixture
async def watched(application: Application) -> tuple[UUID, UUID]:
    """A facility in Hậu Giang with a camera that is online and has a picture: their ids."""
    facility = await register_facility(application, "HG-001", "93", name="Cơ sở Hậu Giang")
    camera = await register_camera(application, facility, "10.20.0.5")
    await put_picture(application, camera)
    await conclude_camera(application, facility, camera, Condition.ONLINE, Rung.PICTURE)
    await conclude_facility(application, facility, State.CONNECTED)
    return facility, camera


def pages_of(facility: UUID, camera: UUID) -> list[str]:
    return [
        "/provinces/2021-93",
        f"/facilities/{facility}",
        f"/cameras/{camera}",
        f"/cameras/{camera}/snapshot.jpg",
        "/reports/progress.xlsx?unit=2021-93",
    ]


async def test_a_key_of_the_province_sees_all_of_it(application: Application, watched: tuple[UUID, UUID]) -> None:
    visitor = await visitor_of(application, Role.MONITOR, "2021-93")
    for path in pages_of(*watched):
        assert (await visitor.get(path)).status_code == 200, path


async def test_a_key_of_another_province_finds_nothing(application: Application, watched: tuple[UUID, UUID]) -> None:
    visitor = await visitor_of(application, Role.OPERATOR, "2021-30")
    for path in pages_of(*watched):
        answer = await visitor.get(path)
        assert answer.status_code == 404, path
        assert "outside your provinces" in answer.text
    headers = {"X-CSRF-Token": await visitor.csrf()}
    answer = await visitor.client.post(f"/cameras/{watched[1]}/live-link", headers=headers)
    assert answer.status_code == 404


async def test_no_list_and_no_count_tells_of_another_province(
    application: Application, watched: tuple[UUID, UUID]
) -> None:
    visitor = await visitor_of(application, Role.OPERATOR, "2021-30")
    for path in ("/", "/facilities", "/facilities?q=hau", "/facilities?state=connected"):
        page = await visitor.page(path)
        assert "HG-001" not in page
        assert "Cơ sở Hậu Giang" not in page
        assert "/provinces/2021-93" not in page
    overview = await visitor.page("/")
    assert "<b>0<i>/0</i></b>" in overview
    assert "Provinces without any facility: 1" in overview


async def test_an_integrator_sees_how_cameras_are_but_no_picture(
    application: Application, watched: tuple[UUID, UUID]
) -> None:
    facility, camera = watched
    visitor = await visitor_of(application, Role.INTEGRATOR)
    for path in (f"/facilities/{facility}", f"/cameras/{camera}"):
        page = await visitor.page(path)
        assert "Online" in page
        assert "no pictures and no live view" in page
        for never in ("snapshot.jpg", "<video", "data-live", "live.js"):
            assert never not in page, never
    assert (await visitor.get(f"/cameras/{camera}/snapshot.jpg")).status_code == 403
    headers = {"X-CSRF-Token": await visitor.csrf()}
    answer = await visitor.client.post(f"/cameras/{camera}/live-link", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"] == "Your key does not have the role for this."


async def test_a_monitor_gets_a_live_link_on_this_host(application: Application, watched: tuple[UUID, UUID]) -> None:
    _, camera = watched
    visitor = await visitor_of(application, Role.MONITOR)
    answer = await visitor.client.post(
        f"/cameras/{camera}/live-link", headers={"X-CSRF-Token": await visitor.csrf(), "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 201
    url = answer.json()["url"]
    assert url.startswith(f"/live/{camera}/index.m3u8?token=")
    assert (await visitor.get(url)).text.startswith("#EXTM3U")


async def test_a_live_link_is_refused_to_forged_requests(application: Application, watched: tuple[UUID, UUID]) -> None:
    path = f"/cameras/{watched[1]}/live-link"
    visitor = await visitor_of(application, Role.MONITOR)
    token = await visitor.csrf()
    refused: list[dict[str, str]] = [
        {},
        {"X-CSRF-Token": "guessed"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": token, "Origin": "https://evil.example"},
    ]
    for headers in refused:
        answer = await visitor.client.post(path, headers=headers)
        assert (answer.status_code, set(answer.json())) == (403, {"error"}), headers
    assert (await Visitor(application).client.post(path, headers={"X-CSRF-Token": token})).status_code == 401


async def test_why_there_is_no_live_view_is_told_in_the_readers_language(
    application: Application, watched: tuple[UUID, UUID]
) -> None:
    facility, camera = watched
    await conclude_camera(application, facility, camera, Condition.OFFLINE, Rung.ANSWERING, "auth_failed")
    visitor = await visitor_of(application, Role.MONITOR, Accept_Language="vi")
    answer = await visitor.client.post(f"/cameras/{camera}/live-link", headers={"X-CSRF-Token": await visitor.csrf()})
    assert answer.status_code == 409
    assert "Camera từ chối tên người dùng hoặc mật khẩu" in answer.json()["error"]


async def test_a_picture_is_sent_once_and_then_only_confirmed(
    application: Application, watched: tuple[UUID, UUID]
) -> None:
    path = f"/cameras/{watched[1]}/snapshot.jpg"
    visitor = await visitor_of(application, Role.MONITOR)
    first = await visitor.get(path)
    assert (first.content, first.headers["content-type"]) == (JPEG, "image/jpeg")
    assert first.headers["cache-control"] == "private, no-cache"
    again = await visitor.get(path, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


async def test_what_does_not_exist_is_a_page_in_style(application: Application) -> None:
    visitor = await visitor_of(application, Role.MONITOR)
    for path in (
        f"/facilities/{uuid4()}",
        f"/cameras/{uuid4()}",
        "/cameras/x",
        "/provinces/2021-00",
        "/nowhere",
        "/a/b",
    ):
        answer = await visitor.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "content-security-policy" in answer.headers


async def test_what_the_api_does_not_have_is_still_a_problem_document(application: Application) -> None:
    visitor = await visitor_of(application, Role.MONITOR)
    for path in ("/v1/nowhere", f"/live/{uuid4()}/nothing"):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    answer = await visitor.client.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
