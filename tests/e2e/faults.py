"""A simulated site lives through every fault under the whole system, and what was seen is written down for the tests.

All faults are switched at the same time, each at a device of its own in a facility of its own.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

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
WITHIN_S = 15.0
#: The picture must have stood still for ``frozen_after``, and is looked at every three seconds.
FROZEN_WITHIN_S = 25.0
#: How long a verdict is watched for being steady: longer than a session is kept on which nothing comes.
STEADY_S = 12.0
CURED_S = 15.0
#: Fifteen stories at once: asked more often, the system would be busy with telling and not with watching.
_POLL_S = 0.6


class Verdict(NamedTuple):
    """What has to be said. ``reasons`` may follow each other in this order."""

    condition: str
    rung: str
    reasons: tuple[str, ...]
    state: str
    within_s: float = WITHIN_S

    @property
    def advisory(self) -> bool:
        return self.condition == "online"


@dataclass(frozen=True)
class Case:
    """One fault at one device, registered by its RTSP addresses or by ONVIF."""

    by: Literal["rtsp", "onvif"]
    fault: Fault
    verdict: Verdict
    auth_mode: AuthMode = AuthMode.DIGEST
    codec: Codec = Codec.H264
    channels: int = 0  # of a recorder
    channel: int | None = None  # the one that suffers, counted from 1; None: the whole device


GONE = Verdict("offline", "unreachable", ("refused",), "disconnected")
REFUSED = Verdict("offline", "answering", ("auth_failed",), "disconnected")
SILENT = Verdict("offline", "playing", ("stalled", "no_frames"), "disconnected")
FROZEN = Verdict("degraded", "frames", ("frozen",), "degraded", FROZEN_WITHIN_S)
BLACK = Verdict("degraded", "frames", ("black",), "degraded")
STALLED = Verdict("offline", "playing", ("stalled",), "disconnected")
UNDECODABLE = Verdict("offline", "playing", ("undecodable",), "disconnected")
ENDED = Verdict("offline", "playing", ("ended",), "disconnected")
SKEWED = Verdict("online", "picture", ("clock_skew",), "connected")

CASES = {
    "off": Case("rtsp", Fault.OFF, GONE),
    "off-onvif": Case("onvif", Fault.OFF, GONE, auth_mode=AuthMode.WSSE),
    "off-recorder": Case("onvif", Fault.OFF, GONE, channels=2),
    "password": Case("rtsp", Fault.WRONG_PASSWORD, REFUSED),
    "password-digest": Case("onvif", Fault.WRONG_PASSWORD, REFUSED),
    "password-wsse": Case("onvif", Fault.WRONG_PASSWORD, REFUSED, auth_mode=AuthMode.WSSE),
    "password-recorder": Case("onvif", Fault.WRONG_PASSWORD, REFUSED, channels=4),
    "password-recorder-rtsp": Case("rtsp", Fault.WRONG_PASSWORD, REFUSED, channels=4),
    "silent": Case("onvif", Fault.SILENT, SILENT),
    "frozen": Case("rtsp", Fault.FROZEN, FROZEN),
    "frozen-h265": Case("onvif", Fault.FROZEN, FROZEN, codec=Codec.H265, auth_mode=AuthMode.WSSE),
    "frozen-channel": Case("onvif", Fault.FROZEN, FROZEN, channels=2, channel=2),
    "black": Case("onvif", Fault.BLACK, BLACK, auth_mode=AuthMode.WSSE),
    "slow": Case("rtsp", Fault.SLOW, STALLED),
    "garbage": Case("rtsp", Fault.GARBAGE, UNDECODABLE),
    "garbage-h265": Case("rtsp", Fault.GARBAGE, UNDECODABLE, codec=Codec.H265),
    "end": Case("rtsp", Fault.END, ENDED, codec=Codec.H265),
    "clock": Case("onvif", Fault.CLOCK_WRONG, SKEWED),
}
PASSWORDS = [name for name, case in CASES.items() if case.fault is Fault.WRONG_PASSWORD]
#: Devices that are registered with a password that was never right.
STRANGERS: dict[str, tuple[Literal["rtsp", "onvif"], AuthMode, int]] = {
    "stranger-digest": ("onvif", AuthMode.DIGEST, 0),
    "stranger-wsse": ("onvif", AuthMode.WSSE, 0),
    "stranger-recorder-rtsp": ("rtsp", AuthMode.DIGEST, 4),
}


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

    async def admit(self, device: SimulatedDevice, by: str, login: tuple[str, str] = LOGIN) -> Patient:
        facility = await self._system.facility()
        cameras = [
            await self._system.camera(facility, source, zone, login)
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
            lambda: system.camera_status(suffering),
            lambda status: first_reason(status) in case.verdict.reasons,
            case.verdict.within_s,
        )
        await system.until_facility(patient.facility, case.verdict.state)
        steady_until = time.monotonic() + STEADY_S
        while time.monotonic() < steady_until:
            seen.during.append(await system.camera_status(suffering))
            seen.states.append(await system.facility_status(patient.facility))
            seen.others += [(await system.camera_status(camera))["condition"] for camera in well]
            await asyncio.sleep(1.5)
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
    address: list[Json] | BaseException  # a camera that names a foreign address: under the fault, and after it
    recorder: Json  # the answer to a recorder of which no channel was named
    listed_after_recorder: int
    strangers: dict[str, tuple[int, list[Json]]]  # refusals of the device, and statuses of its cameras
    log: str

    def of(self, name: str) -> Seen:
        found = self.seen[name]
        if isinstance(found, BaseException):
            raise found
        return found


async def live_through(directory: Path) -> Story:
    """Run it all, in less than a minute; ``directory`` becomes the system's."""
    devices = {name: _device(name, case.auth_mode, case.codec, case.channels) for name, case in CASES.items()}
    address = _device("address", AuthMode.WSSE)
    strangers = {name: _device(name, mode, channels=channels) for name, (_, mode, channels) in STRANGERS.items()}
    async with (
        SimulatedSite([*devices.values(), address, *strangers.values()]) as site,
        all_in_one(directory, **SETTINGS) as system,
    ):
        system.poll_s = _POLL_S
        ward = Ward(site, system)
        recorder, listed = await _recorder_without_a_channel(system, devices["off-recorder"])
        patients = {name: await ward.admit(devices[name], case.by) for name, case in CASES.items()}
        unwelcome = {
            name: await ward.admit(device, STRANGERS[name][0], (USERNAME, "never right"))
            for name, device in strangers.items()
        }
        told, *results = await asyncio.gather(
            _foreign_address(site, system, ward, address),
            *(ward.run(case, patients[name]) for name, case in CASES.items()),
            return_exceptions=True,
        )
        return Story(
            seen=dict(zip(CASES, results, strict=True)),  # type: ignore[arg-type]
            address=told,  # type: ignore[arg-type]
            recorder=recorder,
            listed_after_recorder=listed,
            strangers={
                name: (
                    strangers[name].state.refusals,
                    [await system.camera_status(camera) for camera in patient.cameras],
                )
                for name, patient in unwelcome.items()
            },
            log=system.logs(),
        )


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
    after, _ = await system.until(lambda: system.camera_status(camera), lambda one: one["reasons"] == [], CURED_S)
    return [under, after]


def _device(name: str, mode: AuthMode, codec: Codec = Codec.H264, channels: int = 0) -> SimulatedDevice:
    """With small pictures, the same for all: encoded once."""
    main = StreamFormat(PictureSize(320, 180), fps=25, kbps=200)
    sub = StreamFormat(PictureSize(160, 96), fps=25, kbps=60)
    setup = DeviceSetup(main=main, sub=sub, auth_mode=mode, label="shared")
    return SimulatedRecorder(name, [codec] * channels, setup) if channels else SimulatedCamera(name, codec, setup)


def _sources(device: SimulatedDevice, by: str) -> Iterator[Json]:
    recorder = isinstance(device, SimulatedRecorder)
    for channel in device.channels:
        main = channel.streams[0]
        if by == "rtsp":
            yield {"kind": "rtsp", "url": f"rtsp://127.0.0.1:{device.rtsp_port}{main.mount.path}"}
        else:
            profile = {"profile": main.profile} if recorder else {}
            yield {"kind": "onvif", "host": "127.0.0.1", "port": device.onvif_port, **profile}


def first_reason(status: Json) -> str | None:
    """The code that stands first in a status."""
    return status["reasons"][0]["code"] if status["reasons"] else None
