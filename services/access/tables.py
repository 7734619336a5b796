"""Tables of access. Written by: access, and nobody else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.access.roles import Role
from services.contracts.ids import new_id
from services.storage.database import Base
from services.storage.types import Json, text, text_enum


class ApiKey(Base):
    __tablename__ = "api_key"
    __table_args__ = ({"comment": "A key by which a machine or a person comes in. Written by: access."},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7; the principal's id")
    name: Mapped[str] = mapped_column(text(200), comment="who or what it is for")
    role: Mapped[Role] = mapped_column(text_enum(Role, "role"), comment="integrator, monitor, operator or worker")
    prefix: Mapped[str] = mapped_column(text(16), unique=True, comment="the public part, by which the key is found")
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), comment="SHA-256 of the secret part (256 random bits)")
    created_at: Mapped[datetime] = mapped_column(comment="when it was made")
    expires_at: Mapped[datetime | None] = mapped_column(comment="when it stops to work; null: never")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="when it was revoked")
    last_used_at: Mapped[datetime | None] = mapped_column(comment="when it was last used, to the minute")


class ApiKeyProvince(Base):
    __tablename__ = "api_key_province"
    __table_args__ = ({"comment": "A province unit a key reaches; a key without any reaches all. Written by: access."},)

    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True)
    province_unit_id: Mapped[str] = mapped_column(ForeignKey("province_unit.id"), primary_key=True)


class ConsoleSession(Base):
    __tablename__ = "console_session"
    __table_args__ = ({"comment": "A signed-in browser. Written by: access."},)

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, comment="SHA-256 of the cookie's value")
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"), index=True)
    csrf_token: Mapped[str] = mapped_column(text(64), comment="every form of this session must carry it")
    created_at: Mapped[datetime] = mapped_column(comment="when it was signed in")
    expires_at: Mapped[datetime] = mapped_column(index=True, comment="when it ends")


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject"),
        Index("ix_audit_entry_province_unit_id_id", "province_unit_id", "id"),
        {"comment": "Who did what, when. Never changed, never with a secret. Written by: access."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    at: Mapped[datetime] = mapped_column(comment="when")
    principal_id: Mapped[UUID | None] = mapped_column(index=True, comment="who; null: the process itself")
    action: Mapped[str] = mapped_column(text(64), comment="what, e.g. camera.register, live.grant")
    subject: Mapped[str] = mapped_column(text(64), comment="id of what it was done to")
    province_unit_id: Mapped[str | None] = mapped_column(text(16), comment="where; decides who may read the entry")
    details: Mapped[dict[str, Any]] = mapped_column(Json, comment="what else matters")
