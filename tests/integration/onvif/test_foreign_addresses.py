"""A device that names other addresses never makes us connect to them. Counted at the other end."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import OnvifDevice, Open, Security
from tests.doubles.onvif_messages import Profile, Response, soap
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import ask, credentials, fault_of


class Stranger:
    """Another host: counts who connects."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.9", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self.visits < 0:
                    return
                self.visits += 1

    def close(self) -> None:
        """End the counting; the last connection is our own."""
        self.visits = -1
        socket.create_connection(("127.0.0.9", self.port)).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    stranger = Stranger()
    yield stranger
    stranger.close()


def test_the_counter_counts(stranger: Stranger) -> None:
    with socket.create_connection(("127.0.0.9", stranger.port), timeout=2) as visit:
        assert visit.recv(1) == b""
    assert stranger.visits == 1


@pytest.mark.parametrize("security", [Open(), WsSecurity("admin", "pw"), HttpDigest("admin", "pw")])
async def test_quirk_13_services_and_streams_named_elsewhere_are_sought_where_we_are(
    gateway: ZeepOnvifGateway, stranger: Stranger, security: Security
) -> None:
    """home-assistant/core issues 34218 and 163938: the client went to the wrong camera, with the password."""
    foreign = f"127.0.0.9:{stranger.port}"
    profile = Profile("main", uri=f"rtsp://{foreign}/live")
    with OnvifDevice(named_authority=foreign, profiles=(profile,), security=security) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    (stream,) = told.streams
    assert (stream.source.address, stream.source.port) == ("127.0.0.1", stranger.port)
    assert stream.original_uri == f"rtsp://{foreign}/live"
    assert stranger.visits == 0


@pytest.mark.parametrize("named", ["user@{}", "{}\nhttp://127.0.0.1:1/", "{}/path@127.0.0.1"])
async def test_service_addresses_of_odd_forms_lead_nowhere_else(
    gateway: ZeepOnvifGateway, stranger: Stranger, named: str
) -> None:
    odd = named.format(f"127.0.0.9:{stranger.port}")
    with OnvifDevice(named_authority=odd) as device, contextlib.suppress(CameraFault):
        await ask(gateway, device)
    assert "GetProfiles" in device.operations
    assert stranger.visits == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", ["GetSystemDateAndTime", "GetDeviceInformation", "GetProfiles"])
async def test_quirk_36_redirects_are_refused(
    gateway: ZeepOnvifGateway, stranger: Stranger, status: int, operation: str
) -> None:
    """lumeohq/onvif-rs issue 39: from http to https; an attacker sends us anywhere."""
    away = Response(b"", status, (("Location", f"http://127.0.0.9:{stranger.port}/onvif"),))
    with OnvifDevice(answers={operation: lambda _: away}) as device:
        found = await fault_of(gateway, device)
    assert found.reason is Reason.REDIRECTED
    assert (
        found.rung
        is {
            "GetSystemDateAndTime": Rung.REACHABLE,
            "GetDeviceInformation": Rung.ANSWERING,
            "GetProfiles": Rung.AUTHORIZED,
        }[operation]
    )
    assert device.operations[-1] == operation
    assert stranger.visits == 0


def with_entity(address: str) -> Response:
    return Response(
        f'<!DOCTYPE x [<!ENTITY f SYSTEM "http://{address}/x">]><s:Envelope xmlns:s="http://www.w3.org/2003/05/'
        'soap-envelope"><s:Body><a>&f;</a></s:Body></s:Envelope>'.encode()
    )


def with_schema(address: str) -> Response:
    return soap(
        '<tds:GetDeviceInformationResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:x http://{address}/x.xsd"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" '
        f'href="http://{address}/y"/></tds:GetDeviceInformationResponse>'
    )


@pytest.mark.parametrize("make", [with_entity, with_schema])
async def test_a_document_that_refers_elsewhere_loads_nothing(
    gateway: ZeepOnvifGateway, stranger: Stranger, make: Callable[[str], Response]
) -> None:
    answer = make(f"127.0.0.9:{stranger.port}")
    with OnvifDevice(answers={"GetDeviceInformation": lambda _: answer, "GetProfiles": lambda _: answer}) as device:
        found = await fault_of(gateway, device)
    assert found.reason is Reason.ONVIF_FAILED
    assert stranger.visits == 0


async def test_a_proxy_of_the_environment_is_not_used(
    gateway: ZeepOnvifGateway, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.9:{stranger.port}")
    with OnvifDevice() as device:
        assert len((await ask(gateway, device)).streams) == 2
    assert stranger.visits == 0
