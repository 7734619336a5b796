"""Two refusals for each host, whatever is tried there."""

from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.camera import AuthOutcome
from services.contracts.discovery import RefusedBefore
from services.contracts.ladder import Reason
from services.ingest.discovery.host_budget import HostBudget

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


def before(credential: int, refusals: int, *, locked_out: bool = False, minutes_ago: float = 5.0) -> RefusedBefore:
    return RefusedBefore(
        address="10.0.0.5",
        credential=credential,
        refusals=refusals,
        locked_out=locked_out,
        at=NOW - timedelta(minutes=minutes_ago),
    )


def tries(budget: HostBudget, now: datetime = NOW) -> list[int]:
    """Which sets are tried when every one is refused, at one door after another."""
    made: list[int] = []
    for _ in range(4):  # ONVIF, RTSP and more doors than there are
        tried: set[int] = set()
        while (one := budget.next_set(now, tried)) is not None:
            tried.add(one)
            made.append(one)
            budget.note(one, AuthOutcome.REFUSED)
    return made


def test_sets_are_tried_in_their_order_and_never_more_than_twice() -> None:
    assert tries(HostBudget(5)) == [0, 1]


def test_one_wrong_password_is_tried_twice_over_all_doors() -> None:
    budget = HostBudget(1)
    assert tries(budget) == [0, 0]
    assert [refusal.model_dump() for refusal in budget.refusals] == [{"credential": 0, "count": 2, "locked_out": False}]
    assert budget.obstacle(NOW) is Reason.AUTH_FAILED


def test_nothing_is_tried_without_sets() -> None:
    budget = HostBudget(0)
    assert tries(budget) == []
    assert budget.obstacle(NOW) is Reason.CREDENTIALS_MISSING


@pytest.mark.parametrize(("refused", "expected"), [(1, [0]), (2, []), (3, [])])
def test_earlier_refusals_count(refused: int, expected: list[int]) -> None:
    assert tries(HostBudget(1, [before(0, refused)])) == expected


def test_a_set_that_was_never_refused_has_a_budget_of_its_own() -> None:
    """Entering another password and searching again must work at once."""
    assert tries(HostBudget(2, [before(0, 2)])) == [1, 1]
    assert tries(HostBudget(2, [before(0, 1)])) == [0, 1]


def test_a_locked_out_host_is_left_alone_for_an_hour_and_then_asked_once() -> None:
    locked = before(0, 2, locked_out=True, minutes_ago=59)
    budget = HostBudget(2, [locked])
    assert tries(budget) == []
    assert budget.obstacle(NOW) is Reason.AUTH_LOCKED_OUT
    assert tries(HostBudget(2, [locked]), NOW + timedelta(minutes=2)) == [0]


def test_a_lock_out_ends_all_tries() -> None:
    budget = HostBudget(3)
    assert budget.next_set(NOW) == 0
    budget.note(0, AuthOutcome.LOCKED_OUT)
    assert budget.next_set(NOW) is None
    assert budget.obstacle(NOW) is Reason.AUTH_LOCKED_OUT
    assert budget.refusals[0].locked_out


def test_what_was_accepted_is_the_only_one_used_from_then_on() -> None:
    budget = HostBudget(3)
    budget.note(0, AuthOutcome.REFUSED)
    assert budget.next_set(NOW, {0}) == 1
    budget.note(1, AuthOutcome.ACCEPTED)
    assert budget.next_set(NOW) == 1
    assert budget.next_set(NOW, {1}) is None
    budget.note(1, AuthOutcome.REFUSED)  # RTSP has other users than ONVIF
    assert budget.next_set(NOW) is None


def test_refusals_of_sets_that_the_order_does_not_have_are_passed_over() -> None:
    assert tries(HostBudget(1, [before(7, 2)])) == [0, 0]
