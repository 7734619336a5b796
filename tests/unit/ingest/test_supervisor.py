"""Leases are claimed, renewed, given up in time and given back. Time of leases stands still until a test moves it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from services.contracts.errors import Unavailable
from services.contracts.ids import new_id
from services.contracts.messages import RosterChange, RosterChanged
from services.ingest.supervisor import Supervisor
from services.runtime.tasks import Shutdown
from tests.doubles.clock import StillClock
from tests.doubles.directory import WORKER, Lease, ScriptedDirectory
from tests.doubles.sessions import Crew

TTL_S = 1.0
GAP_S = 0.1
NUDGE = RosterChanged(facility_id=new_id(), change=RosterChange.CAMERA_REGISTERED)


@dataclass
class Rig:
    """A supervisor that runs, and what is around it."""

    clock: StillClock
    directory: ScriptedDirectory
    crew: Crew
    supervisor: Supervisor
    shutdown: Shutdown
    running: "asyncio.Task[None]"

    async def ended(self, within_s: float = 3.0) -> None:
        self.shutdown.request()
        async with asyncio.timeout(within_s):
            await self.running


async def until(condition: Callable[[], bool], within_s: float = 2.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def rig(cameras: int = 0, *, capacity: int = 10, ttl_s: float = TTL_S) -> AsyncIterator[Rig]:
    clock, crew, shutdown = StillClock(), Crew(), Shutdown()
    directory = ScriptedDirectory(clock, ttl_s)
    for _ in range(cameras):
        directory.add()
    supervisor = Supervisor(
        WORKER, capacity, ttl_s, directory, crew.new, clock, gap_s=GAP_S, uniform=lambda _, high: high
    )
    running = asyncio.create_task(supervisor.run(shutdown))
    try:
        if cameras:
            await until(lambda: supervisor.held == min(cameras, capacity))
            await renewed(directory)  # at once after a claim
        yield Rig(clock, directory, crew, supervisor, shutdown, running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def asked(directory: ScriptedDirectory, *methods: str) -> None:
    """Wait for each of these to be asked for once more; by default for a renewal."""
    wanted = methods or ("renew_leases",)
    so_far = {method: directory.calls.count(method) for method in wanted}
    await until(lambda: all(directory.calls.count(method) > so_far[method] for method in wanted))


async def renewed(directory: ScriptedDirectory) -> None:
    """Wait for a further renewal to be answered."""
    await asked(directory)
    await asyncio.sleep(0.02)


async def test_cameras_are_claimed_up_to_the_capacity() -> None:
    async with rig(5, capacity=3) as one:
        await asyncio.sleep(0.4)
        assert one.supervisor.held == len(one.directory.leases) == 3
        assert [session.events for session in one.crew.sessions] == [["start"]] * 3


async def test_what_a_claim_left_over_is_claimed_at_once_and_not_at_the_next_round() -> None:
    async with rig(3, capacity=10, ttl_s=60.0) as one:  # a round every two seconds
        for _ in range(4):
            one.directory.add()
        await one.supervisor.on_nudge(NUDGE)
        await until(lambda: one.supervisor.held == 7)
        claims = one.directory.calls.count("claim_cameras")
        one.directory.add()  # nobody nudges
        await until(lambda: one.supervisor.held == 8, within_s=4 * GAP_S)
        assert one.directory.calls.count("claim_cameras") == claims + 1


async def test_starts_are_spread_the_more_the_more_cameras_are_leased_together() -> None:
    async with rig(1) as one:
        assert [session.after_s for session in one.crew.sessions] == [0.01]
    async with rig(60, capacity=60) as one:
        assert [session.after_s for session in one.crew.sessions] == [0.6] * 60


async def test_renewed_leases_outlive_their_first_length() -> None:
    async with rig(2) as one:
        for _ in range(3):
            one.clock.move(TTL_S * 0.7)
            await renewed(one.directory)
        assert [session.events for session in one.crew.sessions] == [["start"]] * 2
        assert one.supervisor.fenced == 0


async def test_a_lost_lease_ends_the_session_and_no_other() -> None:
    async with rig(2) as one:
        mine, lost = one.crew.sessions
        one.directory.leases[lost.assignment.camera_id] = Lease(new_id(), 7, 1e9)
        await until(lambda: lost.stopped)
        assert mine.events == ["start"]
        assert one.supervisor.held == 1


async def test_a_camera_that_changed_is_updated_once() -> None:
    async with rig(1) as one:
        (session,) = one.crew.sessions
        one.directory.change(session.assignment.camera_id, credential_version=5)
        await until(lambda: "update" in session.events)
        await renewed(one.directory)
        assert session.events == ["start", "update"]
        assert (session.assignment.credential_version, session.assignment.epoch) == (5, 1)


async def test_a_silent_directory_is_borne_until_shortly_before_the_lease_ends() -> None:
    async with rig(3) as one:
        one.directory.failing = Unavailable()
        one.clock.move(TTL_S * 0.8)
        await asyncio.sleep(0.3)
        assert one.supervisor.held == 3
        one.clock.move(TTL_S * 0.05)
        await until(lambda: all(session.stopped for session in one.crew.sessions), within_s=0.5)
        assert one.supervisor.fenced == 3
        assert all(lease.until > one.clock.monotonic() for lease in one.directory.leases.values())


async def test_the_deadline_counts_from_the_sending_of_the_renewal() -> None:
    async with rig(1) as one:
        answer = one.directory.hold_back("renew_leases")
        await asked(one.directory)
        one.clock.move(TTL_S * 0.5)
        answer.set()
        one.directory.failing_in["renew_leases"] = Unavailable()
        await asyncio.sleep(0.05)
        one.clock.move(TTL_S * 0.3)
        await asyncio.sleep(0.25)
        assert one.supervisor.held == 1
        one.clock.move(TTL_S * 0.05)
        await until(lambda: one.supervisor.held == 0, within_s=0.5)


async def test_a_fence_does_not_wait_for_an_answer_and_a_late_answer_revives_nothing() -> None:
    async with rig(1) as one:
        (session,) = one.crew.sessions
        answer = one.directory.hold_back("renew_leases")
        await asked(one.directory)
        one.clock.move(TTL_S * 0.9)
        await until(lambda: session.stopped, within_s=0.5)
        one.directory.failing_in["claim_cameras"] = Unavailable()
        answer.set()
        await until(lambda: bool(one.directory.released))
        assert [(ref.camera_id, ref.epoch) for ref in one.directory.released] == [(session.assignment.camera_id, 1)]
        assert one.directory.leases == {}, "another may take the camera at once"
        assert one.supervisor.held == 0


async def test_a_camera_that_is_slow_to_stop_does_not_keep_the_others_beyond_their_time() -> None:
    async with rig(4) as one:
        slow = [session.assignment.camera_id for session in one.crew.sessions[:2]]
        one.crew.slow = {camera_id: asyncio.Event() for camera_id in slow}
        one.directory.failing = Unavailable()
        one.clock.move(TTL_S * 0.9)
        await until(lambda: sum(session.stopped for session in one.crew.sessions) == 2, within_s=0.5)
        assert all("stop" in session.events for session in one.crew.sessions)
        one.directory.failing = None
        one.clock.move(TTL_S)
        await until(lambda: len([event for event, _, _ in one.crew.log if event == "start"]) == 4 + 2)
        assert one.supervisor.held == 4, "leased, though two of them can begin only later"
        for stopped in one.crew.slow.values():
            stopped.set()


async def test_leases_that_come_too_late_are_given_back_unused() -> None:
    async with rig() as one:
        answer = one.directory.hold_back("claim_cameras")
        one.directory.add()
        await until(lambda: bool(one.directory.leases))
        one.clock.move(TTL_S * 0.9)
        answer.set()
        await until(lambda: bool(one.directory.released))
        assert one.crew.sessions == []
        await until(lambda: one.supervisor.held == 1)


async def test_a_camera_leased_anew_is_opened_after_the_old_session_has_ended() -> None:
    async with rig(1) as one:
        (old,) = one.crew.sessions
        camera_id = old.assignment.camera_id
        one.crew.slow[camera_id] = asyncio.Event()
        one.directory.failing_in["renew_leases"] = Unavailable()
        one.clock.move(TTL_S * 1.1)
        await until(lambda: "stop" in old.events)
        del one.directory.failing_in["renew_leases"]
        await until(lambda: one.directory.leases[camera_id].epoch == 2)
        await asyncio.sleep(0.1)
        assert one.supervisor.held == 1, "it is held, and renewed"
        assert one.crew.log[-1][0] == "stop"
        one.crew.slow[camera_id].set()
        await until(lambda: len(one.crew.log) == 4)
        assert [event for event, _, _ in one.crew.log] == ["start", "stop", "stopped", "start"]


async def test_at_the_end_sessions_stop_and_then_leases_are_given_back() -> None:
    async with rig(3) as one:
        cameras = {session.assignment.camera_id for session in one.crew.sessions}
        await one.ended()
        assert all(session.events == ["start", "stop", "stopped"] for session in one.crew.sessions)
        assert {ref.camera_id for ref in one.directory.released} == cameras
        assert one.directory.calls[-1] == "release_leases"


async def test_a_session_that_does_not_stop_cleanly_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with rig(2) as one:
        one.crew.stop_fails = True
        await one.ended()
        assert len(one.directory.released) == 2
        assert caplog.text.count("session did not stop cleanly") == 2


async def test_the_end_does_not_wait_for_a_directory_that_hangs() -> None:
    async with rig(1) as one:
        one.directory.hold_back("renew_leases")
        one.directory.hold_back("claim_cameras")
        await asked(one.directory, "renew_leases", "claim_cameras")
        await one.ended(within_s=4)
        assert one.crew.sessions[0].stopped
        assert len(one.directory.released) == 1


async def test_a_nudge_brings_the_next_round_forward_and_a_swarm_of_them_does_not_bring_a_swarm() -> None:
    async with rig(1, ttl_s=20.0) as one:
        rounds = one.directory.calls.count("claim_cameras")
        camera = one.directory.add()
        for _ in range(30):
            await one.supervisor.on_nudge(NUDGE)
            await asyncio.sleep(0.01)
        await until(lambda: bool(one.crew.of(camera.camera_id)), within_s=0.5)
        assert one.directory.calls.count("claim_cameras") - rounds <= 5


async def test_the_directory_says_how_long_leases_last() -> None:
    async with rig(ttl_s=20.0) as one:
        one.directory.ttl_s = 4.0
        one.directory.add()
        await one.supervisor.on_nudge(NUDGE)
        await until(lambda: one.supervisor.held == 1)
        await renewed(one.directory)
        one.directory.failing = Unavailable()
        one.clock.move(3.5)
        await until(lambda: one.supervisor.held == 0, within_s=1.5)


async def test_with_another_database_behind_the_directory_a_worker_begins_anew() -> None:
    async with rig(2) as one:
        first = list(one.crew.sessions)
        one.directory.forget_everything()
        await until(lambda: all(session.stopped for session in first), within_s=3)
        await until(lambda: one.supervisor.held == 2, within_s=3)
        assert [session.assignment.epoch for session in one.crew.sessions[2:]] == [1, 1]


async def test_readiness_tells_whether_the_directory_answers() -> None:
    async with rig() as one:
        one.directory.failing = Unavailable("no route to the API")
        with pytest.raises(Unavailable, match=r"not answered yet|no route"):
            await one.supervisor.check_directory()
        one.directory.failing = None
        await asyncio.sleep(0.4)
        await one.supervisor.check_directory()
        one.directory.failing_in["claim_cameras"] = Unavailable("no route to the API")
        await asyncio.sleep(0.4)
        with pytest.raises(Unavailable, match="no route"):
            await one.supervisor.check_directory()


async def test_an_unexpected_failure_is_not_taken_for_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with rig(1) as one:
        one.directory.failing_in["renew_leases"] = RuntimeError("a bug")
        await until(lambda: any("task failing" in record.getMessage() for record in caplog.records))
        with pytest.raises(Unavailable, match="unexpectedly"):
            await one.supervisor.check_directory()
        one.clock.move(TTL_S * 0.9)
        await until(lambda: one.supervisor.held == 0, within_s=0.5)
