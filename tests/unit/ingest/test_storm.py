"""All cameras come up at once, a third of them dead: how soon are the others seen, and how often are the dead asked?

Supervisor, gate and back-off are real, the cameras are scripted, the time is simulated.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import pytest

from services.contracts.camera import CameraAssignment, Claim, RtspSource, WorkerIdentity
from services.contracts.ids import CameraId, new_id
from services.contracts.ladder import Reason
from services.ingest.connect_gate import ConnectGate
from services.ingest.policy import Failure, retry_s
from services.ingest.supervisor import Supervisor
from services.registry.leases import CLAIM_MAX
from services.runtime.tasks import Shutdown
from tests.doubles.directory import WORKER, ScriptedDirectory, an_assignment
from tests.doubles.virtual_time import VirtualClock, run_in_virtual_time

CAMERAS = 500
PER_SITE = 16
#: From the answer to PLAY until a camera counts as up: two seconds of frames after a key frame that lets wait for itself.
PROVED_AFTER_S = 4.0


class Kind(Enum):
    """What a camera does, with the seconds until its attempt ends."""

    HEALTHY = 0.4
    REFUSES = 0.01
    NO_ROUTE = 3.0
    SILENT = 5.0  # takes the connection and says nothing: the timeout of one reply
    SLOW = 12.0  # answers now and then, until the whole time is over


DEAD = (Kind.REFUSES, Kind.NO_ROUTE, Kind.SILENT, Kind.SLOW)


@dataclass
class Storm:
    """What came of it."""

    gate: ConnectGate
    kinds: dict[CameraId, Kind]
    dice: random.Random
    online: dict[CameraId, float] = field(default_factory=dict)
    #: When attempts began and ended, by camera.
    attempts: dict[CameraId, list[tuple[float, float]]] = field(default_factory=dict)
    #: Pauses that the back-off gave, by camera.
    pauses: dict[CameraId, list[float]] = field(default_factory=dict)


class Session:
    """Satisfies ``supervisor.Session``: the loop of a session, without what it does in between."""

    def __init__(self, assignment: CameraAssignment, storm: Storm) -> None:
        self.assignment = assignment
        self._storm = storm
        self._running: asyncio.Task[None] | None = None

    def start(self, after_s: float = 0.0) -> None:
        self._running = asyncio.create_task(self._run(after_s))

    def update(self, assignment: CameraAssignment) -> None:
        self.assignment = assignment

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()

    async def _run(self, after_s: float) -> None:
        storm, camera_id = self._storm, self.assignment.camera_id
        now = asyncio.get_running_loop().time
        await asyncio.sleep(after_s)
        failures, began = 0, now()
        while not await self._attempt(failures):
            failure = Failure(Reason.TIMEOUT, failures, was_up=False, every_s=None)
            pause_s = retry_s(failure, now() - began, storm.dice.uniform)
            storm.pauses.setdefault(camera_id, []).append(pause_s)
            await asyncio.sleep(pause_s)
            failures += 1
        await asyncio.sleep(PROVED_AFTER_S)
        storm.online[camera_id] = now()

    async def _attempt(self, failures: int) -> bool:
        storm, camera = self._storm, self.assignment
        kind, now = storm.kinds[camera.camera_id], asyncio.get_running_loop().time
        source = camera.source
        async with storm.gate.turn(
            camera.facility_id, f"{source.address}:{source.port}", failed_before=failures > 0
        ) as turn:
            began = now()
            for step in range(4):
                await asyncio.sleep(kind.value / 4)
                if kind in {Kind.HEALTHY, Kind.SLOW} and step < 2:
                    turn.advanced()
            storm.attempts.setdefault(camera.camera_id, []).append((began, now()))
        return kind is Kind.HEALTHY


class BatchedDirectory(ScriptedDirectory):
    """Gives as many at once as the registry would."""

    async def claim_cameras(self, worker: WorkerIdentity, claim: Claim) -> Sequence[CameraAssignment]:
        capacity = min(claim.capacity, claim.held + CLAIM_MAX)
        return await super().claim_cameras(worker, Claim(held=claim.held, capacity=capacity))


async def weather(seed: int, dead: Sequence[Kind], *, lasting_s: float) -> Storm:
    """All cameras free at the same moment, every third one dead, for so many seconds."""
    dice, clock, shutdown = random.Random(seed), VirtualClock(), Shutdown()
    storm = Storm(ConnectGate(64), {}, dice)
    directory = BatchedDirectory(clock)
    site = new_id()
    for number in range(CAMERAS):
        if number % PER_SITE == 0:
            site = new_id()
        source = RtspSource(address=f"10.0.{number // PER_SITE}.{number % PER_SITE + 1}", port=554, path="/")
        camera = directory.add(an_assignment(source, facility_id=site))
        storm.kinds[camera.camera_id] = dice.choice(dead) if dice.random() < 1 / 3 else Kind.HEALTHY
    supervisor = Supervisor(
        WORKER, CAMERAS, 20.0, directory, lambda one: Session(one, storm), clock, uniform=dice.uniform
    )
    running = asyncio.create_task(supervisor.run(shutdown))
    await asyncio.sleep(lasting_s)
    shutdown.request()
    await running
    return storm


@pytest.mark.parametrize("dead", [DEAD, (Kind.SILENT,), (Kind.SLOW,)], ids=["of all kinds", "silent", "slow"])
def test_the_healthy_are_online_within_twenty_seconds_whatever_the_dead_do(dead: Sequence[Kind]) -> None:
    for seed in range(3):
        storm = run_in_virtual_time(weather(seed, dead, lasting_s=60.0))
        healthy = {camera_id for camera_id, kind in storm.kinds.items() if kind is Kind.HEALTHY}
        assert set(storm.online) == healthy
        assert max(storm.online.values()) <= 20.0


def test_no_camera_is_asked_more_than_once_for_each_step_of_its_back_off() -> None:
    storm = run_in_virtual_time(weather(1, DEAD, lasting_s=120.0))
    for camera_id, kind in storm.kinds.items():
        attempts = storm.attempts[camera_id]
        if kind is Kind.HEALTHY:
            assert len(attempts) == 1
            continue
        pauses = storm.pauses[camera_id]
        assert len(attempts) - len(pauses) in {0, 1}
        for (_, ended), (began, _), pause_s in zip(attempts, attempts[1:], pauses, strict=False):
            assert began - ended >= pause_s - 1e-6


def test_the_dead_are_asked_again_and_again_though_others_go_before_them() -> None:
    storm = run_in_virtual_time(weather(2, (Kind.SILENT,), lasting_s=120.0))
    asked = [len(storm.attempts[camera_id]) for camera_id, kind in storm.kinds.items() if kind is Kind.SILENT]
    assert min(asked) >= 5
