"""A device's clock, set to ours."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.camera import Credentials, OnvifSource
from services.contracts.ladder import Reason
from services.contracts.worker_endpoint import ClockSet
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.simulator.device import PASSWORD, USERNAME
from services.simulator.faults import Fault
from services.simulator.onvif_server import AuthMode
from tests.doubles.onvif_device import OnvifDevice, Open, Request, Security
from tests.doubles.onvif_messages import Response, fault, soap, system_time
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import credentials
from tests.integration.simulator.sites import one_camera

ZONE = "<tt:TimeZone><tt:TZ>ICT-7</tt:TZ></tt:TimeZone>"


class Settable:
    """A device whose clock is what it was last set to."""

    def __init__(self, offset: timedelta, *, zone: str = ZONE, saving: bool = False) -> None:
        self.offset = offset
        self.zone = zone
        self.saving = saving
        self.orders: list[Request] = []

    def answers(self) -> dict[str, object]:
        return {"GetSystemDateAndTime": self.tell, "SetSystemDateAndTime": self.obey}

    def tell(self, _: Request) -> Response:
        whole = system_time(datetime.now(UTC) + self.offset).replace("<tt:UTCDateTime>", f"{self.zone}<tt:UTCDateTime>")
        return soap(whole.replace("Savings>false", f"Savings>{str(self.saving).lower()}"))

    def obey(self, request: Request) -> Response:
        self.orders.append(request)
        parts = {name: int(request.text(name)) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")}
        year, month, day, hour, minute, second = parts.values()
        self.offset = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - datetime.now(UTC)
        return soap("<tds:SetSystemDateAndTimeResponse/>")


async def set_clock(gateway: ZeepOnvifGateway, device: OnvifDevice, who: Credentials | None = None) -> ClockSet:
    return await gateway.set_clock(OnvifSource(address=device.address, port=device.port), who)


@pytest.mark.parametrize("security", [Open(), HttpDigest("admin", "pw")])
@pytest.mark.parametrize("offset", [timedelta(hours=1), -timedelta(days=9490)])
async def test_a_wrong_clock_is_set_right(gateway: ZeepOnvifGateway, security: Security, offset: timedelta) -> None:
    settable = Settable(offset)
    with OnvifDevice(answers=settable.answers(), security=security) as device:
        told = await set_clock(gateway, device, credentials(password="pw"))
    assert told.offset_before_s == pytest.approx(offset.total_seconds(), abs=2)
    assert told.offset_after_s == pytest.approx(0, abs=1.5)
    (order,) = settable.orders
    assert (order.text("DateTimeType"), order.text("TZ"), order.text("DaylightSavings")) == ("Manual", "ICT-7", "false")


async def test_with_ws_security_the_next_message_has_the_new_time(gateway: ZeepOnvifGateway) -> None:
    settable = Settable(timedelta(hours=1))

    class Following(WsSecurity):
        def refuse(self, request: Request) -> Response | None:
            self.clock_offset = settable.offset
            return super().refuse(request)

    with OnvifDevice(answers=settable.answers(), security=Following("admin", "pw")) as device:
        told = await set_clock(gateway, device, credentials(password="pw"))
    assert told.offset_after_s == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize(
    ("zone", "saving"), [("", False), ("<tt:TimeZone><tt:TZ>CET-1CEST</tt:TZ></tt:TimeZone>", True)]
)
async def test_the_time_zone_stays_as_it_is(gateway: ZeepOnvifGateway, zone: str, saving: bool) -> None:
    settable = Settable(timedelta(hours=2), zone=zone, saving=saving)
    with OnvifDevice(answers=settable.answers()) as device:
        await set_clock(gateway, device)
    (order,) = settable.orders
    assert order.text("DaylightSavings") == str(saving).lower()
    assert order.text("TZ") == re.sub(r"<[^>]*>", "", zone)
    assert ("TimeZone" in order.body) == bool(zone)


async def test_a_device_that_does_not_know_its_time_is_told_it(gateway: ZeepOnvifGateway) -> None:
    settable = Settable(timedelta(0))
    nonsense = soap("<tds:GetSystemDateAndTimeResponse/>")
    reads = iter([nonsense])
    answers = {
        **settable.answers(),
        "GetSystemDateAndTime": lambda request: next(reads, None) or settable.tell(request),
    }
    with OnvifDevice(answers=answers) as device:
        told = await set_clock(gateway, device)
    assert told.offset_before_s is None
    assert told.offset_after_s == pytest.approx(0, abs=1.5)


async def test_a_device_that_will_not_be_set_says_so(gateway: ZeepOnvifGateway) -> None:
    refusing = {"SetSystemDateAndTime": lambda _: fault("ter:NtpInUse", "synchronised by NTP")}
    with OnvifDevice(answers=refusing) as device, pytest.raises(CameraFault) as caught:
        await set_clock(gateway, device)
    assert caught.value.reason is Reason.ONVIF_FAILED
    assert "NTP" in caught.value.detail


async def test_an_account_that_may_not_set_it_is_refused_and_that_counts(gateway: ZeepOnvifGateway) -> None:
    refusing = {"SetSystemDateAndTime": lambda _: fault("ter:NotAuthorized", "operators only")}
    with (
        OnvifDevice(answers=refusing, security=HttpDigest("admin", "pw")) as device,
        pytest.raises(CameraFault) as caught,
    ):
        await set_clock(gateway, device, credentials(password="pw"))
    assert caught.value.reason is Reason.AUTH_FAILED


@pytest.mark.parametrize("mode", [AuthMode.DIGEST, AuthMode.WSSE])
async def test_the_clock_of_a_simulated_camera_is_set(gateway: ZeepOnvifGateway, mode: AuthMode) -> None:
    async with one_camera(auth_mode=mode) as (site, camera):
        await site.set_fault("gate", Fault.CLOCK_WRONG)
        source = OnvifSource(address="127.0.0.1", port=camera.onvif_port)
        done = await gateway.set_clock(source, Credentials(username=USERNAME, password=PASSWORD, version=1))
        assert done.offset_before_s == pytest.approx(-3600, abs=3)
        assert done.offset_after_s == pytest.approx(0, abs=3)
        assert camera.state.refusals == 0
