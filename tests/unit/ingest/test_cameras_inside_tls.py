"""Cameras inside TLS: the first certificate is kept, another one is not spoken to, and a worker has room for so many."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator

import pytest

from services.contracts.camera import CameraAssignment
from services.contracts.errors import Unavailable
from services.contracts.ladder import Reason, Rung
from services.ingest.tls_slots import TlsSlots
from services.runtime.certificates import RunCertificate, make_run_certificate
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.doubles.watching import Seen, watching

PASSWORD = "right"
ANOTHER = "0" * 64


@pytest.fixture
def shown() -> Iterator[RunCertificate]:
    """What the camera shows."""
    certificate = make_run_certificate("camera")
    yield certificate
    certificate.remove()


def digest_of(certificate: RunCertificate) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.certificate_pem)).hexdigest()


def served(*certificates: RunCertificate) -> ssl.SSLContext:
    """A context that shows the last of these."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for certificate in certificates:
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return context


def camera_of(shown: RunCertificate) -> ScriptedCamera:
    return ScriptedCamera(Script(password=PASSWORD), tls=served(shown))


async def cut(camera: ScriptedCamera) -> None:
    """The camera ends all its connections."""
    for writer in tuple(camera.open_connections):
        writer.transport.abort()


async def reconnected(seen: Seen, camera: ScriptedCamera, connections: int) -> None:
    async with asyncio.timeout(4):
        while camera.connections < connections:
            await asyncio.sleep(0.005)
    await seen.up()


async def test_the_first_certificate_is_kept_by_the_directory(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera, watching(camera, password=PASSWORD) as seen:
        await seen.up()
        assert seen.directory.certificates == {seen.assignment.camera_id: digest_of(shown)}
        await cut(camera)
        await reconnected(seen, camera, 2)
        assert seen.directory.calls.count("record_certificate") == 1


async def test_a_certificate_that_is_known_needs_no_word(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera:
        async with watching(camera, password=PASSWORD, certificate=digest_of(shown)) as seen:
            await seen.up()
        assert "record_certificate" not in seen.directory.calls


async def test_another_certificate_gets_no_credentials_and_no_request(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera:
        async with watching(camera, password=PASSWORD, certificate=ANOTHER) as seen:
            report = await seen.down()
        assert (report.rung, report.reasons) == (Rung.REACHABLE, (Reason.CERTIFICATE_CHANGED,))
        assert camera.heard == []
        assert seen.directory.auth == []


async def test_a_certificate_that_changes_while_we_watch_is_noticed_at_the_reconnect(shown: RunCertificate) -> None:
    replacement = make_run_certificate("somebody else")
    try:
        async with camera_of(shown) as camera, watching(camera, password=PASSWORD) as seen:
            await seen.up()
            so_far = len(camera.heard)
            assert camera.tls is not None
            camera.tls.load_cert_chain(replacement.certificate_file, replacement.key_file)
            await cut(camera)
            report = await seen.down()
            assert report.reasons == (Reason.CERTIFICATE_CHANGED,)
            assert [heard.method for heard in camera.heard[so_far:]] == []
    finally:
        replacement.remove()


async def test_a_camera_that_was_saved_anew_may_show_another(shown: RunCertificate) -> None:
    replacement = make_run_certificate("the new device")
    try:
        async with camera_of(shown) as camera, watching(camera, password=PASSWORD) as seen:
            await seen.up()
            assert camera.tls is not None
            camera.tls.load_cert_chain(replacement.certificate_file, replacement.key_file)
            await cut(camera)
            await seen.down()
            seen.directory.certificates.clear()
            anew: CameraAssignment = seen.directory.change(seen.assignment.camera_id)
            seen.session.update(anew)
            await seen.up()
            assert seen.directory.certificates == {seen.assignment.camera_id: digest_of(replacement)}
    finally:
        replacement.remove()


async def test_what_another_worker_saw_first_holds(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera, watching(camera, password=PASSWORD) as seen:
        seen.directory.certificates[seen.assignment.camera_id] = ANOTHER
        report = await seen.down()
        assert report.reasons == (Reason.CERTIFICATE_CHANGED,)


async def test_a_directory_that_is_away_does_not_darken_the_camera(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera, watching(camera, password=PASSWORD) as seen:
        seen.directory.failing_in["record_certificate"] = Unavailable("away")
        await seen.up()


async def test_without_room_inside_tls_nothing_is_said_of_the_camera(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera:
        async with watching(camera, password=PASSWORD, tls_cameras_max=0) as seen:
            await asyncio.sleep(0.3)
            assert not any(report.settled for report in seen.bus.reports)
        assert camera.connections == 0


async def test_a_slot_is_given_back_when_the_camera_is_left(shown: RunCertificate) -> None:
    async with camera_of(shown) as camera:
        async with watching(camera, password=PASSWORD, tls_cameras_max=1) as seen:
            slots = seen.session._tools.tls_slots
            await seen.up()
            assert slots.taken == 1
            await cut(camera)
            await reconnected(seen, camera, 2)
            assert slots.taken == 1
        assert slots.taken == 0


async def test_cameras_without_tls_take_no_slot() -> None:
    async with ScriptedCamera(Script()) as camera, watching(camera, tls_cameras_max=0) as seen:
        await seen.up()
        assert seen.directory.certificates == {}


def test_slots_are_counted() -> None:
    slots = TlsSlots(1)
    slots.take()
    with pytest.raises(Unavailable):
        slots.take()
    slots.give_back()
    slots.take()
