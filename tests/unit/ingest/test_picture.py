"""The picture judge finds frozen and black pictures and does not cry wolf."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import cast

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.contracts.ladder import Reason
from services.ingest.media import pictures
from services.ingest.picture import (
    LOOK_HEIGHT,
    LOOK_WIDTH,
    History,
    Look,
    Luma,
    difference,
    is_black,
    judge,
    seen_before,
    stands_still,
)

FROZEN_AFTER_S = 25.0
SEEDS = st.integers(0, 2**32 - 1)


def scene(seed: int = 1, width: int = LOOK_WIDTH, height: int = LOOK_HEIGHT) -> NDArray[np.float64]:
    """A room: a gradient of light, some texture, a few hard edges."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    picture = 90 + 40 * np.sin(x / width * 7) + 30 * np.cos(y / height * 5)
    coarse = random.normal(0, 8, (-(-height // 4), -(-width // 4)))
    picture += np.kron(coarse, np.ones((4, 4)))[:height, :width] * (y > height // 2)
    picture[height // 8 : height // 3, width // 8 : width // 4] = 200
    picture[height // 2 : height * 3 // 4, width * 2 // 3 : width * 3 // 4] = 30
    clipped: NDArray[np.float64] = np.clip(picture, 20, 230)
    return clipped


def rounded(picture: NDArray[np.float64]) -> Luma:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def verdicts(lumas: Iterator[Luma] | list[Luma], *, every_s: float = 10.0) -> list[tuple[Reason, ...]]:
    """What the judge says of each look in turn."""
    history, said = History(), []
    for number, luma in enumerate(lumas):
        history, reasons = judge(history, Look(1000 + number * every_s, luma), frozen_after_s=FROZEN_AFTER_S)
        said.append(reasons)
    return said


# Frozen


@pytest.mark.parametrize("every_s", [0.5, 1.0, 7.0, 30.0, 100.0])
def test_a_still_is_frozen_once_it_has_lasted_long_enough_and_stays_so(every_s: float) -> None:
    said = verdicts([rounded(scene())] * 120, every_s=every_s)

    first = next(number for number, reasons in enumerate(said) if reasons)
    assert FROZEN_AFTER_S <= first * every_s < FROZEN_AFTER_S + every_s + 1
    assert set(said[first:]) == {(Reason.FROZEN,)}


def test_a_picture_that_moves_again_is_frozen_no_more() -> None:
    still, other = rounded(scene()), rounded(scene(2))

    assert verdicts([still, still, still, still, other, still])[3:] == [(Reason.FROZEN,), (), ()]


@given(seed=SEEDS, sigma=st.floats(0.5, 12))
def test_a_sensor_s_noise_is_never_frozen(seed: int, sigma: float) -> None:
    random = np.random.default_rng(seed)
    base = scene(seed % 7)

    said = verdicts(rounded(base + random.normal(0, sigma, base.shape)) for _ in range(30))

    assert set(said) == {()}


@given(seed=SEEDS, levels=st.floats(3, 25), minutes=st.floats(1, 2), phase=st.floats(0, 1))
def test_slowly_changing_light_is_never_frozen(seed: int, levels: float, minutes: float, phase: float) -> None:
    """Dawn, dusk and clouds: light that rises and falls steadily between two levels, with no noise to help."""
    base = scene(seed % 7)

    def light(number: int) -> float:
        return levels * 2 * abs((number / 6 / (2 * minutes) + phase) % 1 - 0.5)

    said = verdicts(rounded(base + light(number)) for number in range(60))

    assert set(said) == {()}


@given(seed=SEEDS, size=st.integers(1, 6), contrast=st.integers(20, 200), every_s=st.floats(1, 40))
def test_a_small_thing_that_moves_is_never_frozen(seed: int, size: int, contrast: int, every_s: float) -> None:
    random = np.random.default_rng(seed)
    base = scene(seed % 7) * 0.3
    column = 0

    def pictures_of_it() -> Iterator[Luma]:
        nonlocal column
        for _ in range(40):
            column = (column + int(random.integers(size, 20))) % (LOOK_WIDTH - size)
            row = int(random.integers(0, LOOK_HEIGHT - size))
            picture = base.copy()
            picture[row : row + size, column : column + size] += contrast
            yield rounded(picture)

    assert set(verdicts(pictures_of_it(), every_s=every_s)) == {()}


def test_a_thing_that_swings_between_two_places_is_never_frozen() -> None:
    left, right = scene(), scene()
    left[20:24, 10:14] += 40
    right[20:24, 60:64] += 40

    assert set(verdicts([rounded(left), rounded(right)] * 20)) == {()}


def test_a_history_keeps_few_looks_but_old_enough_ones() -> None:
    history, luma = History(), rounded(scene())
    for number in range(1000):
        history, _ = judge(history, Look(number * 1.0, luma), frozen_after_s=FROZEN_AFTER_S)

    assert len(history.looks) <= 6
    assert history.looks[-1].taken_at_monotonic - history.looks[0].taken_at_monotonic >= FROZEN_AFTER_S


# Frozen, through a real encoder


@lru_cache(maxsize=32)
def key_looks(kind: str, encoder: str, gop: int, rate: str, seconds: int = 14) -> tuple[Luma, ...]:
    """The looks of all key frames of an encoded scene; ``rate`` is like `crf=23` or `kbps=800`."""
    width, height, fps = 640, 360, 12
    base = scene(3, width, height)
    random = np.random.default_rng(5)
    context = cast(VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate, context.gop_size = Fraction(1, fps), Fraction(fps), gop
    name, value = rate.split("=")
    context.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "x265-params": "log-level=none",
        **({"crf": value} if name == "crf" else {}),
    }
    if name == "kbps":
        context.bit_rate = int(value) * 1000
    packets = []
    for number in range(seconds * fps):
        picture = base.copy()
        if kind.startswith("noise"):
            picture += random.normal(0, float(kind.removeprefix("noise")), picture.shape)
        elif kind == "light":
            picture += number / fps * 0.5
        elif kind == "mover":
            left = 40 + number // 2 * 3
            picture[200:232, left : left + 16] = 60
        planes = np.vstack([rounded(picture), np.full((height // 2, width), 128, np.uint8)])
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = number, context.time_base
        packets += context.encode(frame)
    packets += context.encode(None)
    decoder = "h264" if encoder == "libx264" else "hevc"
    keys = [packet for packet in packets if packet.is_keyframe]
    frames = [pictures.decode(decoder, [key], context.extradata or b"").frames[0] for key in keys]
    return tuple(np.frombuffer(pictures.luma(frame), np.uint8).reshape(LOOK_HEIGHT, LOOK_WIDTH) for frame in frames)


ENCODINGS = [
    ("libx264", 12, "crf=23"),
    ("libx264", 25, "crf=25"),
    ("libx264", 12, "crf=28"),
    ("libx264", 30, "crf=28"),
    ("libx265", 12, "crf=28"),
]


@pytest.mark.parametrize(("encoder", "gop", "rate"), ENCODINGS)
def test_a_still_that_is_encoded_over_and_over_is_frozen(encoder: str, gop: int, rate: str) -> None:
    said = verdicts(list(key_looks("still", encoder, gop, rate)), every_s=13.0)

    settled = 10 if gop == 12 else 4  # key frames until the rate control stands still
    assert set(said[settled:]) == {(Reason.FROZEN,)}


def test_a_still_at_a_constant_bit_rate_is_frozen_once_the_encoder_has_settled() -> None:
    said = verdicts(list(key_looks("still", "libx264", 12, "kbps=800")), every_s=13.0)

    assert (Reason.FROZEN,) in said


@pytest.mark.parametrize("kind", ["noise0.7", "noise3", "light", "mover"])
@pytest.mark.parametrize(
    ("encoder", "gop", "rate"), [("libx264", 25, "crf=23"), ("libx264", 12, "crf=28"), ("libx264", 12, "kbps=800")]
)
def test_an_encoded_living_scene_is_never_frozen(kind: str, encoder: str, gop: int, rate: str) -> None:
    said = verdicts(list(key_looks(kind, encoder, gop, rate)), every_s=13.0)

    assert set(said) == {()}


def test_a_living_scene_in_h265_is_never_frozen() -> None:
    said = verdicts(list(key_looks("noise0.7", "libx265", 12, "crf=28")), every_s=13.0)

    assert set(said) == {()}


def test_an_encoder_begun_anew_for_each_look_shows_a_still_as_frozen() -> None:
    """Some cameras give each session an encoder of its own: the same few key frames come again each time."""
    series = key_looks("still", "libx264", 12, "crf=28")[:3]
    history, said = History(), []
    for session in range(4):
        for number, luma in enumerate(series):
            history, reasons = judge(history, Look(session * 30.0 + number, luma), frozen_after_s=FROZEN_AFTER_S)
            said.append(reasons)

    assert said[:3] == [()] * 3
    assert set(said[3:]) == {(Reason.FROZEN,)}


# Black


@given(seed=SEEDS, level=st.integers(0, 24), sigma=st.floats(0, 6))
def test_one_dark_colour_with_noise_is_black(seed: int, level: int, sigma: float) -> None:
    random = np.random.default_rng(seed)
    luma = rounded(level + random.normal(0, sigma, (LOOK_HEIGHT, LOOK_WIDTH)))

    assert is_black(luma)
    assert judge(History(), Look(0, luma), frozen_after_s=FROZEN_AFTER_S)[1] == (Reason.BLACK,)


@given(row=st.integers(0, LOOK_HEIGHT - 2), column=st.integers(0, LOOK_WIDTH - 2), level=st.integers(90, 235))
def test_a_dark_corridor_with_one_lamp_is_not_black(row: int, column: int, level: int) -> None:
    luma = np.full((LOOK_HEIGHT, LOOK_WIDTH), 17, np.uint8)
    luma[row : row + 2, column : column + 2] = level

    assert not is_black(luma)


def test_a_dim_room_with_outlines_is_not_black() -> None:
    assert not is_black(rounded(16 + scene() / 10))


@given(level=st.integers(45, 255))
def test_one_bright_colour_is_not_black(level: int) -> None:
    assert not is_black(np.full((LOOK_HEIGHT, LOOK_WIDTH), level, np.uint8))


def test_a_black_picture_is_not_called_frozen_too() -> None:
    black = np.full((LOOK_HEIGHT, LOOK_WIDTH), 16, np.uint8)

    assert set(verdicts([black] * 10)) == {(Reason.BLACK,)}


def test_light_that_goes_on_again_clears_black_at_once() -> None:
    black = np.full((LOOK_HEIGHT, LOOK_WIDTH), 16, np.uint8)

    assert verdicts([black, rounded(scene()), black]) == [(Reason.BLACK,), (), (Reason.BLACK,)]


# Difference


@settings(max_examples=30)
@given(seed=SEEDS)
def test_a_difference_is_symmetric_and_nothing_between_equal_looks(seed: int) -> None:
    a, b = rounded(scene(seed % 100)), rounded(scene(seed % 100 + 1))

    assert difference(a, b) == difference(b, a)
    assert difference(a, a.copy()) == (0.0, 0.0, 0)


def test_differences_do_not_wrap_around() -> None:
    dark, bright = np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)

    assert difference(dark, bright) == (1.0, 1.0, 255)


def test_the_child_samples_the_grid_that_the_judge_expects() -> None:
    assert (pictures.LOOK_COLUMNS, pictures.LOOK_ROWS) == (LOOK_WIDTH, LOOK_HEIGHT)


def test_two_key_frames_in_a_row_tell_a_loop_from_a_frozen_picture() -> None:
    noise = [np.random.default_rng(seed).normal(0, 2, (LOOK_HEIGHT, LOOK_WIDTH)) for seed in range(7)]
    moments = [rounded(scene() + one) for one in noise]
    clip = [Look(float(second), moments[second % 7]) for second in range(60)]
    history = History()
    for look in (clip[0], clip[28]):
        history, reasons = judge(history, look, frozen_after_s=25)
    assert reasons == (Reason.FROZEN,), "by itself the comparison is taken in by a loop of seven seconds"
    assert seen_before(history)
    assert stands_still(clip[28:30]) is False
    assert stands_still([Look(1.0, moments[0]), Look(2.0, moments[0])]) is True
    assert stands_still(clip[:1]) is None
