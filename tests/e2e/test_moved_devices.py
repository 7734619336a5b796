"""Cameras that change their addresses keep their ids, and nobody else is ever watched in their place."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.simulator.device import PASSWORD, USERNAME, DeviceSetup, SimulatedCamera
from services.simulator.pictures import Codec, StreamFormat
from services.simulator.scene import PictureSize
from services.simulator.site import SimulatedSite
from tests.harness.namespace import Namespace
from tests.harness.system import System, all_in_one

NETWORK = "127.78.0.0/24"
_MAIN = StreamFormat(PictureSize(320, 180), fps=15, kbps=200)
_SUB = StreamFormat(PictureSize(160, 96), fps=15, kbps=60)
#: From a loss to the device found elsewhere and proved again: the search is asked for at once when another answers.
_FOUND_AGAIN_S = 45.0

Json = dict[str, Any]


def host(number: int) -> str:
    return f"127.78.0.{number}"


def camera(name: str, number: int) -> SimulatedCamera:
    setup = DeviceSetup(host=host(number), onvif_port=80, rtsp_port=554, main=_MAIN, sub=_SUB, label="moved")
    return SimulatedCamera(name, Codec.H264, setup)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[System, SimulatedSite]]:
    """The system and three cameras, two of them registered below, in a network namespace of their own. Needs root."""
    with Namespace() as namespace, namespace.entered():
        async with (
            SimulatedSite([camera("gate", 1), camera("yard", 2), camera("stranger", 3)], "moved") as devices,
            all_in_one(tmp_path, camera_networks=NETWORK) as system,
        ):
            yield system, devices


async def register(system: System, facility: str, zone: str, number: int) -> str:
    source = {"kind": "onvif", "host": host(number), "port": 80}
    return await system.camera(facility, source, zone, (USERNAME, PASSWORD))


async def device_of(system: System, camera_id: str) -> Json:
    device_id = (await system.get(f"/v1/cameras/{camera_id}"))["device_id"]
    return await system.get(f"/v1/devices/{device_id}")


def codes(status: Json) -> list[str]:
    return [reason["code"] for reason in status["reasons"]]


@pytest.mark.timeout(240)
async def test_two_cameras_that_swapped_addresses_are_told_apart_and_found(
    site: tuple[System, SimulatedSite],
) -> None:
    system, devices = site
    facility = await system.facility()
    gate, yard = [await register(system, facility, zone, number) for zone, number in (("gate", 1), ("yard", 2))]
    await system.until_facility(facility, "connected", 20)
    before = {one: (await device_of(system, one))["id"] for one in (gate, yard)}
    serials = {one: (await device_of(system, one))["serial"] for one in (gate, yard)}

    seen: set[str] = set()

    async def watched() -> Json:
        for one in (gate, yard):
            seen.update(codes(await system.camera_status(one)))
        return await system.get(f"/v1/devices/{before[gate]}")

    await asyncio.sleep(10)  # what has just said who it is would not be asked again
    await devices.swap("gate", "yard")
    moved, took = await system.until(watched, lambda device: device["address"] == host(2), _FOUND_AGAIN_S)
    print(f"moved after {took:.1f} s")
    assert "wrong_device" in seen
    assert (moved["id"], moved["serial"]) == (before[gate], serials[gate])
    await system.until_facility(facility, "connected", 20)
    other = await device_of(system, yard)
    assert (other["id"], other["address"], other["serial"]) == (before[yard], host(1), serials[yard])
    changes = (await system.get(f"/v1/devices/{before[gate]}/changes"))["items"]
    assert [change["field"] for change in changes] == ["address"]


@pytest.mark.timeout(240)
async def test_a_stranger_at_a_known_address_is_not_watched(site: tuple[System, SimulatedSite]) -> None:
    system, devices = site
    facility = await system.facility()
    gate = await register(system, facility, "gate", 1)
    await system.until_camera(gate, "online", 20)
    device_id = (await device_of(system, gate))["id"]
    await asyncio.sleep(10)
    await devices.find("gate").stop()
    await devices.move("stranger", host(1))
    status, took = await system.until(
        lambda: system.camera_status(gate), lambda status: "wrong_device" in codes(status), 30
    )
    print(f"known for a stranger after {took:.1f} s")
    assert status["condition"] == "offline"
    told = await system.get(f"/v1/devices/{device_id}")
    assert [conflict["kind"] for conflict in told["conflicts"]] == ["other_device"]

    # Somebody says that this is the camera now, since the old one was replaced.
    await system.post(f"/v1/devices/{device_id}/identity", {"accept": True}, status=200)
    await system.until_camera(gate, "online", 30)
    assert (await system.get(f"/v1/devices/{device_id}"))["conflicts"] == []
