"""Tables of the aggregator. Written by: aggregator, and nobody else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Rung, State
from services.storage.database import Base
from services.storage.types import Json, text, text_enum


class CameraHealth(Base):
    __tablename__ = "camera_health"
    __table_args__ = (
        Index("ix_camera_health_facility_id", "facility_id"),
        Index("ix_camera_health_base_stale_at", "base", "stale_at"),
        {"comment": "What is known of a camera now. Written by: aggregator."},
    )

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"))
    worker_id: Mapped[UUID] = mapped_column(comment="whose report this is")
    epoch: Mapped[int] = mapped_column(BigInteger, comment="fencing number of the lease it was reported under")
    sequence: Mapped[int] = mapped_column(BigInteger, comment="number of the report; older ones are ignored")
    base: Mapped[Condition] = mapped_column(text_enum(Condition, "base"), comment="condition by the table alone")
    condition: Mapped[Condition] = mapped_column(text_enum(Condition, "condition"), comment="condition shown")
    rung: Mapped[Rung] = mapped_column(text_enum(Rung, "rung"), comment="how far up it was proved to work")
    reasons: Mapped[list[str]] = mapped_column(Json, comment="reason codes, deciding ones first")
    since: Mapped[datetime] = mapped_column(comment="when condition, rung and reasons became what they are")
    changes: Mapped[list[str]] = mapped_column(Json, comment="moments of recent changes between up and down, ISO 8601")
    observed_at: Mapped[datetime] = mapped_column(comment="when the worker looked, by its own clock")
    received_at: Mapped[datetime] = mapped_column(comment="when the last report was taken, database time")
    stream: Mapped[dict[str, Any]] = mapped_column(
        Json, comment="codec, width, height, fps, bit rate, key-frame interval"
    )
    watch: Mapped[str] = mapped_column(text(16), comment="how it is watched, if at all")
    stale_at: Mapped[datetime | None] = mapped_column(
        comment="database time until which the last settled report stands; then nobody knows any more"
    )


class CameraConditionChange(Base):
    __tablename__ = "camera_condition_change"
    __table_args__ = (
        Index("ix_camera_condition_change_camera_id_id", "camera_id", "id"),
        {"comment": "A camera's condition changed; kept after the camera is gone. Written by: aggregator."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    camera_id: Mapped[UUID] = mapped_column(comment="whose condition")
    facility_id: Mapped[UUID] = mapped_column(index=True, comment="where it stood then")
    was: Mapped[Condition] = mapped_column(text_enum(Condition, "was"))
    now: Mapped[Condition] = mapped_column(text_enum(Condition, "now"))
    rung: Mapped[Rung] = mapped_column(text_enum(Rung, "rung"), comment="rung after the change")
    reasons: Mapped[list[str]] = mapped_column(Json, comment="reasons after the change")
    at: Mapped[datetime] = mapped_column(comment="when it was concluded, database time")


class FacilityState(Base):
    __tablename__ = "facility_state"
    __table_args__ = ({"comment": "The state of a facility now. Written by: aggregator."},)

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[State] = mapped_column(text_enum(State, "state"), index=True, comment="the verdict")
    reasons: Mapped[list[str]] = mapped_column(Json, comment="why, deciding ones first")
    since: Mapped[datetime] = mapped_column(comment="when the state became what it is, database time")
    derived_at: Mapped[datetime] = mapped_column(comment="when state or reasons were last written")


class FacilityStateChange(Base):
    __tablename__ = "facility_state_change"
    __table_args__ = (
        Index("ix_facility_state_change_facility_id_id", "facility_id", "id"),
        {"comment": "A facility's state changed. One row a change, with its reasons. Written by: aggregator."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(comment="whose state; kept after the facility is gone")
    was: Mapped[State] = mapped_column(text_enum(State, "was"))
    now: Mapped[State] = mapped_column(text_enum(State, "now"))
    reasons: Mapped[list[str]] = mapped_column(Json, comment="why, deciding ones first")
    at: Mapped[datetime] = mapped_column(comment="when it was concluded, database time")
