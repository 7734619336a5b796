"""Events over HTTPS: with the certificate that is known, and where the device sent us."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator

import pytest

from services.ingest.device_events.hub import DeviceEvents
from services.ingest.onvif.memory import HostMemory
from services.ingest.onvif.transport import Endpoint
from services.runtime.certificates import RunCertificate, make_run_certificate
from services.runtime.clock import SystemClock
from tests.doubles.onvif_events import Bent, EventDevice, tampering
from tests.doubles.onvif_security import WsSecurity
from tests.integration.device_events.listening import NETWORKS, Ear, account, events, shortest, until


@pytest.fixture
def certificate() -> Iterator[RunCertificate]:
    certificate = make_run_certificate("device")
    yield certificate
    certificate.remove()


@pytest.fixture
def context(certificate: RunCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return context


async def test_quirk_37_a_certificate_that_is_known_is_listened_to(
    context: ssl.SSLContext, certificate: RunCertificate
) -> None:
    """home-assistant/core issue 41800: devices sign their certificates themselves."""
    known = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.certificate_pem)).hexdigest()
    ear = Ear()
    async with EventDevice(tls=context) as device, events() as hub:
        handle = hub.join(ear.listener(device, tls=True, certificate=known))
        assert handle is not None
        await until(lambda: bool(device.points))
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)
        hub.leave(handle)
        await until(lambda: device.ended == 1)


async def test_nothing_is_said_to_a_device_with_another_certificate(context: ssl.SSLContext) -> None:
    async with EventDevice(tls=context) as device, events() as hub:
        hub.join(Ear().listener(device, tls=True, certificate="0" * 64))
        await until(lambda: device.connections >= 1)
        await asyncio.sleep(0.2)
        assert not device.requests


async def test_quirk_36_a_device_that_speaks_https_only_is_listened_to_there(context: ssl.SSLContext) -> None:
    """maciej-or/hikvision_next issue 231: the interrogation was sent there, and the registered door is the other."""
    ear, memory = Ear(), HostMemory()
    async with EventDevice(tls=context) as secured, EventDevice() as plain:
        memory.of(Endpoint(plain.address, plain.port)).moved = Endpoint(secured.address, secured.port, tls=True)
        hub = DeviceEvents(SystemClock(), NETWORKS, memory=memory, uniform=shortest, spread_s=0.0)
        hub.join(ear.listener(plain))
        await until(lambda: bool(secured.points))
        await hub.close()
        assert not plain.connections
        assert secured.ended == 1


async def test_quirk_9_the_form_of_ws_security_that_was_accepted_is_used() -> None:
    """IOTechSystems/onvif issue 28."""
    security = WsSecurity("admin", "right", forbidden="<Security ")
    memory = HostMemory()
    async with EventDevice(Bent(security=security)) as device:
        memory.of(Endpoint(device.address, device.port)).prefixed = True
        hub = DeviceEvents(SystemClock(), NETWORKS, memory=memory, uniform=shortest, spread_s=0.0)
        hub.join(Ear().listener(device, credentials=account(), auth_mode="wsse"))
        await until(lambda: bool(device.points))
        await hub.close()
        assert "<wsse:Security" in device.signed[0].body
