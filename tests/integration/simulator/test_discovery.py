"""Devices on addresses of their own answer probes, move and change places. Addresses of loopback that only this file uses."""

import argparse
import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_address

import httpx
import pytest

from services.simulator import command
from services.simulator.control import ControlServer
from services.simulator.device import SimulatedCamera
from services.simulator.faults import Fault
from services.simulator.places import place_devices
from services.simulator.quirks import Quirk
from services.simulator.site import SimulatedSite
from tests.integration.simulator.sites import small
from tests.unit.simulator.test_ws_discovery import asked

NETWORK = "127.81.0."
GROUP = ("239.255.255.250", 3702)


@asynccontextmanager
async def site_of(*hosts: str, discoverable: bool = True) -> AsyncIterator[SimulatedSite]:
    """A site with the cameras ``camera-1`` … at these addresses, all at the ports of cameras where that is permitted."""
    names = [f"camera-{number + 1}" for number in range(len(hosts))]
    devices = [
        SimulatedCamera(name, setup=small(host=host, label="shared", discoverable=discoverable))
        for name, host in zip(names, hosts, strict=True)
    ]
    async with SimulatedSite(devices) as site:
        yield site


async def answers(message: bytes, target: tuple[str, int], *, wait_s: float = 0.4) -> list[tuple[str, bytes]]:
    """Send a probe; whatever answers within the time, by the address that it came from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sock.bind(("127.0.0.1", 0))
        sock.sendto(message, target)
        loop, found = asyncio.get_running_loop(), []
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    datagram, sender = await loop.sock_recvfrom(sock, 65_535)
                    found.append((sender[0], datagram))
        except TimeoutError:
            return [(host, datagram) for host, datagram in found if host.startswith(NETWORK)]


def hosts_of(found: Iterable[tuple[str, bytes]]) -> list[str]:
    return sorted((host for host, _ in found), key=ip_address)


async def test_one_probe_by_multicast_finds_all_and_a_copy_of_it_none() -> None:
    hosts = [f"{NETWORK}{number}" for number in range(1, 31)]
    async with site_of(*hosts) as site:
        probe = asked()
        found = await answers(probe, GROUP)
        assert hosts_of(found) == hosts
        for host, datagram in found:
            device = site.find(f"camera-{hosts.index(host) + 1}")
            assert f"<d:XAddrs>http://{host}:{device.onvif_port}/onvif/device_service<".encode() in datagram
            assert device.identity.endpoint.urn.encode() in datagram
        assert await answers(probe, GROUP) == []


async def test_a_probe_to_one_address_is_answered_by_the_device_there() -> None:
    async with site_of(f"{NETWORK}41", f"{NETWORK}42"):
        assert hosts_of(await answers(asked(), (f"{NETWORK}42", 3702))) == [f"{NETWORK}42"]


async def test_what_is_off_and_what_is_not_discoverable_says_nothing() -> None:
    hosts = f"{NETWORK}51", f"{NETWORK}52", f"{NETWORK}53"
    async with site_of(*hosts) as site, site_of(f"{NETWORK}54", discoverable=False):
        await site.set_fault("camera-1", Fault.OFF)
        await site.set_quirks("camera-2", frozenset({Quirk.ONVIF_OFF}))
        assert hosts_of(await answers(asked().replace(b"uuid:1", b"uuid:51"), GROUP)) == [hosts[2]]
        await site.set_fault("camera-1", Fault.NONE)
        assert hosts_of(await answers(asked().replace(b"uuid:1", b"uuid:52"), GROUP)) == [hosts[0], hosts[2]]


async def test_a_device_moves_and_is_itself_at_its_new_address() -> None:
    old, new = f"{NETWORK}61", f"{NETWORK}62"
    async with site_of(old) as site:
        device = site.find("camera-1")
        ports, endpoint = (device.onvif_port, device.rtsp_port), device.identity.endpoint
        await site.move("camera-1", new)
        ((host, datagram),) = await answers(asked().replace(b"uuid:1", b"uuid:61"), GROUP)
        assert (device.host, host, (device.onvif_port, device.rtsp_port)) == (new, new, ports)
        assert endpoint.urn.encode() in datagram
        assert f"//{new}:".encode() in datagram
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(old, ports[0])
        _, writer = await asyncio.open_connection(new, ports[0])
        writer.close()


async def test_two_devices_change_places_so_that_another_one_is_behind_a_known_address() -> None:
    one, other = f"{NETWORK}71", f"{NETWORK}72"
    async with site_of(one, other) as site:
        endpoints = {device.host: device.identity.endpoint.urn.encode() for device in site.devices}
        places = [device.place for device in site.devices]
        await site.swap("camera-1", "camera-2")
        assert [device.place for device in site.devices] == places[::-1]
        found = dict(await answers(asked().replace(b"uuid:1", b"uuid:71"), GROUP))
        assert endpoints[one] in found[other]
        assert endpoints[other] in found[one]


async def test_the_remote_control_moves_locks_and_bends() -> None:
    async with site_of(f"{NETWORK}81", f"{NETWORK}82") as site, httpx.AsyncClient(trust_env=False) as client:
        control = ControlServer(site, 0)
        await control.listener.start()
        taken = socket.create_server((f"{NETWORK}84", site.find("camera-1").onvif_port))  # camera-2 gets it below

        async def put(path: str, wish: object) -> tuple[int, dict[str, object]]:
            answer = await client.put(f"{control.url}/cameras/{path}", json=wish)
            return answer.status_code, answer.json()

        try:
            assert (await put("camera-1/quirks", {"quirks": ["html", "lockout"]}))[0] == 200
            assert await put("camera-1/account", {"locked": True}) == (200, {"name": "camera-1", "locked": True})
            assert (await put("camera-1/address", {"host": f"{NETWORK}83"}))[1]["host"] == f"{NETWORK}83"
            assert (await put("camera-1/address", {"swap_with": "camera-2"}))[1]["host"] == f"{NETWORK}82"
            told = (await client.get(f"{control.url}/site")).json()["devices"]
            assert [device["onvif"]["host"] for device in told] == [f"{NETWORK}82", f"{NETWORK}83"]
            assert (told[0]["quirks"], told[0]["locked"], told[1]["quirks"]) == (["html", "lockout"], True, [])
            assert (told[0]["attempts"], told[0]["refusals"]) == (0, 0)
            assert told[0]["endpoint"] != told[1]["endpoint"]
            for path, wish, status, said in (
                ("camera-1/quirks", {"quirks": ["tired"]}, 400, "bare_match"),
                ("camera-1/quirks", {"quirks": [[]]}, 400, "bare_match"),
                ("camera-1/quirks", {"quirks": "html"}, 400, "a list"),
                ("camera-1/account", {"locked": 1}, 400, "true or false"),
                ("camera-1/address", {"host": "here"}, 400, "here"),
                ("camera-1/address", {}, 400, "swap_with"),
                ("camera-2/address", {"host": f"{NETWORK}84"}, 409, "cannot use port"),
                ("camera-9/account", {"locked": True}, 404, "camera-9"),
            ):
                found, answer = await put(path, wish)
                assert (found, said in str(answer["error"])) == (status, True), answer
        finally:
            taken.close()
            await control.listener.stop()


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(options)


def test_each_device_gets_an_address_of_its_own_and_the_quirks_that_were_wished() -> None:
    arguments = parsed(
        *("--cameras", "300", "--recorder-channels", "2", "--addresses", "--discoverable"),
        *("--quirk", "html:camera-2", "--quirk", "hangs:camera-2", "--quirk", "lockout:recorder-1"),
    )
    devices = command.plan_site(arguments, {"camera-1/onvif": 8080})
    hosts = [device.host for device in devices]
    assert (hosts[0], hosts[1], hosts[255], hosts[-1]) == ("127.77.0.1", "127.77.0.2", "127.77.1.0", "127.77.1.45")
    assert devices[0].onvif_port == 8080
    assert {(device.onvif_port, device.rtsp_port) for device in devices[1:]} in ({(80, 554)}, {(0, 0)})
    assert all(device.setup.discoverable for device in devices)
    assert [device.setup.quirks for device in devices[:2]] == [frozenset(), {Quirk.HTML, Quirk.HANGS}]
    assert devices[-1].setup.quirks == {Quirk.LOCKOUT}


def test_without_addresses_nothing_changes() -> None:
    devices = command.plan_site(parsed(), {})
    assert {(device.host, device.onvif_port, device.setup.discoverable) for device in devices} == {
        ("127.0.0.1", 0, False)
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--quirk", "html"], "must be a quirk and a device"),
        (["--quirk", "tired:camera-1"], "bare_match"),
        (["--addresses", "here"], "here"),
    ],
)
def test_options_that_mean_nothing_are_named(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*options)
    assert said in capsys.readouterr().err


def test_a_quirk_of_nobody_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parsed("--quirk", "html:camera-9")) == 1
    assert "there is no device camera-9" in capsys.readouterr().err


def test_a_network_that_is_too_small_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parsed("--addresses", "127.81.0.128/30")) == 1
    assert "127.81.0.128/30" in capsys.readouterr().err


def test_places_without_devices() -> None:
    assert place_devices([], "127.0.0.1", None, {}) == {}
