"""An ONVIF client that none of us wrote, and plain HTTP, ask simulated devices."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from services.simulator.device import PASSWORD, USERNAME, SimulatedDevice
from services.simulator.digest import DigestAlgorithm
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec
from tests.integration.simulator.players import onvif_zeep
from tests.integration.simulator.sites import one_camera, one_recorder

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"


async def call(
    device: SimulatedDevice, operation: str, *, namespace: str = DEVICE, inner: str = "", auth: httpx.Auth | None = None
) -> httpx.Response:
    """One SOAP request without anything of WS-Security."""
    body = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        f'<{operation} xmlns="{namespace}">{inner}</{operation}></s:Body></s:Envelope>'
    )
    address = f"http://127.0.0.1:{device.onvif_port}/onvif/device_service"
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        return await client.post(address, content=body.encode(), auth=auth or httpx.Auth())


async def test_onvif_zeep_gets_to_know_a_camera_that_wants_ws_security() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE) as (_, camera):
        told = await onvif_zeep(camera.onvif_port)
        now = datetime.now(UTC)
        assert "error" not in told
        assert (told["maker"], told["model"], told["firmware"]) == ("Simulated", "SIM-CAM-100", "1.0.0")
        assert told["serial"].startswith("SIM")
        assert told["mac"].startswith("02:")
        assert told["hostname"] == "gate"
        assert "onvif://www.onvif.org/name/gate" in told["scopes"]
        year, month, day, hour, minute = told["clock"]
        asked = datetime(year, month, day, hour, minute, tzinfo=UTC)
        assert abs((now - asked).total_seconds()) < 120
        assert told["sources"] == [["source-1", 320]]
        assert told["profiles"] == {
            "main": ["gate main", "source-1", "H264", 320, 25],
            "sub": ["gate sub", "source-1", "H264", 160, 25],
        }
        assert told["one"] == "gate main"
        assert told["uris"] == {role: f"rtsp://127.0.0.1:{camera.rtsp_port}/{role}" for role in ("main", "sub")}
        assert told["services"][MEDIA] == told["media_xaddr"]
        assert set(told["services"]) == {DEVICE, MEDIA, MEDIA2}
        assert told["snapshot"] == f"http://127.0.0.1:{camera.onvif_port}/snapshot/main.jpg"


async def test_onvif_zeep_with_a_wrong_password_is_not_authorized() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE) as (_, camera):
        told = await onvif_zeep(camera.onvif_port, USERNAME, "wrong")
        assert "not authorized" in told["error"]
        assert camera.state.refusals == 1


async def test_a_recorder_has_a_source_and_two_profiles_for_each_channel() -> None:
    async with one_recorder(2) as (_, recorder):
        profiles = await call(recorder, "GetProfiles", namespace=MEDIA2, inner="<Type>All</Type>", auth=digest())
        assert profiles.status_code == 200
        for part in ('token="channel-1-main"', 'token="channel-2-sub"', ">source-2<", ">H265<", ">H264<"):
            assert part in profiles.text
        uri = await call(
            recorder,
            "GetStreamUri",
            namespace=MEDIA2,
            inner="<ProfileToken>channel-2-sub</ProfileToken>",
            auth=digest(),
        )
        assert f"rtsp://127.0.0.1:{recorder.rtsp_port}/stream?channel=2&amp;subtype=1<" in uri.text


def digest() -> httpx.DigestAuth:
    return httpx.DigestAuth(USERNAME, PASSWORD)


@pytest.mark.parametrize("algorithm", list(DigestAlgorithm))
async def test_http_digest_opens_a_camera_with_either_hash(algorithm: DigestAlgorithm) -> None:
    async with one_camera(algorithms=(algorithm,)) as (_, camera):
        refused = await call(camera, "GetDeviceInformation")
        assert refused.status_code == 401
        assert f"algorithm={algorithm.value}" in refused.headers["www-authenticate"]
        assert camera.state.refusals == 0
        answer = await call(camera, "GetDeviceInformation", auth=digest())
        assert answer.status_code == 200
        assert "<tds:Manufacturer>Simulated</tds:Manufacturer>" in answer.text
        wrong = await call(camera, "GetDeviceInformation", auth=httpx.DigestAuth(USERNAME, "wrong"))
        assert wrong.status_code == 401
        assert camera.state.refusals == 1


async def test_without_credentials_ws_security_answers_400_and_names_no_scheme() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE) as (_, camera):
        answer = await call(camera, "GetDeviceInformation")
        assert answer.status_code == 400
        assert "www-authenticate" not in answer.headers
        assert "<env:Value>env:Sender</env:Value>" in answer.text
        assert "<env:Value>ter:NotAuthorized</env:Value>" in answer.text
        assert camera.state.refusals == 0


@pytest.mark.parametrize("mode", list(AuthMode))
@pytest.mark.parametrize(
    "operation",
    [
        "GetSystemDateAndTime",
        "GetServices",
        "GetCapabilities",
        "GetServiceCapabilities",
        "GetHostname",
        "GetEndpointReference",
    ],
)
async def test_what_is_needed_before_signing_in_is_answered_to_everybody(mode: AuthMode, operation: str) -> None:
    async with one_camera(auth_mode=mode) as (_, camera):
        answer = await call(camera, operation)
        assert answer.status_code == 200
        assert f"<tds:{operation}Response>" in answer.text


async def test_an_h265_camera_says_so_in_media2_only() -> None:
    async with one_camera(Codec.H265, auth_mode=AuthMode.NONE) as (_, camera):
        assert ">H265<" not in (await call(camera, "GetProfiles", namespace=MEDIA)).text
        assert ">H265<" in (await call(camera, "GetProfiles", namespace=MEDIA2, inner="<Type>VideoEncoder</Type>")).text
        assert "Configurations" not in (await call(camera, "GetProfiles", namespace=MEDIA2)).text


@pytest.mark.parametrize(
    ("operation", "namespace", "inner", "status", "subcode"),
    [
        ("GetStreamUri", MEDIA, "<ProfileToken>none</ProfileToken>", 400, "ter:NoProfile"),
        ("GetStreamUri", MEDIA2, "", 400, "ter:NoProfile"),
        ("SystemReboot", DEVICE, "", 500, "ter:ActionNotSupported"),
        ("GetServices", "urn:elsewhere", "", 500, "ter:ActionNotSupported"),
        ("GetCapabilities", DEVICE, "<Category>PTZ</Category>", 500, "ter:NoSuchService"),
    ],
)
async def test_what_it_cannot_do_is_a_fault(
    operation: str, namespace: str, inner: str, status: int, subcode: str
) -> None:
    async with one_camera(auth_mode=AuthMode.NONE) as (_, camera):
        answer = await call(camera, operation, namespace=namespace, inner=inner)
        assert answer.status_code == status
        assert f"<env:Value>{subcode}</env:Value>" in answer.text


async def test_a_camera_without_media2_does_not_mention_it() -> None:
    async with one_camera(auth_mode=AuthMode.NONE, has_media2=False) as (_, camera):
        assert f">{MEDIA2}<" not in (await call(camera, "GetServices")).text
        assert (await call(camera, "GetProfiles", namespace=MEDIA2)).status_code == 500


async def test_a_snapshot_needs_the_password_and_is_a_jpeg() -> None:
    async with (
        one_camera(auth_mode=AuthMode.WSSE) as (_, camera),
        httpx.AsyncClient(timeout=5, trust_env=False) as client,
    ):
        base = f"http://127.0.0.1:{camera.onvif_port}/snapshot"
        assert (await client.get(f"{base}/main.jpg")).status_code == 401
        picture = await client.get(f"{base}/main.jpg", auth=digest())
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content[:2] == b"\xff\xd8"
        assert picture.content[-2:] == b"\xff\xd9"
        assert (await client.get(f"{base}/other.jpg", auth=digest())).status_code == 404


async def test_identity_survives_a_restart_and_differs_between_devices() -> None:
    seen = []
    for name in ("gate", "gate", "store"):
        async with one_camera() if name == "gate" else one_recorder() as (_, device):
            seen.append((await call(device, "GetEndpointReference")).text)
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET /onvif/device_service HTTP/1.1\r\n\r\n", 405),
        (b"POST /elsewhere HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
        (b"POST /onvif/device_service HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n", 413),
        (b"POST /onvif/device_service HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /onvif/device_service HTTP/1.1\r\nContent-Length: 5\r\n\r\n<html", 400),
        (b"POST /onvif/device_service HTTP/9.9\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 4000, 431),
    ],
)
async def test_bad_http_gets_a_clear_status(request_text: bytes, status: int) -> None:
    async with one_camera() as (_, camera):
        reader, writer = await asyncio.open_connection("127.0.0.1", camera.onvif_port)
        writer.write(request_text)
        async with asyncio.timeout(5):
            answer = await reader.readline()
        writer.close()
        assert int(answer.split()[1]) == status
