"""Sizes that collapse are a reason to look, and rare otherwise."""

import random
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.suspicion import Suspicion
from tests.doubles.memory import held_bytes

FPS = 25
KEY_BYTES = 30_000


def hints(between: Callable[[int], float], *, seconds: int, group_s: int, key: Callable[[int], float]) -> list[int]:
    """The seconds in which a look is asked for; sizes of frames as functions of the second."""
    suspicion = Suspicion()
    total, frames, keys = 0.0, 0, 0
    asked = []
    for second in range(seconds):
        with_key = second % group_s == 0
        total += (FPS - with_key) * between(second) + with_key * key(second)
        frames, keys = frames + FPS, keys + with_key
        if suspicion.note(100.0 + second, int(total), frames, keys):
            asked.append(second)
    return asked


def uneven(random_: random.Random, size: float) -> float:
    return size * random_.uniform(0.8, 1.25)


def test_frames_that_collapse_between_key_frames_are_noticed_within_four_seconds() -> None:
    noise = random.Random(1)
    asked = hints(
        lambda second: uneven(noise, 4000) if second < 60 else 90,
        seconds=70,
        group_s=4,
        key=lambda _: uneven(noise, KEY_BYTES),
    )

    assert asked
    assert 60 < asked[0] <= 64


def test_they_are_noticed_with_a_key_frame_in_every_second_too() -> None:
    noise = random.Random(2)
    asked = hints(
        lambda second: uneven(noise, 4000) if second < 60 else 60,
        seconds=70,
        group_s=1,
        key=lambda second: uneven(noise, KEY_BYTES) if second < 60 else KEY_BYTES,
    )

    assert asked
    assert 60 < asked[0] <= 64


@given(seed=st.integers(0, 1000), group_s=st.integers(1, 5), swing=st.floats(1, 1.5))
def test_what_a_living_scene_does_is_no_reason(seed: int, group_s: int, swing: float) -> None:
    noise = random.Random(seed)

    assert not hints(
        lambda second: uneven(noise, 4000 if second // 20 % 2 else 4000 / swing),
        seconds=300,
        group_s=group_s,
        key=lambda _: uneven(noise, KEY_BYTES),
    )


def test_a_bit_rate_that_swings_tenfold_costs_a_look_every_half_minute_at_most() -> None:
    noise = random.Random(4)
    asked = hints(
        lambda second: uneven(noise, 4000 if second // 10 % 2 else 400),
        seconds=600,
        group_s=2,
        key=lambda _: uneven(noise, KEY_BYTES),
    )

    assert len(asked) <= 600 / 30


def test_a_still_that_lasts_becomes_what_is_usual() -> None:
    noise = random.Random(5)
    asked = hints(
        lambda second: uneven(noise, 4000) if second < 60 else 90, seconds=3600, group_s=4, key=lambda _: KEY_BYTES
    )

    assert asked
    assert asked[-1] < 1200


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**31), st.integers(0, 2**20)), max_size=40))
def test_any_totals_are_taken(totals: list[tuple[int, int, int]]) -> None:
    suspicion = Suspicion()
    for second, (size, frames, keys) in enumerate(totals):
        suspicion.note(float(second), size, frames, keys)

    assert held_bytes(suspicion) <= 1024


def test_few_frames_are_gathered_until_they_tell_something() -> None:
    """One frame a second: a hiccup of the line is no collapse."""

    def totals() -> Iterator[tuple[int, int, int]]:
        for second in range(200):
            yield second * 4000, second, second // 60

    suspicion = Suspicion()
    assert not any(suspicion.note(float(second), *total) for second, total in enumerate(totals()))
