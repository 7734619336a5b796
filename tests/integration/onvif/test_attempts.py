"""How often a device sees credentials, counted at the device: two wrong ones at most, whatever else goes wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.camera import AuthOutcome, OnvifSource
from services.contracts.ladder import Reason
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import PRE_AUTH, OnvifDevice, Request, Security
from tests.doubles.onvif_messages import Response, fault, html, soap, system_time
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import ask, credentials, fault_of

HOUR = timedelta(hours=1)


def source_of(device: OnvifDevice) -> OnvifSource:
    return OnvifSource(address=device.address, port=device.port)


@pytest.mark.parametrize(
    "make",
    [
        lambda: WsSecurity("admin", "right"),
        lambda: WsSecurity("admin", "right", clock_offset=HOUR),
        lambda: HttpDigest("admin", "right"),
        lambda: HttpDigest("admin", "right", algorithms=("SHA-256", "MD5")),
    ],
)
@pytest.mark.parametrize("open_operations", [PRE_AUTH, frozenset[str](), frozenset({"GetDeviceInformation"})])
async def test_quirk_10_a_wrong_password_is_shown_twice_in_the_two_attempts_of_the_budget(
    gateway: ZeepOnvifGateway, make: Callable[[], Security], open_operations: frozenset[str]
) -> None:
    """Quedale/OnvifDeviceManager issue 19, CamioCam/rtsp issue 34. Each attempt is one visit; the budget has two."""
    with OnvifDevice(
        security=make(), open_operations=open_operations, clock_offset=HOUR, mac="00:11:22:33:44:5a"
    ) as device:
        for attempt in (1, 2):
            found = await fault_of(gateway, device, credentials(password="wrong"))
            assert (found.reason, found.auth) == (Reason.AUTH_FAILED, AuthOutcome.REFUSED)
            assert len(device.signed) == attempt


@pytest.mark.parametrize("wanted", ["wsse:Security", 'Security xmlns="'])
async def test_quirk_9_the_other_form_of_the_header_is_the_second_attempt(
    gateway: ZeepOnvifGateway, wanted: str
) -> None:
    """IOTechSystems/onvif issue 28 (Bosch, Hanwha refuse "wsse:"), and devices that want just that."""
    inner = WsSecurity("admin", "pw")

    class Choosy:
        def refuse(self, request: Request) -> Response | None:
            return inner.refuse(request) if wanted in request.body else fault("ter:NotAuthorized", "no")

    with OnvifDevice(security=Choosy()) as device:
        if wanted == "wsse:Security":
            found = await fault_of(gateway, device, credentials(password="pw"))
            assert (found.auth, len(device.signed)) == (AuthOutcome.REFUSED, 1)
        assert len((await ask(gateway, device, credentials(password="pw"))).streams) == 2
        signed = len(device.signed)
        device.requests.clear()
        # Remembered: also for other credentials, and without a request to learn it.
        await ask(gateway, device, credentials(password="pw"))
        assert len(device.signed) == signed - (1 if wanted == "wsse:Security" else 0)
        assert all(wanted in request.body for request in device.signed)


async def test_quirk_9_a_lock_out_is_not_answered_with_the_other_form(gateway: ZeepOnvifGateway) -> None:
    locked = WsSecurity("admin", "pw", refusal=fault("ter:NotAuthorized", "Account locked"))
    with OnvifDevice(security=locked) as device:
        found = await fault_of(gateway, device, credentials(password="pw"))
    assert found.reason is Reason.AUTH_LOCKED_OUT
    assert device.signed == []


class Drifting(WsSecurity):
    """Its clock jumps after it was read for the first time: set by NTP, or by a button."""

    def __init__(self, jump: timedelta, password: str = "pw") -> None:
        super().__init__("admin", password)
        self.clock_offset = jump


async def test_quirk_1_a_clock_that_jumps_is_no_wrong_password(gateway: ZeepOnvifGateway) -> None:
    """home-assistant/core issue 121952: read anew on a refusal, before it counts."""
    reads = iter([timedelta(0), HOUR, HOUR])
    told = {"GetSystemDateAndTime": lambda _: soap(system_time(datetime.now(UTC) + next(reads, HOUR)))}
    with OnvifDevice(security=Drifting(HOUR), answers=told) as device:
        found = await ask(gateway, device, credentials(password="pw"))
    assert found.device.clock_offset_s == pytest.approx(3600, abs=2)
    assert len(found.streams) == 2
    refused_then_right = [request.operation for request in device.signed[:2]]
    assert refused_then_right == ["GetDeviceInformation", "GetDeviceInformation"]


async def test_quirk_1_a_clock_that_jumps_in_the_middle_of_a_visit_is_no_wrong_password(
    gateway: ZeepOnvifGateway,
) -> None:
    security = WsSecurity("admin", "pw")

    def jump(request: Request) -> Response:
        security.clock_offset = HOUR
        device.script.clock_offset = HOUR
        return device.proper(request)

    with OnvifDevice(security=security, answers={"GetProfiles": jump}) as device:
        assert len((await ask(gateway, device, credentials(password="pw"))).streams) == 2


async def test_quirk_1_a_clock_that_jumps_all_the_time_does_not_make_us_try_for_ever(gateway: ZeepOnvifGateway) -> None:
    steps = iter(range(1000))
    told = {"GetSystemDateAndTime": lambda _: soap(system_time(datetime.now(UTC) + next(steps) * HOUR))}
    with OnvifDevice(security=WsSecurity("admin", "other"), answers=told) as device:
        found = await fault_of(gateway, device, credentials(password="pw"))
    assert (found.reason, found.auth) == (Reason.AUTH_FAILED, AuthOutcome.REFUSED)
    assert len(device.signed) == 2


@pytest.mark.parametrize("offset", [HOUR, -timedelta(days=9000)])
async def test_quirk_2_a_guarded_clock_that_is_wrong_is_told_by_the_date_of_its_replies(
    gateway: ZeepOnvifGateway, offset: timedelta
) -> None:
    """lumeohq/onvif-rs pull request 65 (Axis guards GetSystemDateAndTime): without its time, no WS-Security."""

    class Dated(WsSecurity):
        def refuse(self, request: Request) -> Response | None:
            refusal = super().refuse(request)
            date = (datetime.now(UTC) + offset).strftime("%a, %d %b %Y %H:%M:%S GMT")
            return None if refusal is None else Response(refusal.body, 400, (*refusal.headers, ("Date", date)))

    security = Dated("admin", "pw", clock_offset=offset)
    with OnvifDevice(security=security, open_operations=frozenset(), clock_offset=offset) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert told.device.clock_offset_s == pytest.approx(offset.total_seconds(), abs=2)
    assert len(told.streams) == 2


async def test_quirk_3_a_clock_that_tells_local_time_only_is_reckoned_with_its_zone(gateway: ZeepOnvifGateway) -> None:
    """agsh/onvif pull request 65: no UTCDateTime."""

    def local(_: Request) -> Response:
        there = datetime.now(UTC) + HOUR + timedelta(hours=7)
        whole = system_time(there).replace("UTCDateTime", "LocalDateTime")
        return soap(
            whole.replace("<tt:LocalDateTime>", "<tt:TimeZone><tt:TZ>ICT-7</tt:TZ></tt:TimeZone><tt:LocalDateTime>")
        )

    security = WsSecurity("admin", "pw", clock_offset=HOUR)
    with OnvifDevice(security=security, answers={"GetSystemDateAndTime": local}) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert told.device.clock_offset_s == pytest.approx(3600, abs=2)


# One request with credentials, and what came of it


@pytest.mark.parametrize("make", [WsSecurity, HttpDigest])
@pytest.mark.parametrize(("password", "outcome"), [("pw", AuthOutcome.ACCEPTED), ("wrong", AuthOutcome.REFUSED)])
async def test_a_trial_shows_the_credentials_once(
    gateway: ZeepOnvifGateway, make: Callable[[str, str], Security], password: str, outcome: AuthOutcome
) -> None:
    with OnvifDevice(security=make("admin", "pw"), clock_offset=timedelta(0)) as device:
        said = await gateway.try_sign_in(source_of(device), credentials(password=password))
    assert said is outcome
    assert len(device.signed) == 1


async def test_a_trial_at_an_open_device_shows_nothing(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice() as device:
        assert await gateway.try_sign_in(source_of(device), credentials()) is None
    assert device.signed == []


async def test_a_trial_at_a_device_that_guards_its_media_alone(gateway: ZeepOnvifGateway) -> None:
    security = HttpDigest("admin", "pw")
    with OnvifDevice(security=security, open_operations=PRE_AUTH | {"GetDeviceInformation"}) as device:
        said = await gateway.try_sign_in(source_of(device), credentials(password="pw"))
    assert said is AuthOutcome.ACCEPTED
    assert [request.operation for request in device.signed] == ["GetProfiles"]


@pytest.mark.parametrize("security", [HttpDigest("admin", "pw", stale_answers=5), Drifting(HOUR, "other")])
async def test_a_trial_is_never_repeated(gateway: ZeepOnvifGateway, security: Security) -> None:
    jumps = iter(range(100))
    told = {"GetSystemDateAndTime": lambda _: soap(system_time(datetime.now(UTC) + next(jumps) * HOUR))}
    with OnvifDevice(security=security, answers=told) as device:
        try:
            said = await gateway.try_sign_in(source_of(device), credentials(password="pw"))
        except CameraFault as error:  # a device that calls each nonce stale judged nothing
            said = error.auth
    assert said in {None, AuthOutcome.REFUSED}
    assert len(device.signed) == 1


async def test_a_trial_at_a_locked_device_says_so(gateway: ZeepOnvifGateway) -> None:
    security = WsSecurity("admin", "pw", refusal=fault("ter:NotAuthorized", "The user is locked"))
    with OnvifDevice(security=security) as device:
        assert await gateway.try_sign_in(source_of(device), credentials(password="x")) is AuthOutcome.LOCKED_OUT


async def test_quirk_12_a_trial_of_an_empty_password(gateway: ZeepOnvifGateway) -> None:
    """home-assistant/core issue 35904."""
    with OnvifDevice(security=WsSecurity("admin", "")) as device:
        assert await gateway.try_sign_in(source_of(device), credentials(password="")) is AuthOutcome.ACCEPTED


async def test_quirk_11_a_right_user_of_the_web_pages_may_be_a_wrong_one_of_onvif(gateway: ZeepOnvifGateway) -> None:
    """agsh/onvif issues 62 and 112: a user of its own. What the device says is told as a refusal, once."""
    with OnvifDevice(security=HttpDigest("onvif-user", "pw")) as device:
        found = await fault_of(gateway, device, credentials(password="pw"))
    assert (found.reason, found.auth) == (Reason.AUTH_FAILED, AuthOutcome.REFUSED)
    assert len(device.signed) == 1


async def test_quirk_11_onvif_that_is_switched_off_is_told_as_no_onvif(gateway: ZeepOnvifGateway) -> None:
    """home-assistant/core issue 175333: the port answers with web pages until ONVIF is switched on."""
    with OnvifDevice(answers={"GetSystemDateAndTime": lambda _: html("Not Found", status=404)}) as device:
        found = await fault_of(gateway, device, credentials(password="pw"))
    assert found.reason is Reason.ONVIF_FAILED
    assert device.signed == []
