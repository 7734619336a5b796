"""Tables of searches for devices and of what became of devices. Written by: registry, and nobody else."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.contracts.ids import new_id
from services.registry.tables import Facility
from services.storage.database import Base
from services.storage.types import Json, text, text_enum


class DiscoveryKind(StrEnum):
    """Why there is a search."""

    ASKED = "asked"  # by somebody, for what is there
    SEARCH = "search"  # by the registry, for a device that is no longer at its address
    FINDINGS = "findings"  # made from a shell on site; only what was found is here


class DiscoveryStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Discovery(Base):
    __tablename__ = "discovery"
    __table_args__ = (
        Index("ix_discovery_facility_id_id", "facility_id", "id"),
        Index("ix_discovery_status_created_at", "status", "created_at"),
        {"comment": "A search for devices of a facility, and what it found. Written by: registry."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="whose devices")
    principal_id: Mapped[UUID | None] = mapped_column(comment="who asked; null: the registry itself")
    kind: Mapped[DiscoveryKind] = mapped_column(
        text_enum(DiscoveryKind, "kind"), comment="asked, search (for a device that is gone) or findings (from site)"
    )
    targets: Mapped[dict[str, Any]] = mapped_column(
        Json, comment="networks, hosts and multicast, as checked; never a secret"
    )
    credentials: Mapped[str | None] = mapped_column(
        text(65536),
        comment="AES-256-GCM, bound to this row; erased when nothing found needs them, at latest after 24 h",
    )
    status: Mapped[DiscoveryStatus] = mapped_column(text_enum(DiscoveryStatus, "status"), comment="how it stands")
    progress: Mapped[dict[str, Any]] = mapped_column(Json, comment="how far it is, as its worker last said")
    found: Mapped[list[dict[str, Any]]] = mapped_column(Json, comment="what answered, as its worker last said")
    failure: Mapped[str | None] = mapped_column(text(500), comment="why it failed, for people")
    worker_id: Mapped[UUID | None] = mapped_column(comment="who runs it; null: nobody yet")
    heartbeat_at: Mapped[datetime | None] = mapped_column(comment="when its worker last reported, database time")
    attempts: Mapped[int] = mapped_column(Integer, default=0, comment="how many workers took it so far")
    created_at: Mapped[datetime] = mapped_column(comment="when it was asked for, database time")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was done, failed or cancelled")

    facility: Mapped[Facility] = relationship(lazy="joined", innerjoin=True)


class DiscoveryAttempt(Base):
    __tablename__ = "discovery_attempt"
    __table_args__ = (
        {"comment": "What a host said to credentials of searches, before it was a device. Written by: registry."},
    )

    reach: Mapped[str] = mapped_column(text(64), primary_key=True, comment="network the address is of")
    address: Mapped[str] = mapped_column(text(45), primary_key=True, comment="IP address of the host")
    fingerprint: Mapped[str] = mapped_column(text(32), primary_key=True, comment="of the credentials")
    refusals: Mapped[int] = mapped_column(Integer, comment="refusals in a row; 0 after an acceptance")
    locked_out: Mapped[bool] = mapped_column(comment="the host said that it locked the account")
    at: Mapped[datetime] = mapped_column(index=True, comment="when it last judged them; forgotten after 30 days")


class CredentialSet(Base):
    __tablename__ = "credential_set"
    __table_args__ = (
        Index("ix_credential_set_facility_id_position", "facility_id", "position"),
        {"comment": "A way to sign in that a site commonly uses. Write-only by the API. Written by: registry."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id", ondelete="CASCADE"), comment="whose devices")
    position: Mapped[int] = mapped_column(Integer, comment="searches try lower ones first")
    label: Mapped[str] = mapped_column(text(64), comment="what people call it; holds no secret")
    username: Mapped[str] = mapped_column(text(2048), comment="AES-256-GCM, bound to this row")
    password: Mapped[str] = mapped_column(text(4096), comment="AES-256-GCM, bound to this row")
    key_id: Mapped[str] = mapped_column(text(32), index=True, comment="the key both are encrypted with")
    version: Mapped[int] = mapped_column(Integer, comment="grows with every change")
    created_at: Mapped[datetime] = mapped_column(comment="when it was entered")
    updated_at: Mapped[datetime] = mapped_column(comment="when it was last changed")


class DeviceChange(Base):
    __tablename__ = "device_change"
    __table_args__ = (
        Index("ix_device_change_device_id_id", "device_id", "id"),
        {"comment": "Something about a device that became another thing. Written by: registry."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), comment="which device")
    camera_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("camera.id", ondelete="CASCADE"), index=True, comment="which camera of it; null: the device itself"
    )
    at: Mapped[datetime] = mapped_column(comment="when it was noticed")
    field: Mapped[str] = mapped_column(text(64), comment="firmware, address, identity, or main.codec and the like")
    was: Mapped[str | None] = mapped_column(text(500))
    now: Mapped[str | None] = mapped_column(text(500))
    acknowledged_at: Mapped[datetime | None] = mapped_column(comment="when somebody said that it is well so")
    acknowledged_by: Mapped[UUID | None] = mapped_column(comment="the key of whoever said so")
