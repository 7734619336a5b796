"""What tells a device from others: asked for in every interrogation, and alone by identify."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from services.contracts.camera import DeviceFacts, OnvifSource
from services.contracts.ladder import Reason, Rung
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import PRE_AUTH, OnvifDevice, Request, Script
from tests.doubles.onvif_messages import Response, fault, html, network_interface, soap
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import ask, credentials, fault_of

UUID = "5f5a69c2-e0ae-504f-829b-00d9de43f63b"
TELLING = Script(mac="00-D9-DE-43-F6-3B", endpoint=f"urn:uuid:{UUID.upper()}", hostname="gate-camera")


async def identify(gateway: ZeepOnvifGateway, device: OnvifDevice, password: str | None = None) -> DeviceFacts:
    source = OnvifSource(address=device.address, port=device.port)
    return await gateway.identify(source, credentials(password=password) if password else None)


async def test_quirk_25_identity_is_mac_endpoint_reference_and_serial_together(gateway: ZeepOnvifGateway) -> None:
    """edgexfoundry/device-onvif-camera issue 2, home-assistant/core issue 69661: serials repeat between devices."""
    with OnvifDevice(TELLING) as device:
        told = await ask(gateway, device)
    facts = told.device
    assert (facts.mac, facts.endpoint, facts.name) == ("00:d9:de:43:f6:3b", f"urn:uuid:{UUID}", "gate-camera")
    assert facts.services == ("http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver10/media/wsdl")
    assert facts.evidence.serial == "SN-1"


async def test_the_interface_that_we_reach_is_the_one_that_counts(gateway: ZeepOnvifGateway) -> None:
    interfaces = (
        network_interface("00:11:22:aa:bb:01", "192.168.1.1", enabled=False)
        + network_interface("00:11:22:aa:bb:02", "192.168.1.2")
        + network_interface("00:11:22:aa:bb:03", "192.168.1.3", "127.0.0.1")
    )
    answer = soap(f"<tds:GetNetworkInterfacesResponse>{interfaces}</tds:GetNetworkInterfacesResponse>")
    with OnvifDevice(answers={"GetNetworkInterfaces": lambda _: answer}) as device:
        assert (await identify(gateway, device)).mac == "00:11:22:aa:bb:03"
    with OnvifDevice(answers={"GetNetworkInterfaces": lambda _: answer}, address="127.2.1.1") as behind_a_router:
        assert (await identify(gateway, behind_a_router)).mac == "00:11:22:aa:bb:02"


@pytest.mark.parametrize(
    "answer",
    [fault("ter:ActionNotSupported", "no"), html("not here", status=404), soap("<tds:Surprise/>"), Response(b"", 500)],
)
async def test_a_device_that_does_not_tell_is_interrogated_all_the_same(
    gateway: ZeepOnvifGateway, answer: Response
) -> None:
    optional = ("GetNetworkInterfaces", "GetEndpointReference", "GetHostname", "GetScopes")
    with OnvifDevice(answers=dict.fromkeys(optional, lambda _: answer)) as device:
        told = await ask(gateway, device)
    assert (told.device.mac, told.device.endpoint, told.device.name) == (None, None, None)
    assert len(told.streams) == 2


@pytest.mark.parametrize("hostname", [None, "localhost", "(none)"])
async def test_without_a_host_name_the_name_in_the_scopes_counts(
    gateway: ZeepOnvifGateway, hostname: str | None
) -> None:
    scopes = ("onvif://www.onvif.org/hardware/IPC", "onvif://www.onvif.org/name/C%E1%BB%95ng%20ch%C3%ADnh")
    with OnvifDevice(hostname=hostname, scopes=scopes) as device:
        assert (await ask(gateway, device)).device.name == "Cổng chính"


async def test_an_account_that_may_not_see_the_network_is_no_wrong_password(gateway: ZeepOnvifGateway) -> None:
    """An account of a viewer: it signs in, sees profiles and streams, and is refused what administrators see."""
    security = WsSecurity("admin", "pw")
    answers = {"GetNetworkInterfaces": lambda _: fault("ter:NotAuthorized", "The action requested requires more")}
    with OnvifDevice(TELLING, security=security, answers=answers) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert (told.device.mac, told.device.endpoint) == (None, f"urn:uuid:{UUID}")
    assert len(told.streams) == 2
    assert device.operations.count("GetNetworkInterfaces") == 1


async def test_what_is_not_needed_never_shows_credentials_first(gateway: ZeepOnvifGateway) -> None:
    """All is open but the network interfaces: no password was proved, so none is shown for them."""
    security = WsSecurity("admin", "other")
    open_operations = PRE_AUTH | {"GetDeviceInformation", "GetProfiles", "GetStreamUri", "GetHostname", "GetScopes"}
    with OnvifDevice(TELLING, security=security, open_operations=open_operations) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert device.signed == []
    assert told.device.mac is None
    assert len(told.streams) == 2


async def test_a_silence_at_what_is_not_needed_costs_three_seconds_once(gateway: ZeepOnvifGateway) -> None:
    """home-assistant/core issue 176500: requests that never end."""
    started = asyncio.get_running_loop().time()
    with OnvifDevice(TELLING, answers={"GetNetworkInterfaces": lambda _: Response(raw=_silence())}) as device:
        told = await ask(gateway, device)
        assert asyncio.get_running_loop().time() - started < 4.5
    assert len(told.streams) == 2
    assert (told.device.mac, told.device.endpoint, told.device.name) == (None, None, None)
    assert "GetEndpointReference" not in device.operations


def _silence() -> Iterator[bytes]:
    time.sleep(4)
    yield b""


async def test_identify_asks_four_questions(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(TELLING) as device:
        facts = await identify(gateway, device)
    assert device.operations == [
        "GetSystemDateAndTime",
        "GetDeviceInformation",
        "GetNetworkInterfaces",
        "GetEndpointReference",
    ]
    assert (facts.mac, facts.maker, facts.serial) == ("00:d9:de:43:f6:3b", "Maker", "SN-1")
    assert facts.endpoint == f"urn:uuid:{UUID}"
    assert facts.auth_mode == "none"


async def test_the_way_to_sign_in_is_remembered(gateway: ZeepOnvifGateway) -> None:
    """No request is spent on learning it again."""
    with OnvifDevice(TELLING, security=WsSecurity("admin", "pw")) as device:
        await identify(gateway, device, "pw")
        assert device.operations.count("GetDeviceInformation") == 2
        device.requests.clear()
        facts = await identify(gateway, device, "pw")
        assert facts.auth_mode == "wsse"
    assert len(device.requests) == 4
    assert [request.operation for request in device.signed] == device.operations[1:]


async def test_what_is_remembered_is_for_those_credentials_alone(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(TELLING, security=WsSecurity("admin", "pw")) as device:
        await identify(gateway, device, "pw")
        device.requests.clear()
        source = OnvifSource(address=device.address, port=device.port)
        found = await fault_of(gateway, device, credentials(password="another"))
        assert found.reason is Reason.AUTH_FAILED
        assert not device.requests[1].has_token
        device.requests.clear()
        await gateway.identify(source, credentials(password="pw"))
        assert len(device.requests) == 4


async def test_a_device_that_was_set_to_another_way_is_learned_anew(gateway: ZeepOnvifGateway) -> None:
    """From WS-Security to HTTP Digest: one refusal, within the budget, and then it is known."""
    with OnvifDevice(security=WsSecurity("admin", "pw")) as device:
        await identify(gateway, device, "pw")
        device.script.security = HttpDigest("admin", "pw")
        device.requests.clear()
        found = await fault_of(gateway, device, credentials(password="pw"))
        assert (found.reason, found.rung) == (Reason.AUTH_FAILED, Rung.ANSWERING)
        assert len(device.signed) == 1
        facts = await identify(gateway, device, "pw")
    assert facts.auth_mode == "digest"


async def test_a_device_service_elsewhere_is_asked_there(gateway: ZeepOnvifGateway) -> None:
    def only_there(request: Request) -> Response:
        return device.proper(request) if request.path == "/onvif/device?x=1" else html("Not Found", status=404)

    with OnvifDevice(answers={"GetSystemDateAndTime": only_there, "GetDeviceInformation": only_there}) as device:
        source = OnvifSource(address=device.address, port=device.port, path="/onvif/device?x=1")
        assert (await gateway.identify(source, None)).maker == "Maker"


async def test_quirk_26_another_device_at_the_same_address_tells_another_identity(gateway: ZeepOnvifGateway) -> None:
    """edgexfoundry/device-onvif-camera pull request 81: two cameras on one address. The registry compares."""
    with OnvifDevice(TELLING) as device:
        first = await identify(gateway, device)
        device.script.mac, device.script.endpoint = "00:d9:de:43:f6:3c", None
        second = await identify(gateway, device)
    assert first.evidence.mac != second.evidence.mac
    assert second.endpoint is None
