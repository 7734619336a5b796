"""Another device at a camera's address is never watched as the old camera (design section 2: device)."""

from ipaddress import ip_network

import pytest

from services.contracts.camera import (
    CameraAssignment,
    Channel,
    Credentials,
    DeviceFacts,
    DeviceStream,
    Evidence,
    Interrogation,
    OnvifSource,
    RtspSource,
)
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.faults import CameraFault
from services.ingest.identity_check import SILENT_FOR_S, VERIFIED_FOR_S, IdentityCheck
from services.ingest.missing import seems_missing
from services.ingest.sign_in import SignIn
from services.ingest.stream_address import StreamAddress
from tests.doubles.clock import StillClock
from tests.doubles.directory import ScriptedDirectory, an_assignment
from tests.doubles.ingest_tools import NoOnvif, some_tools

OLD = DeviceFacts(maker="Maker", model="Dome 2", serial="A100", mac="02:00:5e:00:00:01", auth_mode="none")
NEW = DeviceFacts(maker="Maker", model="Dome 2", serial="B200", mac="02:00:5e:00:00:02", auth_mode="none")
LOST = CameraFault(Reason.ENDED, Rung.PLAYING)


class Device(NoOnvif):
    """Whoever stands at the address now."""

    def __init__(self, facts: DeviceFacts) -> None:
        self.facts = facts
        self.asked: list[str] = []
        self.silent = False

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        self.asked.append("interrogate")
        stream = DeviceStream(
            role="main",
            profile="p",
            source=RtspSource(address=source.address, port=554, path="/main"),
            original_uri="rtsp://10.20.3.4/main",
        )
        return Interrogation(device=self.facts, channels=(Channel(profile="p", name="p"),), streams=(stream,))

    async def identify(self, source: OnvifSource, credentials: Credentials | None) -> DeviceFacts:
        self.asked.append("identify")
        if self.silent:
            raise CameraFault(Reason.TIMEOUT, Rung.UNREACHABLE)
        return self.facts


class Place:
    """One camera's address, with a clock of its own."""

    def __init__(self, device: Device, known: Evidence | None) -> None:
        self.clock = StillClock()
        self.directory = ScriptedDirectory(self.clock)
        tools = some_tools(
            onvif=device,
            networks=CameraNetworks([ip_network("10.20.0.0/16")]),
            clock=self.clock,
            directory=self.directory,
        )
        self.assignment = an_assignment(OnvifSource(address="10.20.3.4", port=80), identity=known)
        self.address = StreamAddress(tools, SignIn(tools))

    async def watched(self) -> None:
        await self.address.find(self.assignment)
        self.address.worked(self.assignment)

    async def comes_back_after(self, seconds: float) -> None:
        self.address.failed(LOST)
        self.clock.move(seconds)
        await self.address.find(self.assignment)


async def test_a_different_device_is_not_streamed_and_is_told_to_the_directory() -> None:
    place = Place(Device(NEW), OLD.evidence)
    with pytest.raises(CameraFault) as fault:
        await place.address.find(place.assignment)
    assert fault.value.reason is Reason.WRONG_DEVICE
    assert [told.device.serial for told in place.directory.told] == ["B200"]
    with pytest.raises(CameraFault):
        await place.address.find(place.assignment)


async def test_a_stream_that_was_away_is_opened_again_only_when_the_device_is_the_same() -> None:
    device = Device(OLD)
    place = Place(device, OLD.evidence)
    await place.watched()
    await place.comes_back_after(VERIFIED_FOR_S - 1)
    assert device.asked == ["interrogate"], "it has just said who it is"
    await place.comes_back_after(1)
    assert device.asked == ["interrogate", "identify"]
    device.facts = NEW
    with pytest.raises(CameraFault) as fault:
        await place.comes_back_after(VERIFIED_FOR_S)
    assert fault.value.reason is Reason.WRONG_DEVICE
    assert place.directory.told[-1].device.serial == "B200", "for people to decide"


async def test_the_first_device_that_is_asked_is_the_known_one_from_then_on() -> None:
    device = Device(OLD)
    place = Place(device, None)
    await place.watched()
    device.facts = NEW
    with pytest.raises(CameraFault) as fault:
        await place.comes_back_after(VERIFIED_FOR_S)
    assert fault.value.reason is Reason.WRONG_DEVICE


async def test_a_device_whose_onvif_has_died_is_watched_all_the_same() -> None:
    device = Device(OLD)
    place = Place(device, OLD.evidence)
    await place.watched()
    device.silent = True
    await place.comes_back_after(VERIFIED_FOR_S)
    await place.comes_back_after(SILENT_FOR_S - 1)
    assert device.asked == ["interrogate", "identify"], "not asked at every attempt"
    device.silent, device.facts = False, NEW
    with pytest.raises(CameraFault):
        await place.comes_back_after(1)


async def test_the_new_device_is_watched_once_somebody_has_accepted_it() -> None:
    place = Place(Device(NEW), OLD.evidence)
    with pytest.raises(CameraFault):
        await place.address.find(place.assignment)
    accepted = place.assignment.model_copy(update={"identity": NEW.evidence, "version": 2})
    assert (await place.address.find(accepted)).path == "/main"


def rtsp_camera(known: Evidence) -> CameraAssignment:
    return an_assignment(RtspSource(address="10.20.3.4", port=554, path="/"), identity=known)


def test_a_device_without_onvif_is_told_by_its_mac_on_the_same_link() -> None:
    check = IdentityCheck(None, lambda _: "02:00:5e:00:00:02")
    check.verify_neighbour(rtsp_camera(Evidence(mac="02:00:5e:00:00:02")))
    with pytest.raises(CameraFault) as fault:
        check.verify_neighbour(rtsp_camera(Evidence(mac="02:00:5e:00:00:01")))
    assert fault.value.reason is Reason.WRONG_DEVICE


def test_behind_a_router_or_with_better_evidence_the_link_says_nothing() -> None:
    IdentityCheck(None, lambda _: None).verify_neighbour(rtsp_camera(Evidence(mac="02:00:5e:00:00:01")))
    repeater = IdentityCheck(None, lambda _: "02:00:5e:00:00:99")
    repeater.verify_neighbour(rtsp_camera(Evidence(mac="02:00:5e:00:00:01", serial="A100")))


@pytest.mark.parametrize(
    ("reason", "rung", "down_for_s", "missing"),
    [
        (Reason.WRONG_DEVICE, Rung.ANSWERING, 0.0, True),
        (Reason.NO_ROUTE, Rung.UNREACHABLE, 89.0, False),
        (Reason.NO_ROUTE, Rung.UNREACHABLE, 90.0, True),
        (Reason.TIMEOUT, Rung.UNREACHABLE, 90.0, True),
        (Reason.REFUSED, Rung.UNREACHABLE, 90.0, True),
        (Reason.TIMEOUT, Rung.REACHABLE, 900.0, False),
        (Reason.AUTH_FAILED, Rung.ANSWERING, 900.0, False),
    ],
)
def test_a_device_seems_missing_when_nobody_or_another_answers(
    reason: Reason, rung: Rung, down_for_s: float, missing: bool
) -> None:
    fault = CameraFault(reason, rung)
    assert seems_missing(an_assignment(identity=OLD.evidence), fault, down_for_s) is missing
    assert not seems_missing(an_assignment(), fault, down_for_s), "of whom nothing is known nothing can be found"
