"""After a stall of our own, nothing is judged on stale data."""

from services.aggregator.service import SweepGuard


def test_after_the_start_reports_have_time_to_come() -> None:
    guard = SweepGuard(every_s=2, settle_s=30, started_at=0)
    allowed = [now for now in range(0, 40, 2) if guard.allow(now)]
    assert allowed == [30, 32, 34, 36, 38]


def test_a_pass_that_comes_late_is_skipped_and_the_next_ones_too() -> None:
    guard = SweepGuard(every_s=2, settle_s=10, started_at=0)
    for now in range(0, 20, 2):
        guard.allow(now)
    assert guard.allow(20)
    assert not guard.allow(60), "the process stood still for 40 s"
    assert not guard.allow(62)
    for now in range(64, 70, 2):
        guard.allow(now)
    assert guard.allow(70)


def test_a_pass_that_failed_puts_the_next_ones_off() -> None:
    guard = SweepGuard(every_s=2, settle_s=10, started_at=-100)
    guard.allow(-1)
    for now in range(0, 12, 2):
        guard.allow(now)
    assert guard.allow(12)
    guard.stumbled(13)
    assert not guard.allow(14)
    for now in range(16, 23, 2):
        guard.allow(now)
    assert guard.allow(23)
