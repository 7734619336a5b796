"""From nothing to a registered site: ``vonggac discover`` on a site whose devices are not as they should be."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.staged_site import (
    CAMERAS,
    CLOSED,
    LOGIN,
    NETWORK,
    RECORDER_CHANNELS,
    StagedSite,
    host,
    password_file,
    staged_site,
)
from tests.harness.system import all_in_one, environment

Json = dict[str, Any]


@pytest.fixture
async def staged() -> AsyncIterator[StagedSite]:
    async with staged_site() as running:
        yield running


def by_name(found: list[Json], staged: StagedSite) -> dict[str, Json]:
    """Findings by the names that the site has for its devices."""
    names = {device.host: device.name for device in staged.site.devices}
    assert sorted(one["address"] for one in found) == sorted(names)
    return {names[one["address"]]: one for one in found}


@pytest.mark.timeout(240)
async def test_every_camera_is_found_or_named_with_the_reason(staged: StagedSite, tmp_path: Path) -> None:
    settings = environment(tmp_path, camera_networks=NETWORK)
    account = ("--username", LOGIN[0], "--password-file", str(password_file(tmp_path)))
    status, out, messages = await staged.vonggac(
        "discover", "--network", NETWORK, *account, "--json", environment=settings
    )
    assert status == 0, messages
    report = json.loads(out)
    assert report["status"] == "done"
    found = by_name(report["found"], staged)

    # Twenty cameras: those that can be had with their streams, the others with what stands in the way.
    assert len(found["recorder"]["channels"]) == RECORDER_CHANNELS
    opened = {name: one for name, one in found.items() if name not in CLOSED}
    assert sum(len(one["channels"]) for one in opened.values()) == RECORDER_CHANNELS + CAMERAS - len(CLOSED)
    for name, one in opened.items():
        assert one["credential"] == 0, name
        for channel in one["channels"]:
            assert {stream["role"] for stream in channel["streams"]} == {"main", "sub"}, name
            assert {stream["port"] for stream in channel["streams"]} == {554}, name
    for name, reason in CLOSED.items():
        assert found[name]["reasons"][:1] == [reason], name

    # Nobody's password was guessed at, and the clock was not taken for a wrong password.
    assert {name: count for name, count in staged.refusals().items() if count} == {
        "lab": pytest.approx(1.5, abs=0.5),
        "store": pytest.approx(1.5, abs=0.5),
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        told = (await client.get(f"{staged.control_url}/site")).json()["devices"]
    assert {device["name"]: device["refusals"] for device in told} == staged.refusals()
    assert LOGIN[1] not in out + messages
    assert "p%40ss" not in out + messages

    # What each of them is.
    assert found["reception"]["reasons"] == ["clock_skew"]
    assert found["reception"]["clock_offset_s"] == pytest.approx(-3600, abs=60)
    assert found["corridor-1"]["named_addresses"] == found["corridor-2"]["named_addresses"] == ["192.0.2.1"]
    assert found["sampling"]["channels"][0]["streams"][0]["codec"] == "h265"
    assert (found["goods"]["protocol"], found["goods"]["port"]) == ("rtsp", 554)
    assert found["goods"]["channels"][0]["streams"][0]["path"] == "/Streaming/Channels/101"
    assert "multicast" in found["outside"]["seen_by"]
    assert "multicast" not in found["floor-3"]["seen_by"]
    serials = {device.host: device.identity.serial for device in staged.site.devices}
    assert {one["serial"] for one in opened.values() if one["protocol"] == "onvif"} == {
        serials[one["address"]] for one in opened.values() if one["protocol"] == "onvif"
    }
    assert found["gate"]["address"] == host(21)


@pytest.mark.timeout(300)
async def test_one_command_registers_the_site_and_it_is_connected_within_a_minute(
    staged: StagedSite, tmp_path: Path
) -> None:
    async with all_in_one(tmp_path, camera_networks=NETWORK) as system:
        facility = await system.facility()
        key = tmp_path / "key"
        key.write_text(system.client.headers["Authorization"].removeprefix("Bearer "))
        command = (
            *("discover", "--network", NETWORK, "--facility", "T-001", "--zone", "corridor"),
            *("--username", LOGIN[0], "--password-file", str(password_file(tmp_path))),
            *("--api-url", system.url, "--api-key-file", str(key)),
        )
        status, out, messages = await staged.vonggac(*command, environment=system.environment)
        assert status == 0, messages
        adopted_at = time.monotonic()

        cameras = (await system.get("/v1/cameras", facility_id=facility, limit="100"))["items"]
        assert len(cameras) == RECORDER_CHANNELS + CAMERAS - len(CLOSED)
        assert {camera["zone"] for camera in cameras} == {"corridor"}
        for name, reason in CLOSED.items():
            where = staged.site.find(name).host
            assert any(where in line and reason in line for line in out.splitlines()), out

        async def read() -> Json:
            return await system.facility_status(facility)

        told, _ = await system.until(
            read, lambda one: one["state"] == "connected" and one["cameras"]["online"] == len(cameras), 60.0
        )
        print(f"connected, every camera online, {time.monotonic() - adopted_at:.1f} s after adoption")
        assert told["cameras"]["total"] == len(cameras)
        assert max(staged.refusals().values()) <= 2
        assert {name for name, count in staged.refusals().items() if count} == set(CLOSED)
        assert LOGIN[1] not in out + messages + system.logs()

        # Some of it again: nothing is registered twice.
        again = (*command[:1], "--host", host(10), "--host", host(22), *command[3:])
        status, out, messages = await staged.vonggac(*again, environment=system.environment)
        assert status == 0, messages
        assert "0 cameras registered" in out
        assert len((await system.get("/v1/cameras", facility_id=facility, limit="100"))["items"]) == len(cameras)
