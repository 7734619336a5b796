"""Sessions inside TLS: with a camera that none of us wrote, and with scripted ones that are not what they were."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.rtsp.upstream import UpstreamLimits
from services.runtime.certificates import RunCertificate, make_run_certificate
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.rtsp.upstreams import QUICK, fault_of_opening, watched

CREDENTIALS = Credentials(username="admin", password="right", version=1)


@pytest.fixture
def shown() -> Iterator[RunCertificate]:
    """What the camera shows."""
    certificate = make_run_certificate("camera")
    yield certificate
    certificate.remove()


def digest_of(certificate: RunCertificate) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.certificate_pem)).hexdigest()


def served(certificate: RunCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return context


async def test_a_camera_of_another_make_plays_inside_tls(shown: RunCertificate, tmp_path: Path) -> None:
    both = tmp_path / "camera.pem"
    both.write_bytes(shown.certificate_file.read_bytes() + shown.key_file.read_bytes())
    mount = GstMount(path="/cam", fps=25, gop=25, size="320x240")
    async with (
        GstServer([mount], user="admin", password="right", certificate=both) as gst,
        watched(gst.port, CREDENTIALS, limits=UpstreamLimits(), tls=True) as watch,
    ):
        await watch.open()
        assert watch.upstream.certificate == digest_of(shown)
        assert watch.upstream.auth is AuthOutcome.ACCEPTED
        await watch.frames(50)
        counters = watch.upstream.counters
        assert (counters.sequence_gaps, counters.bad_packets) == (0, 0)
        assert counters.key_frames >= 2
        assert watch.rungs[-1] is Rung.PLAYING


async def test_the_session_is_kept_and_ended_inside_tls(shown: RunCertificate) -> None:
    script = Script(session="4711;timeout=1")
    async with ScriptedCamera(script, tls=served(shown)) as camera:
        async with watched(camera.port, tls=True, certificate=digest_of(shown)) as watch:
            await watch.open()
            visits = 0

            def count(_: float) -> None:
                nonlocal visits
                visits += 1

            watch.upstream.on_visit = count
            await watch.until(lambda: camera.methods.count("GET_PARAMETER") >= 2)
            assert visits > 5
        assert camera.methods[-1] == "TEARDOWN"
        so_far = visits
        await asyncio.sleep(0.1)
        assert visits == so_far
    assert camera.heard[0].uri.startswith(f"rtsps://127.0.0.1:{camera.port}/")


async def test_nothing_is_said_to_a_camera_with_another_certificate(shown: RunCertificate) -> None:
    async with ScriptedCamera(Script(password="right"), tls=served(shown)) as camera:
        async with watched(camera.port, CREDENTIALS, tls=True, certificate="0" * 64) as watch:
            fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung, fault.auth) == (Reason.CERTIFICATE_CHANGED, Rung.REACHABLE, None)
        await asyncio.sleep(0.1)  # what we sent would have come by now
        assert not camera.open_connections
        assert camera.heard == []


async def test_a_camera_without_tls_is_told_as_such() -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port, CREDENTIALS, tls=True) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.REACHABLE)
        assert "TLS" in fault.detail
        assert camera.heard == []


async def test_a_handshake_that_does_not_end_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with watched(port, limits=replace(QUICK, reply_s=0.2), tls=True) as watch:
            fault = await fault_of_opening(watch)
    assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.REACHABLE)


async def test_a_camera_that_goes_away_inside_tls_is_noticed(shown: RunCertificate) -> None:
    async with ScriptedCamera(Script(), tls=served(shown)) as camera, watched(camera.port, tls=True) as watch:
        await watch.open()
        await watch.frames(5)
        for writer in tuple(camera.open_connections):
            writer.transport.abort()
        fault = await watch.ended()
        assert fault is not None
        assert (fault.reason, fault.rung) == (Reason.ENDED, Rung.PLAYING)
