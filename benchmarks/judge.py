"""What judging one look costs, and what is kept of a camera.

    python benchmarks/judge.py

Prints the median CPU time of ``judge`` over looks of drawn places with noise, people, a clock, other light and other
views, and the most memory that one history held.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, History, Look, Luma, judge
from services.ingest.suspicion import Suspicion
from tests.doubles.memory import held_bytes
from tests.integration.media.judged_scenes import Picture, corridor, noisy, with_clock, with_people, yard

_LOOKS = 600
_NOTES = 100_000


def main() -> None:
    """Measure and print one JSON object."""
    random = np.random.default_rng(1)
    places = [corridor(1).day, corridor(1).night, yard(1).day, yard(2).night]
    looks = []
    for number in range(_LOOKS):
        shown = noisy(places[number // 20 % len(places)], random, 2.0)
        if number % 3 == 0:
            shown = with_people(shown, random, 3)
        looks.append(_sampled(with_clock(shown, 30 * number)))
    history, times, held = History(), [], 0
    for number, luma in enumerate(looks):
        begun = time.process_time_ns()
        history, _ = judge(history, Look(30.0 * number, luma), frozen_after_s=25.0)
        times.append((time.process_time_ns() - begun) / 1e6)
        held = max(held, held_bytes(history))
    suspicion = Suspicion()
    begun = time.process_time_ns()
    for second in range(_NOTES):
        suspicion.note(float(second), second * 100_000, second * 25, second // 2)
    note_us = (time.process_time_ns() - begun) / 1e3 / _NOTES
    numbers = {
        "judge_ms_median": round(statistics.median(times), 3),
        "judge_ms_p95": round(statistics.quantiles(times, n=20)[-1], 3),
        "history_bytes_max": held,
        "note_us_mean": round(note_us, 2),
        "suspicion_bytes": held_bytes(suspicion),
    }
    print(json.dumps(numbers))


def _sampled(picture: Picture) -> Luma:
    height, width = picture.shape
    rows = (2 * np.arange(LOOK_HEIGHT) + 1) * height // (2 * LOOK_HEIGHT)
    columns = (2 * np.arange(LOOK_WIDTH) + 1) * width // (2 * LOOK_WIDTH)
    sampled: Luma = np.clip(np.rint(picture[rows][:, columns]), 0, 255).astype(np.uint8)
    return sampled


if __name__ == "__main__":
    main()
