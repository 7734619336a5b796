"""Discovery by multicast in networks of their own."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.contracts.networks import CameraNetworks
from services.ingest.discovery.sighting import Sighting
from services.ingest.discovery.ws_discovery import MulticastOutcome, multicast
from tests.doubles.ws_devices import WsDevice, WsDevices
from tests.harness.ipycam import IpycamPeer
from tests.harness.namespace import Namespace


@pytest.fixture
def here() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def there() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


async def search(
    namespace: Namespace,
    *interfaces: str,
    permitted: Sequence[str] = ("10.77.0.0/16",),
    window_s: float = 1.0,
) -> tuple[list[Sighting], MulticastOutcome]:
    found: list[Sighting] = []
    with namespace.entered():
        outcome = await multicast(
            interfaces,
            window_s=window_s,
            networks=CameraNetworks(ip_network(one) for one in permitted),
            on_sighting=found.append,
        )
    return found, outcome


def three_hundred(there: Namespace) -> list[WsDevice]:
    there.add_local_network("10.77.2.0/23")
    return [WsDevice(f"10.77.{2 + number // 200}.{1 + number % 200}") for number in range(300)]


async def test_300_devices_that_answer_one_probe_at_once_are_all_found(here: Namespace, there: Namespace) -> None:
    here.join(there, here="10.77.0.1/16", there="10.77.0.2/16")
    devices = three_hundred(there)
    with there.entered():
        listening = WsDevices(devices, interface="10.77.0.2")
    with listening:
        found, outcome = await search(here, "10.77.0.1")
    assert outcome.interfaces == ("10.77.0.1",)
    assert not outcome.flooded
    assert len(listening.multicast) == 6
    assert {(one.address, one.endpoint) for one in found} == {(one.address, one.endpoint) for one in devices}
    assert len(found) == 300
    assert {one.seen_by for one in found} == {"multicast"}


async def test_quirk_21_every_interface_that_is_up_is_probed(here: Namespace, there: Namespace) -> None:
    """agsh/onvif issue 55, christgau/wsdd issue 227: a probe leaves by the default route only."""
    here.join(there, here="10.77.0.1/16", there="10.77.0.2/16")
    with there.entered():
        far = WsDevices([WsDevice("10.77.0.2")], interface="10.77.0.2")
    with here.entered():
        near = WsDevices([WsDevice("127.0.0.7")], interface="127.0.0.1")
    with far, near:
        found, outcome = await search(here, permitted=["10.77.0.0/16", "127.0.0.0/8"])
        assert sorted(one.address for one in found) == ["10.77.0.2", "127.0.0.7"]
        assert set(outcome.interfaces) == {"127.0.0.1", "10.77.0.1"}
        found, outcome = await search(here, "10.77.0.1", permitted=["10.77.0.0/16", "127.0.0.0/8"])
        assert [one.address for one in found] == ["10.77.0.2"]


async def test_quirk_22_the_group_is_not_joined_and_the_port_is_any(here: Namespace, there: Namespace) -> None:
    """andreikop/python-ws-discovery issue 40: with a member behind it, a snooping switch drops the answers."""
    here.join(there, here="10.77.0.1/16", there="10.77.0.2/16")
    memberships = Path("/proc/net/igmp")
    with here.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as others:
        others.bind(("", 3702))
        before = memberships.read_text()
        searching = asyncio.create_task(search(here, "10.77.0.1", window_s=0.3))
        await asyncio.sleep(0.1)
        assert memberships.read_text() == before
        await searching


@pytest.mark.parametrize("typed", [True, False])
async def test_quirk_23_both_forms_of_a_probe_are_sent(here: Namespace, typed: bool) -> None:
    """andreikop/python-ws-discovery pull request 56: each form is ignored by some firmware."""
    with here.entered(), WsDevices([WsDevice("127.0.0.7", typed=typed)], interface="127.0.0.1") as listening:
        found, _ = await search(here, "127.0.0.1", permitted=["127.0.0.0/8"], window_s=0.5)
    assert [one.address for one in found] == ["127.0.0.7"]
    ids = {probe[probe.index(b"MessageID") : probe.index(b"</a:MessageID")] for probe in listening.multicast}
    assert len(ids) == len(listening.multicast) == 6


async def test_a_device_that_misses_the_first_probes_is_found(here: Namespace) -> None:
    with here.entered(), WsDevices([WsDevice("127.0.0.7", deaf_to=4)], interface="127.0.0.1"):
        found, _ = await search(here, "127.0.0.1", permitted=["127.0.0.0/8"], window_s=0.5)
    assert [one.address for one in found] == ["127.0.0.7"]


async def test_answers_from_elsewhere_do_not_count(here: Namespace) -> None:
    devices = [WsDevice("127.0.0.7"), WsDevice("127.0.9.9")]
    with here.entered(), WsDevices(devices, interface="127.0.0.1"):
        found, outcome = await search(here, "127.0.0.1", permitted=["127.0.0.0/24"], window_s=0.5)
    assert [one.address for one in found] == ["127.0.0.7"]
    assert outcome.datagrams == 12


async def test_a_flood_is_bounded(here: Namespace) -> None:
    flood = WsDevice("127.0.0.7", repeats=40)
    with here.entered(), WsDevices([flood, WsDevice("127.0.0.8")], interface="127.0.0.1"):
        found, outcome = await search(here, "127.0.0.1", permitted=["127.0.0.0/24"], window_s=0.5)
    assert outcome.flooded
    assert sorted(one.address for one in found) == ["127.0.0.7", "127.0.0.8"]


async def test_an_interface_that_is_none_is_told(here: Namespace) -> None:
    found, outcome = await search(here, "10.99.0.1", "nonsense", "fd99::1", window_s=0.2)
    assert found == []
    assert outcome == MulticastOutcome((), ("10.99.0.1", "nonsense", "fd99::1"), 0, False)


async def test_ipv6(here: Namespace, there: Namespace) -> None:
    here.join(there, here="10.77.0.1/16", there="10.77.0.2/16")
    for end, name, address in ((here, "cable0", "fd77::1/64"), (there, "cable1", "fd77::2/64")):
        end.ip("address", "add", address, "dev", name, "nodad")
    with there.entered():
        listening = WsDevices([WsDevice("fd77::2")], interface="fd77::2")
    with listening:
        found, outcome = await search(here, permitted=["fd77::/64"])
    assert "fd77::1" in outcome.interfaces
    assert [one.address for one in found] == ["fd77::2"]


async def test_it_ends_soon_after_it_is_cancelled(here: Namespace) -> None:
    stop = False
    loop = asyncio.get_running_loop()

    def ignore(_: Sighting) -> None: ...

    with here.entered():
        running = asyncio.create_task(
            multicast(
                ["127.0.0.1"], window_s=30, networks=CameraNetworks([]), on_sighting=ignore, cancelled=lambda: stop
            )
        )
        await asyncio.sleep(0)
    stop, at = True, loop.time()
    await running
    assert loop.time() - at < 0.3


async def test_ipycam_is_found(here: Namespace) -> None:
    """ipycam 1.3.0 answers with a bare ProbeMatch under another Action, and with a raw name in its scopes."""
    with here.entered(), IpycamPeer("--address", "127.0.0.1", "--discovery") as peer:
        found, _ = await search(here, "127.0.0.1", permitted=["127.0.0.0/8"])
    (sighting,) = found
    assert sighting.name == "Sentry post camera"
    assert sighting.endpoint is not None
    assert sighting.endpoint.startswith("urn:uuid:")
    assert [(one.host, one.port, one.path) for one in sighting.service_addresses] == [
        ("127.0.0.1", peer.port, "/onvif/device_service")
    ]
