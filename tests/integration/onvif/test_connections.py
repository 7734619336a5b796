"""Connections are kept where a device keeps them, and nothing of one reply gets into the next."""

import pytest

from services.contracts.ladder import Reason
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import OnvifDevice, Request
from tests.doubles.onvif_messages import Response, soap, stream_uri
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import ask, credentials, fault_of


@pytest.mark.parametrize("security", [WsSecurity("admin", "pw"), HttpDigest("admin", "pw")])
async def test_one_visit_is_one_connection_where_the_device_allows_it(
    gateway: ZeepOnvifGateway, security: WsSecurity | HttpDigest
) -> None:
    with OnvifDevice(keeps=True, security=security) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert len(told.streams) == 2
    assert device.connections == 1


async def test_a_device_that_closes_each_time_is_asked_over_as_many(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice() as device:
        assert len((await ask(gateway, device)).streams) == 2
    assert device.connections == len(device.requests)


@pytest.mark.parametrize("security", [WsSecurity("admin", "pw"), HttpDigest("admin", "pw")])
async def test_a_kept_connection_that_is_closed_in_our_face_is_replaced(
    gateway: ZeepOnvifGateway, security: WsSecurity | HttpDigest
) -> None:
    """RFC 9112 section 9.3.1: a server may close at any time, also while a request is on its way."""
    closed: list[str] = []

    def close_once(request: Request) -> Response:
        if request.operation in closed:
            return device.proper(request)
        closed.append(request.operation)
        return Response(raw=[])

    answers = dict.fromkeys(("GetServices", "GetProfiles", "GetStreamUri"), close_once)
    with OnvifDevice(keeps=True, security=security, answers=answers) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert len(told.streams) == 2
    assert closed == ["GetServices", "GetProfiles", "GetStreamUri"]


async def test_a_device_that_closes_each_time_it_is_asked_is_given_up(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(keeps=True, answers={"GetProfiles": lambda _: Response(raw=[])}) as device:
        found = await fault_of(gateway, device)
    assert found.reason is Reason.ONVIF_FAILED
    assert device.operations.count("GetProfiles") == 2


async def test_a_device_that_hangs_up_on_credentials_sees_them_twice_at_most(gateway: ZeepOnvifGateway) -> None:
    class HangingUp(HttpDigest):
        def refuse(self, request: Request) -> Response | None:
            return Response(raw=[]) if request.has_digest else super().refuse(request)

    with OnvifDevice(keeps=True, security=HangingUp("admin", "pw")) as device:
        found = await fault_of(gateway, device, credentials(password="pw"))
    assert found.reason is Reason.ONVIF_FAILED
    assert len(device.signed) == 2


@pytest.mark.parametrize("rest", [b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"x" * 70_000])
async def test_what_a_reply_leaves_over_is_never_read_as_the_next(gateway: ZeepOnvifGateway, rest: bytes) -> None:
    """A Content-Length that is too short, or a second reply that nobody asked for."""

    def too_much(request: Request) -> Response:
        proper = device.proper(request).body
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: %d\r\n\r\n" % len(proper)
        return Response(raw=[head + proper + rest])

    with OnvifDevice(keeps=True, answers={"GetDeviceInformation": too_much, "GetProfiles": too_much}) as device:
        told = await ask(gateway, device)
    assert told.device.maker == "Maker"
    assert len(told.streams) == 2


async def test_http_1_0_closes_unless_it_says_otherwise(gateway: ZeepOnvifGateway) -> None:
    """ipycam 1.3.0 speaks it."""

    def old(request: Request) -> Response:
        body = device.proper(request).body
        return Response(raw=[b"HTTP/1.0 200 OK\r\n\r\n" + body])

    with OnvifDevice(answers=dict.fromkeys(("GetProfiles", "GetDeviceInformation"), old)) as device:
        assert len((await ask(gateway, device)).streams) == 2


async def test_quirk_17_a_stream_address_among_line_breaks_over_a_kept_connection(gateway: ZeepOnvifGateway) -> None:
    """AlexxIT/go2rtc issues 638, 662, 884."""
    answer = soap(stream_uri("\n  rtsp://10.1.2.3:8554/one\n\trtsp://10.1.2.3/two"))
    with OnvifDevice(keeps=True, answers={"GetStreamUri": lambda _: answer}) as device:
        told = await ask(gateway, device)
    assert (told.streams[0].source.port, told.streams[0].source.path) == (8554, "/one")


@pytest.mark.parametrize("password", ["p@ss:w/rd?#%", "a&b<c>\"'", "mật khẩu", " blank "])
@pytest.mark.parametrize("make", [WsSecurity, HttpDigest])
async def test_quirk_16_passwords_of_any_letters_sign_in(
    gateway: ZeepOnvifGateway, make: type[WsSecurity] | type[HttpDigest], password: str
) -> None:
    """AlexxIT/go2rtc issues 703 and 1208, ZoneMinder/zoneminder issue 4498, sr99622/libonvif issue 104."""
    with OnvifDevice(keeps=True, security=make("admin", password)) as device:
        told = await ask(gateway, device, credentials(password=password))
    assert len(told.streams) == 2
