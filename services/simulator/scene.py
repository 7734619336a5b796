"""What a simulated camera sees: a corridor in which somebody walks, drawn as planes of YUV 4:2:0.

The walk is periodic over the loop, so that the last frame leads into the first.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.simulator import glyphs

#: One picture as PyAV takes it: luma above the two chroma planes, shape (height * 3 / 2, width).
Picture = NDArray[np.uint8]

_NOISE_SIGMA = 1.6
#: Cameras denoise over time, so that their grain changes more slowly than their picture. It also spares the encoder.
_NOISE_HOLD_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Look:
    """What tells two cameras apart on screen."""

    label: str
    hue_degrees: int = 210

    @classmethod
    def named(cls, label: str) -> "Look":
        """A look whose colour follows from the label."""
        return cls(label, hashlib.sha256(label.encode()).digest()[0] * 360 // 256)


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Both sides in pixels, even numbers."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2 or self.width < 64 or self.height < 48:
            raise ValueError(f"a picture of {self.width} x {self.height} is odd or too small")


class Scene:
    """A corridor of one look and size."""

    def __init__(self, look: Look, size: PictureSize, *, frames: int, fps: int) -> None:
        self._look = look
        self._size = size
        self._frames = frames
        self._fps = fps
        self._random = np.random.default_rng(int.from_bytes(hashlib.sha256(look.label.encode()).digest()[:4], "big"))
        self._corridor = self._draw_corridor()
        self._chroma = self._draw_chroma()
        self._scale = max(1, size.height // 150)

    def moving(self) -> Iterator[Picture]:
        """The whole loop, with sensor noise."""
        noise = self._corridor
        for index in range(self._frames):
            if index % _NOISE_HOLD_FRAMES == 0:
                grain = self._random.standard_normal(self._corridor.shape, dtype=np.float32)
                noise = (grain * _NOISE_SIGMA).astype(np.int16)
            yield self._picture(index, noise)

    def still(self) -> Picture:
        """One picture without noise."""
        return self._picture(self._frames // 3, np.zeros_like(self._corridor))

    def black(self) -> Picture:
        """What the sensor shows without light."""
        width, height = self._size.width, self._size.height
        picture = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
        picture[:height] = 16
        return picture

    def _picture(self, index: int, noise: NDArray[np.int16]) -> Picture:
        luma = self._corridor.copy()
        for walker in range(2):
            self._walk(luma, index, walker)
        luma += noise
        self._write(luma, index)
        picture = np.empty((self._size.height * 3 // 2, self._size.width), dtype=np.uint8)
        picture[: self._size.height] = np.clip(luma, 16, 235)
        picture[self._size.height :] = self._chroma
        return picture

    def _walk(self, luma: NDArray[np.int16], index: int, walker: int) -> None:
        """A body and a head that come down the corridor and go back."""
        turn = 2 * math.pi * (index / self._frames + walker / 2)
        nearness = 0.35 + 0.25 * math.sin(turn)
        width, height = self._size.width, self._size.height
        centre = int(width * (0.5 + 0.28 * math.cos(turn)))
        foot = int(height * (0.62 + 0.3 * (nearness - 0.1)))
        body_height, half = int(height * nearness * 0.7), max(2, int(height * nearness * 0.12))
        top = max(0, foot - body_height)
        shade = 70 if walker else 150
        luma[top:foot, max(0, centre - half) : centre + half] = shade
        head = max(0, top - 2 * half)
        luma[head:top, max(0, centre - half // 2) : centre + half // 2] = 185 - shade // 3

    def _write(self, luma: NDArray[np.int16], index: int) -> None:
        seconds, frame = divmod(index, self._fps)
        margin = 4 * self._scale
        self._line(luma, self._look.label, margin)
        self._line(
            luma, f"00:{seconds:02}.{frame * 100 // self._fps:02} {index:04}", self._size.height - 11 * self._scale
        )

    def _line(self, luma: NDArray[np.int16], text: str, top: int) -> None:
        left = 4 * self._scale
        ink = glyphs.ink(text, self._scale)[:, : self._size.width - left]
        strip = luma[top : top + ink.shape[0], left : left + ink.shape[1]]
        strip[:] = np.where(ink, 230, 30)

    def _draw_corridor(self) -> NDArray[np.int16]:
        """Walls and a tiled floor that run towards a door at the far end."""
        width, height = self._size.width, self._size.height
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        across = (x - width / 2) / (width / 2)
        down = (y - height * 0.42) / (height * 0.58)
        depth = np.maximum(np.abs(across), np.abs(down)) + 0.02
        luma = 60 + 90 * np.minimum(depth, 1.0)
        floor = (down > 0) & (down >= np.abs(across))
        tiles = (np.floor(4 / depth) + np.floor(6 * across / depth)) % 2
        luma = np.where(floor, luma - 18 + 26 * tiles, luma)
        wall = np.abs(across) > np.abs(down)
        doors = wall & (np.mod(3.2 / depth, 2.0) < 0.7) & (down > -0.45 * depth)
        luma = np.where(doors, luma - 34, luma)
        lamps = (down < 0) & (~wall) & (np.mod(3.0 / depth, 1.0) < 0.25) & (np.abs(across) < 0.25 * depth)
        luma = np.where(lamps, 225, luma)
        luma = np.where(depth < 0.14, 190, luma)
        return luma.astype(np.int16)

    def _draw_chroma(self) -> NDArray[np.uint8]:
        """One tint over everything, stronger on the upper half. Shape: (height / 2, width), U above V."""
        angle = math.radians(self._look.hue_degrees)
        quarter = self._size.height // 2 * (self._size.width // 2)
        fade = np.linspace(1.2, 0.6, quarter)
        u = 128 + 14 * math.cos(angle) * fade
        v = 128 + 14 * math.sin(angle) * fade
        return np.concatenate([u, v]).astype(np.uint8).reshape(self._size.height // 2, self._size.width)
