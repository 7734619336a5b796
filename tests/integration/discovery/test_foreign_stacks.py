"""Stacks that none of us wrote, each in a network of its own: found, asked what they are, and played.

ipycam 1.3.0 (PyPI) and gst-rtsp-server 1.22 (Debian).
"""

from collections.abc import Iterator
from ipaddress import ip_network
from uuid import UUID

import pytest

from services.contracts.camera import Credentials, RtspSource
from services.contracts.discovery import DiscoveryOrder, DiscoveryReport, Found, FoundChannel
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.discovery.scan import Scan, ScanLimits
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import Upstream
from services.runtime.clock import SystemClock
from tests.harness.gst_server import GstMount, GstServer
from tests.harness.ipycam import IpycamCamera
from tests.harness.namespace import Namespace
from tests.integration.rtsp.players import Seen, watch_with_pyav
from tests.integration.rtsp.upstreams import Watched

NETWORK = "10.78.0.0/24"
OURS, THEIRS = "10.78.0.1", "10.78.0.2"
RIGHT = Credentials(username="admin", password='p@ss:w/rd?#% "é"', version=1)
WRONG = Credentials(username="admin", password="not this", version=2)


@pytest.fixture
def here() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def there(here: Namespace) -> Iterator[Namespace]:
    """The network at the other end of a cable. Multicast has a way there, as in any machine with a default route."""
    with Namespace() as namespace:
        here.join(namespace, here=f"{OURS}/24", there=f"{THEIRS}/24")
        namespace.ip("route", "add", "224.0.0.0/4", "dev", "cable1")
        yield namespace


async def search(here: Namespace, *sets: Credentials, hosts: tuple[str, ...] = ()) -> DiscoveryReport:
    """A whole search by multicast and of the single address, as a worker runs it."""
    order = DiscoveryOrder(
        discovery_id=UUID(int=1),
        facility_id=UUID(int=2),
        reach="",
        hosts=hosts or (THEIRS,),
        multicast=True,
        interfaces=(OURS,),
        credentials=sets,
    )

    async def ignore(_: DiscoveryReport) -> None:
        return

    with here.entered():
        gateway = ZeepOnvifGateway(threads=4)
        networks = CameraNetworks([ip_network(NETWORK)])
        limits = ScanLimits(window_s=1.0)
        try:
            return await Scan(order, gateway, networks, SystemClock(), ignore, limits=limits).run()
        finally:
            await gateway.close()


async def only(here: Namespace, *sets: Credentials) -> Found:
    """The one finding of a search."""
    report = await search(here, *sets)
    assert report.status == "done"
    (found,) = report.found
    assert found.address == THEIRS
    return found


async def play(here: Namespace, channel: FoundChannel, role: str, login: Credentials | None) -> Seen:
    """Play a stream that was found for two seconds, as a worker does: our session, the relay, PyAV behind it."""
    stream = next(one for one in channel.streams if one.role == role)
    with here.entered():
        reactor, relay = Reactor(SystemClock(), pause_max_s=0.05), Relay()
        source = RtspSource(address=THEIRS, port=stream.port, path=stream.path)
        watch = Watched(Upstream(source, login, clock=SystemClock(), reactor=reactor, hold_gop=True), [])
        await relay.start()
        try:
            await watch.open()
            return await watch_with_pyav(relay.mount(watch.upstream, client_max_s=20), 2.0)
        finally:
            await watch.close()
            await relay.close()
            reactor.close()


async def test_ipycam(here: Namespace, there: Namespace) -> None:
    """Whole, as its makers run it; but it names an address inside NAT. Its RTSP wants no password (as measured)."""
    options = ("--username", "admin", "--password", RIGHT.password, "--named-address", "10.1.2.3")
    with there.entered(), IpycamCamera(*options):
        found = await only(here, RIGHT)
        channel = found.channels[0]
        main, sub = (await play(here, channel, "main", RIGHT)), (await play(here, channel, "sub", None))
        refused = await only(here, WRONG)
    assert {"multicast", "probe", "host"} <= set(found.seen_by)
    assert (found.protocol, found.port, found.named_addresses) == ("onvif", 8080, ("10.1.2.3",))
    assert (found.manufacturer, found.model, found.serial) == ("PythonCam", "VirtualCam-1", "PY-000001")
    assert (found.auth_mode, found.rung, found.refusals) == ("wsse", Rung.DESCRIBED, ())
    assert found.reasons == (Reason.ADDRESS_REWRITTEN,)
    assert len(found.channels) == 1
    assert {(stream.role, stream.port, stream.path) for stream in channel.streams} == {
        ("main", 8554, "/video_main"),
        ("sub", 8554, "/video_sub"),
    }
    assert (main.codec, main.size) == ("h264", (640, 360))
    assert (sub.codec, sub.size) == ("h264", (320, 180))
    assert min(main.frames, sub.frames) >= 20
    assert (refused.reasons, refused.channels) == ((Reason.AUTH_FAILED,), ())
    assert [(refusal.credential, refusal.count) for refusal in refused.refusals] == [(0, 1)]


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_gst_rtsp_server(here: Namespace, there: Namespace, codec: str) -> None:
    """No ONVIF at all: its streams are found by the paths of a brand, with its digest authentication."""
    mounts = [
        GstMount(path="/Streaming/Channels/101", codec=codec, size="640x360"),
        GstMount(path="/Streaming/Channels/102", codec=codec, size="320x180"),
    ]
    with there.entered():
        async with GstServer(mounts, user=RIGHT.username, password=RIGHT.password, bind=THEIRS, port=554):
            found = await only(here, RIGHT)
            played = await play(here, found.channels[0], "main", RIGHT)
    assert (found.protocol, found.port, found.rung, found.reasons) == ("rtsp", 554, Rung.DESCRIBED, ())
    assert [(stream.role, stream.path, stream.codec) for stream in found.channels[0].streams] == [
        ("main", "/Streaming/Channels/101", codec),
        ("sub", "/Streaming/Channels/102", codec),
    ]
    assert (played.codec, played.size, played.complaints) == ({"h264": "h264", "h265": "hevc"}[codec], (640, 360), ())
