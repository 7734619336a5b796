"""The aggregator on each kind of database: who is believed, what is written, and how often."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update

from services.access.roles import Role
from services.aggregator.tables import CameraConditionChange, CameraHealth, FacilityStateChange
from services.contracts.camera import CameraAssignment, CameraReport, Claim, LeaseRef, StreamFacts, WorkerIdentity
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Reason, Rung, State
from services.contracts.messages import CameraHealthReported, FacilityStateChanged, Message
from services.registry.tables import Camera
from services.runtime.clock import SystemClock
from services.storage.database import database_now
from tests.harness.application import Application


class Site:
    """A facility whose cameras one worker has leased."""

    def __init__(self, application: Application, facility_id: UUID, leases: Sequence[CameraAssignment]) -> None:
        self.application = application
        self.facility_id = facility_id
        self.leases = list(leases)
        self.worker = WorkerIdentity(worker_id=new_id(), name="w")
        self._sequences: dict[UUID, int] = {}

    def report(self, index: int, rung: Rung, *reasons: Reason, settled: bool = True, **more: Any) -> CameraReport:
        """The next report on a camera; ``more`` overrides members."""
        lease = self.leases[index]
        sequence = self._sequences[lease.camera_id] = self._sequences.get(lease.camera_id, 0) + 1
        now = SystemClock().now()
        report = CameraReport(
            camera_id=lease.camera_id,
            epoch=lease.epoch,
            sequence=sequence,
            settled=settled,
            rung=rung,
            reasons=reasons,
            since=now,
            observed_at=now,
            stream=StreamFacts(codec="h264"),
            watch="reactor",
        )
        return report.model_copy(update=more)

    async def send(
        self, *reports: CameraReport, worker_id: UUID | None = None, facility_id: UUID | None = None
    ) -> None:
        await self.application.aggregator.on_camera_health(
            CameraHealthReported(
                facility_id=facility_id or self.facility_id,
                worker_id=worker_id or self.worker.worker_id,
                reports=reports,
            )
        )

    async def health(self, index: int) -> CameraHealth | None:
        async with self.application.database.read() as session:
            return await session.get(CameraHealth, self.leases[index].camera_id)

    async def state(self) -> State:
        client = await self.application.client_of(Role.MONITOR)
        return State((await client.get(f"/v1/facilities/{self.facility_id}/status")).json()["state"])

    async def count(self, table: type[Any]) -> int:
        async with self.application.database.read() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
async def site(application_on_each: Application) -> Site:
    """Two cameras in two zones, leased."""
    application = application_on_each
    client: httpx.AsyncClient = await application.client_of(Role.OPERATOR)
    facility = (await client.post("/v1/facilities", json={"code": "HG-001", "name": "x", "province_code": "93"})).json()
    for zone in ("gate", "yard"):
        body = {
            "facility_id": facility["id"],
            "name": zone,
            "zone": zone,
            "source": {"kind": "rtsp", "url": f"rtsp://10.20.3.4/{zone}"},
        }
        assert (await client.post("/v1/cameras", json=body)).status_code == 201
    made = Site(application, UUID(facility["id"]), [])
    await application.directory.announce(made.worker)
    made.leases = list(await application.directory.claim_cameras(made.worker, Claim(held=0, capacity=10)))
    assert len(made.leases) == 2
    return made


async def test_reports_make_the_condition_of_cameras_and_the_state_of_the_facility(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE))
    assert await site.state() is State.UNKNOWN, "the other zone could change the answer"
    await site.send(site.report(1, Rung.PICTURE))
    assert await site.state() is State.CONNECTED
    await site.send(site.report(1, Rung.UNREACHABLE, Reason.REFUSED))
    assert await site.state() is State.DEGRADED
    await site.send(site.report(0, Rung.PLAYING, Reason.STALLED))
    assert await site.state() is State.DISCONNECTED


async def test_a_state_is_written_once_a_change_with_its_reasons(site: Site) -> None:
    for _ in range(5):
        await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.PICTURE))
    await site.send(site.report(0, Rung.UNREACHABLE, Reason.TIMEOUT), site.report(1, Rung.UNREACHABLE, Reason.TIMEOUT))
    async with site.application.database.read() as session:
        changes = (await session.scalars(select(FacilityStateChange).order_by(FacilityStateChange.id))).all()
    assert [(change.was, change.now) for change in changes] == [
        (State.UNKNOWN, State.CONNECTED),
        (State.CONNECTED, State.DISCONNECTED),
    ]
    assert changes[1].reasons == ["timeout"]
    assert await site.count(CameraConditionChange) == 4


async def test_a_report_counts_once_however_often_it_comes(site: Site) -> None:
    good, bad = site.report(0, Rung.PICTURE), site.report(0, Rung.UNREACHABLE, Reason.REFUSED)
    for _ in range(3):
        await site.send(good)
    await site.send(bad)
    for _ in range(3):
        await site.send(good)
    health = await site.health(0)
    assert health is not None
    assert (health.condition, health.sequence) == (Condition.OFFLINE, bad.sequence)
    assert await site.count(CameraConditionChange) == 2
    counters = site.application.aggregator.counters
    assert (counters.accepted, counters.repeated) == (2, 5)


async def test_nobody_is_believed_without_the_lease(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE))
    lie = site.report(0, Rung.UNREACHABLE, Reason.REFUSED)
    stranger = new_id()
    await site.send(lie, worker_id=stranger)
    await site.send(lie.model_copy(update={"epoch": lie.epoch + 1, "sequence": 1}))
    await site.send(lie.model_copy(update={"epoch": lie.epoch - 1, "sequence": 99}))
    await site.send(lie.model_copy(update={"camera_id": new_id()}))
    await site.send(lie, facility_id=new_id())
    health = await site.health(0)
    assert health is not None
    assert health.condition is Condition.ONLINE
    assert site.application.aggregator.counters.refused == 5


async def test_a_worker_that_lost_its_lease_is_not_believed_any_more(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE))
    refs = [LeaseRef(camera_id=one.camera_id, epoch=one.epoch) for one in site.leases]
    await site.application.directory.release_leases(site.worker, refs)
    await site.send(site.report(0, Rung.UNREACHABLE, Reason.REFUSED))
    health = await site.health(0)
    assert health is not None
    assert health.condition is Condition.ONLINE


async def test_a_new_watcher_begins_its_numbers_anew(site: Site) -> None:
    for _ in range(5):
        await site.send(site.report(0, Rung.PICTURE))
    refs = [LeaseRef(camera_id=one.camera_id, epoch=one.epoch) for one in site.leases]
    await site.application.directory.release_leases(site.worker, refs)
    heir = Site(site.application, site.facility_id, [])
    await site.application.directory.announce(heir.worker)
    heir.leases = list(await site.application.directory.claim_cameras(heir.worker, Claim(held=0, capacity=10)))
    report = heir.report(0, Rung.FRAMES, Reason.BLACK)
    assert report.sequence == 1
    await heir.send(report)
    health = await heir.health(0)
    assert health is not None
    assert (health.condition, health.epoch, health.worker_id) == (Condition.DEGRADED, 2, heir.worker.worker_id)


async def make_old(site: Site, seconds: float) -> None:
    async with site.application.database.write() as session:
        stale_at = await database_now(session) + timedelta(seconds=30 - seconds)
        await session.execute(update(CameraHealth).values(stale_at=stale_at))


async def test_silence_becomes_unknown_and_never_offline(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.PICTURE))
    assert await site.application.aggregator.sweep() == 0, "nobody is silent yet"
    await make_old(site, 31)
    assert await site.application.aggregator.sweep() == 2
    for index in (0, 1):
        health = await site.health(index)
        assert health is not None
        assert health.condition is Condition.UNKNOWN
        assert health.reasons == ["centre_stalled"], "its worker still holds the lease"
    assert await site.state() is State.UNKNOWN
    assert await site.application.aggregator.sweep() == 0, "said once"
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.PICTURE))
    assert await site.state() is State.CONNECTED


async def test_a_sampled_camera_is_known_as_long_as_its_last_look_stands(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE, fresh_for_s=900.0), site.report(1, Rung.PICTURE, fresh_for_s=0.5))
    now = SystemClock().now()
    first, second = await site.health(0), await site.health(1)
    assert first is not None
    assert second is not None
    assert first.stale_at is not None
    assert timedelta(seconds=870) < first.stale_at - now < timedelta(seconds=905)
    await asyncio.sleep(0.6)
    assert await site.application.aggregator.sweep() == 1
    first, second = await site.health(0), await site.health(1)
    assert first is not None
    assert second is not None
    assert (first.condition, second.condition) == (Condition.ONLINE, Condition.UNKNOWN)


async def test_what_is_repeated_of_a_look_too_old_does_not_bring_a_camera_back(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE, fresh_for_s=0.1))
    await asyncio.sleep(0.2)
    assert await site.application.aggregator.sweep() == 1
    await site.send(site.report(0, Rung.PICTURE, settled=False, fresh_for_s=0.0))
    health = await site.health(0)
    assert health is not None
    assert health.condition is Condition.UNKNOWN
    await site.send(site.report(0, Rung.PICTURE, fresh_for_s=900.0))
    health = await site.health(0)
    assert health is not None
    assert health.condition is Condition.ONLINE


async def test_silence_of_a_camera_whose_worker_is_gone_says_so(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE))
    refs = [LeaseRef(camera_id=one.camera_id, epoch=one.epoch) for one in site.leases]
    await site.application.directory.release_leases(site.worker, refs)
    await make_old(site, 31)
    assert await site.application.aggregator.sweep() == 1
    health = await site.health(0)
    assert health is not None
    assert health.reasons == ["worker_lost"]


async def test_reports_that_are_not_settled_do_not_keep_a_camera_known(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE))
    await make_old(site, 31)
    await site.send(site.report(0, Rung.REACHABLE, settled=False))
    assert await site.application.aggregator.sweep() == 1


async def test_a_camera_that_is_deleted_takes_its_health_along_and_the_facility_is_derived_anew(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.UNREACHABLE, Reason.REFUSED))
    assert await site.state() is State.DEGRADED
    client = await site.application.client_of(Role.OPERATOR)
    assert (await client.delete(f"/v1/cameras/{site.leases[1].camera_id}")).status_code == 204
    await site.application.aggregator.refresh(site.facility_id)
    assert await site.state() is State.CONNECTED
    assert await site.count(CameraHealth) == 1
    assert await site.count(CameraConditionChange) == 2, "what was is kept"


async def test_a_review_finds_what_a_lost_nudge_would_have_told(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.PICTURE))
    async with site.application.database.write() as session:
        await session.execute(update(Camera).where(Camera.id == site.leases[1].camera_id).values(maintenance=True))
        await session.execute(
            update(CameraHealth).where(CameraHealth.camera_id == site.leases[0].camera_id).values(condition="offline")
        )
    await site.application.aggregator.review()
    assert await site.state() is State.DISCONNECTED


async def test_an_agreed_plan_decides_which_zones_must_be_lit(site: Site) -> None:
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.UNREACHABLE, Reason.REFUSED))
    client = await site.application.client_of(Role.OPERATOR)
    plan = {
        "kind": "reuse",
        "zones": ["gate"],
        "line": "internet",
        "due": "2030-01-01",
        "agreed_by": ["facility", "so_tttt", "enterprise"],
    }
    answer = await client.post(f"/v1/facilities/{site.facility_id}/plan", json=plan)
    assert answer.status_code == 201, answer.text
    await site.application.aggregator.refresh(site.facility_id)
    assert await site.state() is State.CONNECTED


async def test_changes_are_told_on_the_bus_after_they_are_written(site: Site) -> None:
    told: list[Message] = []

    class Recorder:
        async def publish(self, message: Message) -> None:
            told.append(message)
            assert await site.count(FacilityStateChange) == len(told)

    site.application.aggregator._publisher = Recorder()
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.PICTURE))
    await site.send(site.report(0, Rung.PICTURE), site.report(1, Rung.PICTURE))
    (change,) = told
    assert isinstance(change, FacilityStateChanged)
    assert (change.was, change.now) == (State.UNKNOWN, State.CONNECTED)
