"""A camera inside TLS, from its registration to a picture; somebody else in its place; and the device replaced."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.runtime.certificates import make_run_certificate
from tests.harness.gst_server import GstMount, GstServer
from tests.harness.system import Json, all_in_one

LOGIN = ("admin", "right")


@dataclass
class Story:
    """What was said of the camera."""

    at_first: Json = field(default_factory=dict)
    replaced: Json = field(default_factory=dict)
    saved_anew: Json = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(_live_through(tmp_path_factory.mktemp("rtsps")))


def certificate_in(directory: Path, name: str) -> Path:
    """A PEM file of a new certificate and its key."""
    made = make_run_certificate(name)
    both = directory / f"{name}.pem"
    both.write_bytes(made.certificate_file.read_bytes() + made.key_file.read_bytes())
    made.remove()
    return both


def is_up(status: Json) -> bool:
    return (status["condition"], status["rung"]) == ("online", "picture")


async def _live_through(directory: Path) -> Story:
    story = Story()
    mount = GstMount("/main", "h264", fps=15, size="320x240", gop=15)
    first, second = certificate_in(directory, "first"), certificate_in(directory, "second")
    server = GstServer([mount], user=LOGIN[0], password=LOGIN[1], certificate=first)
    async with server as gst, all_in_one(directory, camera_networks="127.0.0.0/8", heartbeat="1") as system:
        source = {"kind": "rtsp", "url": gst.url("/main")}
        camera = await system.camera(await system.facility(), source, login=LOGIN)

        async def status() -> Json:
            return await system.camera_status(camera)

        story.at_first, _ = await system.until(status, is_up, 20.0)
        await gst.stop()
        gst.certificate = second
        await gst.start()
        story.replaced, _ = await system.until(
            status, lambda seen: [one["code"] for one in seen["reasons"]] == ["certificate_changed"], 20.0
        )
        answer = await system.client.patch(f"/v1/cameras/{camera}", json={"source": source})
        assert answer.status_code == 200
        story.saved_anew, _ = await system.until(status, is_up, 20.0)
    return story


def test_a_camera_inside_tls_gives_its_picture(story: Story) -> None:
    assert story.at_first["reasons"] == []
    assert story.at_first["stream"]["codec"] == "h264"


def test_another_certificate_downs_the_camera_with_advice(story: Story) -> None:
    assert (story.replaced["condition"], story.replaced["rung"]) == ("offline", "reachable")
    (reason,) = story.replaced["reasons"]
    assert reason["deciding"]
    assert "certificate" in reason["advice"]["en"]
    assert "chứng thư" in reason["advice"]["vi"]


def test_saving_the_address_anew_accepts_the_new_device(story: Story) -> None:
    assert story.saved_anew["reasons"] == []
