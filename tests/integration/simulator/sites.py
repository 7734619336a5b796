"""Sites small enough to start at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.simulator.device import DeviceSetup, SimulatedCamera, SimulatedRecorder
from services.simulator.pictures import Codec, StreamFormat
from services.simulator.scene import PictureSize
from services.simulator.site import SimulatedSite

SMALL = StreamFormat(PictureSize(320, 180), fps=25, kbps=200)
TINY = StreamFormat(PictureSize(160, 96), fps=25, kbps=60)


def small(**options: Any) -> DeviceSetup:
    """A setup with small pictures."""
    return DeviceSetup(main=SMALL, sub=TINY, **options)


@asynccontextmanager
async def one_camera(codec: Codec = Codec.H264, **options: Any) -> AsyncIterator[tuple[SimulatedSite, SimulatedCamera]]:
    """A running site with the camera ``gate``."""
    camera = SimulatedCamera("gate", codec, small(**options))
    async with SimulatedSite([camera]) as site:
        yield site, camera


@asynccontextmanager
async def one_recorder(channels: int = 2) -> AsyncIterator[tuple[SimulatedSite, SimulatedRecorder]]:
    """A running site with the recorder ``store``."""
    recorder = SimulatedRecorder("store", [Codec.H264, Codec.H265] * (channels // 2), small())
    async with SimulatedSite([recorder]) as site:
        yield site, recorder


def url(device: SimulatedCamera | SimulatedRecorder, path: str = "/main") -> str:
    """The address of a stream, without credentials."""
    return f"rtsp://127.0.0.1:{device.rtsp_port}{path}"
