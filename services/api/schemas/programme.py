"""Surveys, obstacles, plans, acceptances, stages and the report on them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from services.api.schemas.base import Advice, Answer, Request, Text200, Text500, Text2000
from services.programme.obstacles import Level, ObstacleCode
from services.programme.plans import Addressing, Line, Party, PlanKind
from services.programme.stages import Stage
from services.programme.surveys import Conclusion, Need, Signal, SurveyMode

Count = Annotated[int, Field(ge=0, le=10_000)]
Megabits = Annotated[float, Field(ge=0, le=1_000_000)]


class ProtectionIn(Request):
    """How the team of an on-site visit is protected; the facility confirms it before the visit stands."""

    guidance: Text500 = Field(description="The health department's guidance, by reference.")
    equipment: Text500 = Field(description="Protective equipment of the team.")
    route: Text500 = Field(description="The way and the zones in which the team may move.")
    confirmed_by: Text200 = Field(description="Who at the facility confirms that this is in place.")
    isolation_until: date | None = Field(None, description="Last day of the team's isolation after the visit.")


class PresentStateIn(Request):
    """What the survey found; null: not found out."""

    cameras: Count
    cameras_model: Text500 | None = None
    signal: Signal | None = None
    onvif: bool | None = None
    rtsp: bool | None = None
    account_known: bool | None = None
    recorder_maker: Text200 | None = None
    recorder_model: Text200 | None = None
    recorder_channels: Count | None = None
    line_provider: Text200 | None = None
    line_down_mbps: Megabits | None = None
    line_up_mbps: Megabits | None = None
    addressing: Addressing | None = None
    ups_minutes: Annotated[int, Field(ge=0, le=100_000)] | None = None
    receiving_people: bool | None = None


class SurveyResultIn(Request):
    """What was found and concluded."""

    present: PresentStateIn
    conclusion: Conclusion
    needs: list[Need] = Field(default_factory=list, max_length=3)
    completed_at: datetime | None = Field(None, description="When it was carried out; default: now.")
    notes: Text2000 | None = None


class SurveyIn(Request):
    """A survey to schedule, or one that was carried out already when it comes with its result."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "mode": "on_site",
                    "scheduled_at": "2021-05-14T02:00:00Z",
                    "team": "VNPT Hậu Giang, 2 người",
                    "protection": {
                        "guidance": "Hướng dẫn số 12 của Sở Y tế",
                        "equipment": "PPE cấp 4",
                        "route": "Cổng sau, không vào khu cách ly",
                        "confirmed_by": "Bà Trần Thị Bình",
                    },
                }
            ]
        }
    )

    mode: SurveyMode
    scheduled_at: datetime
    team: Text500
    protection: ProtectionIn | None = None
    result: SurveyResultIn | None = None


class SurveyOut(Answer):
    """A survey."""

    id: UUID
    facility_id: UUID
    mode: SurveyMode
    scheduled_at: datetime
    team: str
    guidance: str | None
    equipment: str | None
    route: str | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    isolation_until: date | None
    cameras: int | None
    cameras_model: str | None
    signal: Signal | None
    onvif: bool | None
    rtsp: bool | None
    account_known: bool | None
    recorder_maker: str | None
    recorder_model: str | None
    recorder_channels: int | None
    line_provider: str | None
    line_down_mbps: float | None
    line_up_mbps: float | None
    addressing: Addressing | None
    ups_minutes: int | None
    conclusion: Conclusion | None
    needs: list[Need]
    notes: str | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    created_at: datetime


class ObstacleIn(Request):
    """What stands in the way, and who must act by when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "facility_refuses", "owner": "UBND huyện Châu Thành", "due": "2021-05-20", "level": "district"}
            ]
        }
    )

    code: ObstacleCode
    owner: Text200 = Field(description="Who must act.")
    due: date = Field(description="Day in Viet Nam by which it must be out of the way.")
    level: Level = Level.FACILITY
    opened_at: datetime | None = Field(None, description="When it was found; default: now.")
    notes: Text2000 | None = None


class EscalationIn(Request):
    """Hand an obstacle to a higher level."""

    level: Level | None = Field(None, description="Default: the next level.")
    owner: Text200 | None = Field(None, description="Who must act there; default: as before.")
    due: date | None = Field(None, description="By when, in Viet Nam; default: as before.")


class ResolutionIn(Request):
    """How an obstacle was resolved."""

    resolution: Text2000


class ObstacleOut(Answer):
    """An obstacle."""

    id: UUID
    facility_id: UUID
    code: ObstacleCode
    cause: Advice
    owner: str
    opened_at: datetime
    due: date
    level: Level
    escalated_at: datetime | None
    notes: str | None
    resolved_at: datetime | None
    resolution: str | None


class PlanIn(Request):
    """How a facility is to be connected. It is agreed when all three parties are in `agreed_by`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "reuse",
                    "zones": ["gate", "corridor"],
                    "line": "internet",
                    "addressing": "nat",
                    "due": "2021-05-20",
                    "agreed_by": ["facility", "so_tttt", "enterprise"],
                }
            ]
        }
    )

    kind: PlanKind = PlanKind.REUSE
    zones: list[Annotated[str, Field(max_length=32)]] = Field(
        default_factory=list, max_length=32, description="Its compulsory zones; a plan without any cannot be accepted."
    )
    line: Line | None = None
    addressing: Addressing | None = None
    due: date | None = None
    agreed_by: list[Party] = Field(default_factory=list, max_length=3)
    notes: Text2000 | None = None


class PlanOut(Answer):
    """A version of a connection plan."""

    id: UUID
    facility_id: UUID
    version: int
    kind: PlanKind
    zones: list[str]
    line: Line | None
    addressing: Addressing | None
    due: date | None
    agreed_by: list[Party]
    agreed_at: datetime | None
    notes: str | None
    created_at: datetime


class SignaturesIn(Request):
    """Who signs for the three parties, by name."""

    so_tttt: Text200
    enterprise: Text200
    facility: Text200


class RecordingCheckIn(Request):
    """For a facility without a line: who played its recordings back on site."""

    checked_by: Text200
    checked_at: datetime
    kept_days: Annotated[int, Field(ge=1, le=3650)]


class AcceptanceIn(Request):
    """Accept a facility."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"signatures": {"so_tttt": "Lê Văn Cường", "enterprise": "Phạm Thị Dung", "facility": "Ngô Văn Em"}}
            ]
        }
    )

    signatures: SignaturesIn | None = Field(None, description="Needed; an acceptance that is refused says so too.")
    recording: RecordingCheckIn | None = None
    notes: Text2000 | None = None


class AcceptanceOut(Answer):
    """An acceptance, with the evidence for every zone."""

    id: UUID
    facility_id: UUID
    plan_id: UUID
    accepted_at: datetime
    signed_so_tttt: str
    signed_enterprise: str
    signed_facility: str
    recording_checked_by: str | None
    recording_checked_at: datetime | None
    recording_kept_days: int | None
    notes: str | None
    zones: list[dict[str, Any]]


class StageIn(Request):
    """A step that somebody decides."""

    stage: Stage
    notes: Text2000 | None = Field(None, description="Why; needed to suspend, close or take an acceptance back.")
    receiving_people: bool | None = Field(None, description="Whether quarantined people live there now.")


class MissingOut(Answer):
    """What is missing before a step."""

    code: str
    zone: str | None = None
    detail: Advice


class StageChangeOut(Answer):
    """A change of stage."""

    was: Stage
    now: Stage
    at: datetime
    action: str
    notes: str | None


class FacilityFileOut(Answer):
    """Everything about one facility's way to acceptance."""

    facility_id: UUID
    stage: Stage
    since: datetime | None
    receiving_people: bool | None
    warnings: list[MissingOut]
    next_stages: dict[Stage, list[MissingOut]] = Field(description="Every stage that can come next, and what it lacks.")
    acceptance_missing: list[MissingOut] = Field(description="What an acceptance would miss now; empty: it would pass.")
    surveys: list[SurveyOut]
    obstacles: list[ObstacleOut]
    plans: list[PlanOut]
    acceptances: list[AcceptanceOut]
    changes: list[StageChangeOut]


class FiguresOut(Answer):
    """The figures of one province, or of all. Facilities, unless the name says cameras."""

    listed: int
    contact_named: int
    surveyed: int
    surveyed_percent: float | None
    survey_blocked: int
    blocked: int
    blocked_by_cause: dict[ObstacleCode, int]
    eligible: int
    not_eligible: int
    needs: dict[Need, int]
    plans_agreed: int
    accepted: int
    accepted_percent: float | None
    live: int
    live_percent: float | None
    record_only: int
    receiving_not_accepted: int
    overdue: int
    suspended: int
    closed: int
    cameras_registered: int
    cameras_online: int
    cameras_online_percent: float | None


class ProvinceRowOut(Answer):
    """One province of the report."""

    province_code: str
    province_edition: int
    name: Advice
    figures: FiguresOut


class OpenObstacleOut(Answer):
    """An open obstacle of the report: who must act next."""

    province: Advice
    facility_id: UUID
    facility_code: str
    facility_name: str
    code: ObstacleCode
    owner: str
    due: date
    level: Level
    days_overdue: int


class ProgressReportOut(Answer):
    """How far the programme has come."""

    as_of: datetime
    provinces: list[ProvinceRowOut]
    total_name: Advice = Field(description="What the total is of: the country, or the provinces of your key.")
    total: FiguresOut
    obstacles: list[OpenObstacleOut]
