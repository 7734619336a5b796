"""Tables of live. Written by: live, and nobody else."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.contracts.ids import new_id
from services.storage.database import Base
from services.storage.types import text


class LiveGrant(Base):
    __tablename__ = "live_grant"
    __table_args__ = ({"comment": "Permission for one principal to view one camera until a moment. Written by: live."},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7; stands in the link's token")
    principal_id: Mapped[UUID] = mapped_column(index=True, comment="who asked")
    camera_id: Mapped[UUID] = mapped_column(index=True, comment="for which camera; kept after the camera is gone")
    province_unit_id: Mapped[str] = mapped_column(text(16), comment="where the camera stood")
    issued_at: Mapped[datetime] = mapped_column(comment="when")
    expires_at: Mapped[datetime] = mapped_column(comment="until when the link may be opened")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="when it was taken back; running views end too")
