"""What a worker serves to the API over pinned TLS, asked with the clients that the API uses."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from services.contracts.camera import AuthOutcome, Channel, Credentials, DeviceFacts, Interrogation, OnvifSource
from services.contracts.errors import NotFound, ServiceError, Unauthenticated, Unavailable
from services.contracts.ids import CameraId, new_id
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.contracts.worker_endpoint import ClockSet, WorkerEndpoint
from services.ingest.faults import CameraFault
from services.ingest.live import LiveMuxers
from services.ingest.media_endpoint import media_app
from services.ingest.rtsp.relay import Relay
from services.live.worker_hls import NobodyWatches, NotPlaying, SegmentGone, WorkerHls
from services.registry.ports import InterrogationFailed
from services.registry.worker_interrogator import WorkerInterrogator
from services.runtime.certificates import make_run_certificate
from services.runtime.clock import SystemClock
from services.runtime.http_client import HttpClient, pinned_to
from services.runtime.http_server import HttpServer
from services.runtime.worker_clients import WorkerClients
from tests.doubles.ingest_tools import NoOnvif
from tests.doubles.media import ScriptedMedia
from tests.doubles.upstream import ScriptedUpstream

TOKEN = "a token of this run"
CAMERA = new_id()
DEVICE = OnvifSource(address="10.20.3.5", port=80)
LOGIN = Credentials(username="admin", password='p@ss:w/rd?#%"é', version=1)
TOLD = Interrogation(device=DeviceFacts(maker="Hãng"), channels=())
TOLD_ALL = Interrogation(device=DeviceFacts(maker="Hãng"), channels=(Channel(profile="1", name="1"),))


class Device(NoOnvif):
    """Satisfies ``ingest.ports.OnvifGateway``."""

    def __init__(self) -> None:
        self.asked: list[tuple[OnvifSource, Credentials | None]] = []
        self.fault: CameraFault | None = None

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        self._ask(source, credentials)
        return TOLD_ALL if every_channel else TOLD

    async def set_clock(self, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        self._ask(source, credentials)
        return ClockSet(offset_before_s=-3600.0, offset_after_s=0.5)

    async def try_sign_in(self, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        self._ask(source, credentials)
        return AuthOutcome.REFUSED

    def _ask(self, source: OnvifSource, credentials: Credentials | None) -> None:
        self.asked.append((source, credentials))
        if self.fault is not None:
            raise self.fault


@dataclass
class Desk:
    """Satisfies ``Endpoints`` of both: which worker is where."""

    endpoint: WorkerEndpoint | None

    async def endpoint_for_camera(self, camera_id: CameraId) -> WorkerEndpoint | None:
        return self.endpoint

    async def endpoint_for_reach(self, reach: str) -> WorkerEndpoint | None:
        return self.endpoint


@dataclass
class Rig:
    endpoint: WorkerEndpoint
    media: ScriptedMedia
    device: Device
    hls: WorkerHls
    interrogator: WorkerInterrogator
    clients: WorkerClients

    def of(self, **other: object) -> WorkerHls:
        """Live media as the API sees it when it knows another endpoint."""
        endpoint = self.endpoint.model_copy(update={"worker_id": new_id(), **other})
        return WorkerHls(Desk(endpoint), self.clients)


@pytest.fixture
async def worker() -> AsyncIterator[Rig]:
    media, device, relay, clock = ScriptedMedia(), Device(), Relay(), SystemClock()
    upstream = ScriptedUpstream(clock)
    upstream.track = object()  # type: ignore[assignment]
    feeds = {CAMERA: upstream.as_upstream()}
    live = LiveMuxers(feeds.get, relay, media, 1, clock, first_segment_s=0.5)
    certificate = make_run_certificate("worker-1")
    app = media_app(TOKEN, live, device, CameraNetworks([ip_network("10.20.0.0/16")]))
    server = HttpServer(
        app, "127.0.0.1", 0, certificate=certificate.certificate_file, key=certificate.key_file, graceful_s=1
    )
    port = await server.start()
    endpoint = WorkerEndpoint(
        worker_id=new_id(),
        url=f"https://127.0.0.1:{port}",
        certificate_pem=certificate.certificate_pem,
        token=TOKEN,
    )
    clients = WorkerClients(timeout_s=5.0)
    desk = Desk(endpoint)
    yield Rig(endpoint, media, device, WorkerHls(desk, clients), WorkerInterrogator(desk, clients), clients)
    await clients.close()
    await server.stop()
    await live.close()
    certificate.remove()
    assert not certificate.key_file.exists()


async def test_window_init_and_segment_come_through(worker: Rig) -> None:
    mux = worker.media.mux("not opened")
    worker.media.mux = lambda url: mux  # type: ignore[method-assign]
    mux.init(b"init")
    mux.segment(bytes(3_000_000), duration_s=1.5)
    window = await worker.hls.window(CAMERA)
    (segment,) = window.segments
    assert (window.codec, segment.duration_s) == ("avc1.42c01e", 1.5)
    assert await worker.hls.init(CAMERA, segment.init) == b"init"
    assert await worker.hls.segment(CAMERA, segment.index) == bytes(3_000_000)
    with pytest.raises(SegmentGone):
        await worker.hls.segment(CAMERA, segment.index + 1)


async def test_a_camera_that_gives_nothing_is_unavailable(worker: Rig) -> None:
    with pytest.raises(NotPlaying):
        await worker.hls.window(CAMERA)
    with pytest.raises(NotPlaying):
        await worker.hls.window(new_id())
    with pytest.raises(NobodyWatches):
        await WorkerHls(Desk(None), worker.clients).window(CAMERA)


async def test_another_certificate_is_refused(worker: Rig) -> None:
    other = make_run_certificate("worker-1")
    with pytest.raises(NotPlaying):
        await worker.of(certificate_pem=other.certificate_pem).window(CAMERA)
    other.remove()
    assert worker.media.muxes == []


async def test_a_wrong_token_is_refused_and_no_matter_of_the_viewer(worker: Rig) -> None:
    client = HttpClient(worker.endpoint.url, "another token", pinned_to(worker.endpoint.certificate_pem), timeout_s=5.0)
    for method, path in (
        ("GET", f"/hls/{CAMERA}/window"),
        ("GET", f"/hls/{CAMERA}/init/0"),
        ("GET", f"/hls/{CAMERA}/segment/0"),
        ("POST", "/interrogations"),
    ):
        with pytest.raises(Unauthenticated):
            await client.request(method, path)
    await client.close()
    with pytest.raises(ServiceError) as refused:
        await worker.of(token="another token").window(CAMERA)
    assert isinstance(refused.value, Unavailable), "a viewer cannot do anything about it"
    assert worker.media.muxes == []
    assert worker.device.asked == []


async def test_plain_http_gets_nothing(worker: Rig) -> None:
    client = HttpClient(worker.endpoint.url.replace("https", "http"), TOKEN, ssl.create_default_context(), timeout_s=2)
    with pytest.raises(Unavailable):
        await client.request("GET", f"/hls/{CAMERA}/window")
    await client.close()


async def test_an_interrogation_is_carried_to_the_device_and_back(worker: Rig) -> None:
    assert await worker.interrogator.interrogate("default", DEVICE, LOGIN) == TOLD
    assert worker.device.asked == [(DEVICE, LOGIN)]
    assert await worker.interrogator.interrogate("default", DEVICE, None) == TOLD
    assert await worker.interrogator.interrogate("default", DEVICE, LOGIN, every_channel=True) == TOLD_ALL


async def test_a_clock_is_set_and_a_sign_in_tried_by_the_worker(worker: Rig) -> None:
    assert await worker.interrogator.set_clock("default", DEVICE, LOGIN) == ClockSet(
        offset_before_s=-3600.0, offset_after_s=0.5
    )
    assert await worker.interrogator.try_sign_in("default", DEVICE, LOGIN) is AuthOutcome.REFUSED
    worker.device.fault = CameraFault(Reason.TIMEOUT, Rung.UNREACHABLE)
    for asking in (
        worker.interrogator.set_clock("default", DEVICE, LOGIN),
        worker.interrogator.try_sign_in("default", DEVICE, LOGIN),
    ):
        with pytest.raises(InterrogationFailed) as failed:
            await asking
        assert failed.value.reason is Reason.TIMEOUT


async def test_the_fault_of_a_device_is_carried_back(worker: Rig) -> None:
    worker.device.fault = CameraFault(Reason.AUTH_FAILED, Rung.ANSWERING, "401", auth=AuthOutcome.REFUSED)
    with pytest.raises(InterrogationFailed) as failed:
        await worker.interrogator.interrogate("default", DEVICE, LOGIN)
    assert (failed.value.reason, failed.value.auth) == (Reason.AUTH_FAILED, AuthOutcome.REFUSED)


async def test_a_device_outside_the_networks_of_the_worker_is_not_asked(worker: Rig) -> None:
    with pytest.raises(InterrogationFailed) as failed:
        await worker.interrogator.interrogate("default", OnvifSource(address="127.0.0.1", port=80), LOGIN)
    assert failed.value.reason is Reason.ADDRESS_REFUSED
    assert worker.device.asked == []


async def test_a_worker_that_is_gone_is_lost_and_none_at_all_does_not_watch(worker: Rig) -> None:
    gone = worker.endpoint.model_copy(update={"worker_id": new_id(), "url": "https://127.0.0.1:1"})
    for endpoint, reason in ((gone, Reason.WORKER_LOST), (None, Reason.NOT_WATCHED)):
        with pytest.raises(InterrogationFailed) as failed:
            await WorkerInterrogator(Desk(endpoint), worker.clients).interrogate("default", DEVICE, LOGIN)
        assert failed.value.reason is reason


async def test_a_question_that_is_none_or_too_long_is_refused(worker: Rig) -> None:
    client = await worker.clients.client(worker.endpoint)
    for body in (b"{}", b"[", b"x" * 100_000):
        with pytest.raises(ServiceError):
            await client.request("POST", "/interrogations", content=body)
    with pytest.raises(NotFound):
        await client.request("GET", "/hls/no-id/window")
    assert worker.device.asked == []


async def test_a_server_with_a_bad_certificate_does_not_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("tls")
    (directory / "tls.crt").write_text("no certificate")
    (directory / "tls.key").write_text("no key")
    live = LiveMuxers(lambda _: None, Relay(), ScriptedMedia(), 1, SystemClock())
    app = media_app(TOKEN, live, Device(), CameraNetworks([]))
    for certificate in (directory / "tls.crt", directory / "missing.crt"):
        server = HttpServer(app, "127.0.0.1", 0, certificate=certificate, key=directory / "tls.key")
        with pytest.raises(OSError, match="certificate"):
            await server.start()
        await server.stop()
