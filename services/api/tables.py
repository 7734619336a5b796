"""Tables of the API. Written by: api, and nobody else."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base
from services.storage.types import text


class IdempotentRequest(Base):
    __tablename__ = "idempotent_request"
    __table_args__ = (
        {"comment": "A POST that came with an Idempotency-Key, and its answer, for a day. Written by: api."},
    )

    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(text(255), primary_key=True, comment="as the client chose it")
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32), comment="SHA-256 of method, path and body")
    began_at: Mapped[datetime] = mapped_column(index=True, comment="when it came first")
    status: Mapped[int | None] = mapped_column(SmallInteger, comment="of the answer; null: still under way")
    media_type: Mapped[str | None] = mapped_column(text(100), comment="of the answer")
    location: Mapped[str | None] = mapped_column(text(500), comment="Location header of the answer")
    etag: Mapped[str | None] = mapped_column(text(64), comment="ETag header of the answer")
    body: Mapped[bytes | None] = mapped_column(LargeBinary, comment="the answer; never one that holds a secret")
