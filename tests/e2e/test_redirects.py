"""Cameras that send us elsewhere: not one connection leaves the allowed networks, counted at the other end.

The system may reach 127.0.0.0/29. Everything named by the cameras is 127.0.9.9, where a trap listens on every port that
they name. Where a camera only *names* the trap, the same port of the allowed address serves the stream. One camera sends
us to an allowed address, and there we go.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.doubles.onvif_device import OnvifDevice, Request, Script
from tests.doubles.onvif_messages import Profile, Response, soap
from tests.doubles.rtsp_camera import SDP, ScriptedCamera
from tests.doubles.rtsp_camera import Script as RtspScript
from tests.harness.gst_server import GstMount, GstServer
from tests.harness.system import Json, System, all_in_one

ALLOWED = "127.0.0.0/29"
ELSEWHERE = "127.0.9.9"
WATCHED_S = 20.0


class Trap:
    """Counts who comes to ``ELSEWHERE``, on any of its ports."""

    def __init__(self) -> None:
        self.visitors: list[tuple[int, str]] = []
        self._servers: list[asyncio.Server] = []

    async def listen(self, port: int = 0) -> int:
        """Listen on one port more; gives it."""

        async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.visitors.append((writer.get_extra_info("sockname")[1], writer.get_extra_info("peername")[0]))
            writer.close()

        server = await asyncio.start_server(count, ELSEWHERE, port)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()


@dataclass(frozen=True)
class Wanted:
    """What has to be said of a camera."""

    condition: str
    rung: str
    reasons: tuple[str, ...]


SENT_AWAY = Wanted("offline", "answering", ("redirected",))
SENT_AWAY_AT_PLAY = Wanted("offline", "described", ("redirected",))
FOLLOWED = Wanted("online", "picture", ())
REWRITTEN = Wanted("online", "picture", ("address_rewritten",))

EXPECTED = {
    "describe 301": SENT_AWAY,
    "describe 302": SENT_AWAY,
    "describe 302 inside": FOLLOWED,
    "describe 302 inside, then outside": SENT_AWAY,
    "options 302": SENT_AWAY,
    "setup 302": SENT_AWAY_AT_PLAY,
    "play 302": SENT_AWAY_AT_PLAY,
    "redirect while playing": Wanted("offline", "playing", ("redirected",)),
    "description names another host": Wanted("offline", "playing", ("undecodable",)),
    "onvif 302": Wanted("offline", "reachable", ("redirected",)),
    "onvif 307 at profiles": Wanted("offline", "authorized", ("redirected",)),
    "onvif names another host": REWRITTEN,
    "onvif names another host, stream redirects": Wanted("offline", "answering", ("redirected", "address_rewritten")),
}


@dataclass
class Story:
    """What was seen."""

    registered: dict[str, Json] = field(default_factory=dict)
    statuses: dict[str, Json] = field(default_factory=dict)
    visitors: list[tuple[int, str]] = field(default_factory=list)
    visitors_after_our_own: int = 0
    asked: dict[str, list[str]] = field(default_factory=dict)
    refused: Json = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(_live_through(tmp_path_factory.mktemp("redirects")))


async def _live_through(directory: Path) -> Story:
    trap, story = Trap(), Story()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(trap.close)
        sources, peers = await _cameras(stack, trap)
        system = await stack.enter_async_context(all_in_one(directory, camera_networks=ALLOWED, heartbeat="2"))
        facility = await system.facility()
        story.refused = await _register_the_trap_itself(system, facility, await trap.listen())
        cameras = {name: await system.camera(facility, source) for name, source in sources.items()}
        await asyncio.sleep(WATCHED_S)
        story.statuses = {name: await system.camera_status(camera) for name, camera in cameras.items()}
        story.registered = {name: await system.get(f"/v1/cameras/{camera}") for name, camera in cameras.items()}
        story.asked = {
            name: peer.methods if isinstance(peer, ScriptedCamera) else peer.operations for name, peer in peers.items()
        }
        story.visitors = list(trap.visitors)
        await _visit_it_ourselves(trap)
        story.visitors_after_our_own = len(trap.visitors)
    return story


async def _cameras(
    stack: AsyncExitStack, trap: Trap
) -> tuple[dict[str, Json], Mapping[str, ScriptedCamera | OnvifDevice]]:
    """The source of each camera, and the doubles behind them."""
    away = await trap.listen()
    location = (f"Location: rtsp://{ELSEWHERE}:{away}/stream",)
    request = f"REDIRECT rtsp://127.0.0.1/stream RTSP/1.0\r\nCSeq: 1\r\n{location[0]}\r\n\r\n".encode()
    named = f"rtsp://{ELSEWHERE}:{away}/"
    description = SDP.replace(b"a=control:track1", f"a=control:{named}track1".encode()).replace(
        b"t=0 0\r\n", f"c=IN IP4 {ELSEWHERE}\r\nt=0 0\r\n".encode()
    )
    scripts = {
        "describe 301": RtspScript(answers={"DESCRIBE": ("301 Moved Permanently", location)}),
        "describe 302": RtspScript(answers={"DESCRIBE": ("302 Moved Temporarily", location)}),
        "options 302": RtspScript(answers={"OPTIONS": ("302 Moved Temporarily", location)}),
        "setup 302": RtspScript(answers={"SETUP": ("302 Moved Temporarily", location)}),
        "play 302": RtspScript(answers={"PLAY": ("302 Moved Temporarily", location)}),
        "redirect while playing": RtspScript(beside=request),
        "description names another host": RtspScript(sdp=description, content_base=named),
    }
    peers: dict[str, ScriptedCamera | OnvifDevice] = {}
    for name, script in scripts.items():
        peers[name] = await stack.enter_async_context(ScriptedCamera(script))

    gst = await stack.enter_async_context(GstServer([GstMount("/main", "h264", fps=15, size="320x240", gop=15)]))
    inside = (f"Location: rtsp://127.0.0.1:{gst.port}/main",)
    script = RtspScript(answers={"DESCRIBE": ("302 Moved Temporarily", inside)})
    peers["describe 302 inside"] = await stack.enter_async_context(ScriptedCamera(script))
    onwards = (f"Location: rtsp://127.0.0.1:{peers['describe 302'].port}/stream",)
    script = RtspScript(answers={"DESCRIBE": ("302 Moved Temporarily", onwards)})
    peers["describe 302 inside, then outside"] = await stack.enter_async_context(ScriptedCamera(script))

    await trap.listen(gst.port)
    moved = await stack.enter_async_context(ScriptedCamera(scripts["describe 302"]))
    await trap.listen(moved.port)
    for name, device in _onvif_devices(away, gst.port, moved.port).items():
        peers[name] = stack.enter_context(device)
        await trap.listen(device.port)

    sources: dict[str, Json] = {}
    for name, peer in peers.items():
        if isinstance(peer, ScriptedCamera):
            sources[name] = {"kind": "rtsp", "url": f"rtsp://127.0.0.1:{peer.port}/stream"}
        else:
            sources[name] = {"kind": "onvif", "host": "127.0.0.1", "port": peer.port}
    return sources, peers


def _onvif_devices(away: int, stream_port: int, redirecting_port: int) -> dict[str, OnvifDevice]:
    def redirect(status: int) -> Response:
        return Response(status=status, headers=(("Location", f"http://{ELSEWHERE}:{away}/onvif/device_service"),))

    def snapshot(_: Request) -> Response:
        uri = f"<tt:Uri>http://{ELSEWHERE}:{away}/snapshot.jpg</tt:Uri>"
        return soap(f"<trt:GetSnapshotUriResponse><trt:MediaUri>{uri}</trt:MediaUri></trt:GetSnapshotUriResponse>")

    def naming(port: int) -> OnvifDevice:
        profile = Profile("main", uri=f"rtsp://{ELSEWHERE}:{port}/main")
        return OnvifDevice(
            Script(profiles=(profile,), named_authority=f"{ELSEWHERE}:{away}", answers={"GetSnapshotUri": snapshot})
        )

    return {
        "onvif 302": OnvifDevice(Script(answers={"GetSystemDateAndTime": lambda _: redirect(302)})),
        "onvif 307 at profiles": OnvifDevice(Script(answers={"GetProfiles": lambda _: redirect(307)})),
        "onvif names another host": naming(stream_port),
        "onvif names another host, stream redirects": naming(redirecting_port),
    }


async def _register_the_trap_itself(system: System, facility: str, port: int) -> Json:
    body = {
        "facility_id": facility,
        "name": "Elsewhere",
        "zone": "gate",
        "source": {"kind": "onvif", "host": ELSEWHERE, "port": port},
    }
    return await system.post("/v1/cameras", body, status=422)


async def _visit_it_ourselves(trap: Trap) -> None:
    """A trap that counts nobody proves nothing."""
    port = await trap.listen()
    with socket.create_connection((ELSEWHERE, port), timeout=2):
        await asyncio.sleep(0.2)


def test_nobody_comes_to_the_address_that_cameras_name(story: Story) -> None:
    assert story.visitors == []
    assert story.visitors_after_our_own == 1


def test_every_camera_was_asked_for_what_it_answers_with_elsewhere(story: Story) -> None:
    assert set(story.asked) == set(EXPECTED)
    assert "PLAY" in story.asked["play 302"]
    assert "PLAY" in story.asked["description names another host"]
    assert "GetProfiles" in story.asked["onvif 307 at profiles"]
    assert "GetStreamUri" in story.asked["onvif names another host"]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_camera_that_sends_us_away_is_told_as_such(story: Story, name: str) -> None:
    status, wanted = story.statuses[name], EXPECTED[name]
    codes = tuple(reason["code"] for reason in status["reasons"])
    assert Wanted(status["condition"], status["rung"], codes) == wanted


def test_the_stream_of_a_device_that_names_another_host_is_kept_by_path_and_port(story: Story) -> None:
    (stream,) = story.registered["onvif names another host"]["streams"]
    assert stream["path"] == "/main"
    assert ELSEWHERE not in str(stream["path"])


def test_an_address_outside_the_networks_is_refused_before_anybody_goes_there(story: Story) -> None:
    assert story.refused["errors"][0]["pointer"] == "/source/host"
