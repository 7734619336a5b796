"""Long-running tasks and their end."""

import asyncio

import pytest

from services.runtime.tasks import Shutdown, repeat, run_until_shutdown


async def test_a_step_that_fails_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    shutdown, calls = Shutdown(), 0

    async def step() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise RuntimeError("not yet")
        if calls == 4:
            shutdown.request()

    async with asyncio.timeout(5):
        await repeat("test", shutdown, 0.01, step)
    assert calls == 4
    assert [record.getMessage() for record in caplog.records].count("task failing") == 1, "logged once, not each time"


async def test_a_wake_cuts_the_pause_short() -> None:
    shutdown, wake, calls = Shutdown(), asyncio.Event(), 0

    async def step() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            shutdown.request()

    running = asyncio.create_task(repeat("test", shutdown, 3600, step, wake=wake))
    await asyncio.sleep(0.05)
    assert calls == 1
    wake.set()
    async with asyncio.timeout(5):
        await running
    assert calls == 2


@pytest.mark.parametrize("steps", range(8))
async def test_a_cancellation_is_never_swallowed(steps: int) -> None:
    async def step() -> None:
        await asyncio.sleep(0)

    wake = asyncio.Event()
    running = asyncio.create_task(repeat("test", Shutdown(), 3600, step, wake=wake))
    await asyncio.sleep(0.01)
    wake.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def test_wakes_do_not_make_it_run_without_a_pause() -> None:
    shutdown, wake, calls = Shutdown(), asyncio.Event(), 0

    async def step() -> None:
        nonlocal calls
        calls += 1

    running = asyncio.create_task(repeat("test", shutdown, 3600, step, wake=wake, least_s=0.1))
    for _ in range(50):
        wake.set()
        await asyncio.sleep(0.005)
    assert 2 <= calls <= 5
    shutdown.request()
    async with asyncio.timeout(1):
        await running


async def test_a_task_that_ends_early_stops_the_others() -> None:
    shutdown, stopped = Shutdown(), False

    async def forever() -> None:
        nonlocal stopped
        await shutdown.wait()
        stopped = True

    async def short() -> None:
        await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        await run_until_shutdown(shutdown, {"forever": forever, "short": short}, grace_s=1)
    assert stopped


async def test_the_error_of_a_task_comes_out() -> None:
    async def failing() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await run_until_shutdown(Shutdown(), {"failing": failing}, grace_s=1)


async def test_a_task_that_ignores_the_shutdown_is_cancelled_after_the_grace() -> None:
    shutdown = Shutdown()

    async def stubborn() -> None:
        await asyncio.sleep(3600)

    shutdown.request()
    async with asyncio.timeout(5):
        await run_until_shutdown(shutdown, {"stubborn": stubborn}, grace_s=0.05)
