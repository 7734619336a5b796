"""``vonggac discover`` as people run it: a process of its own, with and without a terminal, alone and with the API."""

import asyncio
import csv
import json
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli.main import main
from services.runtime import logs
from services.simulator.device import PASSWORD, USERNAME, SimulatedCamera, SimulatedRecorder
from services.simulator.pictures import Codec
from services.simulator.site import SimulatedSite
from tests.doubles.rtsp_camera import SDP
from tests.doubles.rtsp_host import Manners, RtspHost
from tests.harness.system import all_in_one, environment
from tests.integration.simulator.sites import small

WITHIN_S = 40.0


class Command:
    """One run of the command."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self._environment = environment(directory, **settings) | {"CAMERA_PASSWORD": PASSWORD, "COLUMNS": "160"}
        self._environment.pop("NO_COLOR", None)

    async def start(self, *arguments: str, stdout: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services",
            "discover",
            *arguments,
            env=self._environment | {"TERM": "xterm"},
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        process = await self.start(*arguments)
        async with asyncio.timeout(WITHIN_S):
            out, messages = await process.communicate()
        assert process.returncode is not None
        assert PASSWORD not in (out + messages).decode()
        return process.returncode, out.decode(), messages.decode()


SIGN_IN = ("--username", USERNAME, "--password-env", "CAMERA_PASSWORD")


@pytest.fixture
async def site() -> AsyncIterator[SimulatedSite]:
    """A camera, a recorder with two channels, and a camera whose password nobody knows."""
    devices = [
        SimulatedCamera("gate", Codec.H264, small(host="127.87.1.1")),
        SimulatedRecorder("store", [Codec.H264, Codec.H264], small(host="127.87.1.2")),
        SimulatedCamera("lab", Codec.H264, small(host="127.87.1.3", password="nobody knows")),
    ]
    async with SimulatedSite(devices) as running:
        yield running


def hosts(site: SimulatedSite) -> list[str]:
    return [word for device in site.devices for word in ("--host", f"{device.host}:{device.onvif_port}")]


async def test_one_object_of_json_tells_everything(site: SimulatedSite, tmp_path: Path) -> None:
    file = tmp_path / "found.csv"
    status, out, messages = await Command(tmp_path).run(*hosts(site), *SIGN_IN, "--json", "--csv", str(file))
    assert (status, messages) == (0, "")
    told = json.loads(out)
    assert out.count("\n") == 1
    assert list(told) == ["id", "facility_id", "status", "progress", "found"]
    assert (told["id"], told["facility_id"], told["status"]) == (None, None, "done")
    assert told["progress"] == {"phase": "done", "addresses": 3, "looked": 3, "hosts": 3, "asked": 3}
    assert [(one["address"], one["rung"], one["reasons"], len(one["channels"])) for one in told["found"]] == [
        ("127.87.1.1", "described", [], 1),
        ("127.87.1.2", "described", [], 2),
        ("127.87.1.3", "answering", ["auth_failed"], 0),
    ]
    assert site.find("lab").state.refusals == 1
    with file.open(encoding="utf-8-sig", newline="") as written:
        lines = list(csv.DictReader(written))
    assert [line["address"] for line in lines] == ["127.87.1.1", "127.87.1.2", "127.87.1.2", "127.87.1.3"]
    assert lines[3]["advice_vi"].startswith("Camera từ chối")


async def test_on_a_terminal_there_is_a_table(site: SimulatedSite, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    seen = bytearray()
    try:
        process = await Command(tmp_path).start(*hosts(site), *SIGN_IN, stdout=theirs)
        os.close(theirs)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WITHIN_S):
            while True:
                try:
                    piece = await loop.run_in_executor(None, os.read, ours, 65536)
                except OSError:  # the other side of a terminal is gone
                    break
                if not piece:
                    break
                seen += piece
            await process.communicate()
    finally:
        os.close(ours)
    assert process.returncode == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert "Proved" in shown
    assert "127.87.1.2" in shown
    assert "3 hosts, 3 asked" in shown


async def test_an_interrupt_ends_it_with_what_was_found(tmp_path: Path) -> None:
    async with RtspHost(Manners(paths={"/live": SDP}), "127.87.2.1") as host:
        process = await Command(tmp_path).start(
            "--host", f"127.87.2.1:{host.port}", "--network", "127.88.0.0/18", "--rate", "20", "--no-multicast"
        )
        assert process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            first = (await process.stdout.readline()).decode()
            process.send_signal(signal.SIGINT)
            rest, messages = await process.communicate()
    assert first.startswith(f"127.87.2.1:{host.port}  rtsp")
    assert process.returncode == 130
    assert "1 hosts with 1 channels" in rest.decode()
    assert "\x1b" not in first + rest.decode()
    assert b"Traceback" not in messages


@pytest.mark.parametrize(
    ("arguments", "networks", "message"),
    [
        (("--network", "192.0.2.0/24"), "127.0.0.0/8", "192.0.2.0/24 lies outside VONGGAC_CAMERA_NETWORKS"),
        (("--host", "127.0.0.1"), "", "VONGGAC_CAMERA_NETWORKS is empty"),
        (("--host", "127.0.0.1", "--facility", "T-1"), "127.0.0.0/8", "--api-url"),
        (
            ("--host", "127.0.0.1", "--facility", "T-1", "--api-url", "http://192.0.2.1"),
            "127.0.0.0/8",
            "must begin with https://",
        ),
    ],
)
def test_a_wrong_call_says_what_to_change(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    networks: str,
    message: str,
) -> None:
    monkeypatch.setenv("VONGGAC_CAMERA_NETWORKS", networks)
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)  # the handlers of the test run stay
    assert main(["discover", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err


async def test_findings_are_handed_in_and_adopted(site: SimulatedSite, tmp_path: Path) -> None:
    async with all_in_one(tmp_path) as system:
        facility = await system.facility()
        key = tmp_path / "key"
        key.write_text(system.client.headers["Authorization"].removeprefix("Bearer ") + "\n")
        api = ("--facility", "T-001", "--api-url", system.url, "--api-key-file", str(key), "--zone", "yard")
        status, out, messages = await Command(tmp_path).run(*hosts(site), *SIGN_IN, *api)
        assert (status, messages) == (0, "")
        assert "Adopted: 3 cameras registered, 0 were registered before." in out
        assert "auth_failed" in out.partition("Left out: 1.")[2]
        lines = out.splitlines()
        assert sum(line.startswith("127.87.1.") for line in lines) == 3  # each host once
        assert "3 hosts with 3 channels; 3 of 3 addresses looked at." in lines
        assert "auth_failed: 127.87.1.3" in lines
        cameras = (await system.get("/v1/cameras", facility_id=facility))["items"]
        assert [camera["zone"] for camera in cameras] == ["yard"] * 3
        (kept,) = (await system.get("/v1/discoveries", facility_id=facility))["items"]
        assert (kept["kind"], kept["found_count"]) == ("findings", 3)
        await system.until_facility(facility, "connected", 60.0)
