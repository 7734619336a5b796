"""Cameras that send us to other cameras, on loopback: where we go, and what we tell those we come to."""

import asyncio
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_network

import pytest

from services.contracts.camera import AuthOutcome
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.doubles.watching import Seen
from tests.doubles.watching import watching as watching_within

PASSWORD = "right"
ALLOWED = CameraNetworks([ip_network("127.0.0.1/32"), ip_network("127.0.0.2/32")])


def watching(registered: ScriptedCamera, *, password: str | None = None) -> AbstractAsyncContextManager[Seen]:
    return watching_within(registered, password=password, networks=ALLOWED)


def sends_to(target: ScriptedCamera, method: str = "DESCRIBE") -> Script:
    return Script(answers={method: ("302 Moved Temporarily", (f"Location: {target.url}",))})


def passwords(camera: ScriptedCamera) -> int:
    """How many requests came with credentials."""
    return sum("authorization" in heard.headers for heard in camera.heard)


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
async def test_a_redirect_at_any_step_is_followed_at_once(method: str) -> None:
    async with ScriptedCamera(Script(), "127.0.0.2") as target, ScriptedCamera(sends_to(target, method)) as first:
        async with watching(first) as seen:
            await seen.up()
        assert (first.connections, target.connections) == (1, 1)
        assert all(Reason.REDIRECTED not in report.reasons for report in seen.bus.reports)


async def test_a_redirect_in_the_middle_of_a_stream_is_followed() -> None:
    async with ScriptedCamera(Script(), "127.0.0.2") as target, ScriptedCamera(Script()) as first:
        async with watching(first) as seen:
            await seen.up()
            away = f"REDIRECT {first.url} RTSP/1.0\r\nCSeq: 1\r\nLocation: {target.url}\r\n\r\n"
            first.script.beside = away.encode()
            async with asyncio.timeout(4):
                while not target.heard or target.heard[-1].method != "PLAY":
                    await asyncio.sleep(0.005)
            await seen.up()
        assert (first.connections, target.connections) == (1, 1)


async def test_credentials_follow_to_another_port_of_their_address() -> None:
    signed = Script(password=PASSWORD)
    async with ScriptedCamera(signed) as target, ScriptedCamera(sends_to(target)) as first:
        async with watching(first, password=PASSWORD) as seen:
            await seen.up()
        assert passwords(target) > 0
        assert seen.directory.auth == []  # accepted at once: nothing to tell


async def test_credentials_do_not_follow_to_another_address() -> None:
    signed = Script(password=PASSWORD)
    async with ScriptedCamera(signed, "127.0.0.2") as target, ScriptedCamera(sends_to(target)) as first:
        async with watching(first, password=PASSWORD) as seen:
            report = await seen.down()
        assert (report.rung, report.reasons) == (Rung.ANSWERING, (Reason.REDIRECTED,))
        assert target.methods.count("DESCRIBE") >= 1
        assert passwords(target) == 0
        assert AuthOutcome.REFUSED not in {outcome for _, _, outcome in seen.directory.auth}


async def test_a_password_in_clear_does_not_follow_to_another_port() -> None:
    wants_basic = Script(answers={"DESCRIBE": ("401 Unauthorized", ('WWW-Authenticate: Basic realm="other"',))})
    async with ScriptedCamera(wants_basic) as target, ScriptedCamera(sends_to(target)) as first:
        async with watching(first, password=PASSWORD) as seen:
            report = await seen.down()
        assert report.reasons == (Reason.AUTH_ALGORITHM_UNSUPPORTED,)
        assert passwords(target) == 0


async def test_two_that_send_us_to_each_other_are_each_asked_once_for_an_attempt() -> None:
    async with ScriptedCamera(Script(), "127.0.0.2") as other, ScriptedCamera(sends_to(other)) as first:
        other.script = sends_to(first)
        async with watching(first) as seen:
            report = await seen.down()
        assert report.reasons == (Reason.REDIRECTED,)
        assert abs(first.connections - other.connections) <= 1


async def test_outside_the_allowed_networks_nobody_is_visited() -> None:
    async with ScriptedCamera(Script(), "127.0.0.3") as outside, ScriptedCamera(sends_to(outside)) as first:
        async with watching(first) as seen:
            report = await seen.down()
        assert (report.rung, report.reasons) == (Rung.ANSWERING, (Reason.REDIRECTED,))
        assert outside.connections == 0


async def test_a_target_that_does_not_serve_us_is_forgotten() -> None:
    gone = Script(answers={"DESCRIBE": ("404 Not Found", ())})
    async with ScriptedCamera(gone, "127.0.0.2") as target, ScriptedCamera(sends_to(target)) as first:
        async with watching(first) as seen:
            await seen.down()
            first.script.answers.clear()
            await seen.up()
        assert first.methods[-1] in {"PLAY", "TEARDOWN", "GET_PARAMETER"}
