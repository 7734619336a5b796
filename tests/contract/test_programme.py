"""The programme over both databases: a facility's way to acceptance, what is refused on it, and the report on all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, event, func, select, update

from services.access.audit import Audit
from services.access.tables import AuditEntry
from services.aggregator.evidence import HealthEvidence
from services.aggregator.tables import CameraHealth, FacilityState
from services.contracts.camera import WatchPolicy
from services.contracts.errors import Conflict, Invalid
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Rung, State
from services.contracts.messages import RosterChange, RosterChanged
from services.contracts.scope import EVERYWHERE, ProvinceScope
from services.contracts.zones import Zone
from services.programme.acceptance import NewAcceptance, RecordingCheck, Signatures
from services.programme.errors import (
    AcceptanceRefused,
    FacilityNotFound,
    NoHigherLevel,
    NoSuchStep,
    ObstacleAlreadyOpen,
    ObstacleNotFound,
    ObstacleResolved,
    StageRefused,
    SurveyClosed,
    SurveyNotFound,
    SurveyRefused,
    ZoneForbidden,
)
from services.programme.obstacles import Level, NewObstacle, ObstacleCode
from services.programme.plans import Addressing, Line, NewPlan, Party, PlanKind
from services.programme.service import Programme, StageOrder
from services.programme.stages import Stage
from services.programme.surveys import (
    Conclusion,
    Need,
    NewSurvey,
    PresentState,
    Protection,
    Signal,
    SurveyMode,
    SurveyResult,
)
from services.programme.tables import Acceptance, AcceptanceZone, ConnectionPlan, FacilityStage, StageChange, Survey
from services.registry import provinces
from services.registry.roster import RegistryRoster
from services.registry.tables import Camera, Device, Facility, FacilityKind, Protocol, ProvinceUnit
from services.storage.database import Base, Database
from tests.doubles.clock import StillClock
from tests.doubles.programme import NOON, KeepingPublisher
from tests.harness.postgres import PostgresServer

HAI_DUONG, THAI_NGUYEN, HAU_GIANG = "2021-30", "2021-19", "2021-93"
SOMEBODY = new_id()
PRESENT = PresentState(
    cameras=5,
    cameras_model="Hikvision DS-2CD1023",
    signal=Signal.IP,
    onvif=True,
    rtsp=True,
    account_known=True,
    recorder_maker="Hikvision",
    recorder_model="DS-7608",
    recorder_channels=8,
    line_provider="VNPT",
    line_down_mbps=80.5,
    line_up_mbps=40.0,
    addressing=Addressing.NAT,
    ups_minutes=20,
    receiving_people=True,
)
ELIGIBLE = SurveyResult(PRESENT, Conclusion.ELIGIBLE, notes="Phòng trực ở tầng 1")
REMOTE = NewSurvey(SurveyMode.REMOTE, NOON, "VNPT Hậu Giang", result=ELIGIBLE)
ON_SITE = NewSurvey(SurveyMode.ON_SITE, NOON + timedelta(days=1), "Viettel Hải Dương")
PROTECTION = Protection("CV 2581", "level 3 suits", "gate and corridor A", "Trần Thị Bình", date(2021, 6, 1))
PLAN = NewPlan(
    PlanKind.REUSE, ("gate", "yard"), Line.INTERNET, Addressing.NAT, date(2021, 5, 20), frozenset(Party), "CV 12"
)
OBSTACLE = NewObstacle(ObstacleCode.FACILITY_REFUSES, "UBND TP Chí Linh", date(2021, 5, 20))
SIGNED = NewAcceptance(Signatures("Lê Văn Cường", "Phạm Thị Dung", "Trần Thị Bình"))


class World:
    """A programme on a real database, with facilities, cameras and what they show put there directly."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = StillClock(NOON)
        self.publisher = KeepingPublisher()
        self.programme = Programme(
            database,
            RegistryRoster(),
            HealthEvidence(),
            Audit(database, self.clock),
            self.publisher,
            provinces.units(),
            self.clock,
        )

    async def facility(self, code: str = "HD-001", unit: str = HAI_DUONG, *, contact: bool = True) -> UUID:
        row = Facility(
            id=new_id(),
            code=code,
            name=f"Cơ sở {code}",
            province_unit_id=unit,
            kind=FacilityKind.PROVINCE_RUN,
            designated_enterprise="viettel",
            contact_name="Trần Thị Bình" if contact else None,
            contact_phone="0900000000" if contact else None,
            reach="default",
            created_at=NOON,
            updated_at=NOON,
        )
        async with self.database.write() as session:
            session.add(row)
        return row.id

    async def cameras(self, facility_id: UUID, *zones: Zone, record_only: bool = False) -> Sequence[UUID]:
        device = Device(
            id=new_id(),
            facility_id=facility_id,
            protocol=Protocol.RTSP,
            host="10.0.0.9",
            address="10.0.0.9",
            port=554,
            created_at=NOON,
        )
        rows = [
            Camera(
                id=new_id(),
                facility_id=facility_id,
                device_id=device.id,
                name=f"{zone.value} {number}",
                zone=zone,
                source_key=f"{facility_id} {number}",
                enabled=True,
                maintenance=False,
                watch_policy=WatchPolicy.RECORD_ONLY if record_only else None,
                created_at=NOON,
                updated_at=NOON,
            )
            for number, zone in enumerate(zones)
        ]
        async with self.database.write() as session:
            session.add(device)
            await session.flush()
            session.add_all(rows)
        return [row.id for row in rows]

    async def show(
        self, facility_id: UUID, cameras: Sequence[UUID], condition: Condition = Condition.ONLINE, age_s: int = 0
    ) -> None:
        """Let the aggregator's tables say so of these cameras."""
        seen = self.clock.now() - timedelta(seconds=age_s)
        async with self.database.write() as session:
            await session.execute(delete(CameraHealth).where(CameraHealth.camera_id.in_(cameras)))
            for camera_id in cameras:
                session.add(
                    CameraHealth(
                        camera_id=camera_id,
                        facility_id=facility_id,
                        worker_id=new_id(),
                        epoch=1,
                        sequence=1,
                        base=condition,
                        condition=condition,
                        rung=Rung.PICTURE if condition is Condition.ONLINE else Rung.REACHABLE,
                        reasons=[],
                        since=seen,
                        changes=[],
                        observed_at=seen,
                        received_at=seen,
                        stale_at=seen + timedelta(minutes=5),
                        stream={"codec": "h265", "width": 1920, "height": 1080, "fps": 25.0},
                        watch="reactor",
                    )
                )

    async def state(self, facility_id: UUID, state: State) -> None:
        async with self.database.write() as session:
            session.add(FacilityState(facility_id=facility_id, state=state, reasons=[], since=NOON, derived_at=NOON))

    async def stage(self, facility_id: UUID) -> Stage:
        return (await self.programme.facility_file(EVERYWHERE, facility_id)).stage

    async def order(self, facility_id: UUID, stage: Stage, notes: str | None = None) -> None:
        await self.programme.set_stage(SOMEBODY, EVERYWHERE, facility_id, StageOrder(stage, notes))

    async def connecting(self, code: str = "HD-001", unit: str = HAI_DUONG) -> tuple[UUID, Sequence[UUID]]:
        """A facility at stage connecting with a camera, not looked at yet, in each zone of its plan."""
        facility_id = await self.facility(code, unit)
        await self.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        await self.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        cameras = await self.cameras(facility_id, Zone.GATE, Zone.YARD)
        await self.order(facility_id, Stage.CONNECTING)
        return facility_id, cameras

    async def accepted(self, code: str = "HD-001", unit: str = HAI_DUONG) -> tuple[UUID, Sequence[UUID]]:
        facility_id, cameras = await self.connecting(code, unit)
        await self.show(facility_id, cameras)
        await self.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        return facility_id, cameras

    async def count(self, table: type[Base]) -> int:
        async with self.database.read() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    async def actions(self) -> list[str]:
        async with self.database.read() as session:
            return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


async def _make_tables(url: str) -> None:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with database.write() as session:
        for edition in (2025, 2021):
            session.add_all(
                ProvinceUnit(
                    id=unit.id,
                    code=unit.code,
                    edition=unit.edition,
                    name_vi=unit.name_vi,
                    name_en=unit.name_en,
                    kind=unit.kind,
                    iso_3166_2=unit.iso_3166_2,
                    successor_id=unit.successor_id,
                )
                for unit in provinces.units().values()
                if unit.edition == edition
            )
            await session.flush()
    await database.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def tables_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with all tables and the province units, made once: that takes longer than the tests themselves."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('programme') / 'vonggac.db'}"
    if server is not None:
        url = server.create_database()
    asyncio.run(_make_tables(url))
    yield url
    if server is not None:
        server.drop_database(url)


@pytest.fixture
async def world(tables_url: str) -> AsyncIterator[World]:
    """The programme on a database in which there are provinces and nothing else."""
    database = Database(tables_url)
    async with database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != ProvinceUnit.__tablename__:
                await session.execute(delete(table))
    yield World(database)
    await database.close()


class TestTheWay:
    async def test_a_registered_facility_is_listed_and_its_file_says_what_comes_next(self, world: World) -> None:
        facility_id = await world.facility(contact=False)
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert (file.stage, file.since) == (Stage.LISTED, None)
        assert [one.code for one in file.next_stages[Stage.CONTACT_NAMED]] == ["contact"]
        assert [one.code for one in file.acceptance_missing] == ["stage", "plan", "plan_zones"]

    async def test_from_the_list_to_acceptance_in_four_calls(self, world: World) -> None:
        facility_id = await world.facility()
        programme = world.programme
        await programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        assert await world.stage(facility_id) is Stage.SURVEYED
        await programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        assert await world.stage(facility_id) is Stage.PLAN_AGREED
        cameras = await world.cameras(facility_id, Zone.GATE, Zone.YARD)
        await world.show(facility_id, cameras)
        await world.order(facility_id, Stage.CONNECTING)
        await programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)

        file = await programme.facility_file(EVERYWHERE, facility_id)
        assert file.stage is Stage.ACCEPTED
        assert [change.now for change in reversed(file.changes)] == [
            Stage.CONTACT_NAMED,
            Stage.SURVEY_SCHEDULED,
            Stage.SURVEYED,
            Stage.PLAN_AGREED,
            Stage.CONNECTING,
            Stage.ACCEPTED,
        ]
        assert {change.principal_id for change in file.changes} == {SOMEBODY}

    async def test_installing_and_trial_can_be_named_on_the_way(self, world: World) -> None:
        facility_id = await world.facility()
        needy = SurveyResult(PresentState(cameras=0), Conclusion.NOT_ELIGIBLE, frozenset({Need.NEW}))
        await world.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, replace(REMOTE, result=needy))
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, replace(PLAN, kind=PlanKind.NEW))
        await world.order(facility_id, Stage.INSTALLING)
        await world.order(facility_id, Stage.CONNECTING)
        with pytest.raises(StageRefused) as caught:
            await world.order(facility_id, Stage.TRIAL)
        assert [(one.code, one.zone) for one in caught.value.missing] == [
            ("zone_camera", Zone.GATE),
            ("zone_camera", Zone.YARD),
        ]
        await world.cameras(facility_id, Zone.GATE, Zone.YARD)
        await world.order(facility_id, Stage.TRIAL)
        assert await world.stage(facility_id) is Stage.TRIAL

    async def test_a_plan_of_reuse_does_not_follow_a_survey_that_found_nothing_to_reuse(self, world: World) -> None:
        facility_id = await world.facility()
        needy = SurveyResult(PresentState(cameras=2), Conclusion.NOT_ELIGIBLE, frozenset({Need.ADDITION}))
        await world.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, replace(REMOTE, result=needy))
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert file.stage is Stage.SURVEYED
        assert [one.code for one in file.next_stages[Stage.PLAN_AGREED]] == ["plan_kind"]

    async def test_a_stage_already_reached_can_be_named_again_and_a_wrong_one_is_refused(self, world: World) -> None:
        facility_id = await world.facility()
        await world.order(facility_id, Stage.CONTACT_NAMED)
        await world.order(facility_id, Stage.CONTACT_NAMED)
        assert await world.count(StageChange) == 1
        with pytest.raises(NoSuchStep) as caught:
            await world.order(facility_id, Stage.TRIAL)
        assert "survey_scheduled" in caught.value.extra["allowed"]
        assert [fault.pointer for fault in caught.value.faults] == ["/stage"]

    async def test_a_trial_needs_cameras_that_are_enabled(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        async with world.database.write() as session:
            await session.execute(update(Camera).where(Camera.id == cameras[0]).values(enabled=False))
        with pytest.raises(StageRefused) as caught:
            await world.order(facility_id, Stage.TRIAL)
        assert [(one.code, one.zone) for one in caught.value.missing] == [("zone_camera", Zone.GATE)]

    async def test_a_contact_named_in_the_registry_is_caught_up_with(self, world: World) -> None:
        facility_id = await world.facility(contact=False)
        assert await world.programme.catch_up(SOMEBODY, EVERYWHERE, facility_id) is Stage.LISTED
        async with world.database.write() as session:
            await session.execute(update(Facility).values(contact_name="An", contact_email="an@example.vn"))
        assert await world.programme.catch_up(SOMEBODY, EVERYWHERE, facility_id) is Stage.CONTACT_NAMED
        assert await world.programme.catch_up(SOMEBODY, EVERYWHERE, facility_id) is Stage.CONTACT_NAMED
        assert await world.actions() == ["stage.follow"]

    async def test_stops_need_a_reason_and_reopening_leads_to_trial(self, world: World) -> None:
        facility_id, _ = await world.accepted()
        with pytest.raises(Invalid) as caught:
            await world.order(facility_id, Stage.SUSPENDED)
        assert [fault.pointer for fault in caught.value.faults] == ["/notes"]
        await world.order(facility_id, Stage.SUSPENDED, "QĐ 77: no patients")
        await world.order(facility_id, Stage.CLOSED, "QĐ 91")
        with pytest.raises(StageRefused):
            await world.order(facility_id, Stage.LISTED)
        await world.order(facility_id, Stage.TRIAL)
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert file.stage is Stage.TRIAL
        assert [change.notes for change in file.changes[:3]] == [None, "QĐ 91", "QĐ 77: no patients"]

    async def test_a_facility_closed_before_its_plan_reopens_where_its_file_stands(self, world: World) -> None:
        facility_id = await world.facility()
        await world.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        await world.order(facility_id, Stage.CLOSED, "moved")
        with pytest.raises(StageRefused):
            await world.order(facility_id, Stage.TRIAL)
        await world.order(facility_id, Stage.LISTED)
        assert await world.stage(facility_id) is Stage.SURVEYED

    async def test_receiving_people_early_is_warned_of(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert file.receiving_people is True
        assert [one.code for one in file.warnings] == ["receiving_before_accepted"]
        order = StageOrder(Stage.CONNECTING, receiving_people=False)
        assert not (await world.programme.set_stage(SOMEBODY, EVERYWHERE, facility_id, order)).warnings
        await world.show(facility_id, cameras)


class TestSurveys:
    async def test_an_on_site_visit_is_scheduled_once_its_protection_is_confirmed(self, world: World) -> None:
        facility_id = await world.facility()
        surveys = world.programme.surveys
        survey = await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, ON_SITE)
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert file.stage is Stage.CONTACT_NAMED
        assert [one.code for one in file.next_stages[Stage.SURVEY_SCHEDULED]] == ["protection"]
        with pytest.raises(SurveyRefused) as caught:
            await surveys.record_survey(SOMEBODY, EVERYWHERE, facility_id, survey.id, ELIGIBLE)
        assert [one["code"] for one in caught.value.extra["missing"]] == ["protection"]

        await surveys.confirm_protection(SOMEBODY, EVERYWHERE, facility_id, survey.id, PROTECTION)
        assert await world.stage(facility_id) is Stage.SURVEY_SCHEDULED
        await surveys.record_survey(SOMEBODY, EVERYWHERE, facility_id, survey.id, ELIGIBLE)
        assert await world.stage(facility_id) is Stage.SURVEYED

    async def test_everything_the_form_says_is_kept(self, world: World) -> None:
        facility_id = await world.facility()
        survey = await world.programme.surveys.schedule_survey(
            SOMEBODY, EVERYWHERE, facility_id, replace(ON_SITE, protection=PROTECTION)
        )
        await world.programme.surveys.record_survey(SOMEBODY, EVERYWHERE, facility_id, survey.id, ELIGIBLE)
        (kept,) = (await world.programme.facility_file(EVERYWHERE, facility_id)).surveys
        for name in PresentState.__dataclass_fields__:
            if name != "receiving_people":
                assert getattr(kept, name) == getattr(PRESENT, name), name
        for name in Protection.__dataclass_fields__:
            assert getattr(kept, name) == getattr(PROTECTION, name), name
        assert (kept.mode, kept.scheduled_at, kept.team) == (SurveyMode.ON_SITE, ON_SITE.scheduled_at, ON_SITE.team)
        assert (kept.conclusion, kept.needs, kept.notes) == (Conclusion.ELIGIBLE, [], ELIGIBLE.notes)
        assert (kept.completed_at, kept.confirmed_at) == (NOON, NOON)

    async def test_a_visit_called_off_leads_back_and_a_new_one_replaces_an_open_one(self, world: World) -> None:
        facility_id = await world.facility()
        surveys = world.programme.surveys
        confirmed = replace(ON_SITE, protection=PROTECTION)
        first = await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, confirmed)
        second = await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, confirmed)
        with pytest.raises(SurveyClosed):
            await surveys.record_survey(SOMEBODY, EVERYWHERE, facility_id, first.id, ELIGIBLE)
        await surveys.cancel_survey(SOMEBODY, EVERYWHERE, facility_id, second.id)
        assert await world.stage(facility_id) is Stage.CONTACT_NAMED
        await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, ON_SITE)
        assert await world.stage(facility_id) is Stage.CONTACT_NAMED

    async def test_the_newest_survey_decides_whether_what_is_there_can_be_reused(self, world: World) -> None:
        facility_id = await world.facility()
        needy = SurveyResult(PresentState(cameras=1), Conclusion.NOT_ELIGIBLE, frozenset({Need.REPAIR}))
        surveys = world.programme.surveys
        await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, replace(REMOTE, result=needy))
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        assert await world.stage(facility_id) is Stage.SURVEYED
        world.clock.move(2 * 86400)
        await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        assert await world.stage(facility_id) is Stage.PLAN_AGREED

    async def test_a_remote_survey_takes_no_protection_conditions(self, world: World) -> None:
        facility_id = await world.facility()
        surveys = world.programme.surveys
        to_come = await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, replace(REMOTE, result=None))
        with pytest.raises(Conflict):
            await surveys.confirm_protection(SOMEBODY, EVERYWHERE, facility_id, to_come.id, PROTECTION)

    async def test_a_survey_belongs_to_its_facility(self, world: World) -> None:
        mine, other = await world.facility("HD-001"), await world.facility("HD-002")
        survey = await world.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, mine, ON_SITE)
        with pytest.raises(SurveyNotFound):
            await world.programme.surveys.cancel_survey(SOMEBODY, EVERYWHERE, other, survey.id)


class TestObstacles:
    async def test_an_obstacle_blocks_the_survey_until_it_is_resolved(self, world: World) -> None:
        facility_id = await world.facility()
        obstacles = world.programme.obstacles
        await world.programme.surveys.schedule_survey(
            SOMEBODY, EVERYWHERE, facility_id, replace(ON_SITE, protection=PROTECTION)
        )
        obstacle = await obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        assert await world.stage(facility_id) is Stage.SURVEY_BLOCKED
        with pytest.raises(StageRefused) as caught:
            await world.order(facility_id, Stage.SURVEY_SCHEDULED)
        assert [one.code for one in caught.value.missing] == ["obstacle_open"]
        await obstacles.resolve_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle.id, "UBND ordered it")
        assert await world.stage(facility_id) is Stage.SURVEY_SCHEDULED
        with pytest.raises(ObstacleResolved):
            await obstacles.resolve_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle.id, "again")

    async def test_a_cause_is_open_once_and_climbs_level_by_level(self, world: World) -> None:
        facility_id = await world.facility()
        obstacles = world.programme.obstacles
        obstacle = await obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        with pytest.raises(ObstacleAlreadyOpen):
            await obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        assert (
            await obstacles.escalate_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle.id)
        ).level is Level.DISTRICT
        with pytest.raises(Invalid) as caught:
            await obstacles.escalate_obstacle(
                SOMEBODY, EVERYWHERE, facility_id, obstacle.id, due=NOON.date() - timedelta(days=1)
            )
        assert [fault.pointer for fault in caught.value.faults] == ["/due"]
        national = await obstacles.escalate_obstacle(
            SOMEBODY, EVERYWHERE, facility_id, obstacle.id, Level.NATIONAL, "Bộ Y tế", date(2021, 5, 25)
        )
        assert (national.level, national.owner, national.due) == (Level.NATIONAL, "Bộ Y tế", date(2021, 5, 25))
        assert national.escalated_at == NOON
        for level in (None, Level.DISTRICT, Level.NATIONAL):
            with pytest.raises(NoHigherLevel):
                await obstacles.escalate_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle.id, level)

    async def test_an_obstacle_belongs_to_its_facility(self, world: World) -> None:
        mine, other = await world.facility("HD-001"), await world.facility("HD-002")
        obstacle = await world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, mine, OBSTACLE)
        with pytest.raises(ObstacleNotFound):
            await world.programme.obstacles.resolve_obstacle(SOMEBODY, EVERYWHERE, other, obstacle.id, "done")


class TestPlans:
    async def zones(self, world: World, facility_id: UUID) -> frozenset[Zone] | None:
        async with world.database.read() as session:
            return await world.programme.plans.compulsory_zones(session, facility_id)

    async def test_only_an_agreed_plan_makes_zones_compulsory_and_the_newest_agreed_one_does(
        self, world: World
    ) -> None:
        facility_id = await world.facility()
        plans = world.programme.plans
        assert await self.zones(world, facility_id) is None
        await plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, replace(PLAN, agreed_by=frozenset({Party.FACILITY})))
        assert await self.zones(world, facility_id) is None
        await plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        assert await self.zones(world, facility_id) == frozenset({Zone.GATE, Zone.YARD})
        draft = replace(PLAN, zones=("reception",), agreed_by=frozenset())
        await plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, draft)
        assert await self.zones(world, facility_id) == frozenset({Zone.GATE, Zone.YARD})
        await plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, replace(draft, agreed_by=frozenset(Party)))
        assert await self.zones(world, facility_id) == frozenset({Zone.RECEPTION})
        kept = (await world.programme.facility_file(EVERYWHERE, facility_id)).plans
        assert [plan.version for plan in kept] == [4, 3, 2, 1]

    async def test_every_plan_nudges_the_aggregator(self, world: World) -> None:
        facility_id = await world.facility()
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        (nudge,) = world.publisher.messages
        assert isinstance(nudge, RosterChanged)
        assert (nudge.facility_id, nudge.change) == (facility_id, RosterChange.FACILITY_CHANGED)

    async def test_a_bus_that_is_away_loses_no_plan(self, world: World) -> None:
        facility_id = await world.facility()
        world.publisher.away = True
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        assert await self.zones(world, facility_id) == frozenset({Zone.GATE, Zone.YARD})

    async def test_a_plan_into_private_rooms_leaves_no_trace(self, world: World) -> None:
        facility_id = await world.facility()
        with pytest.raises(ZoneForbidden):
            await world.programme.plans.set_plan(
                SOMEBODY, EVERYWHERE, facility_id, replace(PLAN, zones=("gate", "bathroom"))
            )
        assert await world.count(ConnectionPlan) == 0
        assert world.publisher.messages == []

    async def test_a_new_agreed_plan_sends_an_accepted_facility_back_to_trial(self, world: World) -> None:
        facility_id, _ = await world.accepted()
        wider = replace(PLAN, zones=("gate", "yard", "corridor"))
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, replace(wider, agreed_by=frozenset()))
        assert await world.stage(facility_id) is Stage.ACCEPTED
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, wider)
        assert await world.stage(facility_id) is Stage.TRIAL
        with pytest.raises(AcceptanceRefused) as caught:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert [(one.code, one.zone) for one in caught.value.missing] == [("zone_without_camera", Zone.CORRIDOR)]


class TestAcceptance:
    async def test_it_keeps_who_signed_and_what_was_seen_in_every_zone(self, world: World) -> None:
        facility_id, cameras = await world.accepted()
        (kept,) = (await world.programme.facility_file(EVERYWHERE, facility_id)).acceptances
        assert (kept.signed_so_tttt, kept.signed_enterprise, kept.signed_facility) == (
            "Lê Văn Cường",
            "Phạm Thị Dung",
            "Trần Thị Bình",
        )
        assert (kept.accepted_at, kept.principal_id) == (NOON, SOMEBODY)
        assert [(zone.zone, zone.camera_id, zone.rung, zone.observed_at) for zone in kept.zones] == [
            (Zone.GATE, cameras[0], Rung.PICTURE, NOON),
            (Zone.YARD, cameras[1], Rung.PICTURE, NOON),
        ]
        gate = kept.zones[0]
        assert (gate.codec, gate.width, gate.height, gate.fps, gate.camera_name) == ("h265", 1920, 1080, 25.0, "gate 0")

    async def test_it_is_refused_with_everything_that_is_missing_and_writes_nothing(self, world: World) -> None:
        facility_id = await world.facility()
        await world.programme.plans.set_plan(
            SOMEBODY, EVERYWHERE, facility_id, replace(PLAN, zones=(), agreed_by=frozenset())
        )
        await world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        audited = await world.actions()
        with pytest.raises(AcceptanceRefused) as caught:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert caught.value.code == "acceptance-refused"
        missing = caught.value.extra["missing"]
        assert [one["code"] for one in missing] == ["stage", "plan_agreement", "plan_zones", "obstacle_open"]
        assert all(one["detail"]["en"] and one["detail"]["vi"] for one in missing)
        assert await world.count(Acceptance) == 0
        assert await world.actions() == audited
        assert await world.stage(facility_id) is Stage.SURVEY_BLOCKED

    @pytest.mark.parametrize(
        ("condition", "age_s", "code"),
        [
            (None, 0, "zone_not_watched"),
            (Condition.DEGRADED, 0, "zone_not_proved"),
            (Condition.OFFLINE, 0, "zone_not_proved"),
            (Condition.ONLINE, 61, "zone_proof_stale"),
        ],
    )
    async def test_one_zone_without_a_fresh_picture_is_enough_to_refuse(
        self, world: World, condition: Condition | None, age_s: int, code: str
    ) -> None:
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras[:1])
        if condition is not None:
            await world.show(facility_id, cameras[1:], condition, age_s)
        with pytest.raises(AcceptanceRefused) as caught:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert [(one.code, one.zone) for one in caught.value.missing] == [(code, Zone.YARD)]
        await world.show(facility_id, cameras)
        await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert await world.stage(facility_id) is Stage.ACCEPTED

    async def test_an_open_obstacle_refuses_a_facility_that_shows_everything(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras)
        obstacle = replace(OBSTACLE, code=ObstacleCode.NO_BUDGET)
        await world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle)
        with pytest.raises(AcceptanceRefused) as caught:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert [one.code for one in caught.value.missing] == ["obstacle_open"]

    async def test_nobody_names_the_stage_accepted(self, world: World) -> None:
        listed = await world.facility("HD-002")
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras)
        for one in (listed, facility_id):
            with pytest.raises(StageRefused) as caught:
                await world.order(one, Stage.ACCEPTED)
            assert [missing.code for missing in caught.value.missing] == ["acceptance"]
        assert await world.stage(facility_id) is Stage.CONNECTING

    async def test_the_file_foretells_what_an_acceptance_says(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras[:1])
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert [(one.code, one.zone) for one in file.acceptance_missing] == [("zone_not_watched", Zone.YARD)]
        assert file.next_stages[Stage.ACCEPTED] == file.acceptance_missing
        await world.show(facility_id, cameras)
        assert not (await world.programme.facility_file(EVERYWHERE, facility_id)).acceptance_missing

    async def test_a_signature_left_out_is_named(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras)
        unsigned = NewAcceptance(Signatures("Lê Văn Cường", "", "Trần Thị Bình"))
        with pytest.raises(Invalid) as caught:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, unsigned)
        assert [fault.pointer for fault in caught.value.faults] == ["/signatures/enterprise"]
        with pytest.raises(AcceptanceRefused) as refused:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, NewAcceptance())
        assert [one.code for one in refused.value.missing] == ["signatures"]

    async def test_a_facility_without_a_line_is_accepted_by_its_recordings(self, world: World) -> None:
        facility_id = await world.facility()
        await world.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        offline = replace(PLAN, kind=PlanKind.RECORD_ONLY, line=None, addressing=None)
        await world.programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, offline)
        await world.cameras(facility_id, Zone.GATE, Zone.YARD, record_only=True)
        await world.order(facility_id, Stage.CONNECTING)
        with pytest.raises(AcceptanceRefused) as caught:
            await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert [one.code for one in caught.value.missing] == ["recording"]
        played = replace(SIGNED, recording=RecordingCheck("Vũ Minh", NOON, 33))
        kept = await world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, played)
        assert [(zone.zone, zone.rung) for zone in kept.zones] == [(Zone.GATE, None), (Zone.YARD, None)]
        assert (kept.recording_checked_by, kept.recording_kept_days) == ("Vũ Minh", 33)
        await world.state(facility_id, State.RECORD_ONLY)
        total = (await world.programme.reports.progress(EVERYWHERE)).total
        assert (total.accepted, total.record_only, total.live) == (1, 1, 0)

    async def test_its_evidence_outlives_the_camera(self, world: World) -> None:
        facility_id, cameras = await world.accepted()
        async with world.database.write() as session:
            await session.execute(delete(Camera).where(Camera.id == cameras[0]))
        (kept,) = (await world.programme.facility_file(EVERYWHERE, facility_id)).acceptances
        assert kept.zones[0].camera_id == cameras[0]

    async def test_two_at_once_accept_a_facility_once(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras)
        outcomes = await asyncio.gather(
            *(world.programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED) for _ in range(4)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes].count(Acceptance) == 1
        assert [type(outcome) for outcome in outcomes].count(AcceptanceRefused) == 3
        assert await world.count(Acceptance) == 1


class TestEveryCall:
    async def test_is_held_to_the_provinces_of_the_asker(self, world: World) -> None:
        facility_id, cameras = await world.connecting()
        await world.show(facility_id, cameras)
        survey = await world.programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, ON_SITE)
        obstacle = await world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        audited, changes = await world.actions(), await world.count(StageChange)
        elsewhere = ProvinceScope(frozenset({THAI_NGUYEN}))
        programme = world.programme
        calls: Sequence[Callable[[], Awaitable[object]]] = (
            lambda: programme.facility_file(elsewhere, facility_id),
            lambda: programme.catch_up(SOMEBODY, elsewhere, facility_id),
            lambda: programme.set_stage(SOMEBODY, elsewhere, facility_id, StageOrder(Stage.TRIAL)),
            lambda: programme.surveys.schedule_survey(SOMEBODY, elsewhere, facility_id, ON_SITE),
            lambda: programme.surveys.confirm_protection(SOMEBODY, elsewhere, facility_id, survey.id, PROTECTION),
            lambda: programme.surveys.record_survey(SOMEBODY, elsewhere, facility_id, survey.id, ELIGIBLE),
            lambda: programme.surveys.cancel_survey(SOMEBODY, elsewhere, facility_id, survey.id),
            lambda: programme.obstacles.open_obstacle(SOMEBODY, elsewhere, facility_id, OBSTACLE),
            lambda: programme.obstacles.escalate_obstacle(SOMEBODY, elsewhere, facility_id, obstacle.id),
            lambda: programme.obstacles.resolve_obstacle(SOMEBODY, elsewhere, facility_id, obstacle.id, "done"),
            lambda: programme.plans.set_plan(SOMEBODY, elsewhere, facility_id, PLAN),
            lambda: programme.acceptances.accept(SOMEBODY, elsewhere, facility_id, SIGNED),
        )
        for call in calls:
            with pytest.raises(FacilityNotFound):
                await call()
        assert await world.actions() == audited
        assert await world.count(StageChange) == changes
        assert (await programme.reports.progress(elsewhere)).total.listed == 0

    async def test_that_changes_something_is_audited_in_its_province(self, world: World) -> None:
        facility_id = await world.facility()
        programme = world.programme
        survey = await programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, ON_SITE)
        await programme.surveys.confirm_protection(SOMEBODY, EVERYWHERE, facility_id, survey.id, PROTECTION)
        await programme.surveys.cancel_survey(SOMEBODY, EVERYWHERE, facility_id, survey.id)
        obstacle = await programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        await programme.obstacles.escalate_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle.id)
        await programme.obstacles.resolve_obstacle(SOMEBODY, EVERYWHERE, facility_id, obstacle.id, "done")
        await programme.surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        await programme.plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, PLAN)
        await world.order(facility_id, Stage.CONNECTING)
        await world.show(facility_id, await world.cameras(facility_id, Zone.GATE, Zone.YARD))
        await programme.acceptances.accept(SOMEBODY, EVERYWHERE, facility_id, SIGNED)
        assert await world.actions() == [
            "survey.schedule",
            "survey.protection",
            "survey.cancel",
            "obstacle.open",
            "obstacle.escalate",
            "obstacle.resolve",
            "survey.schedule",
            "survey.record",
            "plan.set",
            "stage.set",
            "acceptance.accept",
        ]
        async with world.database.read() as session:
            entries = (await session.scalars(select(AuditEntry))).all()
        assert {(entry.principal_id, entry.province_unit_id, entry.subject) for entry in entries} == {
            (SOMEBODY, HAI_DUONG, str(facility_id))
        }

    async def test_on_a_new_file_may_come_at_the_same_time_as_others(self, world: World) -> None:
        facility_id = await world.facility()
        codes = list(ObstacleCode)[:6]
        await asyncio.gather(
            *(
                world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, replace(OBSTACLE, code=code))
                for code in codes
            )
        )
        file = await world.programme.facility_file(EVERYWHERE, facility_id)
        assert {obstacle.code for obstacle in file.obstacles} == set(codes)
        assert await world.count(FacilityStage) == 1
        assert [change.now for change in file.changes] == [Stage.SURVEY_BLOCKED]

    async def test_a_file_goes_with_its_facility(self, world: World) -> None:
        facility_id, _ = await world.accepted()
        await world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)
        async with world.database.write() as session:
            await session.execute(delete(Camera))
            await session.execute(delete(Device))
            await session.execute(delete(Facility))
        for table in (FacilityStage, StageChange, Survey, ConnectionPlan, Acceptance, AcceptanceZone):
            assert await world.count(table) == 0, table.__tablename__
        with pytest.raises(FacilityNotFound):
            await world.programme.facility_file(EVERYWHERE, facility_id)


class TestReport:
    async def fill(self, world: World, unit: str, facilities: int, accepted: int) -> None:
        """So many facilities, the first of them accepted and connected with two cameras each, the others blocked."""
        for number in range(facilities):
            code = f"{unit}-{number:03}"
            if number < accepted:
                facility_id, _ = await world.accepted(code, unit)
                await world.state(facility_id, State.CONNECTED)
            else:
                facility_id = await world.facility(code, unit, contact=False)
                await world.programme.obstacles.open_obstacle(SOMEBODY, EVERYWHERE, facility_id, OBSTACLE)

    async def test_known_answers_come_out_of_the_database(self, world: World) -> None:
        await self.fill(world, THAI_NGUYEN, 30, 11)
        await self.fill(world, HAU_GIANG, 4, 4)
        report = await world.programme.reports.progress(EVERYWHERE)
        rows = {row.unit_id: row.figures for row in report.provinces}
        thai_nguyen = rows[THAI_NGUYEN]
        assert (thai_nguyen.listed, thai_nguyen.accepted, thai_nguyen.live) == (30, 11, 11)
        assert thai_nguyen.accepted_percent == 36.7
        assert (thai_nguyen.contact_named, thai_nguyen.surveyed, thai_nguyen.eligible) == (11, 11, 11)
        assert (thai_nguyen.plans_agreed, thai_nguyen.survey_blocked) == (11, 19)
        assert thai_nguyen.blocked_by_cause == {ObstacleCode.FACILITY_REFUSES: 19}
        assert (thai_nguyen.cameras_registered, thai_nguyen.cameras_online) == (22, 22)
        assert rows[HAU_GIANG].accepted_percent == 100.0
        assert (report.total.listed, report.total.accepted, len(report.provinces)) == (34, 15, 63)
        assert len(report.obstacles) == 19

    async def test_it_is_held_to_the_scope_and_narrowed_within_it_only(self, world: World) -> None:
        await self.fill(world, HAI_DUONG, 2, 1)
        await self.fill(world, HAU_GIANG, 3, 0)
        mine = ProvinceScope(frozenset({HAI_DUONG}))
        report = await world.programme.reports.progress(mine)
        assert [row.unit_id for row in report.provinces] == [HAI_DUONG]
        assert report.total.listed == 2
        other = await world.programme.reports.progress(mine, {HAU_GIANG})
        assert (other.provinces, other.total.listed, other.obstacles) == ((), 0, ())
        narrowed = await world.programme.reports.progress(EVERYWHERE, {HAU_GIANG})
        assert ([row.unit_id for row in narrowed.provinces], narrowed.total.listed) == ([HAU_GIANG], 3)

    async def test_it_counts_the_newest_survey_and_the_newest_agreed_plan(self, world: World) -> None:
        facility_id = await world.facility()
        needy = SurveyResult(PresentState(cameras=1), Conclusion.NOT_ELIGIBLE, frozenset({Need.REPAIR}))
        surveys, plans = world.programme.surveys, world.programme.plans
        await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, REMOTE)
        world.clock.move(3600)
        await surveys.schedule_survey(SOMEBODY, EVERYWHERE, facility_id, replace(REMOTE, result=needy))
        await plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, replace(PLAN, kind=PlanKind.REPAIR))
        await plans.set_plan(SOMEBODY, EVERYWHERE, facility_id, replace(PLAN, agreed_by=frozenset(), due=None))
        world.clock.move(20 * 86400)
        total = (await world.programme.reports.progress(EVERYWHERE)).total
        assert (total.surveyed, total.eligible, total.not_eligible) == (1, 0, 1)
        assert total.needs == {Need.REPAIR: 1}
        assert (total.plans_agreed, total.overdue, total.receiving_not_accepted) == (1, 1, 1)

    async def test_more_facilities_take_no_more_queries(self, world: World) -> None:
        await self.fill(world, HAI_DUONG, 2, 1)
        statements: list[str] = []

        @event.listens_for(world.database.engine.sync_engine, "before_cursor_execute")
        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        await world.programme.reports.progress(EVERYWHERE)
        few = len(statements)
        await self.fill(world, HAU_GIANG, 10, 3)
        statements.clear()
        await world.programme.reports.progress(EVERYWHERE)
        assert len(statements) == few <= 10
