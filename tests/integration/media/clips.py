"""Short H.264 and H.265 clips as access units, made by libx264 and libx265 through PyAV."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray

from services.ingest.media.annexb import joined, nal_units, parameter_sets

TICKS_PER_S = 90_000


@dataclass(frozen=True)
class Unit:
    """One access unit with start codes, in decoding order. ``pts`` is in ticks of 1/90000 s from 0."""

    data: bytes
    pts: int
    key: bool


@dataclass(frozen=True)
class Clip:
    """``parameter_sets`` are the distinct SPS and PPS (and VPS) of the first key frame."""

    codec: str
    fps: int
    units: tuple[Unit, ...]
    parameter_sets: tuple[bytes, ...]

    @property
    def tick(self) -> int:
        """Ticks between frames."""
        return TICKS_PER_S // self.fps

    @property
    def length(self) -> int:
        """Ticks of the whole clip."""
        return self.tick * len(self.units)

    def without_parameter_sets(self) -> "Clip":
        """As from a camera that gives them in the SDP only."""
        bare = tuple(
            Unit(
                joined(tuple(nal for nal in nal_units(unit.data) if nal not in self.parameter_sets)), unit.pts, unit.key
            )
            for unit in self.units
        )
        return Clip(self.codec, self.fps, bare, self.parameter_sets)


def moving(width: int, height: int, frame: int) -> NDArray[np.uint8]:
    """A gradient with a bright block that moves along it."""
    y, x = np.mgrid[0:height, 0:width]
    picture: NDArray[np.uint8] = (40 + x * 120 // width + y * 40 // height).astype(np.uint8)
    left = 8 + frame * 4 % (width // 2)
    picture[height // 3 : height // 2, left : left + width // 8] = 220
    return picture


@lru_cache(maxsize=16)
def clip(
    codec: str = "h264", *, seconds: float = 4, fps: int = 25, gop: int = 25, size: str = "320x180", b_frames: int = 0
) -> Clip:
    """Encode a moving picture."""
    width, height = map(int, size.split("x"))
    encoder = av.CodecContext.create("libx264" if codec == "h264" else "libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, fps), Fraction(fps)
    encoder.gop_size, encoder.max_b_frames = gop, b_frames
    encoder.options = _options(codec, gop, b_frames)
    tick = TICKS_PER_S // fps
    packets = []
    for frame in range(round(seconds * fps)):
        picture = av.VideoFrame.from_ndarray(
            np.vstack([moving(width, height, frame), np.full((height // 2, width), 128, np.uint8)]), format="yuv420p"
        )
        picture.pts, picture.time_base = frame, encoder.time_base
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    units = tuple(Unit(bytes(packet), (packet.pts or 0) * tick, packet.is_keyframe) for packet in packets)
    return Clip(codec, fps, units, parameter_sets(codec, units[0].data))


def _options(codec: str, gop: int, b_frames: int) -> dict[str, str]:
    common = {"preset": "veryfast"} if b_frames else {"preset": "ultrafast", "tune": "zerolatency"}
    if codec == "h264":
        return {**common, "x264-params": "scenecut=0:repeat-headers=1"}
    return {
        **common,
        "x265-params": f"log-level=none:scenecut=0:repeat-headers=1:open-gop=0:keyint={gop}:min-keyint={gop}",
    }
