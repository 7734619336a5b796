"""One search over a site on which each device has one quirk of the simulator. The simulator shares no code with us."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from uuid import UUID

import pytest

from services.contracts.camera import Credentials
from services.contracts.discovery import DiscoveryOrder, DiscoveryReport, Found
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.discovery.scan import Scan, ScanLimits
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.runtime.clock import SystemClock
from services.simulator.device import DeviceSetup, SimulatedCamera
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec, StreamFormat
from services.simulator.quirks import Quirk
from services.simulator.scene import PictureSize
from services.simulator.site import SimulatedSite
from tests.harness.namespace import Namespace

NETWORK = "10.79.0.0/24"
LOGIN = Credentials(username="admin", password="p@ss:w/rd?#%", version=1)
#: What a device with this quirk would refuse if we did it wrong shows only under WS-Security.
WSSE = frozenset(
    {
        Quirk.CLOCK_1970,
        Quirk.CREATED_Z_ONLY,
        Quirk.SHORT_TOKENS_ONLY,
        Quirk.NONCE_LOCK,
        Quirk.NO_WSSE_PREFIX,
        Quirk.UNDECLARED_PREFIX,
        Quirk.SNAPSHOT_BASIC,
    }
)
H265 = frozenset({Quirk.H265_IN_MEDIA2_ONLY})


@dataclass(frozen=True)
class Outcome:
    """What has to be said of a device."""

    protocol: str = "onvif"
    rung: Rung = Rung.DESCRIBED
    reasons: tuple[Reason, ...] = ()
    streams: int = 2


BY_RTSP = Outcome(protocol="rtsp")
#: Of the others nobody should notice anything.
SPECIAL = {
    Quirk.CLOCK_1970: Outcome(reasons=(Reason.CLOCK_SKEW,)),
    Quirk.STREAM_HOST_WRONG: Outcome(reasons=(Reason.ADDRESS_REWRITTEN,)),
    # Nothing tells which of the two is the smaller one.
    Quirk.ENCODER_WITHOUT_FACTS: Outcome(streams=1),
    # ONVIF cannot be had in time or at all. The paths of the brand can.
    Quirk.ONVIF_OFF: BY_RTSP,
    Quirk.ONVIF_ACCOUNT: BY_RTSP,
    Quirk.HTML: BY_RTSP,
    Quirk.REDIRECT_HTTPS: BY_RTSP,
    Quirk.SLOW_ANSWERS: BY_RTSP,
    Quirk.HANGS: BY_RTSP,
}
#: The account is wrong for ONVIF and right for RTSP: one attempt finds out.
REFUSALS = {Quirk.ONVIF_ACCOUNT: 1}
#: Hosts that are named instead of the device's own.
NAMED = {
    Quirk.STREAM_HOST_WRONG: {"127.0.1.1"},
    Quirk.SEVERAL_XADDRS: {"192.0.2.1", "2001:db8::1234", "169.254.12.34", "fe80::1234"},
    Quirk.STALE_XADDR: {"198.51.100.7"},
}


def outcome(found: Found) -> Outcome:
    streams = sum(len(channel.streams) for channel in found.channels)
    return Outcome(found.protocol, found.rung, found.reasons, streams)


def devices() -> list[SimulatedCamera]:
    return [
        SimulatedCamera(
            quirk.value,
            Codec.H265 if quirk in H265 else Codec.H264,
            DeviceSetup(
                host=f"10.79.0.{number}",
                onvif_port=80,
                rtsp_port=554,
                username=LOGIN.username,
                password=LOGIN.password,
                auth_mode=AuthMode.WSSE if quirk in WSSE else AuthMode.DIGEST,
                main=StreamFormat(PictureSize(160, 96), fps=5, kbps=60),
                sub=StreamFormat(PictureSize(128, 96), fps=5, kbps=40),
                label="quirky",
                quirks=frozenset({quirk}),
                discoverable=True,
            ),
            paths=("/Streaming/Channels/101", "/Streaming/Channels/102"),
        )
        for number, quirk in enumerate(Quirk, start=10)
    ]


@pytest.fixture
async def site() -> AsyncIterator[SimulatedSite]:
    with Namespace() as namespace:
        namespace.add_local_network(NETWORK)
        with namespace.entered():
            async with SimulatedSite(devices(), "quirky") as site:
                yield site


async def test_each_quirk_is_lived_with_or_named(site: SimulatedSite) -> None:
    order = DiscoveryOrder(
        discovery_id=UUID(int=1),
        facility_id=UUID(int=2),
        reach="",
        networks=(NETWORK,),
        multicast=True,
        credentials=(LOGIN,),
    )

    async def ignore(_: DiscoveryReport) -> None:
        return

    gateway = ZeepOnvifGateway(threads=16)
    try:
        networks = CameraNetworks([ip_network(NETWORK)])
        report = await Scan(order, gateway, networks, SystemClock(), ignore, limits=ScanLimits(window_s=1.0)).run()
    finally:
        await gateway.close()
    quirks = {device.host: Quirk(device.name) for device in site.devices}
    found = {quirks[one.address]: one for one in report.found}
    assert {quirk: outcome(one) for quirk, one in found.items()} == {
        quirk: SPECIAL.get(quirk, Outcome()) for quirk in Quirk
    }
    # No quirk makes us spend an attempt that another way of asking would have spared.
    refusals = {Quirk(device.name): device.state.refusals for device in site.devices if device.state.refusals}
    assert refusals == REFUSALS
    assert {quirk: set(one.named_addresses) for quirk, one in found.items() if one.named_addresses} == NAMED
    assert {found[quirk].channels[0].streams[0].codec for quirk in H265} == {"h265"}
    for quirk, one in found.items():
        for stream in (stream for channel in one.channels for stream in channel.streams):
            assert (stream.port, stream.path) in {
                (554, "/Streaming/Channels/101"),
                (554, "/Streaming/Channels/102"),
            }, quirk
            assert LOGIN.password not in (stream.original_uri or "")
            assert "p%40ss" not in (stream.original_uri or "")
    typed = {Quirk.TYPED_PROBES_ONLY, Quirk.UNTYPED_PROBES_ONLY, Quirk.BARE_MATCH, Quirk.SAME_MESSAGE_ID}
    assert all("multicast" in found[quirk].seen_by for quirk in typed)
