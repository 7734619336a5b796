"""Sweeps through networks of their own: everything that is there is found, and only what is permitted is touched."""

import asyncio
import itertools
import resource
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, ip_network

import pytest

from services.contracts.discovery import ONVIF_PORTS, RTSP_PORTS
from services.contracts.networks import Address, CameraNetworks
from services.ingest.discovery.neighbours import mac_of
from services.ingest.discovery.probe_sockets import ProbeSockets, Sent
from services.ingest.discovery.sighting import OpenPort, Sighting
from services.ingest.discovery.sweep import Sweep, SweepOutcome
from tests.doubles.ws_devices import WsDevice, WsDevices, scattered
from tests.harness.ipycam import IpycamPeer
from tests.harness.namespace import Namespace

PORTS = (*ONVIF_PORTS, *RTSP_PORTS)
BLOCK = "10.77.0.0/20"
CABLE = {"here": "10.88.0.1/30", "there": "10.88.0.2/30"}


@pytest.fixture
def here() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def there() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


class Found:
    """What a sweep told."""

    def __init__(self) -> None:
        self.sightings: list[Sighting] = []
        self.opens: set[tuple[str, int]] = set()
        self.progress: list[tuple[int, int]] = []
        self.threads: set[str] = set()

    def on_sighting(self, sighting: Sighting) -> None:
        self.threads.add(threading.current_thread().name)
        self.sightings.append(sighting)

    def on_open(self, port: OpenPort) -> None:
        self.threads.add(threading.current_thread().name)
        assert (port.address, port.port) not in self.opens
        self.opens.add((port.address, port.port))

    def on_progress(self, looked: int, addresses: int) -> None:
        self.progress.append((looked, addresses))

    @property
    def addresses(self) -> set[str]:
        return {sighting.address for sighting in self.sightings} | {address for address, _ in self.opens}


async def sweep(
    namespace: Namespace,
    targets: Sequence[str],
    *,
    permitted: Sequence[str] = (),
    ports: Sequence[int] = PORTS,
    rate: float = 4000.0,
    in_flight: int = 4096,
    deadline_s: float = 60.0,
) -> tuple[Found, SweepOutcome]:
    """Sweep from this namespace, faster than a real site is swept."""
    found = Found()
    networks = CameraNetworks(ip_network(one) for one in permitted or targets)
    one = Sweep(networks, addresses_per_s=rate, timeout_s=1.2, in_flight=in_flight, deadline_s=deadline_s)
    with namespace.entered():
        outcome = await one.run(
            [ip_network(target) for target in targets], ports, found.on_sighting, found.on_open, found.on_progress
        )
    return found, outcome


def assert_all_found(devices: Sequence[WsDevice], found: Found) -> None:
    assert found.opens == {(device.address, port) for device in devices for port in device.ports}
    # One that answers both forms of the probe the same way is told of once.
    assert sorted(one.address for one in found.sightings) == sorted(one.address for one in devices if one.probes)
    endpoints = {device.address: device.endpoint for device in devices}
    assert all(one.endpoint == endpoints[one.address] for one in found.sightings)
    assert {one.seen_by for one in found.sightings} <= {"probe"}


async def test_where_every_other_address_refuses(here: Namespace) -> None:
    here.add_local_network(BLOCK)
    devices = scattered(BLOCK, 60)
    with here.entered(), WsDevices(devices):
        found, outcome = await sweep(here, [BLOCK])
    assert outcome == SweepOutcome("done", 4094, 4094, 0, False)
    assert_all_found(devices, found)
    assert found.progress[-1] == (4094, 4094)
    assert [looked for looked, _ in found.progress] == sorted(looked for looked, _ in found.progress)
    assert found.threads == {threading.current_thread().name}


async def test_where_every_other_address_is_silent(here: Namespace, there: Namespace) -> None:
    here.join(there, **CABLE)
    here.ip("route", "add", BLOCK, "via", "10.88.0.2")
    there.ip("route", "add", "blackhole", BLOCK)
    # Whoever drops what it does not answer shows its other ports to a probe or on the first ports only.
    devices = scattered(BLOCK, 60)
    for device in devices:
        there.ip("route", "add", "local", device.address, "dev", "lo")
    with there.entered():
        listening = WsDevices(devices)
    with listening:
        found, outcome = await sweep(here, [BLOCK])
    assert outcome == SweepOutcome("done", 4094, 4094, 0, False)
    assert_all_found(devices, found)


async def test_on_the_same_link_more_hosts_are_silent_than_the_kernel_can_ask_for(
    here: Namespace, there: Namespace
) -> None:
    """Linux holds 1,024 neighbours; for more, packets are dropped without a word, and devices would not be found."""
    block = "10.77.0.0/22"
    here.join(there, here="10.77.0.1/22", there="10.88.0.2/30")
    there.ip("route", "add", "10.77.0.1/32", "dev", "cable1")
    devices = scattered(block, 30)
    for device in devices:
        there.ip("address", "add", f"{device.address}/32", "dev", "cable1")
    with there.entered():
        listening = WsDevices(devices)
    with listening:
        found, outcome = await sweep(here, [block])
        with here.entered():
            macs = {mac_of(device.address) for device in devices}
            assert mac_of("10.77.3.254") is None
    assert (outcome.ended, outcome.looked) == ("done", 1022)
    assert_all_found(devices, found)
    (mac,) = macs
    assert mac is not None
    assert len(mac) == 17
    assert mac == mac.lower()
    assert mac_of("127.0.0.1") is None
    assert mac_of("no address") is None


async def test_few_descriptors_make_it_slower_and_not_blind(here: Namespace) -> None:
    block = "10.77.0.0/23"
    here.add_local_network(block)
    devices = scattered(block, 20)
    with here.entered(), WsDevices(devices):
        found, outcome = await sweep(here, [block], in_flight=16)
    assert outcome.ended == "done"
    assert_all_found(devices, found)


async def test_where_the_process_has_no_more_descriptors_it_waits_for_some(here: Namespace) -> None:
    here.add_local_network("10.77.0.0/24")
    devices = scattered("10.77.0.0/24", 20)
    with here.entered(), WsDevices(devices):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as newest:
            resource.setrlimit(resource.RLIMIT_NOFILE, (newest.fileno() + 12, hard))
        try:
            found, outcome = await sweep(here, ["10.77.0.0/24"])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert outcome.ended == "done"
    assert_all_found(devices, found)


async def test_what_the_system_has_no_room_for_is_done_later(here: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a full table of neighbours is told, which would be that of the whole machine."""
    here.add_local_network("10.77.0.0/24")
    devices = scattered("10.77.0.0/24", 20)
    send, calls = ProbeSockets.send, itertools.count()

    def refuse_some(self: ProbeSockets, address: Address, types: str | None) -> Sent:
        return Sent.LATER if next(calls) % 40 == 0 else send(self, address, types)

    monkeypatch.setattr(ProbeSockets, "send", refuse_some)
    with here.entered(), WsDevices(devices):
        found, outcome = await sweep(here, ["10.77.0.0/24"])
    assert next(calls) > 40 * 10
    assert outcome == SweepOutcome("done", 254, 254, 0, False)
    assert_all_found(devices, found)


async def test_a_host_behind_a_filter_is_asked_for_all_ports_when_it_is_named_alone(
    here: Namespace, there: Namespace
) -> None:
    """In a large network, what shows no sign of life on two ports and to a probe is not asked for more."""
    here.join(there, **CABLE)
    here.ip("route", "add", "10.77.0.0/21", "via", "10.88.0.2")
    there.ip("route", "add", "blackhole", "10.77.0.0/21")
    there.ip("route", "add", "local", "10.77.2.9", "dev", "lo")
    # A filter in front of it drops what comes for other ports. Rules are asked before local addresses for that.
    there.ip("rule", "add", "pref", "100", "lookup", "local")
    there.ip("rule", "del", "pref", "0")
    for protocol, port in (("udp", "3702"), ("tcp", "80"), ("tcp", "554")):
        there.ip("rule", "add", "pref", "50", "blackhole", "ipproto", protocol, "dport", port)
    with there.entered():
        listening = WsDevices([WsDevice("10.77.2.9", probes=False, ports=(8899,))])
    with listening:
        large, _ = await sweep(here, ["10.77.0.0/21"])
        alone, _ = await sweep(here, ["10.77.2.9/32", "10.77.0.0/21"])
        small, _ = await sweep(here, ["10.77.0.0/22"])
    assert large.opens == set()
    assert alone.opens == small.opens == {("10.77.2.9", 8899)}


async def test_only_permitted_addresses_are_touched(here: Namespace) -> None:
    here.add_local_network("10.77.0.0/24")
    devices = [WsDevice(f"10.77.0.{number}", ports=(80,)) for number in (10, 11, 140, 0, 255)]
    with here.entered(), WsDevices(devices) as listening:
        found, outcome = await sweep(here, ["10.77.0.0/24"], permitted=["10.77.0.0/25", "10.77.0.255/32"])
        probed = set(listening.probes)
        visited = {address for address, _ in listening.connections}
    assert found.addresses == probed == visited == {"10.77.0.10", "10.77.0.11"}
    assert (outcome.looked, outcome.refused) == (254, 127)


async def test_each_address_costs_no_more_than_promised(here: Namespace) -> None:
    here.add_local_network("10.77.0.0/24")
    mute = WsDevice("10.77.0.10", typed=True, ports=(80,))  # answers the typed form only
    with here.entered(), WsDevices([mute]) as listening:
        await sweep(here, ["10.77.0.0/24"], ports=(80, 554))
    assert listening.probes["10.77.0.10"] <= 2
    assert listening.connections == {("10.77.0.10", 80): 1}


async def test_a_lost_probe_is_sent_again(here: Namespace) -> None:
    here.add_local_network("10.77.0.0/24")
    device = WsDevice("10.77.0.10", deaf_to=2)
    with here.entered(), WsDevices([device]) as listening:
        found, _ = await sweep(here, ["10.77.0.0/24"])
    assert [one.address for one in found.sightings] == ["10.77.0.10"]
    assert listening.probes["10.77.0.10"] == 3


async def test_who_was_not_asked_is_not_heard(here: Namespace) -> None:
    """A device that answers from another address, permitted but no target: the targets of a search are audited."""
    here.add_local_network("10.77.0.0/24")
    device = WsDevice("10.77.0.10", answers_from="10.77.0.200")
    with here.entered(), WsDevices([device]) as listening:
        found, _ = await sweep(here, ["10.77.0.0/25"], permitted=["10.77.0.0/24"])
    assert listening.probes["10.77.0.10"]
    assert found.addresses == set()


async def test_ipv6(here: Namespace) -> None:
    devices = [WsDevice("fd77::10"), WsDevice("fd77::20", probes=False, ports=(8000,))]
    here.add_local_network("fd77::/112")
    for device in devices:
        here.ip("address", "add", f"{device.address}/128", "dev", "lo", "nodad")
    with here.entered(), WsDevices(devices):
        found, outcome = await sweep(here, ["fd77::/120"])
    assert outcome == SweepOutcome("done", 256, 256, 0, False)
    assert_all_found(devices, found)


async def test_networks_without_a_route_are_looked_at_in_vain(here: Namespace) -> None:
    found, outcome = await sweep(here, ["10.99.0.0/24", "fd99::/120"])
    assert outcome == SweepOutcome("done", 510, 510, 0, False)
    assert found.addresses == set()


async def test_it_ends_soon_after_it_is_cancelled(here: Namespace, there: Namespace) -> None:
    here.join(there, **CABLE)
    here.ip("route", "add", BLOCK, "via", "10.88.0.2")
    there.ip("route", "add", "blackhole", BLOCK)
    networks = CameraNetworks([IPv4Network(BLOCK)])
    stop = threading.Event()
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    cancelled_at = 0.0

    def on_progress(looked: int, _addresses: int) -> None:
        if looked:
            begun.set()

    def ignore(_: object) -> None: ...

    threads = threading.active_count()
    for by_flag in (True, False):
        stop.clear()
        begun.clear()
        with here.entered():
            running = asyncio.create_task(
                Sweep(networks, addresses_per_s=500, timeout_s=0.3).run(
                    [IPv4Network(BLOCK)], PORTS, ignore, ignore, on_progress, stop.is_set
                )
            )
            await begun.wait()
        cancelled_at = loop.time()
        if by_flag:
            stop.set()
            outcome = await running
            assert outcome.ended == "cancelled"
            assert 0 < outcome.looked < outcome.addresses
        else:
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert loop.time() - cancelled_at < 0.3
    until = time.monotonic() + 2
    while threading.active_count() > threads:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


async def test_its_time_is_bounded(here: Namespace) -> None:
    here.add_local_network(BLOCK)
    _, outcome = await sweep(here, [BLOCK], rate=100, deadline_s=0.5)
    assert outcome.ended == "late"
    assert outcome.looked < 100


async def test_more_than_a_16_is_refused(here: Namespace) -> None:
    with pytest.raises(ValueError, match="65536"):
        await sweep(here, ["10.0.0.0/15"])


async def test_ipycam_is_found_and_its_stale_address_is_not_believed(here: Namespace) -> None:
    here.add_local_network("10.77.0.0/24")
    here.ip("route", "add", "224.0.0.0/4", "dev", "lo")  # it joins the group on the address that it names, or by route
    with here.entered(), IpycamPeer("--address", "10.77.0.9", "--port", "8080", "--discovery", "--named-address", "10.1.2.3") as peer:  # fmt: skip
        found, _ = await sweep(here, ["10.77.0.9/32"])
    (sighting,) = found.sightings
    assert (sighting.address, sighting.name) == ("10.77.0.9", "Sentry post camera")
    assert [(one.host, one.port) for one in sighting.service_addresses] == [("10.1.2.3", peer.port)]
    assert found.opens == {("10.77.0.9", 8080)}
    assert IPv4Address(sighting.address).is_private
