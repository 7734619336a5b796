"""A worker dies; another watches its cameras; nobody is called disconnected meanwhile."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import LOGIN
from tests.harness.gst_server import GstServer
from tests.harness.system import Json, System, four_processes

TAKEOVER_S = 40.0


@pytest.fixture
async def system(postgres_url: str, rabbit_url: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    async with four_processes(tmp_path, postgres_url, rabbit_url) as running:
        yield running


@pytest.mark.timeout(240)
async def test_cameras_of_a_killed_worker_are_watched_by_the_other(system: System, gst: GstServer) -> None:
    facilities = [await system.facility() for _ in range(4)]
    cameras = [
        await system.camera(facility, f"{gst.url('/h264')}?n={number}", "gate", LOGIN)
        for number, facility in enumerate(facilities)
    ]
    for facility in facilities:
        await system.until_facility(facility, "connected", 20)
    watchers = {camera: (await system.camera_status(camera))["worker"] for camera in cameras}
    assert set(watchers.values()) == {"worker-1", "worker-2"}, "they share the work"

    orphans = [camera for camera, worker in watchers.items() if worker == "worker-1"]
    system.processes["worker-1"].kill()
    killed = time.monotonic()
    waiting = set(orphans)
    while waiting and time.monotonic() - killed < TAKEOVER_S:
        for facility in facilities:
            state = (await system.facility_status(facility))["state"]
            assert state in {"connected", "unknown"}, state
        for camera in list(waiting):
            status: Json = await system.camera_status(camera)
            if status["worker"] == "worker-2" and status["condition"] == "online":
                waiting.discard(camera)
        await asyncio.sleep(0.2)
    took = time.monotonic() - killed
    assert not waiting, f"not taken over within {TAKEOVER_S} s"
    print(f"taken over in {took:.1f} s")
    for facility in facilities:
        await system.until_facility(facility, "connected", 15)
        changes = (await system.get(f"/v1/facilities/{facility}/changes"))["items"]
        assert "disconnected" not in {change["now"] for change in changes}


@pytest.mark.timeout(240)
async def test_a_worker_that_stops_gives_its_cameras_back_at_once(system: System, gst: GstServer) -> None:
    facility = await system.facility()
    camera = await system.camera(facility, gst.url("/h264"), "gate", LOGIN)
    await system.until_camera(camera, "online", 20)
    holder = (await system.camera_status(camera))["worker"]
    other = "worker-2" if holder == "worker-1" else "worker-1"
    started = time.monotonic()
    await asyncio.to_thread(system.processes[holder].stop, signal.SIGTERM, timeout_s=20)
    await system.until(
        lambda: system.camera_status(camera),
        lambda one: one["worker"] == other and one["condition"] == "online" and one["watch"] == "reactor",
        20,
    )
    took = time.monotonic() - started
    print(f"handed over in {took:.1f} s")
    assert took < 15, "without waiting for the lease to run out"
    changes = (await system.get(f"/v1/facilities/{facility}/changes"))["items"]
    assert [change["now"] for change in changes] == ["connected"]
