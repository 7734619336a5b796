"""One host asked over real sockets: simulated devices, doubles, and stacks that none of us wrote. Refusals are counted
at the device."""

import time
from collections.abc import Sequence

import pytest

from services.contracts.camera import Credentials
from services.contracts.discovery import Found
from services.contracts.ladder import Reason, Rung
from services.ingest.discovery.asking import Asking
from services.ingest.discovery.candidate import Candidate, OnvifDoor
from services.ingest.discovery.describing import LookLimits
from services.ingest.discovery.host_budget import HostBudget
from services.ingest.discovery.rtsp_look import RtspLook
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.onvif.transport import HttpLimits
from services.runtime.clock import SystemClock
from services.simulator.device import PASSWORD, USERNAME, SimulatedCamera, SimulatedDevice, SimulatedRecorder
from services.simulator.faults import Fault
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec
from services.simulator.quirks import Quirk
from services.simulator.site import SimulatedSite
from tests.doubles.onvif_device import OnvifDevice
from tests.doubles.onvif_messages import html
from tests.doubles.rtsp_camera import SDP
from tests.doubles.rtsp_host import Manners, RtspHost
from tests.harness.gst_server import GstMount, GstServer
from tests.harness.ipycam import IpycamPeer
from tests.integration.simulator.sites import small

RIGHT = Credentials(username=USERNAME, password=PASSWORD, version=1)
WRONG = Credentials(username=USERNAME, password="wrong", version=1)
ALSO_WRONG = Credentials(username="root", password="also wrong", version=1)
LIMITS = LookLimits(connect_s=1.0, answer_s=1.0, host_s=8.0)


def at(device: SimulatedDevice, *, address: str = "127.0.0.1") -> Candidate:
    """The candidate that a search makes of a device that it saw: both of its ports are open."""
    doors = (OnvifDoor(device.onvif_port),)
    return Candidate(address, seen_by=("tcp",), onvif=doors, rtsp_ports=(device.rtsp_port,))


async def ask(
    gateway: ZeepOnvifGateway, candidate: Candidate, sets: Sequence[Credentials], budget: HostBudget | None = None
) -> Found | None:
    clock = SystemClock()
    asking = Asking(gateway, RtspLook(sets, clock, LIMITS), sets, clock, mac_of=lambda _: "aa:bb:cc:00:00:01")
    return await asking.ask(candidate, budget or HostBudget(len(sets)))


async def found(
    gateway: ZeepOnvifGateway, candidate: Candidate, *sets: Credentials, budget: HostBudget | None = None
) -> Found:
    told = await ask(gateway, candidate, sets, budget)
    assert told is not None
    return told


@pytest.mark.parametrize("mode", [AuthMode.DIGEST, AuthMode.WSSE, AuthMode.NONE])
async def test_a_camera_tells_what_it_is_and_shows_its_stream(gateway: ZeepOnvifGateway, mode: AuthMode) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small(auth_mode=mode))
    async with SimulatedSite([camera]):
        told = await found(gateway, at(camera), RIGHT)
    assert (told.protocol, told.port, told.service_path) == ("onvif", camera.onvif_port, "/onvif/device_service")
    assert (told.rung, told.reasons) == (Rung.DESCRIBED, ())
    assert (told.serial, told.model) == (camera.identity.serial, "SIM-CAM-100")
    assert told.auth_mode == mode.value
    assert told.credential == (None if mode is AuthMode.NONE else 0)
    (channel,) = told.channels
    assert [(stream.role, stream.port) for stream in channel.streams] == [
        ("main", camera.rtsp_port),
        ("sub", camera.rtsp_port),
    ]
    assert channel.key in channel.profiles
    assert channel.rung is Rung.DESCRIBED
    assert camera.state.refusals == 0


async def test_a_recorder_has_all_its_channels_with_their_streams(gateway: ZeepOnvifGateway) -> None:
    recorder = SimulatedRecorder("store", [Codec.H264, Codec.H265, Codec.H264], small())
    async with SimulatedSite([recorder]):
        told = await found(gateway, at(recorder), RIGHT)
    assert (told.rung, told.reasons) == (Rung.DESCRIBED, ())
    assert len(told.channels) == 3
    assert all(channel.rung is Rung.DESCRIBED and len(channel.streams) == 2 for channel in told.channels)
    assert [channel.streams[0].codec for channel in told.channels] == ["h264", "h265", "h264"]
    assert len({channel.key for channel in told.channels}) == 3
    assert recorder.state.refusals == 0


@pytest.mark.parametrize("mode", [AuthMode.DIGEST, AuthMode.WSSE])
@pytest.mark.parametrize("sets", [(WRONG,), (WRONG, ALSO_WRONG), (WRONG, ALSO_WRONG, RIGHT)])
async def test_a_device_is_refused_at_most_twice_over_onvif_and_rtsp(
    gateway: ZeepOnvifGateway, mode: AuthMode, sets: tuple[Credentials, ...]
) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small(auth_mode=mode))
    async with SimulatedSite([camera]):
        told = await found(gateway, at(camera), *sets)
        assert camera.state.refusals == 2
        assert sum(refusal.count for refusal in told.refusals) == 2
    assert (told.protocol, told.rung, told.reasons) == ("onvif", Rung.ANSWERING, (Reason.AUTH_FAILED,))
    assert told.credential is None


@pytest.mark.parametrize("mode", [AuthMode.DIGEST, AuthMode.WSSE])
async def test_a_wrong_clock_is_not_a_wrong_password(gateway: ZeepOnvifGateway, mode: AuthMode) -> None:
    """Quirk 1: the password is right, the camera's clock is an hour off (home-assistant/core issue 91587)."""
    camera = SimulatedCamera("gate", Codec.H264, small(auth_mode=mode))
    async with SimulatedSite([camera]) as site:
        await site.set_fault("gate", Fault.CLOCK_WRONG)
        told = await found(gateway, at(camera), RIGHT)
        assert camera.state.refusals == 0
    assert (told.rung, told.reasons) == (Rung.DESCRIBED, (Reason.CLOCK_SKEW,))
    assert told.clock_offset_s == pytest.approx(-3600, abs=5)


async def test_the_next_set_is_tried_when_the_first_is_refused(gateway: ZeepOnvifGateway) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small())
    async with SimulatedSite([camera]):
        told = await found(gateway, at(camera), WRONG, RIGHT)
        assert camera.state.refusals == 1
    assert (told.rung, told.credential) == (Rung.DESCRIBED, 1)
    assert [(refusal.credential, refusal.count) for refusal in told.refusals] == [(0, 1)]


async def test_a_locked_device_is_named_as_locked_and_not_asked_again(gateway: ZeepOnvifGateway) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small(quirks=frozenset({Quirk.LOCKOUT})))
    async with SimulatedSite([camera]):
        camera.state.account.lock()
        budget = HostBudget(2)
        told = await found(gateway, at(camera), WRONG, RIGHT, budget=budget)
        assert camera.state.refusals <= 1
        assert budget.next_set(SystemClock().now()) is None
    assert told.reasons == (Reason.AUTH_LOCKED_OUT,)


async def test_without_credentials_a_guarded_device_says_that_it_wants_some(gateway: ZeepOnvifGateway) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small())
    async with SimulatedSite([camera]):
        told = await found(gateway, at(camera))
        assert camera.state.account.attempts == 0
    assert (told.rung, told.reasons) == (Rung.ANSWERING, (Reason.CREDENTIALS_MISSING,))


async def test_a_separate_user_for_onvif_leaves_the_streams_to_rtsp(gateway: ZeepOnvifGateway) -> None:
    """Quirk 11: ONVIF refuses the user that RTSP accepts (agsh/onvif issue 112)."""
    camera = SimulatedCamera("gate", Codec.H264, small(quirks=frozenset({Quirk.ONVIF_ACCOUNT})))
    async with SimulatedSite([camera]):
        told = await found(gateway, at(camera), RIGHT)
        assert camera.state.refusals == 1
    assert (told.protocol, told.port, told.rung) == ("rtsp", camera.rtsp_port, Rung.DESCRIBED)
    assert told.credential == 0


async def test_a_stream_with_a_wrong_port_is_found_at_an_open_one(gateway: ZeepOnvifGateway) -> None:
    """Quirk 14: stream addresses name port 80 (cdavis-code/easy_onvif_workspace issue 39)."""
    camera = SimulatedCamera("gate", Codec.H264, small(quirks=frozenset({Quirk.STREAM_PORT_WRONG})))
    async with SimulatedSite([camera]):
        told = await found(gateway, at(camera), RIGHT)
    assert told.rung is Rung.DESCRIBED
    assert {stream.port for stream in told.channels[0].streams} == {camera.rtsp_port}


async def test_a_stream_that_names_another_host_is_shown_where_we_reached_it(gateway: ZeepOnvifGateway) -> None:
    camera = SimulatedCamera("gate", Codec.H264, small())
    async with SimulatedSite([camera]) as site:
        await site.set_fault("gate", Fault.ADDRESS_WRONG)
        told = await found(gateway, at(camera), RIGHT)
    assert (told.rung, told.reasons) == (Rung.DESCRIBED, (Reason.ADDRESS_REWRITTEN,))
    assert told.named_addresses == ("192.0.2.1",)


async def test_a_camera_without_onvif_is_found_by_its_paths(gateway: ZeepOnvifGateway) -> None:
    async with RtspHost(Manners(paths={"/stream1": SDP, "/stream2": SDP}, guards="all")) as host:
        candidate = Candidate(host.address, seen_by=("tcp",), rtsp_ports=(host.port,))
        told = await found(gateway, candidate, Credentials(username="admin", password="right", version=1))
    assert (told.protocol, told.port, told.rung) == ("rtsp", host.port, Rung.DESCRIBED)
    assert [stream.path for stream in told.channels[0].streams] == ["/stream1", "/stream2"]
    assert told.mac == "aa:bb:cc:00:00:01"


async def test_gst_rtsp_server_without_onvif_is_found_by_its_paths(gateway: ZeepOnvifGateway) -> None:
    """A server that none of us wrote; it answers 401 to anything."""
    paths = ("/Streaming/Channels/101", "/Streaming/Channels/102", "/Streaming/Channels/201")
    mounts = [GstMount(path=path, size="160x96") for path in paths]
    admin = Credentials(username="admin", password="gate 2021", version=1)
    async with GstServer(mounts, user="admin", password="gate 2021") as server:
        candidate = Candidate("127.0.0.1", seen_by=("tcp",), rtsp_ports=(server.port,))
        told = await found(gateway, candidate, WRONG, admin)
        assert (await found(gateway, candidate, WRONG)).reasons == (Reason.AUTH_FAILED,)
    assert (told.protocol, told.rung, told.credential) == ("rtsp", Rung.DESCRIBED, 1)
    assert [[stream.path for stream in channel.streams] for channel in told.channels] == [
        list(paths[:2]),
        list(paths[2:]),
    ]
    assert told.channels[0].streams[0].codec == "h264"


async def test_ipycam_is_asked_by_onvif_and_its_streams_are_described_where_they_are(
    gateway: ZeepOnvifGateway,
) -> None:
    """ipycam 1.3.0 names an inner address for itself; its stream is served by gst-rtsp-server."""
    admin = Credentials(username="admin", password="gate 2021", version=1)
    mounts = [GstMount(path=path, size="160x96") for path in ("/video_main", "/video_sub")]
    async with GstServer(mounts, user="admin", password="gate 2021") as server:
        options = ("--username", "admin", "--password", "gate 2021", "--named-address", "10.1.2.3")
        with IpycamPeer(*options, "--rtsp-port", str(server.port)) as peer:
            candidate = Candidate("127.0.0.1", seen_by=("tcp",), onvif=(OnvifDoor(peer.port),))
            told = await found(gateway, candidate, admin)
    assert (told.protocol, told.manufacturer, told.rung) == ("onvif", "PythonCam", Rung.DESCRIBED)
    assert told.named_addresses == ("10.1.2.3",)
    assert {stream.path for stream in told.channels[0].streams} == {"/video_main", "/video_sub"}


async def test_a_web_page_is_no_device_unless_somebody_named_it(gateway: ZeepOnvifGateway) -> None:
    page = html("Welcome")
    operations = ("GetSystemDateAndTime", "GetDeviceInformation", "GetServices", "GetCapabilities", "GetProfiles")
    with OnvifDevice(answers={name: lambda _: page for name in operations}) as device:
        door = OnvifDoor(device.port)
        assert await ask(gateway, Candidate("127.0.0.1", seen_by=("tcp",), onvif=(door,)), [RIGHT]) is None
        named = await found(gateway, Candidate("127.0.0.1", onvif=(door,), named=True), RIGHT)
        probed = await found(gateway, Candidate("127.0.0.1", onvif=(door,), answered_probe=True), RIGHT)
        assert device.signed == []
    for told in (named, probed):
        assert (told.protocol, told.rung, told.reasons) == ("unknown", Rung.REACHABLE, (Reason.ONVIF_FAILED,))


async def test_a_named_host_where_nothing_listens_is_told(gateway: ZeepOnvifGateway) -> None:
    async with RtspHost(Manners()) as gone:
        port = gone.port
    told = await found(gateway, Candidate("127.0.0.1", onvif=(OnvifDoor(port),), rtsp_ports=(port,), named=True))
    assert (told.protocol, told.rung, told.reasons) == ("unknown", Rung.UNREACHABLE, (Reason.REFUSED,))


async def test_a_host_that_hangs_costs_one_silence_at_each_door() -> None:
    gateway = ZeepOnvifGateway(limits=HttpLimits(connect_s=0.5, read_s=0.5, call_s=0.5))
    try:
        async with RtspHost(Manners(hangs=True)) as host:
            doors = tuple(OnvifDoor(host.port, f"/{number}") for number in range(8))
            candidate = Candidate("127.0.0.1", onvif=doors, rtsp_ports=(host.port,), named=True)
            began = time.monotonic()
            told = await found(gateway, candidate, RIGHT)
            assert time.monotonic() - began < 3.0
    finally:
        await gateway.close()
    assert (told.protocol, told.rung, told.reasons) == ("unknown", Rung.REACHABLE, (Reason.TIMEOUT,))
