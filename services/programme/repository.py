"""All SQL of the programme. Callers have made sure that the facility is within the asker's provinces."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from services.programme.plans import PlanKind
from services.programme.report import OpenObstacle
from services.programme.stages import Stage
from services.programme.surveys import Conclusion
from services.programme.tables import (
    Acceptance,
    ConnectionPlan,
    FacilityStage,
    Obstacle,
    StageChange,
    Survey,
)
from services.storage.database import AsyncSession

#: Most rows of each kind that one read of a file returns, newest first.
HISTORY_MAX = 100


async def stage_of(session: AsyncSession, facility_id: UUID) -> FacilityStage | None:
    return await session.get(FacilityStage, facility_id)


async def lock_stage(session: AsyncSession, facility_id: UUID, now: datetime) -> FacilityStage | None:
    """The facility's stage row, made if it is new, locked until the transaction ends: one writer a file.

    None if the facility was deleted meanwhile.
    """
    row = await session.get(FacilityStage, facility_id, with_for_update=True)
    if row is not None:
        return row
    row = FacilityStage(facility_id=facility_id, stage=Stage.LISTED, since=now, receiving_people=None)
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError:
        # Another request made the same row first, and we waited for it; or there is no such facility any more.
        return await session.get(FacilityStage, facility_id, with_for_update=True)
    return row


async def survey(session: AsyncSession, facility_id: UUID, survey_id: UUID) -> Survey | None:
    query = select(Survey).where(Survey.facility_id == facility_id, Survey.id == survey_id)
    return (await session.scalars(query)).one_or_none()


async def surveys(session: AsyncSession, facility_id: UUID) -> Sequence[Survey]:
    query = select(Survey).where(Survey.facility_id == facility_id).order_by(Survey.id.desc()).limit(HISTORY_MAX)
    return (await session.scalars(query)).all()


async def open_survey(session: AsyncSession, facility_id: UUID) -> Survey | None:
    """The survey that is still to come; there is at most one."""
    query = select(Survey).where(
        Survey.facility_id == facility_id, Survey.completed_at.is_(None), Survey.cancelled_at.is_(None)
    )
    return (await session.scalars(query)).one_or_none()


async def newest_complete_survey(session: AsyncSession, facility_id: UUID) -> Survey | None:
    query = (
        select(Survey)
        .where(Survey.facility_id == facility_id, Survey.completed_at.is_not(None))
        .order_by(Survey.completed_at.desc(), Survey.id.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


async def obstacle(session: AsyncSession, facility_id: UUID, obstacle_id: UUID) -> Obstacle | None:
    query = select(Obstacle).where(Obstacle.facility_id == facility_id, Obstacle.id == obstacle_id)
    return (await session.scalars(query)).one_or_none()


async def obstacles(session: AsyncSession, facility_id: UUID) -> Sequence[Obstacle]:
    """Open ones first, then newest first."""
    query = (
        select(Obstacle)
        .where(Obstacle.facility_id == facility_id)
        .order_by(Obstacle.resolved_at.is_not(None), Obstacle.id.desc())
        .limit(HISTORY_MAX)
    )
    return (await session.scalars(query)).all()


async def open_obstacles(session: AsyncSession, facility_id: UUID) -> Sequence[Obstacle]:
    """At most one of each code."""
    query = select(Obstacle).where(Obstacle.facility_id == facility_id, Obstacle.resolved_at.is_(None))
    return (await session.scalars(query)).all()


async def plans(session: AsyncSession, facility_id: UUID) -> Sequence[ConnectionPlan]:
    """Newest version first."""
    query = (
        select(ConnectionPlan)
        .where(ConnectionPlan.facility_id == facility_id)
        .order_by(ConnectionPlan.version.desc())
        .limit(HISTORY_MAX)
    )
    return (await session.scalars(query)).all()


async def newest_plan(session: AsyncSession, facility_id: UUID, *, agreed: bool = False) -> ConnectionPlan | None:
    """The plan of the highest version, or of the highest that was agreed."""
    query = select(ConnectionPlan).where(ConnectionPlan.facility_id == facility_id)
    if agreed:
        query = query.where(ConnectionPlan.agreed_at.is_not(None))
    query = query.order_by(ConnectionPlan.version.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def acceptances(session: AsyncSession, facility_id: UUID) -> Sequence[Acceptance]:
    """Newest first."""
    query = (
        select(Acceptance)
        .where(Acceptance.facility_id == facility_id)
        .order_by(Acceptance.id.desc())
        .limit(HISTORY_MAX)
    )
    return (await session.scalars(query)).all()


async def stage_changes(session: AsyncSession, facility_id: UUID) -> Sequence[StageChange]:
    """Newest first."""
    query = (
        select(StageChange)
        .where(StageChange.facility_id == facility_id)
        .order_by(StageChange.id.desc())
        .limit(HISTORY_MAX)
    )
    return (await session.scalars(query)).all()


class StageFact(NamedTuple):
    stage: Stage
    receiving_people: bool | None


class SurveyFact(NamedTuple):
    conclusion: Conclusion
    needs: Sequence[str]


class PlanFact(NamedTuple):
    kind: PlanKind
    due: date | None


async def all_stages(session: AsyncSession) -> Mapping[UUID, StageFact]:
    """The stage of every facility that has a row; the others are listed."""
    rows = await session.execute(select(FacilityStage.facility_id, FacilityStage.stage, FacilityStage.receiving_people))
    return {facility_id: StageFact(stage, receiving) for facility_id, stage, receiving in rows.all()}


async def all_conclusions(session: AsyncSession) -> Mapping[UUID, SurveyFact]:
    """What the newest complete survey of each facility concluded."""
    number = func.row_number().over(
        partition_by=Survey.facility_id, order_by=(Survey.completed_at.desc(), Survey.id.desc())
    )
    ranked = (
        select(Survey.facility_id, Survey.conclusion, Survey.needs, number.label("number"))
        .where(Survey.completed_at.is_not(None))
        .subquery()
    )
    rows = await session.execute(
        select(ranked.c.facility_id, ranked.c.conclusion, ranked.c.needs).where(ranked.c.number == 1)
    )
    return {facility_id: SurveyFact(conclusion, needs) for facility_id, conclusion, needs in rows.all()}


async def all_agreed_plans(session: AsyncSession) -> Mapping[UUID, PlanFact]:
    """The newest agreed plan of each facility."""
    number = func.row_number().over(partition_by=ConnectionPlan.facility_id, order_by=ConnectionPlan.version.desc())
    ranked = (
        select(ConnectionPlan.facility_id, ConnectionPlan.kind, ConnectionPlan.due, number.label("number"))
        .where(ConnectionPlan.agreed_at.is_not(None))
        .subquery()
    )
    rows = await session.execute(select(ranked.c.facility_id, ranked.c.kind, ranked.c.due).where(ranked.c.number == 1))
    return {facility_id: PlanFact(kind, due) for facility_id, kind, due in rows.all()}


async def all_open_obstacles(session: AsyncSession) -> Mapping[UUID, Sequence[OpenObstacle]]:
    """The open obstacles of each facility that has any, the first to be due first."""
    rows = await session.execute(
        select(Obstacle.facility_id, Obstacle.code, Obstacle.owner, Obstacle.opened_at, Obstacle.due, Obstacle.level)
        .where(Obstacle.resolved_at.is_(None))
        .order_by(Obstacle.due, Obstacle.id)
    )
    found: dict[UUID, list[OpenObstacle]] = {}
    for facility_id, code, owner, opened_at, due, level in rows.all():
        found.setdefault(facility_id, []).append(OpenObstacle(code, owner, opened_at, due, level))
    return found
