"""When an account locks itself, and what is counted."""

from services.simulator.account import LOCKED_AFTER, LOCKED_S, Account


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_five_wrong_passwords_in_a_row_lock_it_for_half_an_hour() -> None:
    clock = Clock()
    account = Account("operator", "right", clock)
    for left in range(LOCKED_AFTER, 1, -1):
        assert account.left == left
        assert not account.judged(right=False, locks=True)
        assert account.locked_s == 0
    account.judged(right=False, locks=True)
    assert account.locked_s == LOCKED_S == 1800
    assert not account.judged(right=True, locks=True)
    clock.now += LOCKED_S - 1
    assert not account.judged(right=True, locks=True)
    clock.now += 1
    assert account.judged(right=True, locks=True)
    assert (account.attempts, account.refusals) == (LOCKED_AFTER + 3, LOCKED_AFTER + 2)


def test_a_right_password_between_wrong_ones_begins_the_count_anew() -> None:
    account = Account("operator", "right")
    for right in (False, False, False, False, True, False, False, False, False):
        account.judged(right=right, locks=True)
    assert account.locked_s == 0


def test_one_that_does_not_lock_itself_can_be_locked_and_unlocked() -> None:
    account = Account("operator", "right")
    for _ in range(20):
        account.judged(right=False, locks=False)
    assert account.locked_s == 0
    account.lock()
    assert not account.judged(right=True, locks=False)
    account.unlock()
    assert account.judged(right=True, locks=False)
    assert account.attempts == 22
