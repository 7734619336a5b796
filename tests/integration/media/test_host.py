"""Whatever happens in a media process, the host goes on."""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.contracts.ladder import Reason
from services.ingest.media.events import InitSegment
from services.ingest.media.host import MediaHost
from services.ingest.media.results import MediaHostBusy, MediaHostLost, MuxOverrun
from tests.integration.media.clips import clip
from tests.integration.media.rtsp_stub import Mount, Session, Stub, play, silence, stub_of


@asynccontextmanager
async def cameras() -> AsyncIterator[Stub]:
    """One that works, one that is silent, and one that sends bytes for ever but never a frame."""

    async def drip(session: Session) -> None:
        while True:
            await session.control()
            await asyncio.sleep(0.1)

    source = clip()
    async with stub_of(
        good=Mount(play(source)),
        silent=Mount(silence, parameter_sets=source.parameter_sets),
        drip=Mount(drip, parameter_sets=source.parameter_sets),
    ) as stub:
        yield stub


async def works(host: MediaHost, stub: Stub) -> bool:
    result = await host.probe(stub.url("good"), deadline_s=10, watch_s=0)
    return result.keyframe_decoded


async def gone(pid: int) -> None:
    """Return once the process is no more."""
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}").exists() and "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
async def test_a_crash_fails_the_requests_under_way_and_the_next_ones_succeed(
    host: MediaHost, number: signal.Signals
) -> None:
    async with cameras() as stub:
        before = host.pids
        probes = [asyncio.create_task(host.probe(stub.url(name), deadline_s=20)) for name in ("good", "silent")]
        async with host.mux(stub.url("good")) as events:
            assert isinstance(await anext(events), InitSegment)
            os.kill(before[0], number)
            with pytest.raises(MediaHostLost):
                async for _ in events:
                    pass
        outcomes = await asyncio.gather(*probes, return_exceptions=True)

        assert [type(outcome) for outcome in outcomes] == [MediaHostLost, MediaHostLost]
        assert await works(host, stub)
        assert host.pids
        assert host.pids != before


async def test_a_stopped_process_is_replaced_when_a_request_is_not_answered(host: MediaHost) -> None:
    async with cameras() as stub:
        os.kill(host.pids[0], signal.SIGSTOP)
        loop = asyncio.get_running_loop()
        began_at = loop.time()

        with pytest.raises(MediaHostLost, match="not answered"):
            await host.probe(stub.url("good"), deadline_s=1)

        assert loop.time() - began_at < 3
        assert await works(host, stub)


async def test_a_stopped_process_is_noticed_by_its_silence_too() -> None:
    host = MediaHost(pong_within_s=1.0)
    await host.start()
    try:
        async with cameras() as stub, host.mux(stub.url("good")) as events:
            assert isinstance(await anext(events), InitSegment)
            os.kill(host.pids[0], signal.SIGSTOP)
            with pytest.raises(MediaHostLost, match="does not answer"):
                async for _ in events:
                    pass
            assert await works(host, stub)
    finally:
        await host.close()


async def test_a_thread_that_never_returns_costs_its_process_and_nobody_an_answer(host: MediaHost) -> None:
    async with cameras() as stub:
        before = host.pids
        result = await host.probe(stub.url("drip"), deadline_s=1, silence_s=1)

        assert result.reason is Reason.TIMEOUT
        await gone(before[0])
        assert await works(host, stub)
        assert host.pids != before


async def test_closing_the_source_in_time_frees_the_thread_and_keeps_the_process(host: MediaHost) -> None:
    async with cameras() as stub:
        before = host.pids
        async with stub_of(drip=stub.mounts["drip"]) as other:
            result = await host.probe(other.url("drip"), deadline_s=1, silence_s=1)
            assert result.reason is Reason.TIMEOUT
            other.disconnect()
        await asyncio.sleep(2.5)

        assert host.pids == before
        assert await works(host, stub)


async def test_a_request_alone_cannot_harm_the_others(host: MediaHost) -> None:
    async with cameras() as stub:
        shared = host.pids
        assert (await host.probe(stub.url("good"), deadline_s=10, watch_s=0, alone=True)).keyframe_decoded
        (alone,) = set(host.pids) - set(shared)
        suspect = asyncio.create_task(host.probe(stub.url("silent"), deadline_s=20, alone=True))
        other = asyncio.create_task(host.probe(stub.url("good"), deadline_s=10))
        await asyncio.sleep(0.5)
        os.kill(alone, signal.SIGSEGV)

        with pytest.raises(MediaHostLost):
            await suspect
        assert (await other).keyframe_decoded
        assert host.pids[:1] == shared


async def test_cancelling_a_probe_disconnects_from_the_source(host: MediaHost) -> None:
    async with cameras() as stub:
        probe = asyncio.create_task(host.probe(stub.url("good"), deadline_s=20, watch_s=20))
        async with asyncio.timeout(5):
            while not stub.clients:
                await asyncio.sleep(0.02)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe

        async with asyncio.timeout(3):
            while stub.clients:
                await asyncio.sleep(0.02)


async def test_who_finds_no_thread_in_time_is_told_and_the_queue_is_bounded() -> None:
    host = MediaHost(threads_per_process=1, backlog=1)
    await host.start()
    try:
        async with cameras() as stub:
            busy = asyncio.create_task(host.probe(stub.url("silent"), deadline_s=3, silence_s=1))
            await asyncio.sleep(0.1)
            waiting = asyncio.create_task(host.probe(stub.url("good"), deadline_s=10, watch_s=0))
            await asyncio.sleep(0.1)
            with pytest.raises(MediaHostBusy, match="1 requests are waiting"):
                await host.probe(stub.url("good"), deadline_s=10)
            assert (await busy).reason is Reason.NO_FRAMES
            assert (await waiting).keyframe_decoded

            async with host.mux(stub.url("good")) as events:
                assert isinstance(await anext(events), InitSegment)
                with pytest.raises(MediaHostBusy, match="no media thread came free"):
                    await host.probe(stub.url("good"), deadline_s=0.3)
                with pytest.raises(MediaHostBusy):
                    async with host.mux(stub.url("good"), wait_s=0.3):
                        pass
    finally:
        await host.close()


async def test_many_probes_run_at_once_and_waiting_ones_follow(host: MediaHost) -> None:
    async with stub_of(good=Mount(play(clip(), speed=4))) as stub:
        results = await asyncio.gather(*(host.probe(stub.url("good"), deadline_s=15) for _ in range(20)))

    assert [result.reason for result in results] == [None] * 20
    assert {result.facts.fps for result in results} == {25.0}


async def test_a_slow_reader_is_cut_off_and_harms_nobody(host: MediaHost) -> None:
    async with stub_of(fast=Mount(play(clip(), speed=30)), good=Mount(play(clip()))) as stub:
        async with host.mux(stub.url("fast")) as events:
            assert isinstance(await anext(events), InitSegment)
            await asyncio.sleep(2)
            with pytest.raises(MuxOverrun):
                await anext(events)
        assert await works(host, stub)


async def test_a_picture_beyond_the_memory_limit_is_refused_and_the_rest_goes_on() -> None:
    huge = clip(size="4096x2304", seconds=0.08, gop=2)

    async def script(session: Session) -> None:
        for number in itertools.count():
            await session.unit(huge.units[number % 2].data, number * 3600)
            await asyncio.sleep(0.1)

    host = MediaHost(memory_limit_bytes=await idle_bytes() + 20 * 1024 * 1024)
    await host.start()
    try:
        async with stub_of(huge=Mount(script), good=Mount(play(clip()))) as stub:
            result = await host.probe(stub.url("huge"), deadline_s=2, watch_s=0)

            assert (result.keyframe_decoded, result.reason) == (False, Reason.UNDECODABLE)
            assert result.packets > 0
            assert await works(host, stub)
    finally:
        await host.close()


async def idle_bytes() -> int:
    """The address space of a child that does nothing."""
    host = MediaHost()
    await host.start()
    status = Path(f"/proc/{host.pids[0]}/status").read_text()
    await host.close()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize"))


async def test_a_child_that_served_long_is_replaced_between_requests() -> None:
    host = MediaHost(recycle_after=3)
    await host.start()
    try:
        async with cameras() as stub:
            seen = set(host.pids)
            for _ in range(12):
                assert await works(host, stub)
                await asyncio.sleep(0.02)
                seen |= set(host.pids)
        assert 3 <= len(seen) <= 5
    finally:
        await host.close()


async def test_a_child_that_is_never_idle_is_replaced_all_the_same() -> None:
    host = MediaHost(recycle_after=2)
    await host.start()
    try:
        async with cameras() as stub, host.mux(stub.url("good")) as events:
            assert isinstance(await anext(events), InitSegment)
            for _ in range(4):
                assert await works(host, stub)
            with pytest.raises(MediaHostLost, match="served long enough"):
                async for _ in events:
                    pass
            assert await works(host, stub)
    finally:
        await host.close()


async def test_a_child_has_no_secrets_its_own_session_and_hard_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VONGGAC_API_KEY", "vg_not_for_children")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nor-this")
    host = MediaHost(memory_limit_bytes=1024**3)
    await host.start()
    try:
        (pid,) = host.pids
        environment = Path(f"/proc/{pid}/environ").read_text()
        assert "VONGGAC" not in environment
        assert "SECRET" not in environment
        assert os.getsid(pid) == pid != os.getsid(0)
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        assert any(line.split()[:4] == ["Max", "address", "space", str(1024**3)] for line in limits)
        assert any(line.split()[:5] == ["Max", "core", "file", "size", "0"] for line in limits)
        assert "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()
    finally:
        await host.close()


async def test_closing_ends_the_children_and_fails_what_is_under_way() -> None:
    host = MediaHost()
    await host.start()
    (pid,) = host.pids
    async with cameras() as stub:
        probe = asyncio.create_task(host.probe(stub.url("silent"), deadline_s=20))
        await asyncio.sleep(0.2)
        await host.close()

        with pytest.raises(MediaHostLost):
            await probe
        await gone(pid)
        with pytest.raises(MediaHostBusy):
            await host.probe(stub.url("good"), deadline_s=0.2)


async def test_a_child_does_not_outlive_a_killed_parent() -> None:
    program = (
        "import asyncio\n"
        "from services.ingest.media.host import MediaHost\n"
        "async def main():\n"
        "    host = MediaHost()\n"
        "    await host.start()\n"
        "    print(host.pids[0], flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    # A stopped child cannot notice the end of its input; the kernel's signal reaches it all the same.
    os.kill(pid, signal.SIGSTOP)
    parent.kill()
    await parent.communicate()

    await gone(pid)


async def test_a_host_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    host = MediaHost()

    with pytest.raises(MediaHostLost, match="does not start"):
        await host.start()

    assert host.pids == []


async def test_a_stream_that_would_be_given_no_time_is_told_as_busy() -> None:
    host = MediaHost(threads_per_process=1)
    await host.start()
    try:
        async with cameras() as stub:
            first = asyncio.create_task(host.probe(stub.url("good"), deadline_s=10, watch_s=1.0))
            await asyncio.sleep(0.05)
            with pytest.raises(MediaHostBusy):
                await host.probe(stub.url("good"), deadline_s=1.4)
            assert (await first).keyframe_decoded
    finally:
        await host.close()


async def test_a_stream_is_not_blamed_for_a_process_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    host = MediaHost()

    with pytest.raises(MediaHostBusy, match="does not start"):
        await host.probe("rtsp://127.0.0.1:1/nowhere", deadline_s=20, alone=True)
    await host.close()
