"""Every fault of the simulator, through the whole system: what is said of the camera and of its facility, and back.

All faults are switched at the same time, each at a camera of its own in a facility of its own. What was seen is told by
one test for each.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.simulator.device import PASSWORD, USERNAME, DeviceSetup, SimulatedCamera, SimulatedDevice, SimulatedRecorder
from services.simulator.faults import Fault
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec, StreamFormat
from services.simulator.scene import PictureSize
from services.simulator.site import SimulatedSite
from tests.harness.system import Json, System, all_in_one

LOGIN = (USERNAME, PASSWORD)
CHANGED = f"{PASSWORD}, changed"
QUICK = {"picture_every": "3", "frozen_after": "6", "heartbeat": "2"}

#: Until a fault shows, and until its end does.
DETECTED_S = 30.0
BACK_S = 20.0
#: How long a verdict is watched for being steady.
STEADY_S = 6.0


@dataclass(frozen=True)
class Case:
    """One fault at one device, and what has to be said of it."""

    device: str
    fault: Fault
    condition: str
    rung: str
    #: The first reason, in the order in which they may follow each other.
    reasons: tuple[str, ...]
    state: str
    #: Within so many seconds.
    within_s: float = 15.0
    #: The part of the device that suffers, if not all of it.
    channel: int | None = None
    advisory: bool = False


@dataclass
class Seen:
    """What came of a case."""

    first: Json = field(default_factory=dict)
    took_s: float = 0.0
    back_s: float = 0.0
    steady: list[Json] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    after: Json = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    refusals: int = 0


OFFLINE, DISCONNECTED = "offline", "disconnected"
CASES = {
    "off by RTSP": Case("off-rtsp", Fault.OFF, OFFLINE, "unreachable", ("refused",), DISCONNECTED),
    "off by ONVIF": Case("off-onvif", Fault.OFF, OFFLINE, "unreachable", ("refused",), DISCONNECTED),
    "off recorder": Case("off-recorder", Fault.OFF, OFFLINE, "unreachable", ("refused",), DISCONNECTED),
    "silent": Case("silent", Fault.SILENT, OFFLINE, "playing", ("stalled", "no_frames"), DISCONNECTED),
    "frozen": Case("frozen", Fault.FROZEN, "degraded", "frames", ("frozen",), "degraded"),
    "frozen channel": Case("frozen-recorder", Fault.FROZEN, "degraded", "frames", ("frozen",), "degraded", channel=2),
    "black": Case("black", Fault.BLACK, "degraded", "frames", ("black",), "degraded"),
    "slow": Case("slow", Fault.SLOW, OFFLINE, "playing", ("stalled",), DISCONNECTED),
    "garbage": Case("garbage", Fault.GARBAGE, OFFLINE, "playing", ("protocol_error", "undecodable"), DISCONNECTED),
    "clock wrong": Case("clock", Fault.CLOCK_WRONG, "online", "picture", ("clock_skew",), "connected", advisory=True),
    "end": Case("end", Fault.END, OFFLINE, "playing", ("ended",), DISCONNECTED),
}
#: How each device is registered.
BY_RTSP = {"off-rtsp", "frozen", "slow", "garbage", "end"}
WSSE = {"off-onvif", "black", "wrong-wsse", "address"}
RECORDERS = {"off-recorder": 2, "frozen-recorder": 2, "wrong-recorder": 4, "wrong-recorder-rtsp": 4}
OTHERS = {"wrong-digest", "wrong-wsse", "address"}
