"""Whole searches over loopback: networks, hosts and ports, with simulated devices and doubles. Each test has addresses
of its own in 127.0.0.0/8."""

import asyncio
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest

from services.contracts.camera import Credentials, Interrogation, OnvifSource
from services.contracts.discovery import DiscoveryOrder, DiscoveryReport, RefusedBefore
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.discovery.describing import LookLimits
from services.ingest.discovery.scan import Scan, ScanLimits
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.runtime.clock import SystemClock
from services.simulator.device import PASSWORD, USERNAME, SimulatedCamera, SimulatedRecorder
from services.simulator.pictures import Codec
from services.simulator.site import SimulatedSite
from tests.doubles.rtsp_camera import SDP
from tests.doubles.rtsp_host import Manners, RtspHost
from tests.integration.simulator.sites import small

ONVIF, RTSP = 18080, 18554
LOOPBACK = CameraNetworks([ip_network("127.0.0.0/8")])
RIGHT = Credentials(username=USERNAME, password=PASSWORD, version=1)
WRONG = Credentials(username=USERNAME, password="wrong", version=1)
LIMITS = ScanLimits(
    window_s=0.2,
    sweep_timeout_s=0.6,
    settle_s=0.2,
    settle_max_s=1.0,
    report_apart_s=0.05,
    look=LookLimits(connect_s=0.5, answer_s=0.5, host_s=5.0),
)


def order(**members: Any) -> DiscoveryOrder:
    given = {"credentials": (RIGHT,), "onvif_ports": (ONVIF,), "rtsp_ports": (RTSP,), **members}
    return DiscoveryOrder(discovery_id=uuid4(), facility_id=uuid4(), reach="", **given)


class Searching:
    """A scan with the reports that it gave."""

    def __init__(self, onvif: Any, searched: DiscoveryOrder, networks: CameraNetworks = LOOPBACK) -> None:
        self.reports: list[DiscoveryReport] = []
        self.scan = Scan(searched, onvif, networks, SystemClock(), self._hear, limits=LIMITS, mac_of=lambda _: None)

    async def _hear(self, report: DiscoveryReport) -> None:
        self.reports.append(report)

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not any(condition(report) for report in self.reports):
                await asyncio.sleep(0.02)


def placed(host: str, **options: Any) -> Any:
    return small(host=host, onvif_port=ONVIF, rtsp_port=RTSP, **options)


async def test_a_network_is_searched_and_everything_in_it_named(gateway: ZeepOnvifGateway) -> None:
    camera = SimulatedCamera("gate", Codec.H264, placed("127.83.1.12"))
    recorder = SimulatedRecorder("store", [Codec.H264, Codec.H264], placed("127.83.1.3", discoverable=True))
    other = SimulatedCamera("yard", Codec.H264, placed("127.83.1.9", password="another"))
    async with (
        SimulatedSite([camera, recorder, other]),
        RtspHost(Manners(paths={"/stream1": SDP}), "127.83.1.5", RTSP),
        RtspHost(Manners(hangs=True), "127.83.1.6", RTSP),
    ):
        searching = Searching(gateway, order(networks=("127.83.1.0/28",)))
        report = await searching.scan.run()
        assert other.state.refusals == 2
        assert camera.state.refusals == recorder.state.refusals == 0
    assert report.status == "done"
    assert [(one.address, one.protocol, one.rung, one.reasons) for one in report.found] == [
        ("127.83.1.3", "onvif", Rung.DESCRIBED, ()),
        ("127.83.1.5", "rtsp", Rung.DESCRIBED, ()),
        ("127.83.1.9", "onvif", Rung.ANSWERING, (Reason.AUTH_FAILED,)),
        ("127.83.1.12", "onvif", Rung.DESCRIBED, ()),
    ]
    found = {one.address: one for one in report.found}
    assert len(found["127.83.1.3"].channels) == 2
    assert found["127.83.1.3"].seen_by == ("probe", "tcp")
    assert found["127.83.1.12"].seen_by == ("tcp",)
    progress = report.progress
    assert (progress.phase, progress.addresses, progress.looked) == ("done", 14, 14)
    assert (progress.hosts, progress.asked) == (5, 5)
    assert all(told.status == "running" for told in searching.reports)
    assert any(told.found for told in searching.reports)


async def test_devices_at_ports_of_one_address_are_asked_one_after_another_with_one_budget(
    gateway: ZeepOnvifGateway,
) -> None:
    cameras = [SimulatedCamera(f"camera-{number}", Codec.H264, small(host="127.83.2.1")) for number in range(3)]
    async with SimulatedSite(cameras):
        hosts = tuple(f"127.83.2.1:{camera.onvif_port}" for camera in cameras)
        report = await Searching(gateway, order(hosts=hosts)).scan.run()
        assert [one.rung for one in report.found] == [Rung.DESCRIBED] * 3
        assert {one.port for one in report.found} == {camera.onvif_port for camera in cameras}
        assert all(one.seen_by == ("host",) for one in report.found)
        refused = await Searching(gateway, order(hosts=hosts, credentials=(WRONG,))).scan.run()
        assert sum(camera.state.refusals for camera in cameras) == 2
    assert [one.reasons for one in refused.found] == [(Reason.AUTH_FAILED,)] * 3


async def test_devices_behind_one_address_may_have_different_accounts(gateway: ZeepOnvifGateway) -> None:
    cameras = [
        SimulatedCamera("gate", Codec.H264, small(host="127.83.10.1")),
        SimulatedCamera("yard", Codec.H264, small(host="127.83.10.1", password="another")),
    ]
    another = Credentials(username=USERNAME, password="another", version=1)
    async with SimulatedSite(cameras):
        hosts = tuple(f"127.83.10.1:{camera.onvif_port}" for camera in cameras)
        report = await Searching(gateway, order(hosts=hosts, credentials=(RIGHT, another))).scan.run()
        assert [camera.state.refusals for camera in cameras] == [0, 1]
    found = {one.port: (one.rung, one.credential) for one in report.found}
    assert [found[camera.onvif_port] for camera in cameras] == [(Rung.DESCRIBED, 0), (Rung.DESCRIBED, 1)]


async def test_a_search_that_cannot_listen_says_so(gateway: ZeepOnvifGateway) -> None:
    report = await Searching(gateway, order(multicast=True, interfaces=("192.0.2.1",))).scan.run()
    assert report.status == "failed"
    assert "multicast" in (report.failure or "")


class Broken:
    """A sweep that breaks off."""

    async def run(self, *_: object) -> None:
        raise OSError("no descriptors left")


async def test_a_search_that_breaks_off_is_a_failed_one_with_what_was_found(gateway: ZeepOnvifGateway) -> None:
    async with RtspHost(Manners(paths={"/live": SDP}), "127.83.11.1") as host:
        searched = order(hosts=(f"127.83.11.1:{host.port}",), networks=("127.83.11.0/28",))

        async def hear(_: DiscoveryReport) -> None:
            return

        report = await Scan(searched, gateway, LOOPBACK, SystemClock(), hear, limits=LIMITS, looking=Broken()).run()
    assert report.status == "failed"
    assert "OSError" in (report.failure or "")


async def test_a_named_rtsp_port_is_found_and_a_named_host_without_anything_is_told(gateway: ZeepOnvifGateway) -> None:
    async with RtspHost(Manners(paths={"/live": SDP}), "127.83.3.1") as host:
        hosts = (f"{host.address}:{host.port}", "127.83.3.2", "127.83.3.3:81")
        report = await Searching(gateway, order(hosts=hosts)).scan.run()
    assert [(one.address, one.port, one.protocol, one.rung) for one in report.found] == [
        ("127.83.3.1", host.port, "rtsp", Rung.DESCRIBED),
        ("127.83.3.2", 80, "unknown", Rung.UNREACHABLE),
        ("127.83.3.3", 81, "unknown", Rung.UNREACHABLE),
    ]
    assert report.found[1].reasons == report.found[2].reasons == (Reason.REFUSED,)


@pytest.mark.parametrize("members", [{"networks": ("192.0.2.0/24",)}, {"hosts": ("192.0.2.1",)}])
async def test_what_lies_outside_the_camera_networks_refuses_the_whole_order(
    gateway: ZeepOnvifGateway, members: dict[str, Any]
) -> None:
    async with RtspHost(Manners(), "127.83.4.1", RTSP) as host:
        hosts = ("127.83.4.1", *members.get("hosts", ()))
        searching = Searching(gateway, order(hosts=hosts, networks=members.get("networks", ())))
        report = await searching.scan.run()
        assert host.connections == 0
    assert report.status == "failed"
    assert "outside the camera networks" in (report.failure or "")


async def test_hosts_are_asked_while_the_sweep_goes_on_and_cancelling_ends_it_with_what_there_is(
    gateway: ZeepOnvifGateway,
) -> None:
    searched = order(networks=("127.83.128.0/17",), addresses_per_s=20.0)
    hosts = [RtspHost(Manners(paths={"/live": SDP}), f"127.83.{200 + at}.{at}", RTSP) for at in range(3)]
    async with RtspHost(Manners(paths={"/live": SDP}), "127.84.0.1", RTSP) as named, hosts[0], hosts[1], hosts[2]:
        searched = searched.model_copy(update={"hosts": ("127.84.0.1",)})
        searching = Searching(gateway, searched)
        running = asyncio.create_task(searching.scan.run())
        await searching.until(lambda report: report.progress.phase == "looking" and report.found)
        began = time.monotonic()
        searching.scan.cancel()
        report = await running
        assert time.monotonic() - began < 1.5
    assert named.connections > 0
    assert report.status == "done"
    assert report.progress.looked < report.progress.addresses == 32_766 + 1
    assert "127.84.0.1" in {one.address for one in report.found}


async def test_the_deadline_ends_a_search_with_what_it_has(gateway: ZeepOnvifGateway) -> None:
    async with RtspHost(Manners(paths={"/live": SDP}), "127.83.5.1", RTSP):
        searched = order(hosts=("127.83.5.1",), networks=("127.85.0.0/20",), addresses_per_s=10.0, deadline_s=2.5)
        began = time.monotonic()
        report = await Searching(gateway, searched).scan.run()
    assert time.monotonic() - began < 4.0
    assert (report.status, [one.address for one in report.found]) == ("done", ["127.83.5.1"])


async def test_what_an_earlier_search_learned_counts(gateway: ZeepOnvifGateway) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small(host="127.83.6.1"))
    async with SimulatedSite([camera]):
        host = f"127.83.6.1:{camera.onvif_port}"
        before = RefusedBefore(address="127.83.6.1", credential=0, refusals=2, at=datetime.now(UTC))
        report = await Searching(gateway, order(hosts=(host,), credentials=(WRONG,), refused=(before,))).scan.run()
        assert camera.state.account.attempts == 0
        assert report.found[0].reasons == (Reason.AUTH_FAILED,)
        locked = before.model_copy(update={"locked_out": True})
        report = await Searching(gateway, order(hosts=(host,), refused=(locked,))).scan.run()
        assert camera.state.account.attempts == 0
        assert report.found[0].reasons == (Reason.AUTH_LOCKED_OUT,)


class Failing:
    """An ONVIF gateway that is broken."""

    async def interrogate(self, source: OnvifSource, _: object, *, every_channel: bool = False) -> Interrogation:
        raise RuntimeError(f"no idea what {source.address} wants")


async def test_whatever_one_host_does_to_us_the_others_are_still_asked() -> None:
    async with RtspHost(Manners(paths={"/live": SDP}), "127.83.7.1", RTSP):
        searched = order(networks=("127.83.7.0/30",), hosts=("127.83.7.2:9",))
        report = await Searching(Failing(), searched).scan.run()
    assert [(one.address, one.protocol) for one in report.found] == [
        ("127.83.7.1", "rtsp"),
        ("127.83.7.2", "unknown"),
    ]


async def test_reports_that_are_not_delivered_do_not_end_a_search(gateway: ZeepOnvifGateway) -> None:
    calls = 0

    async def refuse(_: DiscoveryReport) -> None:
        nonlocal calls
        calls += 1
        raise OSError("nobody listens")

    async with RtspHost(Manners(paths={"/live": SDP}), "127.83.8.1", RTSP):
        scan = Scan(order(hosts=("127.83.8.1",)), gateway, LOOPBACK, SystemClock(), refuse, limits=LIMITS)
        report = await scan.run()
    assert calls > 0
    assert [one.rung for one in report.found] == [Rung.DESCRIBED]


async def test_a_search_that_is_cancelled_from_outside_leaves_nothing_running(gateway: ZeepOnvifGateway) -> None:
    async with RtspHost(Manners(hangs=True), "127.83.9.1", RTSP) as host:
        searching = Searching(gateway, order(hosts=("127.83.9.1",), networks=("127.86.0.0/20",), addresses_per_s=5.0))
        running = asyncio.create_task(searching.scan.run())
        await searching.until(lambda report: report.progress.phase == "looking")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert host.connections > 0
    assert len(asyncio.all_tasks()) == 1
