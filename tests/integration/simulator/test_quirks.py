"""Every quirk of a device, observed from outside."""

import asyncio
import base64
import hashlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from services.simulator.device import PASSWORD, USERNAME, SimulatedDevice
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec
from services.simulator.quirks import QUIRKS, Quirk
from tests.integration.simulator.raw_rtsp import Client
from tests.integration.simulator.sites import one_camera

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"


def digest() -> httpx.DigestAuth:
    """A fresh one: it keeps the last nonce, and would try that first at another device."""
    return httpx.DigestAuth(USERNAME, PASSWORD)


async def call(
    device: SimulatedDevice,
    operation: str,
    inner: str = "",
    *,
    namespace: str = DEVICE,
    header: str = "",
    auth: httpx.Auth | None = None,
    path: str = "/onvif/device_service",
) -> httpx.Response:
    body = (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>{header}</s:Header><s:Body>'
        f'<{operation} xmlns="{namespace}">{inner}</{operation}></s:Body></s:Envelope>'
    )
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        where = f"http://{device.host}:{device.onvif_port}{path}"
        return await client.post(where, content=body.encode(), auth=auth or httpx.Auth())


def token(
    password: str = PASSWORD,
    *,
    username: str = USERNAME,
    nonce: bytes | None = None,
    prefix: str = "",
    form: str = "%Y-%m-%dT%H:%M:%SZ",
) -> str:
    """A UsernameToken as a client writes it."""
    nonce = os.urandom(16) if nonce is None else nonce
    created = datetime.now(UTC).strftime(form)
    digest = hashlib.sha1(nonce + created.encode() + password.encode()).digest()
    name, declared = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
    return (
        f'<{name}Security {declared}="{OASIS}wssecurity-secext-1.0.xsd"><{name}UsernameToken>'
        f"<{name}Username>{username}</{name}Username>"
        f'<{name}Password Type="{OASIS}username-token-profile-1.0#PasswordDigest">{base64.b64encode(digest).decode()}'
        f"</{name}Password><{name}Nonce>{base64.b64encode(nonce).decode()}</{name}Nonce>"
        f'<Created xmlns="{OASIS}wssecurity-utility-1.0.xsd">{created}</Created>'
        f"</{name}UsernameToken></{name}Security>"
    )


async def test_clock_1970_counts_from_the_start_and_is_what_tokens_are_judged_by() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE, quirks=frozenset({Quirk.CLOCK_1970})) as (_, camera):
        assert "<tt:Year>1970</tt:Year><tt:Month>1</tt:Month>" in (await call(camera, "GetSystemDateAndTime")).text
        assert (await call(camera, "GetDeviceInformation", header=token())).status_code == 400
        of_then = token(form="1970-01-01T00:00:02Z")
        assert (await call(camera, "GetDeviceInformation", header=of_then)).status_code == 200


@pytest.mark.parametrize(
    ("quirk", "operation", "namespace", "shows"),
    [
        (Quirk.CLOCK_LOCAL_ONLY, "GetSystemDateAndTime", DEVICE, lambda text: "UTCDateTime" not in text),
        (Quirk.CLOCK_NONSENSE, "GetSystemDateAndTime", DEVICE, lambda text: "<tt:Minute>61<" in text),
        (Quirk.SAME_SERIAL, "GetDeviceInformation", DEVICE, lambda text: ">SIM-CAM-1000001<" in text),
        (Quirk.NO_INTERFACES, "GetNetworkInterfaces", DEVICE, lambda text: "ter:ActionNotSupported" in text),
        (Quirk.NO_GET_SERVICES, "GetServices", DEVICE, lambda text: "ter:ActionNotSupported" in text),
        (Quirk.NO_MEDIA_CAPABILITY, "GetCapabilities", DEVICE, lambda text: "tt:Media>" not in text),
        (Quirk.CATEGORY_REQUIRED, "GetCapabilities", DEVICE, lambda text: "ter:InvalidArgVal" in text),
        (Quirk.H265_IN_MEDIA2_ONLY, "GetProfiles", MEDIA, lambda text: "trt:Profiles" not in text),
        (Quirk.ENCODER_WITHOUT_FACTS, "GetProfiles", MEDIA, lambda text: "tt:Encoding>" not in text),
        (Quirk.METADATA_PROFILE, "GetProfiles", MEDIA, lambda text: 'token="metadata"' in text),
        (Quirk.METADATA_PROFILE, "GetProfiles", MEDIA2, lambda text: 'token="metadata"' in text),
        (Quirk.HTML, "GetDeviceInformation", DEVICE, lambda text: text.startswith("<!DOCTYPE html>")),
        (Quirk.UNDECLARED_PREFIX, "GetSystemDateAndTime", DEVICE, lambda text: "xmlns:tt" not in text),
        (Quirk.SERVICE_PORT_WRONG, "GetServices", DEVICE, lambda text: "127.0.0.1:80/onvif/media_service" in text),
        (Quirk.URI_LINE_BREAKS, "GetServices", DEVICE, lambda text: ">\n  http://127.0.0.1:" in text),
    ],
)
async def test_quirks_of_single_answers(
    quirk: Quirk, operation: str, namespace: str, shows: Callable[[str], bool]
) -> None:
    async with one_camera(Codec.H265, auth_mode=AuthMode.NONE) as (site, camera):
        assert not shows((await call(camera, operation, namespace=namespace)).text)
        await site.set_quirks("gate", frozenset({quirk}))
        assert shows((await call(camera, operation, namespace=namespace)).text)


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        (Quirk.STREAM_PORT_WRONG, "rtsp://127.0.0.1:80/main"),
        (Quirk.STREAM_HOST_WRONG, "rtsp://127.0.1.1:{port}/main"),
        (Quirk.STREAM_CREDENTIALS, f"rtsp://{USERNAME}:{PASSWORD}@127.0.0.1:{{port}}/main"),
        (Quirk.DOUBLED_PORT, "rtsp://127.0.0.1:{port}:{port}/main"),
    ],
)
@pytest.mark.parametrize("namespace", [MEDIA, MEDIA2])
async def test_quirks_of_stream_addresses(quirk: Quirk, expected: str, namespace: str) -> None:
    async with one_camera(auth_mode=AuthMode.NONE, quirks=frozenset({quirk})) as (_, camera):
        told = await call(camera, "GetStreamUri", "<ProfileToken>main</ProfileToken>", namespace=namespace)
        assert f"Uri>{expected.format(port=camera.rtsp_port)}<" in told.text


async def test_an_h265_stream_is_still_in_media2_when_the_old_service_hides_it() -> None:
    async with one_camera(Codec.H265, auth_mode=AuthMode.NONE, quirks=frozenset({Quirk.H265_IN_MEDIA2_ONLY})) as (
        _,
        one,
    ):
        assert ">H265<" in (await call(one, "GetProfiles", "<Type>All</Type>", namespace=MEDIA2)).text
    async with one_camera(Codec.H264, auth_mode=AuthMode.NONE, quirks=frozenset({Quirk.H265_IN_MEDIA2_ONLY})) as (
        _,
        one,
    ):
        assert ">H264<" in (await call(one, "GetProfiles", namespace=MEDIA)).text


async def test_the_clock_is_a_secret_with_clock_wants_password() -> None:
    async with one_camera(quirks=frozenset({Quirk.CLOCK_WANTS_PASSWORD})) as (_, camera):
        assert (await call(camera, "GetSystemDateAndTime")).status_code == 401
        assert (await call(camera, "GetSystemDateAndTime", auth=digest())).status_code == 200


@pytest.mark.parametrize(
    ("quirk", "odd", "plain"),
    [
        (Quirk.CREATED_Z_ONLY, {"form": "%Y-%m-%dT%H:%M:%S+00:00"}, {}),
        (Quirk.SHORT_TOKENS_ONLY, {"nonce": bytes(20)}, {"nonce": bytes(16)}),
        (Quirk.SHORT_TOKENS_ONLY, {"form": "%Y-%m-%dT%H:%M:%S.123Z"}, {}),
        (Quirk.NO_WSSE_PREFIX, {"prefix": "wsse"}, {"prefix": "o"}),
        (Quirk.ONVIF_ACCOUNT, {}, {"username": f"onvif-{USERNAME}"}),
    ],
)
async def test_quirks_of_tokens(quirk: Quirk, odd: dict[str, str], plain: dict[str, str]) -> None:
    async with one_camera(auth_mode=AuthMode.WSSE) as (site, camera):
        if quirk is not Quirk.ONVIF_ACCOUNT:
            assert (await call(camera, "GetScopes", header=token(**odd))).status_code == 200  # type: ignore[arg-type]
        await site.set_quirks("gate", frozenset({quirk}))
        assert (await call(camera, "GetScopes", header=token(**odd))).status_code == 400  # type: ignore[arg-type]
        assert (await call(camera, "GetScopes", header=token(**plain))).status_code == 200  # type: ignore[arg-type]
        assert camera.state.refusals == 1


async def test_a_nonce_that_comes_twice_locks_the_account() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE, quirks=frozenset({Quirk.NONCE_LOCK})) as (_, camera):
        once = token()
        assert (await call(camera, "GetScopes", header=once)).status_code == 200
        assert (await call(camera, "GetScopes", header=once)).status_code == 400
        assert "is locked" in (await call(camera, "GetScopes", header=token())).text


async def test_a_digest_nonce_holds_for_its_own_uri() -> None:
    async with one_camera(quirks=frozenset({Quirk.NONCE_PER_URI})) as (_, camera):
        auth = httpx.DigestAuth(USERNAME, PASSWORD)  # it uses its nonce again
        assert (await call(camera, "GetScopes", auth=auth)).status_code == 200
        assert camera.state.refusals == 0
        await call(camera, "GetProfiles", namespace=MEDIA, auth=auth, path="/onvif/media_service")
        assert camera.state.refusals == 1


async def test_lockout_counts_wrong_passwords_of_both_protocols_and_says_so() -> None:
    async with one_camera(quirks=frozenset({Quirk.LOCKOUT})) as (_, camera):
        for left in (4, 3, 2):
            wrong = httpx.DigestAuth(USERNAME, "wrong")  # a new one: an old one would first try its nonce again
            assert f"<retryLoginTime>{left}<" in (await call(camera, "GetScopes", auth=wrong)).text
        for _ in range(2):
            async with Client(camera.rtsp_port, password="wrong") as client:
                assert (await client.signed("DESCRIBE")).status == 401
        locked = await call(camera, "GetScopes", auth=digest())
        assert locked.status_code == 401
        assert "<lockStatus>lock</lockStatus>" in locked.text
        assert (camera.state.account.attempts, camera.state.refusals) == (6, 6)
        camera.state.account.unlock()
        assert (await call(camera, "GetScopes", auth=digest())).status_code == 200


async def test_with_onvif_off_rtsp_plays_on() -> None:
    async with one_camera() as (site, camera), Client(camera.rtsp_port) as client:
        await client.play()
        await site.set_quirks("gate", frozenset({Quirk.ONVIF_OFF}))
        with pytest.raises(httpx.ConnectError):
            await call(camera, "GetSystemDateAndTime")
        assert await client.collect(0.3)
        await site.set_quirks("gate", frozenset())
        assert (await call(camera, "GetSystemDateAndTime")).status_code == 200


@pytest.mark.parametrize("quirk", [Quirk.SAME_ENDPOINT, Quirk.RANDOM_ENDPOINT])
async def test_endpoints_that_identify_nobody(quirk: Quirk) -> None:
    seen = []
    for _ in range(2):
        async with one_camera(quirks=frozenset({quirk})) as (site, camera):
            seen.append((await call(camera, "GetEndpointReference")).text)
            await site.set_quirks("gate", frozenset())
            assert (await call(camera, "GetEndpointReference")).text != seen[-1]
    assert (seen[0] == seen[1]) is (quirk is Quirk.SAME_ENDPOINT)


async def test_one_at_a_time_sends_the_second_away() -> None:
    async with one_camera(quirks=frozenset({Quirk.ONE_AT_A_TIME})) as (_, camera):
        answers = await asyncio.gather(*(call(camera, "GetHostname") for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 503, 503]
        assert (await call(camera, "GetHostname")).status_code == 200


async def test_texts_in_another_code_page() -> None:
    async with one_camera(auth_mode=AuthMode.NONE, quirks=frozenset({Quirk.INVALID_UTF8})) as (_, camera):
        content = (await call(camera, "GetDeviceInformation")).content
        assert b'encoding="UTF-8"' in content
        with pytest.raises(UnicodeDecodeError):
            content.decode()


async def test_a_redirect_to_https() -> None:
    async with one_camera(quirks=frozenset({Quirk.REDIRECT_HTTPS})) as (_, camera):
        answer = await call(camera, "GetDeviceInformation")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://127.0.0.1/onvif/device_service")


async def test_slow_answers_take_three_seconds() -> None:
    async with one_camera(quirks=frozenset({Quirk.SLOW_ANSWERS})) as (_, camera):
        began = time.monotonic()
        assert (await call(camera, "GetHostname")).status_code == 200
        assert 2.9 < time.monotonic() - began < 6


async def test_a_device_that_hangs_does_not_hold_up_its_end() -> None:
    async with one_camera(quirks=frozenset({Quirk.HANGS})) as (site, camera):
        reader, writer = await asyncio.open_connection("127.0.0.1", camera.onvif_port)
        writer.write(b"POST /onvif/device_service HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await reader.read(1)
        began = time.monotonic()
        await site.stop()
        assert time.monotonic() - began < 1.5
        writer.close()


async def test_snapshots_of_all_kinds() -> None:
    async with (
        one_camera(auth_mode=AuthMode.WSSE) as (site, camera),
        httpx.AsyncClient(timeout=5, trust_env=False) as client,
    ):
        where, asked = f"http://127.0.0.1:{camera.onvif_port}/snapshot/main.jpg", "<ProfileToken>main</ProfileToken>"
        await site.set_quirks("gate", frozenset({Quirk.SNAPSHOT_BASIC}))
        refused = await client.get(where)
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        assert (await client.get(where, auth=(USERNAME, "wrong"))).status_code == 401
        assert (await client.get(where, auth=(USERNAME, PASSWORD))).headers["content-type"] == "image/jpeg"
        assert camera.state.refusals == 1
        for quirk, said in ((Quirk.NO_SNAPSHOT, "ter:ActionNotSupported"), (Quirk.SNAPSHOT_RTSP, "Uri>rtsp://")):
            await site.set_quirks("gate", frozenset({quirk}))
            for namespace in (MEDIA, MEDIA2):
                told = await call(camera, "GetSnapshotUri", asked, namespace=namespace, header=token())
                assert said in told.text


async def test_an_endless_snapshot_goes_on_until_nobody_listens() -> None:
    async with one_camera(auth_mode=AuthMode.NONE, quirks=frozenset({Quirk.ENDLESS_SNAPSHOT})) as (_, camera):
        size = len(camera.channels[0].streams[0].mount.loop.jpeg)
        where, got = f"http://127.0.0.1:{camera.onvif_port}/snapshot/main.jpg", 0
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client, client.stream("GET", where) as answer:
            async for chunk in answer.aiter_bytes():
                got += len(chunk)
                if got > 2 * size:
                    break


async def test_rtsp_tells_which_paths_exist_or_takes_any() -> None:
    async with one_camera() as (site, camera):
        for quirks, known, unknown in (
            (frozenset[Quirk](), 401, 401),
            (frozenset({Quirk.PATHS_TOLD}), 401, 404),
            (frozenset({Quirk.ANY_PATH}), 401, 401),
        ):
            await site.set_quirks("gate", quirks)
            for path, status in (("/main", known), ("/elsewhere", unknown)):
                async with Client(camera.rtsp_port, path=path) as client:
                    assert (await client.request("DESCRIBE")).status == status
        async with Client(camera.rtsp_port, path="/elsewhere") as client:
            assert (await client.signed("DESCRIBE")).status == 200


def test_the_table_knows_every_quirk() -> None:
    assert set(QUIRKS) == set(Quirk)
