"""HTTPS: certificates that are recognised, old TLS, and devices that send us there."""

import hashlib
import socket
import ssl
import threading
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from services.contracts.camera import Interrogation, OnvifSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.onvif.transport import HttpLimits
from tests.doubles.onvif_device import OnvifDevice, Request
from tests.doubles.onvif_messages import Response
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import credentials


class Certificate:
    """Signed by itself, long expired, in a file; ``sha256`` is what it is recognised by."""

    def __init__(self, directory: Path, name: str, *, bits: int = 2048) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2010, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        self.file = directory / f"{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
        self.sha256 = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context

    def old_context(self) -> ssl.SSLContext:
        """TLS 1.0 and 1.1 with the ciphers of their time, and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("AES128-SHA@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(self.file)
        return context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("tls"), "camera")


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("tls"), "another")


async def ask(
    gateway: ZeepOnvifGateway, device: OnvifDevice, *, tls: bool = True, certificate: str | None = None
) -> Interrogation:
    source = OnvifSource(address=device.address, port=device.port, tls=tls, certificate=certificate)
    return await gateway.interrogate(source, credentials(password="pw"))


@pytest.mark.parametrize("security", [WsSecurity("admin", "pw"), HttpDigest("admin", "pw")])
async def test_quirk_37_any_certificate_is_accepted_and_told(
    gateway: ZeepOnvifGateway, certificate: Certificate, security: WsSecurity | HttpDigest
) -> None:
    """home-assistant/core issue 41800, blakeblackshear/frigate pull request 15603: self-signed, expired."""
    with OnvifDevice(tls=certificate.context(), security=security, keeps=True) as device:
        told = await ask(gateway, device)
    assert told.device.certificate == certificate.sha256
    assert len(told.streams) == 2
    assert device.connections == 1


async def test_the_certificate_that_is_known_is_accepted(gateway: ZeepOnvifGateway, certificate: Certificate) -> None:
    with OnvifDevice(tls=certificate.context()) as device:
        assert (await ask(gateway, device, certificate=certificate.sha256)).device.certificate == certificate.sha256


async def test_quirk_37_another_certificate_is_told_and_nothing_is_said_to_it(
    gateway: ZeepOnvifGateway, certificate: Certificate, another: Certificate
) -> None:
    with OnvifDevice(tls=another.context(), security=WsSecurity("admin", "pw")) as device:
        with pytest.raises(CameraFault) as caught:
            await ask(gateway, device, certificate=certificate.sha256)
        source = OnvifSource(address=device.address, port=device.port, tls=True, certificate=certificate.sha256)
        with pytest.raises(CameraFault):
            await gateway.identify(source, credentials(password="pw"))
    assert (caught.value.reason, caught.value.rung) == (Reason.CERTIFICATE_CHANGED, Rung.REACHABLE)
    assert device.requests == []
    assert device.connections == 2


async def test_a_certificate_that_changes_within_a_visit_ends_it(
    gateway: ZeepOnvifGateway, certificate: Certificate, another: Certificate
) -> None:
    """One connection for each request; from the third on somebody else answers."""
    contexts = [certificate.context(), another.context()]
    context = contexts[0]
    context.sni_callback = lambda secured, _name, _context: None
    with OnvifDevice(tls=context) as device:

        def swap(request: Request) -> Response:
            # A context hands out what was loaded last to every later connection.
            context.load_cert_chain(another.file)
            return device.proper(request)

        device.script.answers = {"GetDeviceInformation": swap}
        with pytest.raises(CameraFault) as caught:
            await ask(gateway, device)
    assert caught.value.reason is Reason.CERTIFICATE_CHANGED
    assert device.operations == ["GetSystemDateAndTime", "GetDeviceInformation"]


async def test_quirk_37_a_device_with_old_tls_alone_is_reached_and_remembered(
    gateway: ZeepOnvifGateway, certificate: Certificate
) -> None:
    """FalkTannhaeuser/python-onvif-zeep issue 85, openvideolibs/python-onvif-zeep-async pull request 46."""
    with OnvifDevice(tls=certificate.old_context(), keeps=True) as device:
        told = await ask(gateway, device)
        assert len(told.streams) == 2
        assert device.connections == 2
        await ask(gateway, device)
        assert device.connections == 3


async def test_what_speaks_no_tls_is_no_onvif(gateway: ZeepOnvifGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_in_plain_text() -> None:
            for _ in range(2):  # the second is the attempt with old TLS
                connection, _ = server.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer_in_plain_text)
        thread.start()
        with pytest.raises(CameraFault) as caught:
            await gateway.identify(OnvifSource(address="127.0.0.1", port=server.getsockname()[1], tls=True), None)
        thread.join()
    assert (caught.value.reason, caught.value.rung) == (Reason.ONVIF_FAILED, Rung.REACHABLE)
    assert "TLS" in caught.value.detail


async def test_a_handshake_that_never_ends_costs_no_more_than_a_call() -> None:
    gateway = ZeepOnvifGateway(limits=HttpLimits(call_s=0.5))
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(CameraFault) as caught:
        await gateway.identify(OnvifSource(address="127.0.0.1", port=silent.getsockname()[1], tls=True), None)
    await gateway.close()
    assert (caught.value.reason, caught.value.rung) == (Reason.TIMEOUT, Rung.REACHABLE)


def sending_to(url: str, status: int) -> Response:
    return Response(b"", status, (("Location", url),))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_quirk_36_a_device_that_sends_us_to_https_is_asked_there_by_post(
    gateway: ZeepOnvifGateway, certificate: Certificate, status: int
) -> None:
    """lumeohq/onvif-rs issue 39, maciej-or/hikvision_next issue 231. The second visit goes there at once."""
    security = WsSecurity("admin", "pw")
    with (
        OnvifDevice(tls=certificate.context(), security=security, keeps=True) as secure,
        OnvifDevice(keeps=True) as plain,
    ):
        url = f"https://{secure.address}:{secure.port}/onvif/device_service"
        plain.script.answers = {"GetSystemDateAndTime": lambda _: sending_to(url, status)}
        told = await ask(gateway, plain, tls=False)
        assert len(told.streams) == 2
        assert told.device.certificate == certificate.sha256
        assert plain.operations == ["GetSystemDateAndTime"]
        assert secure.operations[0] == "GetSystemDateAndTime"
        await ask(gateway, plain, tls=False)
        assert plain.operations == ["GetSystemDateAndTime"]


async def test_quirk_36_a_pinned_certificate_holds_after_a_redirect_too(
    gateway: ZeepOnvifGateway, certificate: Certificate, another: Certificate
) -> None:
    with OnvifDevice(tls=another.context()) as secure, OnvifDevice() as plain:
        url = f"https://{secure.address}:{secure.port}/"
        plain.script.answers = {"GetSystemDateAndTime": lambda _: sending_to(url, 302)}
        with pytest.raises(CameraFault) as caught:
            await ask(gateway, plain, tls=False, certificate=certificate.sha256)
    assert caught.value.reason is Reason.CERTIFICATE_CHANGED
    assert secure.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.9:{port}/",
        "https://127.0.0.9:{port}/",
        "https://camera.example:{port}/",
        "//127.0.0.9:{port}/",
        "https://127.0.0.1@127.0.0.9:{port}/",
        "ftp://127.0.0.1:{port}/",
        "https://127.0.0.1:99999/",
        "",
    ],
)
async def test_quirk_36_nobody_else_is_asked(gateway: ZeepOnvifGateway, location: str) -> None:
    with OnvifDevice(address="127.0.0.9") as stranger, OnvifDevice() as plain:
        url = location.format(port=stranger.port)
        plain.script.answers = {"GetSystemDateAndTime": lambda _: sending_to(url, 302)}
        with pytest.raises(CameraFault) as caught:
            await ask(gateway, plain, tls=False)
    assert caught.value.reason is Reason.REDIRECTED
    assert stranger.connections == 0
    assert len(plain.requests) == 1


async def test_quirk_36_the_way_back_to_http_is_refused(gateway: ZeepOnvifGateway, certificate: Certificate) -> None:
    with OnvifDevice() as plain, OnvifDevice(tls=certificate.context()) as secure:
        url = f"http://{plain.address}:{plain.port}/onvif/device_service"
        secure.script.answers = {"GetSystemDateAndTime": lambda _: sending_to(url, 302)}
        with pytest.raises(CameraFault) as caught:
            await ask(gateway, secure)
    assert caught.value.reason is Reason.REDIRECTED
    assert plain.connections == 0


async def test_a_redirect_in_a_circle_is_followed_once(gateway: ZeepOnvifGateway) -> None:
    answers = {"GetSystemDateAndTime": lambda _: sending_to("/elsewhere", 307)}
    with OnvifDevice(answers=answers) as device, pytest.raises(CameraFault) as caught:
        await ask(gateway, device, tls=False)
    assert caught.value.reason is Reason.REDIRECTED
    assert [request.path for request in device.requests] == ["/onvif/device_service", "/elsewhere"]
