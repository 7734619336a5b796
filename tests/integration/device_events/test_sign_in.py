"""Events never cost an attempt of a password that was not accepted before. Counted at the device."""

import asyncio
import re
from datetime import timedelta
from uuid import uuid4

import pytest

from services.contracts.camera import AuthOutcome
from services.ingest.device_events.exchange import AuthMode
from tests.doubles.onvif_device import Security
from tests.doubles.onvif_events import Bent, EventDevice, tampering
from tests.doubles.onvif_messages import fault
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.integration.device_events.listening import Ear, account, events, until


@pytest.mark.parametrize(
    ("security", "mode"),
    [
        (WsSecurity("admin", "right"), "wsse"),
        (HttpDigest("admin", "right"), "digest"),
        (HttpDigest("admin", "right", algorithms=("MD5", "SHA-256")), "digest"),
    ],
)
async def test_it_signs_as_the_interrogation_found_out(security: Security, mode: AuthMode) -> None:
    ear = Ear()
    async with EventDevice(Bent(security=security)) as device, events() as hub:
        handle = hub.join(ear.listener(device, credentials=account(), auth_mode=mode))
        assert handle is not None
        await until(lambda: bool(device.points))
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)
        hub.leave(handle)
        await until(lambda: device.ended == 1)
        assert not ear.refusals
        assert not any(request.has_digest and request.has_token for request in device.requests)


async def test_quirk_8_each_request_gets_a_nonce_of_its_own() -> None:
    """IOTechSystems/onvif issue 41: a nonce bound to one URL or one request. A refusal of a former one says nothing."""
    ear = Ear()
    async with EventDevice(Bent(security=HttpDigest("admin", "right", stale_answers=1))) as device, events() as hub:
        hub.join(ear.listener(device, credentials=account(), auth_mode="digest"))
        await until(lambda: bool(device.points and device.requests[-1].has_digest))
        device.tell(tampering("source0"))
        await until(lambda: len(device.asked("PullMessages")) >= 4)
        nonces = [re.findall(r'nonce="([^"]*)"', one.headers["authorization"])[0] for one in device.signed]
        assert len(set(nonces)) == len(nonces) >= 4
        assert not ear.refusals


async def test_quirk_1_a_clock_that_was_set_back_is_no_refusal() -> None:
    """home-assistant/core issue 121952: after a loss of power the device is in the year 2000."""
    ear, back = Ear(), timedelta(days=-9000)
    security = WsSecurity("admin", "right", clock_offset=back)
    async with EventDevice(Bent(security=security, clock_offset=back)) as device, events() as hub:
        hub.join(ear.listener(device, credentials=account(), auth_mode="wsse"))
        await until(lambda: device.created == 1)
        assert not ear.refusals
        assert len(device.asked("GetSystemDateAndTime")) == 1


@pytest.mark.parametrize(
    ("security", "mode"), [(WsSecurity("admin", "other"), "wsse"), (HttpDigest("admin", "other"), "digest")]
)
async def test_quirk_10_a_refusal_is_the_last_request_until_the_credentials_change(
    security: Security, mode: AuthMode
) -> None:
    """home-assistant/core issue 175333: wrong passwords lock the account. This one was changed on site."""
    ear, device_id = Ear(), uuid4()
    async with EventDevice(Bent(security=security)) as device, events() as hub:
        first = ear.listener(device, credentials=account(), auth_mode=mode, device_id=device_id)
        handle = hub.join(first)
        assert handle is not None
        await until(lambda: ear.refusals == [AuthOutcome.REFUSED])
        hub.leave(handle)
        await asyncio.sleep(0.1)
        handle = hub.join(first)  # the same again, by the same or another channel
        assert handle is not None
        await asyncio.sleep(0.3)
        assert len(device.signed) == 1
        newer = ear.listener(device, credentials=account("other", 2), auth_mode=mode, device_id=device_id)
        hub.join(newer)
        await until(lambda: device.created == 1)
        assert ear.refusals == [AuthOutcome.REFUSED]


async def test_a_locked_account_is_told_as_such() -> None:
    ear = Ear()
    locked = fault("ter:NotAuthorized", "The device is locked because of entering wrong password many times")
    security = WsSecurity("admin", "other", refusal=locked)
    async with EventDevice(Bent(security=security)) as device, events() as hub:
        hub.join(ear.listener(device, credentials=account(), auth_mode="wsse"))
        await until(lambda: ear.refusals == [AuthOutcome.LOCKED_OUT])


@pytest.mark.parametrize("security", [WsSecurity("admin", "right"), HttpDigest("admin", "right")])
async def test_credentials_that_no_call_needed_so_far_are_not_tried_on_events(security: Security) -> None:
    ear = Ear()
    async with EventDevice(Bent(security=security)) as device, events() as hub:
        hub.join(ear.listener(device, credentials=account(), auth_mode="none"))
        await until(lambda: bool(device.asked("CreatePullPointSubscription")))
        await asyncio.sleep(0.3)
        assert not device.signed
        assert len(device.asked("CreatePullPointSubscription")) == 1
        assert not ear.refusals


async def test_one_account_serves_all_cameras_of_a_host() -> None:
    ears = [Ear(), Ear()]
    security = HttpDigest("admin", "right")
    async with EventDevice(Bent(security=security)) as device, events() as hub:
        for ear, password in zip(ears, ("right", "wrong"), strict=True):
            hub.join(ear.listener(device, credentials=account(password), auth_mode="digest", alone=True))
        await until(lambda: bool(device.points))
        device.tell(tampering("anything"))
        await until(lambda: all(len(ear.hints) == 1 for ear in ears))
        assert device.created == 1
