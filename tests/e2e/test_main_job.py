"""The main job on real input that we did not write: register, connect, lose, find again, look."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import LOGIN
from tests.harness.gst_server import GstMount, GstServer
from tests.harness.ipycam import IpycamPeer
from tests.harness.system import System

WITHIN_S = 15.0


@pytest.mark.timeout(240)
async def test_register_connect_lose_and_find_again(system: System, gst: GstServer) -> None:
    facility = await system.facility()
    h264 = await system.camera(facility, gst.url("/h264"), "gate", LOGIN)
    h265 = await system.camera(facility, gst.url("/h265"), "yard", LOGIN)

    connected, took = await system.until_facility(facility, "connected", WITHIN_S)
    print(f"connected in {took:.1f} s")
    assert connected["cameras"] == {
        "total": 2,
        "online": 2,
        "degraded": 0,
        "offline": 0,
        "unknown": 0,
        "maintenance": 0,
        "record_only": 0,
    }
    status, _ = await system.until(
        lambda: system.camera_status(h264), lambda one: one["stream"]["keyframe_interval_s"] is not None, WITHIN_S
    )
    stream = status["stream"]
    assert (status["rung"], status["reasons"]) == ("picture", [])
    assert (stream["codec"], stream["width"], stream["height"]) == ("h264", 640, 360)
    assert stream["fps"] == pytest.approx(25, rel=0.2)
    assert stream["keyframe_interval_s"] == pytest.approx(1.0, rel=0.1)
    assert 100 < stream["bitrate_kbps"] < 3000
    stream = (await system.camera_status(h265))["stream"]
    assert (stream["codec"], stream["width"], stream["height"]) == ("h265", 320, 240)
    snapshot = await system.client.get(f"/v1/cameras/{h264}/snapshot.jpg")
    assert (snapshot.status_code, snapshot.headers["content-type"], snapshot.content[:3]) == (
        200,
        "image/jpeg",
        b"\xff\xd8\xff",
    )

    await gst.kill()
    lost, took = await system.until_facility(facility, "disconnected", WITHIN_S)
    print(f"disconnected in {took:.1f} s")
    offline = await system.camera_status(h264)
    assert (offline["condition"], offline["rung"]) == ("offline", "unreachable")
    assert offline["reasons"][0]["code"] == "refused"
    assert offline["reasons"][0]["deciding"] is True
    assert offline["reasons"][0]["advice"]["vi"]
    assert lost["reasons"][0]["code"] == "refused"

    await gst.start()
    _, took = await system.until_facility(facility, "connected", WITHIN_S)
    print(f"connected again in {took:.1f} s")
    changes = (await system.get(f"/v1/facilities/{facility}/changes"))["items"]
    states = [(change["was"], change["now"]) for change in changes]
    assert states[0][0] == "unknown"
    assert [now for _, now in states if now in {"connected", "disconnected"}] == [
        "connected",
        "disconnected",
        "connected",
    ], states


@pytest.mark.timeout(120)
async def test_an_onvif_camera_of_a_foreign_stack(system: System) -> None:
    mounts = [GstMount("/video_main", "h264"), GstMount("/video_sub", "h264", size="320x180", bitrate_kbps=200)]
    async with GstServer(mounts) as gst:
        with IpycamPeer("--rtsp-port", str(gst.port), "--username", "admin", "--password", "p@ss:w/rd?#%") as ipycam:
            facility = await system.facility()
            source = {"kind": "onvif", "host": "127.0.0.1", "port": ipycam.port}
            camera = await system.camera(facility, source, login=("admin", "p@ss:w/rd?#%"))
            _, took = await system.until_facility(facility, "connected", WITHIN_S)
            print(f"connected in {took:.1f} s")
            device = (await system.get("/v1/devices", facility_id=facility))["items"][0]
            assert (device["protocol"], device["auth_mode"]) == ("onvif", "wsse")
            assert device["maker"]
            registered = await system.get(f"/v1/cameras/{camera}")
            assert {stream["role"]: stream["path"] for stream in registered["streams"]} == {
                "main": "/video_main",
                "sub": "/video_sub",
            }


@pytest.mark.timeout(120)
async def test_the_live_link_plays(system: System, gst: GstServer, tmp_path: Path) -> None:
    facility = await system.facility()
    camera = await system.camera(facility, gst.url("/h264"), "gate", LOGIN)
    await system.until_camera(camera, "online", WITHIN_S)
    link = await system.post(f"/v1/cameras/{camera}/live-links", {})
    url = link["links"][0]["url"]
    ffmpeg = shutil.which("ffmpeg")
    assert ffmpeg, "apt-get install ffmpeg"
    output = tmp_path / "seen.txt"
    command = [ffmpeg, "-v", "error", "-i", url, "-t", "4", "-an", "-f", "framemd5", str(output)]
    played = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60, check=False)
    assert played.returncode == 0, played.stderr
    assert played.stderr == b"", "ffmpeg complained"
    frames = [line.rsplit(",", 1)[1] for line in output.read_text().splitlines() if not line.startswith("#")]
    assert len(frames) >= 90
    assert len(set(frames)) > 80, "the picture moves"
    assert "token=" not in system.logs()
    assert "session=" not in system.logs()


@pytest.mark.timeout(120)
async def test_two_wrong_passwords_and_then_it_waits_for_others(system: System, gst: GstServer) -> None:
    facility = await system.facility()
    camera = await system.camera(facility, gst.url("/h264"), "gate", (LOGIN[0], "wrong-Hunter2"))
    status, _ = await system.until_camera(camera, "offline", WITHIN_S)
    assert (status["rung"], status["reasons"][0]["code"]) == ("answering", "auth_failed")
    await asyncio.sleep(6)
    audit = (await system.get("/v1/audit", action="credentials.fetch", subject=camera))["items"]
    assert {entry["details"]["version"] for entry in audit} == {1}
    answer = await system.client.put(
        f"/v1/cameras/{camera}/credentials", json={"username": LOGIN[0], "password": LOGIN[1]}
    )
    assert answer.status_code == 204
    _, took = await system.until_camera(camera, "online", WITHIN_S)
    print(f"online {took:.1f} s after the right password")
    assert "wrong-Hunter2" not in system.logs()
    assert LOGIN[1] not in system.logs()
