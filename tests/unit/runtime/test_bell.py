import asyncio

import pytest

from services.runtime.bell import Bell


async def test_who_waits_goes_on_when_it_rings_and_who_comes_later_does_not_wait() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    bell.set()
    await asyncio.gather(*waiting)
    await bell.wait()


async def test_a_ring_is_not_lost_on_waiters_that_have_not_run_when_it_is_cleared() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait())
    await asyncio.sleep(0)
    bell.set()
    bell.clear()
    await waiting
    assert not bell.is_set()


async def test_after_clear_it_is_waited_for_again() -> None:
    bell = Bell()
    bell.set()
    bell.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await bell.wait()


async def test_a_cancelled_waiter_leaves_nothing_behind() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    bell.set()
    await waiting[1]


async def test_a_waiter_cancelled_as_it_rings_ends_cancelled_and_the_others_go_on() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    bell.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await waiting[1]
