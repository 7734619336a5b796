"""The judge takes whatever a decoder gives it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.ladder import PICTURE_REASONS
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, History, Look, Luma, judge, seen_before, undecided
from tests.doubles.memory import held_bytes

SHAPE = (LOOK_HEIGHT, LOOK_WIDTH)


@st.composite
def lumas(draw: st.DrawFn) -> Luma:
    """Flat, noisy, half and half, striped, and mixtures of few levels."""
    random = np.random.default_rng(draw(st.integers(0, 5)))
    low, high = draw(st.integers(0, 255)), draw(st.integers(0, 255))
    kind = draw(st.sampled_from(["flat", "noise", "halves", "stripes", "levels", "scene"]))
    luma: Luma = np.full(SHAPE, low, np.uint8)
    if kind == "noise":
        luma = random.integers(0, 256, SHAPE, dtype=np.uint8)
    elif kind == "halves":
        luma[:, draw(st.integers(0, LOOK_WIDTH)) :] = high
    elif kind == "stripes":
        luma[:: draw(st.integers(1, 9))] = high
    elif kind == "levels":
        luma = random.choice(np.array([low, high], np.uint8), SHAPE)
    elif kind == "scene":
        coarse = random.integers(0, 256, (9, 16))
        luma = np.clip(np.kron(coarse, np.ones((6, 6))) + random.normal(0, 2, SHAPE), 0, 255).astype(np.uint8)
    return luma


@settings(max_examples=60, deadline=None)
@given(
    shown=st.lists(st.tuples(lumas(), st.integers(1, 12)), max_size=8),
    gaps=st.lists(st.sampled_from([0.0, 0.04, 1.0, 29.0, 30.0, 600.0, 1e6]), min_size=1, max_size=7),
    frozen_after_s=st.sampled_from([0.0, 6.0, 25.0]),
)
def test_any_looks_are_judged_within_bounds(
    shown: list[tuple[Luma, int]], gaps: list[float], frozen_after_s: float
) -> None:
    history, now, number = History(), 0.0, 0
    for luma, times in shown:
        for _ in range(times):
            now += gaps[number % len(gaps)]
            number += 1
            history, reasons = judge(history, Look(now, luma.copy()), frozen_after_s=frozen_after_s)
            assert set(reasons) <= PICTURE_REASONS
            assert len(set(reasons)) == len(reasons)
            assert seen_before(history) in {True, False}
            assert undecided(history) in {True, False}
            assert held_bytes(history) <= 24 * 1024
