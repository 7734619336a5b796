"""What the judge of pictures is tried on: a corridor and a yard, drawn with numpy, and what may happen to them.

A place is drawn once from regions, each with a brightness by day, another under infra-red light, and a texture that is
weaker there, as cloth, paint and leaves are. Everything is luma as float32 of shape (height, width).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360

Picture = NDArray[np.float32]

_GLYPHS = {
    "0": "757", "1": "262", "2": "727", "3": "737", "4": "571", "5": "747", "6": "467", "7": "711", "8": "777", "9": "771",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One place by day and under infra-red light, without noise."""

    day: Picture
    night: Picture


def smooth(picture: Picture, radius: float) -> Picture:
    """Blur by a Gaussian of ``radius`` pixels, by the Fourier transform of the picture mirrored at its edges."""
    padded = np.pad(picture, ((0, picture.shape[0]), (0, picture.shape[1])), mode="symmetric")
    y = np.fft.fftfreq(padded.shape[0])[:, None]
    x = np.fft.rfftfreq(padded.shape[1])[None, :]
    window = np.exp(-2 * (np.pi * radius) ** 2 * (x * x + y * y))
    back = np.fft.irfft2(np.fft.rfft2(padded) * window, s=padded.shape)
    return back[: picture.shape[0], : picture.shape[1]].astype(np.float32)


def _grain(random: np.random.Generator, shape: tuple[int, int]) -> Picture:
    """Texture of three scales, about one level strong."""
    height, width = shape
    total = random.standard_normal(shape)
    for size in (3, 9):
        coarse = random.standard_normal((-(-height // size), -(-width // size)))
        total += np.kron(coarse, np.ones((size, size)))[:height, :width]
    return (total / 1.7).astype(np.float32)


def _compose(
    random: np.random.Generator, regions: list[NDArray[np.bool_]], *, base: float, centre: tuple[float, float]
) -> Place:
    shape = regions[0].shape
    day, night, rough, rough_night = (np.full(shape, value, np.float32) for value in (base, base * 0.7, 2.5, 1.0))
    for region in regions:
        by_day = random.uniform(25, 205)
        day[region] = by_day
        # Under infra-red some dyes turn bright and others dark, whatever they are by day.
        night[region] = by_day * 0.6 if random.random() < 0.6 else random.uniform(30, 190)
        strength = random.uniform(1, 9)
        rough[region] = strength
        rough_night[region] = strength * random.uniform(0.15, 0.6)
    grain = _grain(random, shape)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    daylight = 0.8 + 0.35 * np.cos((x / shape[1] - random.uniform(0, 1)) * 2) * np.cos(y / shape[0])
    away = np.hypot((x / shape[1] - centre[0]) * 1.4, y / shape[0] - centre[1])
    lamp = 0.25 + 1.05 * np.exp(-((away / 0.55) ** 2))
    return Place(
        np.clip((day + rough * grain) * daylight, 18, 232).astype(np.float32),
        np.clip((night + rough_night * grain) * lamp, 18, 232).astype(np.float32),
    )


@lru_cache(maxsize=8)
def corridor(seed: int = 1, width: int = WIDTH, height: int = HEIGHT) -> Place:
    """Walls, floor and ceiling run to a vanishing point; doors with frames and handles, lamps, a notice board."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    away_x, away_y = random.uniform(0.35, 0.65) * width, random.uniform(0.3, 0.5) * height
    dx, dy = (x - away_x) / width, (y - away_y) / height
    depth = np.maximum(np.abs(dx), np.abs(dy)) + 1e-3
    floor, ceiling = (dy >= np.abs(dx)), (-dy >= np.abs(dx))
    left, right = (dx < 0) & ~floor & ~ceiling, (dx > 0) & ~floor & ~ceiling
    far = depth < 0.07
    regions = [floor, ceiling, left, right]
    tiles = ((1 / depth * 1.5).astype(int) + (dx / depth * 4).astype(int)) % 2 == 0
    regions += [floor & tiles, ceiling & ((1 / depth * 2).astype(int) % 5 == 0) & (np.abs(dx / depth) < 0.3)]
    for wall, sign in ((left, -1), (right, 1)):
        tall = dy / depth
        for start in (0.09, 0.16, 0.28):
            width_of_door = start * random.uniform(0.3, 0.5)
            along = sign * dx
            inside = wall & (along > start) & (along < start + width_of_door) & (tall > random.uniform(-0.6, -0.3))
            frame = inside & ((along < start * 1.06) | (along > start + width_of_door * 0.92))
            sign_on_it = inside & (np.abs(tall - random.uniform(-0.1, 0.1)) < 0.08)
            regions += [inside, frame, sign_on_it]
        regions.append(wall & (np.abs(tall - 0.75) < 0.03))
    regions.append(far)
    top, side = int(height * random.uniform(0.3, 0.45)), int(width * random.uniform(0.05, 0.12))
    board = np.zeros((height, width), bool)
    board[top : top + height // 6, side : side + width // 9] = True
    notes = board & ((x // 9 + y // 7) % 2 == 0)
    return _compose(random, [*regions, board, notes], base=120, centre=(0.5, 0.55))


@lru_cache(maxsize=8)
def yard(seed: int = 1, width: int = WIDTH, height: int = HEIGHT) -> Place:
    """Sky, a building with rows of windows, a fence, a tree, a path."""
    random = np.random.default_rng(seed + 1000)
    y, x = np.mgrid[0:height, 0:width]
    horizon = random.uniform(0.2, 0.35) * height
    ground = y > horizon
    wall = np.zeros((height, width), bool)
    start, end = int(width * random.uniform(0, 0.3)), int(width * random.uniform(0.6, 0.95))
    top, bottom = int(height * random.uniform(0.05, 0.15)), int(height * random.uniform(0.5, 0.62))
    wall[top:bottom, start:end] = True
    windows = wall & ((x - start) % 44 > 16) & ((y - top) % 36 > 12)
    frames = windows & (((x - start) % 44 < 19) | ((x - start) % 44 == 30) | ((y - top) % 36 < 15))
    panes = [windows & ((x - start) // 44 == column) for column in range(0, 12, 2)]
    fence = (y > height * 0.68) & (y < height * 0.8) & (x % 17 < 3)
    path = ground & (np.abs(x - width * random.uniform(0.3, 0.7) - (y - horizon) * 0.3) < (y - horizon) * 0.35)
    tree = np.hypot((x - width * random.uniform(0.7, 0.9)) * 1.3, y - height * 0.35) < height * 0.2
    regions = [~ground, ground, wall, windows, *panes, frames, path, fence, tree]
    return _compose(random, regions, base=140, centre=(0.5, 0.6))


def noisy(picture: Picture, random: np.random.Generator, sigma: float) -> Picture:
    """With the noise of a sensor: a part of one large field of it, taken at another place each time."""
    if not sigma:
        return picture
    height, width = picture.shape
    top, left = int(random.integers(0, HEIGHT)), int(random.integers(0, WIDTH))
    turned = _field()[:: int(random.choice((-1, 1))), :: int(random.choice((-1, 1)))]
    return picture + np.float32(sigma) * turned[top : top + height, left : left + width]


@lru_cache(maxsize=1)
def _field() -> Picture:
    return np.random.default_rng(7).standard_normal((2 * HEIGHT, 2 * WIDTH), dtype=np.float32)


def with_people(picture: Picture, random: np.random.Generator, count: int, *, size: float = 1.0) -> Picture:
    """People as clothed shapes at random places of the lower two thirds, larger the nearer they are."""
    shown = picture.copy()
    height, width = shown.shape
    for _ in range(count):
        foot = random.uniform(0.5, 1.0)
        tall = int(height * (foot - 0.25) * 0.6 * size)
        broad = max(tall // 3, 2)
        bottom, middle = int(foot * height), int(random.uniform(0, width))
        y, x = np.mgrid[max(bottom - tall, 0) : bottom, max(middle - broad, 0) : min(middle + broad, width)]
        if y.size == 0:
            continue
        body = np.hypot((x - middle) / (broad * 0.7), (y - bottom + tall * 0.45) / (tall * 0.55)) < 1
        cloth = random.uniform(30, 200) + random.uniform(5, 30) * ((x // 6 + y // 8) % 2)
        patch = shown[y.min() : y.max() + 1, x.min() : x.max() + 1]
        patch[body] = cloth[body]
    return shown


def with_clock(picture: Picture, second: int, *, row: int = 8, column: int = 8, size: int = 4) -> Picture:
    """With date and time in white on a dark bar, digits of 3 by 5 points of ``size`` pixels."""
    shown = picture.copy()
    text = f"{second // 3600 % 24:02}{second // 60 % 60:02}{second % 60:02}"
    wide = 4 * size
    shown[row : row + 7 * size, column : column + (2 + 4 * len(text)) * size] = 40
    for place, digit in enumerate(f"{text}"):
        for line, bits in enumerate(_rows(digit)):
            for dot in range(3):
                if bits >> (2 - dot) & 1:
                    top, left = row + (1 + line) * size, column + size + place * wide + dot * size
                    shown[top : top + size, left : left + size] = 225
    return shown


def _rows(digit: str) -> tuple[int, ...]:
    """Five rows of three bits of a digit, as seven-segment displays draw it."""
    segments = {
        "0": 0x77,
        "1": 0x24,
        "2": 0x5D,
        "3": 0x6D,
        "4": 0x2E,
        "5": 0x6B,
        "6": 0x7B,
        "7": 0x25,
        "8": 0x7F,
        "9": 0x6F,
    }
    lit = segments[digit]
    bars = [7 if lit >> bit & 1 else 0 for bit in (0, 3, 6)]
    upper = (4 if lit >> 1 & 1 else 0) | (1 if lit >> 2 & 1 else 0)
    lower = (4 if lit >> 4 & 1 else 0) | (1 if lit >> 5 & 1 else 0)
    return bars[0] | upper, upper, bars[1] | upper | lower, lower, bars[2] | lower


def with_rain(picture: Picture, random: np.random.Generator) -> Picture:
    """A veil over the picture, and streaks."""
    shown = picture * 0.8 + 30
    height, width = shown.shape
    for _ in range(250):
        x, y, long = int(random.integers(0, width)), int(random.integers(0, height - 30)), int(random.integers(8, 28))
        shown[y : y + long, x : x + 1] += random.uniform(15, 50)
    return shown.astype(np.float32)


def behind_a_hand(seed: int = 0, *, level: float = 110, share: float = 1.0, picture: Picture | None = None) -> Picture:
    """Something near and out of focus over the lens: smooth shading, and a share of the picture left free at the right."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    shade = level + 25 * np.cos(x / WIDTH * 2.5 + random.uniform(0, 3)) + 18 * np.sin(y / HEIGHT * 3)
    if share >= 1 or picture is None:
        return np.asarray(shade, np.float32)
    edge = 1 / (1 + np.exp((x - share * WIDTH) / 12))
    return np.asarray(shade * edge + picture * (1 - edge), np.float32)


def seen_from(place: Picture, across: int, down: int = 0) -> Picture:
    """The camera turned: the place shifted by pixels, mirrored where it ends."""
    pad = max(abs(across), abs(down)) + 1
    wide = np.pad(place, pad, mode="symmetric")
    return wide[pad + down : pad + down + place.shape[0], pad + across : pad + across + place.shape[1]]


def no_video(level: int, *, text: bool) -> Picture:
    """What a recorder shows for a channel without a camera: one colour, and perhaps a line of text."""
    picture = np.full((HEIGHT, WIDTH), level, np.float32)
    if text:
        for column in range(240, 400, 16):
            picture[172:188, column : column + 11] = 235
            picture[176:184, column + 3 : column + 8] = level
    return picture
