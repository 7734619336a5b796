"""When a camera is connected to again, and what a failed attempt means."""

import random

import pytest

from services.contracts.ladder import Reason
from services.ingest import policy
from services.ingest.backoff import CAP_LATE_S, delay_s
from services.ingest.health import Signal
from services.ingest.policy import Failure


def lowest(low: float, _: float) -> float:
    return low


def highest(_: float, high: float) -> float:
    return high


@pytest.mark.parametrize("every_s", [60, 600, 86_400])
def test_looks_come_at_their_interval_and_those_leased_together_part_after_the_first(every_s: int) -> None:
    assert policy.rest_s(every_s, lowest, first=False) == pytest.approx(0.9 * every_s)
    assert policy.rest_s(every_s, highest, first=False) == pytest.approx(1.1 * every_s)
    assert policy.rest_s(every_s, lowest, first=True) == pytest.approx(0.1 * every_s)
    assert policy.rest_s(every_s, highest, first=True) == every_s


@pytest.mark.parametrize(
    ("failures", "was_up", "reason", "spent", "signal"),
    [
        (0, True, Reason.TIMEOUT, False, Signal.ENDED),
        (0, False, Reason.TIMEOUT, False, None),
        (1, False, Reason.REFUSED, False, None),
        (2, False, Reason.REFUSED, False, Signal.FAILED),
        (2, True, Reason.UNDECODABLE, False, Signal.FAILED),
        (9, False, Reason.NO_ROUTE, False, Signal.FAILED),
        (0, True, Reason.AUTH_FAILED, False, Signal.ENDED),
        (0, True, Reason.AUTH_FAILED, True, Signal.FAILED),
        (0, True, Reason.AUTH_LOCKED_OUT, False, Signal.FAILED),
        (0, False, Reason.ADDRESS_REFUSED, False, Signal.FAILED),
    ],
)
def test_a_look_fails_only_with_its_third_attempt_or_when_another_would_change_nothing(
    failures: int, was_up: bool, reason: Reason, spent: bool, signal: Signal | None
) -> None:
    failure = Failure(reason, failures, was_up=was_up, every_s=600, spent=spent)
    assert policy.signal_of(failure) is signal


@pytest.mark.parametrize(
    ("was_up", "reason", "signal"),
    [
        (True, Reason.ENDED, Signal.ENDED),
        (True, Reason.UNDECODABLE, Signal.FAILED),
        (True, Reason.CODEC_UNSUPPORTED, Signal.FAILED),
        (False, Reason.REFUSED, Signal.FAILED),
    ],
)
def test_a_camera_watched_without_pause_is_down_after_one_reconnect(
    was_up: bool, reason: Reason, signal: Signal
) -> None:
    assert policy.signal_of(Failure(reason, 0, was_up=was_up, every_s=None)) is signal


@pytest.mark.parametrize(
    ("every_s", "failures", "soonest_s", "latest_s"),
    [
        (600, 0, 1.0, 3.0),
        (600, 1, 4.0, 12.0),
        (600, 2, 0.9 * CAP_LATE_S, 1.1 * CAP_LATE_S),
        (86_400, 50, 0.9 * CAP_LATE_S, 1.1 * CAP_LATE_S),
        (60, 2, 54.0, 66.0),
    ],
)
def test_a_failed_look_is_tried_again_soon_and_then_at_its_pace_but_within_five_minutes(
    every_s: int, failures: int, soonest_s: float, latest_s: float
) -> None:
    failure = Failure(Reason.TIMEOUT, failures, was_up=False, every_s=every_s)
    assert policy.retry_s(failure, 0.0, lowest) == pytest.approx(soonest_s)
    assert policy.retry_s(failure, 1e6, highest) == pytest.approx(latest_s)


def test_without_sampling_the_usual_back_off_holds() -> None:
    failure = Failure(Reason.TIMEOUT, 3, was_up=False, every_s=None)
    for down_s in (0.0, 500.0):
        assert policy.retry_s(failure, down_s, highest) == delay_s(3, down_s, highest)


@pytest.mark.parametrize("every_s", [60, 300, 3600, 86_400])
def test_a_look_stands_until_all_attempts_of_the_next_have_had_their_time(every_s: int) -> None:
    attempts_s = (len(policy.RETRIES_S) + 1) * 12.0 + 1.5 * sum(policy.RETRIES_S)
    assert policy.fresh_for_s(every_s) > 1.1 * every_s + attempts_s + 30.0
    assert policy.fresh_for_s(every_s) <= 1.25 * every_s + 120


def test_a_single_camera_begins_at_once_and_many_spread() -> None:
    assert policy.start_delay_s(1, highest) <= 0.1
    assert policy.start_delay_s(100, highest) == 1.0
    assert policy.start_delay_s(5000, highest) == 2.0
    dice = random.Random(5)
    drawn = [policy.start_delay_s(100, dice.uniform) for _ in range(200)]
    assert min(drawn) < 0.1 < 0.9 < max(drawn)
