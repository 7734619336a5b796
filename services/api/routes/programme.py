"""The programme: each facility's way from the list to its acceptance, and the report on all of them."""

import asyncio
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.idempotency import IdempotentRoute
from services.api.programme_views import acceptance_out, file_out, obstacle_out, plan_out, report_out
from services.api.schemas.programme import (
    AcceptanceIn,
    AcceptanceOut,
    EscalationIn,
    FacilityFileOut,
    ObstacleIn,
    ObstacleOut,
    PlanIn,
    PlanOut,
    ProgressReportOut,
    ProtectionIn,
    ResolutionIn,
    StageIn,
    SurveyIn,
    SurveyOut,
    SurveyResultIn,
)
from services.programme import workbook
from services.programme.acceptance import NewAcceptance, RecordingCheck, Signatures
from services.programme.obstacles import NewObstacle
from services.programme.plans import NewPlan
from services.programme.service import StageOrder
from services.programme.surveys import NewSurvey, PresentState, Protection, SurveyResult
from services.registry import provinces
from services.registry.errors import ProvinceUnknown

router = APIRouter(prefix="/v1", tags=["programme"], route_class=IdempotentRoute)

Reads = Annotated[Principal, needs(Scope.PROGRAMME_READ)]
Writes = Annotated[Principal, needs(Scope.PROGRAMME_WRITE)]
Accepts = Annotated[Principal, needs(Scope.ACCEPTANCE_WRITE)]


@router.get("/facilities/{facility_id}/stage")
async def get_stage(facility_id: UUID, services: Services, principal: Reads) -> FacilityFileOut:
    """Where a facility stands, its whole file, and what each next step lacks."""
    return file_out(await services.programme.facility_file(principal.provinces, facility_id))


@router.post("/facilities/{facility_id}/stage")
async def set_stage(facility_id: UUID, body: StageIn, services: Services, principal: Writes) -> FacilityFileOut:
    """Take a step that somebody decides. `accepted` is reached by an acceptance only."""
    order = StageOrder(body.stage, body.notes, body.receiving_people)
    return file_out(await services.programme.set_stage(principal.id, principal.provinces, facility_id, order))


@router.post("/facilities/{facility_id}/surveys", status_code=201)
async def schedule_survey(facility_id: UUID, body: SurveyIn, services: Services, principal: Writes) -> SurveyOut:
    """Schedule a survey, or enter one that was carried out."""
    new = NewSurvey(
        body.mode,
        body.scheduled_at,
        body.team,
        _protection(body.protection) if body.protection else None,
        _result(body.result) if body.result else None,
    )
    row = await services.programme.surveys.schedule_survey(principal.id, principal.provinces, facility_id, new)
    return SurveyOut.model_validate(row)


@router.put("/facilities/{facility_id}/surveys/{survey_id}/protection")
async def confirm_protection(
    facility_id: UUID, survey_id: UUID, body: ProtectionIn, services: Services, principal: Writes
) -> SurveyOut:
    """Confirm how the team of an on-site visit is protected."""
    row = await services.programme.surveys.confirm_protection(
        principal.id, principal.provinces, facility_id, survey_id, _protection(body)
    )
    return SurveyOut.model_validate(row)


@router.put("/facilities/{facility_id}/surveys/{survey_id}/result")
async def record_survey(
    facility_id: UUID, survey_id: UUID, body: SurveyResultIn, services: Services, principal: Writes
) -> SurveyOut:
    """Enter what a survey found."""
    row = await services.programme.surveys.record_survey(
        principal.id, principal.provinces, facility_id, survey_id, _result(body)
    )
    return SurveyOut.model_validate(row)


@router.delete("/facilities/{facility_id}/surveys/{survey_id}")
async def cancel_survey(facility_id: UUID, survey_id: UUID, services: Services, principal: Writes) -> SurveyOut:
    """Call a visit off; it stays in the file."""
    row = await services.programme.surveys.cancel_survey(principal.id, principal.provinces, facility_id, survey_id)
    return SurveyOut.model_validate(row)


@router.post("/facilities/{facility_id}/obstacles", status_code=201)
async def open_obstacle(facility_id: UUID, body: ObstacleIn, services: Services, principal: Writes) -> ObstacleOut:
    """Say what stands in the way, who must act and by when."""
    new = NewObstacle(body.code, body.owner, body.due, body.level, body.opened_at, body.notes)
    return obstacle_out(
        await services.programme.obstacles.open_obstacle(principal.id, principal.provinces, facility_id, new)
    )


@router.post("/facilities/{facility_id}/obstacles/{obstacle_id}/escalation")
async def escalate_obstacle(
    facility_id: UUID, obstacle_id: UUID, body: EscalationIn, services: Services, principal: Writes
) -> ObstacleOut:
    """Hand an obstacle to a higher level."""
    return obstacle_out(
        await services.programme.obstacles.escalate_obstacle(
            principal.id, principal.provinces, facility_id, obstacle_id, body.level, body.owner, body.due
        )
    )


@router.post("/facilities/{facility_id}/obstacles/{obstacle_id}/resolution")
async def resolve_obstacle(
    facility_id: UUID, obstacle_id: UUID, body: ResolutionIn, services: Services, principal: Writes
) -> ObstacleOut:
    """Say how an obstacle was resolved."""
    return obstacle_out(
        await services.programme.obstacles.resolve_obstacle(
            principal.id, principal.provinces, facility_id, obstacle_id, body.resolution
        )
    )


@router.post("/facilities/{facility_id}/plan", status_code=201)
async def set_plan(facility_id: UUID, body: PlanIn, services: Services, principal: Writes) -> PlanOut:
    """Draw up or agree the connection plan; a newer one replaces the older. Its zones decide the facility's state."""
    new = NewPlan(body.kind, body.zones, body.line, body.addressing, body.due, frozenset(body.agreed_by), body.notes)
    return plan_out(await services.programme.plans.set_plan(principal.id, principal.provinces, facility_id, new))


@router.post("/facilities/{facility_id}/acceptance", status_code=201)
async def accept_facility(
    facility_id: UUID, body: AcceptanceIn, services: Services, principal: Accepts
) -> AcceptanceOut:
    """Accept a facility. Refused with `missing` unless every zone of its plan is proved by a picture now."""
    signatures = body.signatures
    new = NewAcceptance(
        Signatures(signatures.so_tttt, signatures.enterprise, signatures.facility) if signatures else None,
        RecordingCheck(**body.recording.model_dump()) if body.recording else None,
        body.notes,
    )
    return acceptance_out(
        await services.programme.acceptances.accept(principal.id, principal.provinces, facility_id, new)
    )


@router.get(
    "/reports/progress",
    response_model=ProgressReportOut,
    responses={200: {"content": {workbook.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_progress(
    services: Services,
    principal: Reads,
    province: Annotated[str | None, Query(max_length=8, description="`24` or `24@2025`.")] = None,
    format: Annotated[Literal["json", "xlsx"], Query()] = "json",  # noqa: A002 - the parameter's name is fixed
) -> ProgressReportOut | Response:
    """How far the programme has come, province by province, as JSON or as a workbook."""
    units = None
    if province is not None:
        unit = provinces.parse_unit(province)
        if unit is None:
            raise ProvinceUnknown("/province")
        units = provinces.scope_of([unit.id]).units
    report = await services.programme.reports.progress(principal.provinces, units)
    if format == "json":
        return report_out(report)
    name = f"vong-gac-{report.as_of:%Y-%m-%d}.xlsx"
    return Response(
        await asyncio.to_thread(workbook.render, report),
        media_type=workbook.MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
    )


def _protection(body: ProtectionIn) -> Protection:
    return Protection(**body.model_dump())


def _result(body: SurveyResultIn) -> SurveyResult:
    return SurveyResult(
        PresentState(**body.present.model_dump()),
        body.conclusion,
        frozenset(body.needs),
        body.completed_at,
        body.notes,
    )
