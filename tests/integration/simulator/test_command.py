"""``vonggac simulate`` as a process, and its remote control."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.simulator import command
from services.simulator.control import ControlServer
from services.simulator.pictures import Codec, Variant
from services.simulator.site import SimulatedSite
from tests.integration.simulator.players import ffprobe, with_credentials

START_S = 30
PROGRAM = (
    "import argparse, sys; from services.simulator import command; parser = argparse.ArgumentParser(); "
    "command.add_arguments(parser); sys.exit(command.run(parser.parse_args()))"
)


@asynccontextmanager
async def simulator(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """A running ``vonggac simulate`` and what it said when it was ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *options, stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            word, _, told = (await process.stdout.readline()).decode().partition(" ")
        assert word == "READY"
        yield process, json.loads(told)
    finally:
        if process.returncode is None:
            process.kill()
        async with asyncio.timeout(5):
            await process.wait()


async def run(*options: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(START_S):
        out, complaints = await process.communicate()
    return process.returncode or 0, out.decode(), complaints.decode()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_runs_until_it_is_told_to_stop_and_a_restart_keeps_its_ports(number: int, tmp_path: Path) -> None:
    file = tmp_path / "made" / "ports.json"
    options = ("--cameras", "2", "--recorder-channels", "0", "--ports-file", str(file))
    seen = []
    for _ in range(2):
        async with simulator(*options) as (process, told):
            seen.append(told)
            process.send_signal(number)
            async with asyncio.timeout(5):
                assert await process.wait() == 0
    assert seen[0] == seen[1]
    assert [camera["codec"] for camera in told["cameras"]] == ["h264", "h265"]
    assert json.loads(file.read_text())["camera-2/rtsp"] == told["cameras"][1]["rtsp"]["port"]


@pytest.mark.slow
async def test_what_it_says_suffices_to_play_and_to_switch_faults() -> None:
    async with simulator("--cameras", "1", "--recorder-channels", "2", "--password", "p@ss:w/rd?#%") as (_, told):
        assert [camera["name"] for camera in told["cameras"]] == ["camera-1", "recorder-1-1", "recorder-1-2"]
        last = told["cameras"][2]
        address = with_credentials(last["streams"]["sub"]["url"], last["username"], last["password"])
        assert (await ffprobe(address))["codec_name"] == "hevc"
        control = told["control_url"]
        assert await run("--set-fault", control, "camera-1", "off") == (0, "camera-1: off\n", "")
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            site = (await client.get(f"{control}/site")).json()
            assert [device["fault"] for device in site["devices"]] == ["off", "none"]
            changed = await client.put(f"{control}/cameras/recorder-1-2/fault", json={"fault": "frozen"})
            assert changed.json() == {"name": "recorder-1-2", "fault": "frozen"}
            site = (await client.get(f"{control}/site")).json()
            assert [camera["fault"] for camera in site["cameras"]] == ["off", "none", "frozen"]
        status, _, complaint = await run("--set-fault", control, "camera-9", "off")
        assert status == 1
        assert "nothing here is named camera-9" in complaint


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("PUT", "/cameras/camera-1/fault", b"", 400, "not JSON"),
        ("PUT", "/cameras/camera-1/fault", b"[" * 50_000, 400, "not JSON"),
        ("PUT", "/cameras/camera-1/fault", b'["off"]', 400, "one member fault"),
        ("PUT", "/cameras/camera-1/fault", b'{"fault": "off", "more": 1}', 400, "one member fault"),
        ("PUT", "/cameras/camera-1/fault", b'{"fault": "tired"}', 400, "wrong_password"),
        ("PUT", "/cameras/camera-1/fault", b'{"fault": []}', 400, "fault must be one of"),
        ("PUT", "/cameras/nobody/fault", b'{"fault": "off"}', 404, "nobody"),
        ("PUT", "/cameras/recorder-1-1/fault", b'{"fault": "clock_wrong"}', 409, "whole recorder"),
        ("POST", "/cameras/camera-1/fault", b'{"fault": "off"}', 405, "PUT"),
        ("DELETE", "/site", b"", 405, "GET"),
        ("GET", "/", b"", 404, "/site"),
    ],
)
async def test_the_remote_control_says_what_was_wrong(
    control_url: str, method: str, path: str, body: bytes, status: int, said: str
) -> None:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        answer = await client.request(method, f"{control_url}{path}", content=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]


@pytest.fixture
async def control_url() -> AsyncIterator[str]:
    """The remote control of a small site in this process."""
    arguments = parsed("--cameras", "1", "--recorder-channels", "1", "--codec-mix", "h264")
    async with SimulatedSite(command.plan_site(arguments, {})) as site:
        control = ControlServer(site, 0)
        await control.listener.start()
        yield control.url
        await control.listener.stop()


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(options)


def test_of_four_cameras_each_pair_of_codec_and_authentication_occurs_once() -> None:
    devices = command.plan_site(parsed(), {})
    pairs = {(device.recordings(Variant.MOVING)[0][0], device.setup.auth_mode) for device in devices[:4]}
    assert len(pairs) == 4
    assert devices[0].recordings(Variant.MOVING)[0][0] is Codec.H264


def test_beyond_sixteen_cameras_pictures_are_shared() -> None:
    devices = command.plan_site(parsed("--cameras", "300", "--recorder-channels", "64"), {})
    recordings = {wish for device in devices for wish in device.recordings(Variant.MOVING)}
    assert len(recordings) <= 2 * (16 + 2)


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    file = tmp_path / "ports.json"
    file.write_text(json.dumps({"camera-1/rtsp": port}))
    status, out, complaint = await run("--cameras", "1", "--recorder-channels", "0", "--ports-file", str(file))
    server.close()
    assert (status, out) == (1, "")
    assert f"cannot use port {port} of 127.0.0.1" in complaint


@pytest.mark.parametrize("content", ["", "[]", '{"control": "80"}', '{"control": 0}', '{"control": true}'])
def test_an_unusable_ports_file_is_named(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    assert command.run(parsed("--ports-file", str(file))) == 1
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "ftp://127.0.0.1", "nonsense"])
def test_a_control_url_where_no_simulator_is_gets_a_sentence(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parsed("--set-fault", address, "camera-1", "off")) == 1
    assert address in capsys.readouterr().err
