"""Tables of the programme. Written by: programme, and nobody else.

All of a facility's file goes with the facility; who did what stays in the audit.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Float, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.contracts.ids import new_id
from services.contracts.ladder import Rung
from services.contracts.zones import Zone
from services.programme.obstacles import Level, ObstacleCode
from services.programme.plans import Addressing, Line, PlanKind
from services.programme.stages import Stage
from services.programme.surveys import Conclusion, Signal, SurveyMode
from services.storage.database import Base
from services.storage.types import Json, text, text_enum


class FacilityStage(Base):
    __tablename__ = "facility_stage"
    __table_args__ = (
        {"comment": "Where a facility stands in the programme; without a row it is listed. Written by: programme."},
    )

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[Stage] = mapped_column(text_enum(Stage, "stage"), index=True, comment="where it stands")
    since: Mapped[datetime] = mapped_column(comment="when it came there")
    receiving_people: Mapped[bool | None] = mapped_column(
        comment="whether quarantined people live there; null: nobody told"
    )


class StageChange(Base):
    __tablename__ = "stage_change"
    __table_args__ = (
        Index("ix_stage_change_facility_id_id", "facility_id", "id"),
        {"comment": "A facility came from one stage to another. Written by: programme."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="which facility")
    was: Mapped[Stage] = mapped_column(text_enum(Stage, "was"), comment="stage before")
    now: Mapped[Stage] = mapped_column(text_enum(Stage, "now"), comment="stage after")
    at: Mapped[datetime] = mapped_column(comment="when")
    principal_id: Mapped[UUID] = mapped_column(comment="who did what brought it about")
    action: Mapped[str] = mapped_column(text(64), comment="what that was, as in the audit, e.g. survey.record")
    notes: Mapped[str | None] = mapped_column(text(4000), comment="the reason in words, e.g. the order that closes it")


class Survey(Base):
    __tablename__ = "survey"
    __table_args__ = (
        Index("ix_survey_facility_id_id", "facility_id", "id"),
        {"comment": "One visit to a facility, on site or remote, and what it found. Written by: programme."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="where")
    mode: Mapped[SurveyMode] = mapped_column(text_enum(SurveyMode, "mode"), comment="on_site or remote")
    scheduled_at: Mapped[datetime] = mapped_column(comment="agreed time of the visit")
    team: Mapped[str] = mapped_column(text(500), comment="who comes, or who asks from afar")
    guidance: Mapped[str | None] = mapped_column(text(500), comment="the health department's guidance, by reference")
    equipment: Mapped[str | None] = mapped_column(text(500), comment="protective equipment of the team")
    route: Mapped[str | None] = mapped_column(text(500), comment="way and zones in which the team may move")
    confirmed_by: Mapped[str | None] = mapped_column(text(200), comment="who at the facility confirms the protection")
    confirmed_at: Mapped[datetime | None] = mapped_column(comment="when the confirmation was entered")
    isolation_until: Mapped[date | None] = mapped_column(Date, comment="last day of the team's isolation; null: none")
    cameras: Mapped[int | None] = mapped_column(Integer, comment="cameras counted")
    cameras_model: Mapped[str | None] = mapped_column(text(500), comment="their makers and models, as text")
    signal: Mapped[Signal | None] = mapped_column(text_enum(Signal, "signal"), comment="ip, analog or mixed")
    onvif: Mapped[bool | None] = mapped_column(comment="whether the devices speak ONVIF; null: not found out")
    rtsp: Mapped[bool | None] = mapped_column(comment="whether the devices give RTSP; null: not found out")
    account_known: Mapped[bool | None] = mapped_column(comment="whether the facility knows user name and password")
    recorder_maker: Mapped[str | None] = mapped_column(text(200), comment="maker of the recorder")
    recorder_model: Mapped[str | None] = mapped_column(text(200), comment="model of the recorder")
    recorder_channels: Mapped[int | None] = mapped_column(Integer, comment="channels of the recorder")
    line_provider: Mapped[str | None] = mapped_column(text(200), comment="who gives the line")
    line_down_mbps: Mapped[float | None] = mapped_column(Float, comment="measured towards the site, Mbit/s")
    line_up_mbps: Mapped[float | None] = mapped_column(Float, comment="measured from the site, Mbit/s")
    addressing: Mapped[Addressing | None] = mapped_column(
        text_enum(Addressing, "addressing"), comment="public, nat, cgnat or vpn"
    )
    ups_minutes: Mapped[int | None] = mapped_column(Integer, comment="minutes on battery when the power fails")
    conclusion: Mapped[Conclusion | None] = mapped_column(
        text_enum(Conclusion, "conclusion"), comment="eligible or not_eligible; null until it is complete"
    )
    needs: Mapped[list[str]] = mapped_column(Json, comment="what is needed if not eligible: new, repair, addition")
    notes: Mapped[str | None] = mapped_column(text(4000), comment="whatever else was found")
    completed_at: Mapped[datetime | None] = mapped_column(comment="when it was carried out; null: still to come")
    cancelled_at: Mapped[datetime | None] = mapped_column(comment="when it was called off or replaced by another")
    created_at: Mapped[datetime] = mapped_column(comment="when it was entered")

    @property
    def open(self) -> bool:
        """Whether it is still to come."""
        return self.completed_at is None and self.cancelled_at is None


class Obstacle(Base):
    __tablename__ = "obstacle"
    __table_args__ = (
        Index("ix_obstacle_facility_id_id", "facility_id", "id"),
        {"comment": "What stands in the way of a facility, and who must act by when. Written by: programme."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="where")
    code: Mapped[ObstacleCode] = mapped_column(text_enum(ObstacleCode, "code"), comment="cause, from the closed list")
    owner: Mapped[str] = mapped_column(text(200), comment="who must act")
    opened_at: Mapped[datetime] = mapped_column(comment="when it was found")
    due: Mapped[date] = mapped_column(Date, comment="day in Viet Nam by which it must be out of the way")
    level: Mapped[Level] = mapped_column(text_enum(Level, "level"), comment="who deals with it now, up to national")
    escalated_at: Mapped[datetime | None] = mapped_column(comment="when it came to this level; null: never escalated")
    notes: Mapped[str | None] = mapped_column(text(4000), comment="more about it")
    resolved_at: Mapped[datetime | None] = mapped_column(comment="when it was out of the way; null: open")
    resolution: Mapped[str | None] = mapped_column(text(4000), comment="how it was resolved")


class ConnectionPlan(Base):
    __tablename__ = "connection_plan"
    __table_args__ = (
        UniqueConstraint("facility_id", "version"),
        CheckConstraint("version >= 1", name="version"),
        {"comment": "The way to connect a facility; a newer version replaces an older. Written by: programme."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="which facility")
    version: Mapped[int] = mapped_column(Integer, comment="1, 2 … the highest is the present one")
    kind: Mapped[PlanKind] = mapped_column(text_enum(PlanKind, "kind"), comment="how it is to be connected")
    line: Mapped[Line | None] = mapped_column(text_enum(Line, "line"), comment="internet or private_line")
    addressing: Mapped[Addressing | None] = mapped_column(
        text_enum(Addressing, "addressing"), comment="how the centre reaches the site: public, nat, cgnat or vpn"
    )
    due: Mapped[date | None] = mapped_column(Date, comment="day in Viet Nam by which it must be connected")
    agreed_by: Mapped[list[str]] = mapped_column(Json, comment="parties that agreed: facility, so_tttt, enterprise")
    agreed_at: Mapped[datetime | None] = mapped_column(comment="when all parties had agreed; null: a draft")
    notes: Mapped[str | None] = mapped_column(text(4000), comment="more about it")
    created_at: Mapped[datetime] = mapped_column(comment="when it was entered")

    zones: Mapped[list["PlanZone"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", passive_deletes=True, order_by="PlanZone.zone"
    )

    @property
    def compulsory_zones(self) -> frozenset[Zone]:
        return frozenset(row.zone for row in self.zones)


class PlanZone(Base):
    __tablename__ = "plan_zone"
    __table_args__ = ({"comment": "A zone that a connection plan makes compulsory. Written by: programme."},)

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("connection_plan.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[Zone] = mapped_column(text_enum(Zone, "zone"), primary_key=True, comment="what must be seen")


class Acceptance(Base):
    __tablename__ = "acceptance"
    __table_args__ = (
        Index("ix_acceptance_facility_id_id", "facility_id", "id"),
        {"comment": "A facility was accepted: who signed, under which plan. Written by: programme."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="which facility")
    plan_id: Mapped[UUID] = mapped_column(
        ForeignKey("connection_plan.id", ondelete="CASCADE"), index=True, comment="the plan whose zones were proved"
    )
    accepted_at: Mapped[datetime] = mapped_column(comment="when")
    principal_id: Mapped[UUID] = mapped_column(comment="who entered it")
    signed_so_tttt: Mapped[str] = mapped_column(text(200), comment="who signed for the department")
    signed_enterprise: Mapped[str] = mapped_column(text(200), comment="who signed for the enterprise")
    signed_facility: Mapped[str] = mapped_column(text(200), comment="who signed for the facility")
    recording_checked_by: Mapped[str | None] = mapped_column(
        text(200), comment="record_only: who played recordings back on site"
    )
    recording_checked_at: Mapped[datetime | None] = mapped_column(comment="record_only: when")
    recording_kept_days: Mapped[int | None] = mapped_column(Integer, comment="record_only: days that are kept")
    notes: Mapped[str | None] = mapped_column(text(4000), comment="more about it")

    zones: Mapped[list["AcceptanceZone"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", passive_deletes=True, order_by="AcceptanceZone.zone"
    )


class AcceptanceZone(Base):
    __tablename__ = "acceptance_zone"
    __table_args__ = ({"comment": "The evidence for one zone at an acceptance; never changed. Written by: programme."},)

    acceptance_id: Mapped[UUID] = mapped_column(ForeignKey("acceptance.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[Zone] = mapped_column(text_enum(Zone, "zone"), primary_key=True, comment="what was proved to be seen")
    camera_id: Mapped[UUID] = mapped_column(
        comment="the camera that showed it; no foreign key: what was signed outlives the camera"
    )
    camera_name: Mapped[str] = mapped_column(text(200), comment="its name then")
    rung: Mapped[Rung | None] = mapped_column(text_enum(Rung, "rung"), comment="rung proved; null: record only")
    observed_at: Mapped[datetime | None] = mapped_column(comment="when the worker looked; null: record only")
    codec: Mapped[str | None] = mapped_column(text(32), comment="codec of the stream as measured")
    width: Mapped[int | None] = mapped_column(Integer, comment="pixels, as measured")
    height: Mapped[int | None] = mapped_column(Integer, comment="pixels, as measured")
    fps: Mapped[float | None] = mapped_column(Float, comment="frames a second, as measured")
