"""A facility's file, opened for writing: its lock, its facts, and every move from stage to stage."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.roster import RosterCamera
from services.contracts.scope import ProvinceScope
from services.programme import repository
from services.programme.errors import FacilityNotFound, NoSuchStep, StageRefused
from services.programme.guards import Dossier
from services.programme.ports import AuditLog, FacilityFact, FacilityFacts
from services.programme.stages import Stage, follow, missing_for, next_stages
from services.programme.surveys import Conclusion, SurveyMode
from services.programme.tables import FacilityStage, StageChange
from services.runtime.clock import Clock
from services.storage.database import AsyncSession


@dataclass(frozen=True, slots=True)
class OpenFile:
    """The file of one facility within one transaction that holds its lock."""

    fact: FacilityFact
    stage: FacilityStage


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file says at this moment, and the cameras it was read with."""

    dossier: Dossier
    roster: Sequence[RosterCamera]


class Files:
    """Opens files and moves facilities. Used by the services of this package only."""

    def __init__(self, facts: FacilityFacts, audit: AuditLog, clock: Clock) -> None:
        self._facts = facts
        self._audit = audit
        self._clock = clock

    async def fact(self, session: AsyncSession, scope: ProvinceScope, facility_id: FacilityId) -> FacilityFact:
        """Raises FacilityNotFound."""
        fact = await self._facts.facility_fact(session, scope, facility_id)
        if fact is None:
            raise FacilityNotFound
        return fact

    async def open(self, session: AsyncSession, scope: ProvinceScope, facility_id: FacilityId) -> OpenFile:
        """The file, locked until the transaction ends. Raises FacilityNotFound."""
        fact = await self.fact(session, scope, facility_id)
        stage = await repository.lock_stage(session, facility_id, self._clock.now())
        if stage is None:
            raise FacilityNotFound
        return OpenFile(fact, stage)

    async def read(self, session: AsyncSession, fact: FacilityFact, receiving_people: bool | None) -> FileFacts:
        """The facts by which guards decide."""
        facility_id = fact.facility_id
        await session.flush()
        visit = await repository.open_survey(session, facility_id)
        complete = await repository.newest_complete_survey(session, facility_id)
        plan = await repository.newest_plan(session, facility_id)
        agreed = await repository.newest_plan(session, facility_id, agreed=True)
        obstacles = await repository.open_obstacles(session, facility_id)
        roster = await self._facts.roster_of(session, facility_id) or ()
        confirmed = complete is not None
        if visit is not None:
            confirmed = visit.mode is SurveyMode.REMOTE or visit.confirmed_at is not None
        dossier = Dossier(
            has_contact=fact.has_contact,
            visit_planned=visit is not None or complete is not None,
            protection_confirmed=confirmed,
            survey_complete=complete is not None,
            eligible=None if complete is None else complete.conclusion is Conclusion.ELIGIBLE,
            plan_kind=None if plan is None else plan.kind,
            plan_agreed=plan is not None and plan.agreed_at is not None,
            plan_zones=frozenset() if plan is None else plan.compulsory_zones,
            was_planned=agreed is not None,
            camera_zones=frozenset(camera.zone for camera in roster if camera.enabled),
            open_obstacles=frozenset(obstacle.code for obstacle in obstacles),
            receiving_people=receiving_people,
        )
        return FileFacts(dossier, roster)

    async def follow(
        self, session: AsyncSession, file: OpenFile, principal: PrincipalId, action: str
    ) -> tuple[Stage, ...]:
        """Let the stage follow what the file says by now. Returns the stages it entered."""
        facts = await self.read(session, file.fact, file.stage.receiving_people)
        path = follow(file.stage.stage, facts.dossier)
        for stage in path:
            self._enter(session, file, stage, principal, action, None)
        return path

    def move(
        self,
        session: AsyncSession,
        file: OpenFile,
        to: Stage,
        dossier: Dossier,
        principal: PrincipalId,
        action: str,
        notes: str | None = None,
    ) -> None:
        """Take one step. Raises NoSuchStep or StageRefused, with what is missing."""
        was = file.stage.stage
        missing = missing_for(was, to, dossier)
        if missing is None:
            raise NoSuchStep(was, to, sorted(next_stages(was, dossier)))
        if missing:
            raise StageRefused(missing, "/stage")
        self._enter(session, file, to, principal, action, notes)

    async def record(
        self,
        session: AsyncSession,
        file: OpenFile,
        principal: PrincipalId,
        action: str,
        details: dict[str, object] | None = None,
    ) -> None:
        """Add an entry about this facility to the audit."""
        await self._audit.record(
            session,
            principal_id=principal,
            action=action,
            subject=str(file.fact.facility_id),
            province_unit_id=file.fact.province_unit_id,
            details=details,
        )

    def _enter(
        self, session: AsyncSession, file: OpenFile, to: Stage, principal: PrincipalId, action: str, notes: str | None
    ) -> None:
        now = self._clock.now()
        session.add(
            StageChange(
                id=new_id(),
                facility_id=file.fact.facility_id,
                was=file.stage.stage,
                now=to,
                at=now,
                principal_id=principal,
                action=action,
                notes=notes,
            )
        )
        file.stage.stage, file.stage.since = to, now
