"""Signing in: learned without spending an attempt, never in two ways, and never twice after a refusal."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.camera import AuthOutcome
from services.contracts.ladder import Reason, Rung
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import PRE_AUTH, OnvifDevice, Request, Security
from tests.doubles.onvif_messages import Response, fault, html, soap, system_time
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import HARD_PASSWORD, ask, credentials, fault_of


def wsse(**changes: object) -> WsSecurity:
    return WsSecurity("admin", HARD_PASSWORD, **changes)  # type: ignore[arg-type]  # names are checked by the dataclass


def digest(**changes: object) -> HttpDigest:
    return HttpDigest("admin", HARD_PASSWORD, **changes)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "refusal",
    [
        fault("ter:NotAuthorized", "Sender not Authorized", status=400),
        fault("ter:NotAuthorized", "Sender not Authorized", status=500),
        fault("ter:NotAuthorized", "Sender not Authorized", status=200),
        fault("ter:NotAuthorized", "Sender not Authorized", status=401),
        fault("wsse:FailedAuthentication", "", status=400),
        html("Unauthorized", status=401),
        Response(b"", 401, (("WWW-Authenticate", 'Basic realm="camera"'),)),
    ],
)
async def test_a_device_without_a_digest_challenge_gets_ws_security(
    gateway: ZeepOnvifGateway, refusal: Response
) -> None:
    """ONVIF Core specification, "Authentication"; ipycam 1.3.0 sends faults by HTTP 200; issue 178 of agsh/onvif."""
    with OnvifDevice(security=wsse(refusal=refusal)) as device:
        told = await ask(gateway, device, credentials())
    assert told.device.auth_mode == "wsse"
    assert len(told.streams) == 2
    assert not any(request.has_digest for request in device.requests)


async def test_quirk_6_every_message_has_a_nonce_of_its_own(gateway: ZeepOnvifGateway) -> None:
    """sr99622/libonvif issue 126: the device remembers nonces and refuses them the second time."""
    security = wsse()
    with OnvifDevice(security=security, open_operations=frozenset({"GetSystemDateAndTime"})) as device:
        await ask(gateway, device, credentials())
    assert len(set(security.nonces)) == len(security.nonces) == len(device.signed)
    assert len(device.signed) > 5


@pytest.mark.parametrize("offset", [timedelta(hours=1), -timedelta(days=365 * 26), timedelta(seconds=90)])
async def test_quirk_1_a_wrong_clock_of_the_device_is_no_wrong_password(
    gateway: ZeepOnvifGateway, offset: timedelta
) -> None:
    """home-assistant/core issues 121952, 91587, 90794; lumeohq/onvif-rs issue 79."""
    with OnvifDevice(security=wsse(clock_offset=offset), clock_offset=offset) as device:
        told = await ask(gateway, device, credentials())
    assert told.device.clock_offset_s == pytest.approx(offset.total_seconds(), abs=2)
    assert len(told.streams) == 2


async def test_quirks_4_5_9_tokens_have_the_form_that_strict_devices_want(gateway: ZeepOnvifGateway) -> None:
    """home-assistant/core pull request 37750, lumeohq/onvif-rs issue 114, IOTechSystems/onvif issue 28."""
    security = wsse(created_form=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", forbidden="wsse:")
    with OnvifDevice(security=security) as device:
        assert len((await ask(gateway, device, credentials())).streams) == 2


@pytest.mark.parametrize("security", [wsse(), digest()])
async def test_quirk_2_a_device_that_guards_its_clock_is_there_and_is_asked_again_with_credentials(
    gateway: ZeepOnvifGateway, security: Security
) -> None:
    """lumeohq/onvif-rs pull request 65 (some Axis)."""
    with OnvifDevice(security=security, open_operations=frozenset()) as device:
        told = await ask(gateway, device, credentials())
    assert device.operations[0] == "GetSystemDateAndTime"
    assert not device.requests[0].has_token
    assert told.device.clock_offset_s == pytest.approx(0, abs=2)
    assert len(told.streams) == 2


async def test_a_clock_that_tells_nonsense_counts_as_right(gateway: ZeepOnvifGateway) -> None:
    nonsense = soap(system_time(datetime.now(UTC)).replace("<tt:Day>", "<tt:Day>9"))
    with OnvifDevice(security=wsse(), answers={"GetSystemDateAndTime": lambda _: nonsense}) as device:
        told = await ask(gateway, device, credentials())
    assert len(told.streams) == 2


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", ["auth", "auth,auth-int", None])
async def test_quirk_7_a_device_with_http_digest_gets_digest_and_no_token(
    gateway: ZeepOnvifGateway, algorithm: str, qop: str | None
) -> None:
    """home-assistant/core issues 99166 and 119107 (newer Hikvision firmware). Each nonce here is good once, for one URL."""
    with OnvifDevice(security=digest(algorithms=(algorithm,), qop=qop)) as device:
        told = await ask(gateway, device, credentials())
    assert told.device.auth_mode == "digest"
    assert len(told.streams) == 2
    assert not any(request.has_token for request in device.requests)


@pytest.mark.parametrize("one_header", [False, True])
async def test_quirk_8_of_several_challenges_the_strongest_is_answered(
    gateway: ZeepOnvifGateway, one_header: bool
) -> None:
    """IOTechSystems/onvif issue 41; Core specification, HashingAlgorithms."""
    security = digest(
        algorithms=("MD5", "SHA-512-256", "SHA-256"), other_challenges=('Basic realm="x, y"',), one_header=one_header
    )
    with OnvifDevice(security=security) as device:
        told = await ask(gateway, device, credentials())
    assert told.device.auth_mode == "digest"
    assert set(security.answered_algorithms) == {"SHA-256"}


async def test_only_algorithms_that_we_do_not_have_is_said_so_and_nothing_is_sent(gateway: ZeepOnvifGateway) -> None:
    security = digest(algorithms=("SHA-512-256",), other_challenges=('Basic realm="x"',))
    with OnvifDevice(security=security) as device:
        found = await fault_of(gateway, device, credentials())
    assert (found.reason, found.rung, found.auth) == (Reason.AUTH_ALGORITHM_UNSUPPORTED, Rung.ANSWERING, None)
    assert device.signed == []


async def test_a_stale_nonce_is_answered_once_more(gateway: ZeepOnvifGateway) -> None:
    """RFC 7616 section 3.3."""
    with OnvifDevice(security=digest(stale_answers=1)) as device:
        told = await ask(gateway, device, credentials())
    assert len(told.streams) == 2


async def test_a_device_that_calls_every_nonce_stale_is_given_up(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(security=digest(stale_answers=1000)) as device:
        found = await fault_of(gateway, device, credentials())
    assert (found.reason, found.rung, found.auth) == (Reason.ONVIF_FAILED, Rung.ANSWERING, None)
    assert len(device.signed) == 2


@pytest.mark.parametrize("open_operations", [PRE_AUTH, frozenset[str]()])
@pytest.mark.parametrize("security", [wsse(), digest(), digest(algorithms=("SHA-256",)), digest(refusal_status=403)])
async def test_quirk_10_after_one_refusal_nothing_more_is_sent(
    gateway: ZeepOnvifGateway, security: Security, open_operations: frozenset[str]
) -> None:
    """Quedale/OnvifDeviceManager issue 19, agsh/onvif issue 112: each refusal is one step to a lock of 30 minutes."""
    with OnvifDevice(security=security, open_operations=open_operations) as device:
        found = await fault_of(gateway, device, credentials(password="wrong password"))
    assert (found.reason, found.rung, found.auth) == (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED)
    assert len(device.signed) == 1
    # The clock is read once more, without credentials: a wrong one would have excused the refusal.
    after = device.operations[device.requests.index(device.signed[0]) + 1 :]
    assert after == (["GetSystemDateAndTime"] if device.signed[0].has_token else [])


async def test_a_device_that_refuses_only_later_calls_still_gets_one_refused_request(
    gateway: ZeepOnvifGateway,
) -> None:
    def refuse_later(request: Request) -> Response:
        return fault("ter:NotAuthorized", "not your media")

    with OnvifDevice(security=wsse(), answers={"GetProfiles": refuse_later}) as device:
        found = await fault_of(gateway, device, credentials())
    assert (found.reason, found.auth) == (Reason.AUTH_FAILED, AuthOutcome.REFUSED)
    assert device.operations.count("GetProfiles") == 1


async def test_a_device_that_wants_credentials_only_for_media_gets_them_there(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(security=digest(), open_operations=PRE_AUTH | {"GetDeviceInformation"}) as device:
        told = await ask(gateway, device, credentials())
    assert len(told.streams) == 2
    assert told.device.auth_mode == "digest"
    assert "GetDeviceInformation" not in {request.operation for request in device.signed}
    assert device.signed[0].operation == "GetProfiles"


@pytest.mark.parametrize(
    "security",
    [
        wsse(refusal=fault("ter:NotAuthorized", "The account is locked for 30 minutes")),
        wsse(refusal=Response(b"Locked", 423)),
        digest(refusal_body=b"<html>Device Locked</html>"),
    ],
)
async def test_quirk_10_a_locked_device_is_told_nothing_more(gateway: ZeepOnvifGateway, security: Security) -> None:
    """home-assistant/core issue 175333, evercam/evercam-server issue 91. It may say so before it sees credentials."""
    with OnvifDevice(security=security) as device:
        found = await fault_of(gateway, device, credentials())
    assert (found.reason, found.rung) == (Reason.AUTH_LOCKED_OUT, Rung.ANSWERING)
    assert found.auth is AuthOutcome.LOCKED_OUT
    assert device.signed == []


async def test_quirk_10_a_device_that_locks_on_our_attempt_says_so(gateway: ZeepOnvifGateway) -> None:
    class Locking(WsSecurity):
        def refuse(self, request: Request) -> Response | None:
            if not request.has_token:
                return self.refusal
            return Response(b"<p>This user has been locked</p>", 403, (("Content-Type", "text/html"),))

    with OnvifDevice(security=Locking("admin", "other")) as device:
        found = await fault_of(gateway, device, credentials())
    assert (found.reason, found.auth) == (Reason.AUTH_LOCKED_OUT, AuthOutcome.LOCKED_OUT)
    assert len(device.signed) == 1


@pytest.mark.parametrize("security", [wsse(), digest()])
async def test_without_registered_credentials_a_device_that_wants_some_is_left_alone(
    gateway: ZeepOnvifGateway, security: Security
) -> None:
    with OnvifDevice(security=security) as device:
        found = await fault_of(gateway, device)
    assert (found.reason, found.rung, found.auth) == (Reason.CREDENTIALS_MISSING, Rung.ANSWERING, None)
    assert device.operations == ["GetSystemDateAndTime", "GetDeviceInformation"]


async def test_quirk_12_a_device_without_a_password_gets_no_security_header(gateway: ZeepOnvifGateway) -> None:
    """home-assistant/core issues 39182 and 35904. Credentials that nobody asks for are not sent."""
    with OnvifDevice() as device:
        told = await ask(gateway, device, credentials())
    assert told.device.auth_mode == "none"
    assert device.signed == []
    assert not any("Security" in request.body for request in device.requests)


@pytest.mark.parametrize("make", [WsSecurity, HttpDigest])
async def test_quirk_12_an_empty_password_is_a_password(
    gateway: ZeepOnvifGateway, make: type[WsSecurity] | type[HttpDigest]
) -> None:
    with OnvifDevice(security=make("admin", "")) as device:
        assert len((await ask(gateway, device, credentials(password=""))).streams) == 2


@pytest.mark.parametrize("security", [wsse(), digest()])
async def test_a_user_name_with_a_line_break_never_reaches_a_header(
    gateway: ZeepOnvifGateway, security: Security
) -> None:
    with OnvifDevice(security=security) as device:
        found = await fault_of(gateway, device, credentials(username="admin\r\nX-Evil: 1"))
    assert (found.reason, found.auth) == (Reason.AUTH_FAILED, None)
    assert device.signed == []


async def test_a_folded_challenge_header_does_not_break_our_answer(gateway: ZeepOnvifGateway) -> None:
    def folded(request: Request) -> Response:
        if request.has_digest:
            return device.proper(request)
        value = 'Digest realm="a\r\n X-Injected: b",\r\n qop="auth", nonce="c"'
        return Response(b"", 401, (("WWW-Authenticate", value),))

    with OnvifDevice(answers={"GetDeviceInformation": folded}) as device:
        await ask(gateway, device, credentials())
    (signed,) = device.signed
    assert "x-injected" not in signed.headers


@pytest.mark.parametrize("security", [wsse(), digest()])
async def test_credentials_stand_in_no_log(
    gateway: ZeepOnvifGateway, security: Security, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = fault("ter:InvalidArgVal", f"no such thing for admin with {HARD_PASSWORD}")
    with OnvifDevice(security=security, answers={"GetProfiles": lambda _: echo}) as device:
        found = await fault_of(gateway, device, credentials())
    assert found.reason is Reason.ONVIF_FAILED
    assert HARD_PASSWORD not in caplog.text
    assert "admin" not in caplog.text
