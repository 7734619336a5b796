"""How long to wait before the next attempt."""

import random

from services.ingest.backoff import CAP_EARLY_S, CAP_LATE_S, EARLY_FOR_S, delay_s


def longest(low: float, high: float) -> float:
    assert low == 0.0, "full jitter"
    return high


def test_waits_grow_and_are_capped() -> None:
    assert [delay_s(failures, 10, longest) for failures in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert delay_s(100, EARLY_FOR_S - 1, longest) == CAP_EARLY_S
    assert delay_s(100, EARLY_FOR_S, longest) == CAP_LATE_S


def test_sites_do_not_reconnect_in_step() -> None:
    dice = random.Random(1)
    waits = [delay_s(20, 3600, dice.uniform) for _ in range(1000)]
    assert max(waits) <= CAP_LATE_S
    assert 0.4 * CAP_LATE_S < sum(waits) / len(waits) < 0.6 * CAP_LATE_S
