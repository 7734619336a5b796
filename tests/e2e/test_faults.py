"""Every fault of the simulator, through the whole system: what is said of the camera and of its facility, and back.

All faults are switched at the same time, each at a device of its own in a facility of its own. What came of it is judged
by one test for each.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.simulator.device import (
    PASSWORD,
    USERNAME,
    DeviceSetup,
    SimulatedCamera,
    SimulatedDevice,
    SimulatedRecorder,
)
from services.simulator.faults import Fault
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec, StreamFormat
from services.simulator.scene import PictureSize
from services.simulator.site import SimulatedSite
from tests.harness.system import Json, System, all_in_one

LOGIN = (USERNAME, PASSWORD)
#: What a device expects under the fault ``wrong_password``.
CHANGED = f"{PASSWORD}, changed"
SETTINGS = {"picture_every": "3", "frozen_after": "6", "heartbeat": "2"}
ZONES = ("gate", "yard", "corridor", "reception")

UP_S = 20.0
#: How long a verdict is watched for being steady: longer than a session is kept on which nothing comes.
STEADY_S = 12.0
BACK_S = 15.0
CURED_S = 15.0


@dataclass(frozen=True)
class Case:
    """One fault at one device, and what has to be said of it. ``reasons`` may follow each other in this order."""

    fault: Fault
    by: str  # rtsp or onvif
    condition: str
    rung: str
    reasons: tuple[str, ...]
    state: str
    within_s: float
    auth_mode: AuthMode = AuthMode.DIGEST
    codec: Codec = Codec.H264
    channels: int = 0  # of a recorder
    channel: int | None = None  # the one that suffers, counted from 1; None: the whole device

    @property
    def advisory(self) -> bool:
        return self.condition == "online"


OFF = (Fault.OFF, "offline", "unreachable", ("refused",), "disconnected", 6.0)
REFUSED = ("offline", "answering", ("auth_failed",), "disconnected", 6.0)
FROZEN = ("degraded", "frames", ("frozen",), "degraded", 15.0)


def _case(by: str, fault: Fault, verdict: tuple[str, str, tuple[str, ...], str, float], **more: object) -> Case:
    condition, rung, reasons, state, within_s = verdict
    return Case(fault, by, condition, rung, reasons, state, within_s, **more)  # type: ignore[arg-type]


CASES = {
    "off": _case("rtsp", Fault.OFF, OFF[1:]),
    "off-onvif": _case("onvif", Fault.OFF, OFF[1:], auth_mode=AuthMode.WSSE),
    "off-recorder": _case("onvif", Fault.OFF, OFF[1:], channels=2),
    "password": _case("rtsp", Fault.WRONG_PASSWORD, REFUSED),
    "password-digest": _case("onvif", Fault.WRONG_PASSWORD, REFUSED),
    "password-wsse": _case("onvif", Fault.WRONG_PASSWORD, REFUSED, auth_mode=AuthMode.WSSE),
    "password-recorder": _case("onvif", Fault.WRONG_PASSWORD, REFUSED, channels=4),
    "password-recorder-rtsp": _case("rtsp", Fault.WRONG_PASSWORD, REFUSED, channels=4),
    "silent": _case("onvif", Fault.SILENT, ("offline", "playing", ("stalled", "no_frames"), "disconnected", 9.0)),
    "frozen": _case("rtsp", Fault.FROZEN, FROZEN),
    "frozen-h265": _case("onvif", Fault.FROZEN, FROZEN, codec=Codec.H265, auth_mode=AuthMode.WSSE),
    "frozen-channel": _case("onvif", Fault.FROZEN, FROZEN, channels=2, channel=2),
    "black": _case("onvif", Fault.BLACK, ("degraded", "frames", ("black",), "degraded", 8.0), auth_mode=AuthMode.WSSE),
    "slow": _case("rtsp", Fault.SLOW, ("offline", "playing", ("stalled",), "disconnected", 12.0)),
    "garbage": _case("rtsp", Fault.GARBAGE, ("offline", "playing", ("undecodable",), "disconnected", 15.0)),
    "garbage-h265": _case(
        "rtsp", Fault.GARBAGE, ("offline", "playing", ("undecodable",), "disconnected", 15.0), codec=Codec.H265
    ),
    "end": _case("rtsp", Fault.END, ("offline", "playing", ("ended",), "disconnected", 6.0), codec=Codec.H265),
    "clock": _case("onvif", Fault.CLOCK_WRONG, ("online", "picture", ("clock_skew",), "connected", 12.0)),
}
PASSWORDS = [name for name, case in CASES.items() if case.fault is Fault.WRONG_PASSWORD]


@dataclass
class Seen:
    """What came of a case: of the camera that suffers, and of its facility."""

    detected_s: float = 0.0
    cured_s: float = 0.0
    during: list[Json] = field(default_factory=list)
    states: list[Json] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # conditions of channels that are well, meanwhile
    after: Json = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    refusals: int = 0


@dataclass(frozen=True)
class Patient:
    """A registered device."""

    device: SimulatedDevice
    facility: str
    cameras: list[str]


class Ward:
    """The site and the system, while the cases run."""

    def __init__(self, site: SimulatedSite, system: System) -> None:
        self._site = site
        self._system = system

    async def admit(self, device: SimulatedDevice, by: str) -> Patient:
        facility = await self._system.facility()
        cameras = [
            await self._system.camera(facility, source, zone, LOGIN)
            for source, zone in zip(_sources(device, by), ZONES, strict=False)
        ]
        return Patient(device, facility, cameras)

    async def run(self, case: Case, patient: Patient) -> Seen:
        """Suffer, be watched, be cured."""
        system, seen = self._system, Seen()
        number = case.channel or 1
        name = patient.device.name if case.channel is None else f"{patient.device.name}-{number}"
        suffering, well = patient.cameras[number - 1], []
        if case.channel is not None:
            well = [camera for camera in patient.cameras if camera != suffering]
        await asyncio.gather(*(system.until_camera(camera, "online", UP_S) for camera in patient.cameras))

        await self._site.set_fault(name, case.fault)
        _, seen.detected_s = await system.until(
            lambda: system.camera_status(suffering), lambda status: _first_reason(status) in case.reasons, case.within_s
        )
        await system.until_facility(patient.facility, case.state)
        steady_until = time.monotonic() + STEADY_S
        while time.monotonic() < steady_until:
            seen.during.append(await system.camera_status(suffering))
            seen.states.append(await system.facility_status(patient.facility))
            seen.others += [(await system.camera_status(camera))["condition"] for camera in well]
            await asyncio.sleep(0.5)
        seen.refusals = patient.device.state.refusals

        if case.fault is Fault.WRONG_PASSWORD:
            for camera in patient.cameras:
                answer = await system.client.put(
                    f"/v1/cameras/{camera}/credentials", json={"username": USERNAME, "password": CHANGED}
                )
                assert answer.status_code == 204, answer.text
        else:
            await self._site.set_fault(name, Fault.NONE)
        seen.after, seen.cured_s = await system.until(
            lambda: system.camera_status(suffering),
            lambda status: status["condition"] == "online" and status["reasons"] == [],
            CURED_S,
        )
        await system.until_facility(patient.facility, "connected")
        changes = (await system.get(f"/v1/facilities/{patient.facility}/changes"))["items"]
        seen.changes = [(change["was"], change["now"]) for change in changes]
        return seen


@dataclass(frozen=True)
class Story:
    """All that was seen."""

    seen: dict[str, Seen | BaseException]
    address: list[Json]  # a camera that names a foreign address: under the fault, and after it
    recorder: Json  # the answer to a recorder of which no channel was named
    listed_after_recorder: int
    log: str

    def of(self, name: str) -> Seen:
        found = self.seen[name]
        if isinstance(found, BaseException):
            raise found
        return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(_live_through(tmp_path_factory.mktemp("faults")))


async def _live_through(directory: Path) -> Story:
    devices = {name: _device(name, case) for name, case in CASES.items()}
    address = SimulatedCamera("address", Codec.H264, _setup(AuthMode.WSSE))
    async with (
        SimulatedSite([*devices.values(), address]) as site,
        all_in_one(directory, **SETTINGS) as system,
    ):
        ward = Ward(site, system)
        recorder, listed = await _recorder_without_a_channel(system, devices["off-recorder"])
        patients = {name: await ward.admit(devices[name], case.by) for name, case in CASES.items()}
        results = await asyncio.gather(
            _foreign_address(site, system, ward, address),
            *(ward.run(case, patients[name]) for name, case in CASES.items()),
            return_exceptions=True,
        )
        told, seen = results[0], dict(zip(CASES, results[1:], strict=True))
        if isinstance(told, BaseException):
            raise told
        return Story(seen, told, recorder, listed, system.logs())  # type: ignore[arg-type]


async def _recorder_without_a_channel(system: System, recorder: SimulatedDevice) -> tuple[Json, int]:
    facility = await system.facility()
    body = {
        "facility_id": facility,
        "name": "Recorder",
        "zone": "gate",
        "source": {"kind": "onvif", "host": "127.0.0.1", "port": recorder.onvif_port},
        "credentials": {"username": USERNAME, "password": PASSWORD},
    }
    answer = await system.post("/v1/cameras", body, status=422)
    return answer, len((await system.get("/v1/cameras", facility_id=facility))["items"])


async def _foreign_address(site: SimulatedSite, system: System, ward: Ward, device: SimulatedDevice) -> list[Json]:
    """A device behind NAT. It is asked where its stream is when it is registered and when its credentials change."""
    await site.set_fault(device.name, Fault.ADDRESS_WRONG)
    (camera,) = (await ward.admit(device, "onvif")).cameras
    under, _ = await system.until_camera(camera, "online", UP_S)
    await site.set_fault(device.name, Fault.NONE)
    answer = await system.client.put(
        f"/v1/cameras/{camera}/credentials", json={"username": USERNAME, "password": PASSWORD}
    )
    assert answer.status_code == 204, answer.text
    after, _ = await system.until(lambda: system.camera_status(camera), lambda one: one["reasons"] == [], BACK_S)
    return [under, after]


def _device(name: str, case: Case) -> SimulatedDevice:
    setup = _setup(case.auth_mode)
    if case.channels:
        return SimulatedRecorder(name, [case.codec] * case.channels, setup)
    return SimulatedCamera(name, case.codec, setup)


def _setup(mode: AuthMode) -> DeviceSetup:
    """Small pictures, the same for all: encoded once."""
    main = StreamFormat(PictureSize(320, 180), fps=25, kbps=200)
    sub = StreamFormat(PictureSize(160, 96), fps=25, kbps=60)
    return DeviceSetup(main=main, sub=sub, auth_mode=mode, label="shared")


def _sources(device: SimulatedDevice, by: str) -> Iterator[Json]:
    recorder = isinstance(device, SimulatedRecorder)
    for channel in device.channels:
        main = channel.streams[0]
        if by == "rtsp":
            yield {"kind": "rtsp", "url": f"rtsp://127.0.0.1:{device.rtsp_port}{main.mount.path}"}
        else:
            profile = {"profile": main.profile} if recorder else {}
            yield {"kind": "onvif", "host": "127.0.0.1", "port": device.onvif_port, **profile}


def _first_reason(status: Json) -> str | None:
    return status["reasons"][0]["code"] if status["reasons"] else None


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_on_a_fault_is_right_and_stays(story: Story, name: str) -> None:
    case, seen = CASES[name], story.of(name)
    print(f"{name}: told after {seen.detected_s:.1f} s, cured after {seen.cured_s:.1f} s")
    assert len(seen.during) > 5
    for status in seen.during:
        assert (status["condition"], status["rung"]) == (case.condition, case.rung), status
        (reason,) = status["reasons"]
        assert reason["code"] in case.reasons
        assert reason["deciding"] is not case.advisory
        assert reason["advice"]["en"]
        assert reason["advice"]["vi"]
    places = [case.reasons.index(status["reasons"][0]["code"]) for status in seen.during]
    assert places == sorted(places), "one reason may follow another, not come and go"
    for status in seen.states:
        assert status["state"] == case.state
        codes = [reason["code"] for reason in status["reasons"]]
        assert codes == [] if case.advisory else codes[0] in case.reasons


@pytest.mark.parametrize("name", CASES)
def test_a_fault_that_ends_leaves_nothing_behind(story: Story, name: str) -> None:
    case, seen = CASES[name], story.of(name)
    assert (seen.after["rung"], seen.after["reasons"]) == ("picture", [])
    states = ["connected"] if case.advisory else ["connected", case.state, "connected"]
    # The channels of a recorder go and come one after the other, so that its facility may pass through degraded.
    passing = case.channels > 1 and case.state == "disconnected"
    told = [change for change in seen.changes if not (passing and change[1] == "degraded")]
    assert [now for _, now in told] == states, "each change is written once"
    assert [was for was, _ in seen.changes] == ["unknown", *(now for _, now in seen.changes[:-1])], "none is left out"


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_device_refuses_us_at_most_twice(story: Story, name: str) -> None:
    """Over ONVIF and RTSP and all channels together."""
    assert 1 <= story.of(name).refusals <= 2


def test_the_other_channel_of_a_recorder_stays_online(story: Story) -> None:
    others = story.of("frozen-channel").others
    assert len(others) > 5
    assert set(others) == {"online"}


def test_a_device_that_names_a_foreign_address_is_reached_by_its_own(story: Story) -> None:
    under, after = story.address
    assert under["rung"] == "picture"
    assert [(reason["code"], reason["deciding"]) for reason in under["reasons"]] == [("address_rewritten", False)]
    assert (after["condition"], after["reasons"]) == ("online", [])


def test_a_recorder_without_a_named_channel_is_answered_with_its_channels(story: Story) -> None:
    assert story.recorder["status"] == 422
    assert [error["pointer"] for error in story.recorder["errors"]] == ["/source/profile"]
    assert [(channel["profile"], channel["codec"]) for channel in story.recorder["channels"]] == [
        ("channel-1-main", "h264"),
        ("channel-2-main", "h264"),
    ]
    assert story.listed_after_recorder == 0, "nothing is stored"


def test_no_password_is_in_the_log(story: Story) -> None:
    assert story.log
    assert PASSWORD not in story.log
