"""At most two wrong passwords, over all channels of a device."""

import asyncio

import pytest

from services.contracts.camera import AuthOutcome, CameraAssignment, RtspSource
from services.contracts.ids import new_id
from services.contracts.ladder import Reason, Rung
from services.ingest.auth_budget import AuthBudget
from services.ingest.faults import CameraFault
from tests.doubles.clock import StillClock

DEVICE = new_id()


def assignment(fingerprint: str = "f1", refusals: int = 0, version: int = 1) -> CameraAssignment:
    return CameraAssignment(
        camera_id=new_id(),
        facility_id=new_id(),
        device_id=DEVICE,
        reach="default",
        source=RtspSource(address="10.20.3.4", port=554, path="/"),
        epoch=1,
        version=1,
        credential_version=version if fingerprint else 0,
        credential_fingerprint=fingerprint,
        refusals=refusals,
    )


async def attempt(budget: AuthBudget, one: CameraAssignment, outcome: AuthOutcome) -> None:
    async with budget.turn(one):
        await asyncio.sleep(0)
        budget.note(one, outcome)


async def test_two_refusals_and_no_third_attempt() -> None:
    budget = AuthBudget(StillClock())
    for _ in range(2):
        await attempt(budget, assignment(), AuthOutcome.REFUSED)
    with pytest.raises(CameraFault) as spent:
        await attempt(budget, assignment(), AuthOutcome.REFUSED)
    assert spent.value.reason is Reason.AUTH_FAILED
    assert budget.retry_after_s(assignment()) is None


async def test_sixteen_channels_that_start_together_share_one_budget() -> None:
    budget, attempts = AuthBudget(StillClock()), 0

    async def channel() -> None:
        nonlocal attempts
        one = assignment()
        async with budget.turn(one):
            attempts += 1
            await asyncio.sleep(0.001)
            budget.note(one, AuthOutcome.REFUSED)

    results = await asyncio.gather(*(channel() for _ in range(16)), return_exceptions=True)
    assert attempts == 2
    assert sum(isinstance(result, CameraFault) for result in results) == 14


async def test_once_accepted_the_others_do_not_queue() -> None:
    budget = AuthBudget(StillClock())
    await attempt(budget, assignment(), AuthOutcome.ACCEPTED)
    both_in = asyncio.Barrier(2)

    async def channel() -> None:
        async with budget.turn(assignment()):
            await both_in.wait()

    async with asyncio.timeout(2):
        await asyncio.gather(channel(), channel())


async def test_what_another_worker_learned_counts() -> None:
    budget = AuthBudget(StillClock())
    await attempt(budget, assignment(refusals=1), AuthOutcome.REFUSED)
    with pytest.raises(CameraFault):
        await attempt(budget, assignment(refusals=1), AuthOutcome.REFUSED)


async def test_other_credentials_have_a_budget_of_their_own() -> None:
    budget = AuthBudget(StillClock())
    for _ in range(2):
        await attempt(budget, assignment("old"), AuthOutcome.REFUSED)
    await attempt(budget, assignment("new"), AuthOutcome.ACCEPTED)


async def test_a_lock_out_is_waited_out_and_tried_once_more() -> None:
    clock = StillClock()
    budget = AuthBudget(clock)
    await attempt(budget, assignment(), AuthOutcome.LOCKED_OUT)
    with pytest.raises(CameraFault) as locked:
        await attempt(budget, assignment(), AuthOutcome.REFUSED)
    assert locked.value.reason is Reason.AUTH_LOCKED_OUT
    assert budget.retry_after_s(assignment()) == 3600
    clock.move(3601)
    await attempt(budget, assignment(), AuthOutcome.ACCEPTED)
    assert budget.retry_after_s(assignment()) is None


async def test_a_camera_without_credentials_needs_no_budget() -> None:
    budget = AuthBudget(StillClock())
    for _ in range(5):
        async with budget.turn(assignment("")):
            pass


async def test_an_attempt_that_raises_gives_the_turn_back() -> None:
    budget = AuthBudget(StillClock())
    with pytest.raises(OSError, match="cut"):
        async with budget.turn(assignment()):
            raise OSError("cut")
    async with asyncio.timeout(1):
        await attempt(budget, assignment(), AuthOutcome.ACCEPTED)


async def test_a_password_changed_while_all_channels_play_is_tried_twice_and_not_by_each() -> None:
    budget, attempts = AuthBudget(StillClock()), 0
    await attempt(budget, assignment(), AuthOutcome.ACCEPTED)

    async def channel() -> None:
        nonlocal attempts
        one = assignment()
        budget.lost(one)
        async with budget.turn(one):
            attempts += 1
            await asyncio.sleep(0.001)
            budget.note(one, AuthOutcome.REFUSED)

    await asyncio.gather(*(channel() for _ in range(16)), return_exceptions=True)
    assert attempts == 2


async def test_what_was_accepted_long_ago_is_tried_by_one_channel_before_the_others() -> None:
    clock = StillClock()
    budget, at_once, most = AuthBudget(clock), 0, 0
    await attempt(budget, assignment(), AuthOutcome.ACCEPTED)
    clock.move(3600)

    async def channel() -> None:
        """The password was changed on site, and the recorder restarts."""
        nonlocal at_once, most
        one = assignment()
        async with budget.turn(one):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.001)
            budget.note(one, AuthOutcome.REFUSED)
            at_once -= 1

    results = await asyncio.gather(*(channel() for _ in range(16)), return_exceptions=True)
    assert sum(result is None for result in results) == 2
    assert most == 1


async def test_behind_a_device_that_is_down_the_channels_do_not_wait_for_each_other() -> None:
    clock = StillClock()
    budget = AuthBudget(clock)
    await attempt(budget, assignment(), AuthOutcome.ACCEPTED)
    clock.move(3600)
    others_in = asyncio.Barrier(3)

    async def first() -> None:
        async with budget.turn(assignment()):
            await asyncio.sleep(0.01)
            raise CameraFault(Reason.TIMEOUT, Rung.UNREACHABLE)

    async def other() -> None:
        async with budget.turn(assignment()):
            await others_in.wait()
            raise CameraFault(Reason.TIMEOUT, Rung.UNREACHABLE)

    async with asyncio.timeout(2):
        results = await asyncio.gather(first(), other(), other(), other(), return_exceptions=True)
    assert all(isinstance(result, CameraFault) for result in results)


async def test_an_account_is_kept_as_long_as_a_session_uses_it() -> None:
    budget = AuthBudget(StillClock())
    one, other = assignment(), assignment()
    budget.join(one)
    budget.join(other)
    budget.note(one, AuthOutcome.REFUSED)
    budget.leave(one)
    await attempt(budget, other, AuthOutcome.REFUSED)
    assert not budget.may_try(other)
    budget.leave(other)
    assert budget.accounts == 0
    returned = assignment()
    budget.join(returned)
    assert budget.may_try(returned), "meanwhile another worker may have been accepted: the directory knows"


async def test_a_session_that_joins_brings_the_refusals_that_another_worker_saw() -> None:
    budget = AuthBudget(StillClock())
    budget.join(assignment())
    late = assignment(refusals=2)
    budget.join(late)
    assert not budget.may_try(late)


async def test_credentials_entered_anew_have_the_budget_that_the_directory_says() -> None:
    budget = AuthBudget(StillClock())
    old = assignment(version=1)
    budget.join(old)
    for _ in range(2):
        await attempt(budget, old, AuthOutcome.REFUSED)
    moved = old.model_copy(update={"version": 2})
    budget.change(old, moved)
    assert not budget.may_try(moved), "the camera changed, its credentials did not"
    entered = moved.model_copy(update={"version": 3, "credential_version": 2})
    budget.change(moved, entered)
    assert budget.may_try(entered)
    other = entered.model_copy(update={"version": 4, "credential_version": 3, "credential_fingerprint": "f2"})
    budget.change(entered, other)
    assert budget.accounts == 1


async def test_credentials_entered_anew_do_not_let_a_second_attempt_in() -> None:
    budget = AuthBudget(StillClock())
    old = assignment(version=1)
    budget.join(old)
    running, release = asyncio.Event(), asyncio.Event()

    async def attempt_of_another_channel() -> None:
        async with budget.turn(old):
            running.set()
            await release.wait()

    first = asyncio.create_task(attempt_of_another_channel())
    await running.wait()
    entered = old.model_copy(update={"version": 2, "credential_version": 2})
    budget.change(old, entered)
    second = asyncio.create_task(attempt(budget, entered, AuthOutcome.ACCEPTED))
    await asyncio.sleep(0.01)
    assert not second.done()
    release.set()
    await asyncio.gather(first, second)


async def test_a_camera_without_credentials_leaves_no_account() -> None:
    budget = AuthBudget(StillClock())
    one = assignment("")
    budget.join(one)
    async with budget.turn(one):
        budget.note(one, AuthOutcome.REFUSED)
    assert budget.may_try(one)
    assert budget.accounts == 0
    budget.leave(one)
