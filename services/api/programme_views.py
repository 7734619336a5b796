"""The programme as the API tells it."""

from collections.abc import Iterable

from services.api.schemas.base import Advice
from services.api.schemas.programme import (
    AcceptanceOut,
    FacilityFileOut,
    FiguresOut,
    MissingOut,
    ObstacleOut,
    OpenObstacleOut,
    PlanOut,
    ProgressReportOut,
    ProvinceRowOut,
    StageChangeOut,
    SurveyOut,
)
from services.contracts.names import Bilingual
from services.programme.obstacles import CAUSES
from services.programme.report import Figures, ProgressReport
from services.programme.service import FacilityFile
from services.programme.tables import Acceptance, ConnectionPlan, Obstacle
from services.programme.texts import Missing


def advice(text: Bilingual) -> Advice:
    return Advice(en=text.en, vi=text.vi)


def obstacle_out(row: Obstacle) -> ObstacleOut:
    columns = {name: getattr(row, name) for name in ObstacleOut.model_fields if name != "cause"}
    return ObstacleOut(cause=advice(CAUSES[row.code]), **columns)


def plan_out(row: ConnectionPlan) -> PlanOut:
    columns = {name: getattr(row, name) for name in PlanOut.model_fields if name != "zones"}
    return PlanOut(zones=[str(zone.zone) for zone in row.zones], **columns)


def acceptance_out(row: Acceptance) -> AcceptanceOut:
    columns = {name: getattr(row, name) for name in AcceptanceOut.model_fields if name != "zones"}
    zones = [
        {column.key: getattr(zone, column.key) for column in zone.__table__.columns if column.key != "acceptance_id"}
        for zone in row.zones
    ]
    return AcceptanceOut(zones=zones, **columns)


def file_out(file: FacilityFile) -> FacilityFileOut:
    return FacilityFileOut(
        facility_id=file.facility.facility_id,
        stage=file.stage,
        since=file.since,
        receiving_people=file.receiving_people,
        warnings=_missing(file.warnings),
        next_stages={stage: _missing(lacking) for stage, lacking in file.next_stages.items()},
        acceptance_missing=_missing(file.acceptance_missing),
        surveys=[SurveyOut.model_validate(row) for row in file.surveys],
        obstacles=[obstacle_out(row) for row in file.obstacles],
        plans=[plan_out(row) for row in file.plans],
        acceptances=[acceptance_out(row) for row in file.acceptances],
        changes=[StageChangeOut.model_validate(row) for row in file.changes],
    )


def report_out(report: ProgressReport) -> ProgressReportOut:
    return ProgressReportOut(
        as_of=report.as_of,
        provinces=[
            ProvinceRowOut(
                province_code=row.code,
                province_edition=row.edition,
                name=advice(row.name),
                figures=_figures(row.figures),
            )
            for row in report.provinces
        ],
        total_name=advice(report.total_name),
        total=_figures(report.total),
        obstacles=[
            OpenObstacleOut(
                province=advice(blocked.province),
                facility_id=blocked.facility.facility_id,
                facility_code=blocked.facility.code,
                facility_name=blocked.facility.name,
                code=blocked.obstacle.code,
                owner=blocked.obstacle.owner,
                due=blocked.obstacle.due,
                level=blocked.obstacle.level,
                days_overdue=blocked.days_overdue,
            )
            for blocked in report.obstacles
        ],
    )


def _figures(figures: Figures) -> FiguresOut:
    return FiguresOut.model_validate(figures)


def _missing(lacking: Iterable[Missing]) -> list[MissingOut]:
    return [
        MissingOut(code=one.code, zone=one.zone.value if one.zone else None, detail=advice(one.detail))
        for one in lacking
    ]
