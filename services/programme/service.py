"""The programme as the API uses it: everything about one facility's way to acceptance, and the report on all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.contracts.ids import FacilityId, PrincipalId, ProvinceUnitId
from services.contracts.scope import ProvinceScope
from services.programme import repository
from services.programme.acceptance_service import Acceptances
from services.programme.errors import StageRefused
from services.programme.fields import Fields
from services.programme.files import Files, OpenFile
from services.programme.guards import Dossier, acceptance_has_passed
from services.programme.obstacle_service import Obstacles
from services.programme.plan_service import Plans
from services.programme.ports import AuditLog, Evidence, FacilityFact, FacilityFacts, ProvinceName, Publisher
from services.programme.report_service import Reports
from services.programme.stages import Stage, needs_note, next_stages, warnings
from services.programme.survey_service import Surveys
from services.programme.tables import Acceptance, ConnectionPlan, FacilityStage, Obstacle, StageChange, Survey
from services.programme.texts import Missing
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions

#: How old the newest look at a camera may be when it is to prove a zone: a worker reports every 10 s.
FRESH = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class StageOrder:
    """A step that somebody decides. ``notes`` says why; stopping and taking an acceptance back need it."""

    stage: Stage
    notes: str | None = None
    #: Whether quarantined people live there now; None: as known before.
    receiving_people: bool | None = None


@dataclass(frozen=True, slots=True)
class FacilityFile:
    """Everything about one facility. Lists hold the newest 100, newest first; open obstacles before resolved ones."""

    facility: FacilityFact
    stage: Stage
    #: When it came to this stage; None: it has been listed since it was registered.
    since: datetime | None
    receiving_people: bool | None
    warnings: Sequence[Missing]
    #: Every stage that can come next with what is missing before it.
    next_stages: Mapping[Stage, Sequence[Missing]]
    #: What a signed acceptance would miss at this moment; empty: it would pass.
    acceptance_missing: Sequence[Missing]
    surveys: Sequence[Survey]
    obstacles: Sequence[Obstacle]
    #: The first is the present plan.
    plans: Sequence[ConnectionPlan]
    acceptances: Sequence[Acceptance]
    changes: Sequence[StageChange]


class Programme:
    """One constructor for the whole package; assembly calls it. ``plans`` satisfies the aggregator's port."""

    def __init__(
        self,
        transactions: Transactions,
        facts: FacilityFacts,
        evidence: Evidence,
        audit: AuditLog,
        publisher: Publisher,
        provinces: Mapping[ProvinceUnitId, ProvinceName],
        clock: Clock,
        fresh: timedelta = FRESH,
    ) -> None:
        self._transactions = transactions
        self._files = Files(facts, audit, clock)
        self.surveys = Surveys(transactions, self._files, clock)
        self.obstacles = Obstacles(transactions, self._files, clock)
        self.plans = Plans(transactions, self._files, publisher, clock)
        self.acceptances = Acceptances(transactions, self._files, evidence, clock, fresh)
        self.reports = Reports(transactions, facts, evidence, provinces, clock)

    async def set_stage(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, order: StageOrder
    ) -> FacilityFile:
        """Take the step that somebody decides; naming the stage it has already reached changes nothing.

        Raises FacilityNotFound, Invalid (a note is missing), NoSuchStep, or StageRefused with what is missing. Nobody
        reaches ``accepted`` this way.
        """
        fields = Fields()
        fields.text("/notes", order.notes, 4000)
        fields.verify()
        async with self._transactions.write() as session:
            file = await self._files.open(session, scope, facility_id)
            if order.receiving_people is not None:
                file.stage.receiving_people = order.receiving_people
            reached = {file.stage.stage, *await self._files.follow(session, file, principal, "stage.follow")}
            if order.stage not in reached:
                await self._step(session, file, principal, order)
            await self._files.record(
                session,
                file,
                principal,
                "stage.set",
                {"stage": order.stage.value, "receiving_people": order.receiving_people},
            )
            await session.flush()
            return await self._read(session, file.fact, file.stage)

    async def catch_up(self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId) -> Stage:
        """Let the stage follow facts that the registry holds, for example a contact person named just now."""
        async with self._transactions.write() as session:
            file = await self._files.open(session, scope, facility_id)
            if await self._files.follow(session, file, principal, "stage.follow"):
                details: dict[str, object] = {"stage": file.stage.stage.value}
                await self._files.record(session, file, principal, "stage.follow", details)
            return file.stage.stage

    async def facility_file(self, scope: ProvinceScope, facility_id: FacilityId) -> FacilityFile:
        """Raises FacilityNotFound."""
        async with self._transactions.read() as session:
            fact = await self._files.fact(session, scope, facility_id)
            return await self._read(session, fact, await repository.stage_of(session, facility_id))

    async def _step(self, session: AsyncSession, file: OpenFile, principal: PrincipalId, order: StageOrder) -> None:
        if order.stage is Stage.ACCEPTED:
            raise StageRefused(acceptance_has_passed(Dossier()), "/stage")
        fields = Fields()
        fields.text("/notes", order.notes, 4000, required=needs_note(file.stage.stage, order.stage))
        fields.verify("This step needs a reason in words.")
        facts = await self._files.read(session, file.fact, file.stage.receiving_people)
        self._files.move(session, file, order.stage, facts.dossier, principal, "stage.set", order.notes)
        await self._files.follow(session, file, principal, "stage.follow")

    async def _read(self, session: AsyncSession, fact: FacilityFact, row: FacilityStage | None) -> FacilityFile:
        stage = Stage.LISTED if row is None else row.stage
        receiving_people = None if row is None else row.receiving_people
        facts = await self._files.read(session, fact, receiving_people)
        lacking = (await self.acceptances.judge(session, stage, facts)).missing
        following: dict[Stage, Sequence[Missing]] = dict(next_stages(stage, facts.dossier))
        if Stage.ACCEPTED in following:
            following[Stage.ACCEPTED] = lacking
        return FacilityFile(
            facility=fact,
            stage=stage,
            since=None if row is None else row.since,
            receiving_people=receiving_people,
            warnings=warnings(stage, facts.dossier),
            next_stages=following,
            acceptance_missing=lacking,
            surveys=await repository.surveys(session, fact.facility_id),
            obstacles=await repository.obstacles(session, fact.facility_id),
            plans=await repository.plans(session, fact.facility_id),
            acceptances=await repository.acceptances(session, fact.facility_id),
            changes=await repository.stage_changes(session, fact.facility_id),
        )
