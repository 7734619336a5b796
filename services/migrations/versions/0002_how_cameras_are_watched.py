"""How cameras are watched: policy, interval, stream; and until when the last word on a camera stands.

Revision 0002, after 0001. On SQLite the columns are added and dropped in place: a table that batch mode makes anew
loses its CHECK constraints, which SQLAlchemy does not read back, and to drop a table with foreign keys on deletes
what refers to it (https://www.sqlite.org/lang_altertable.html, section 7; https://www.sqlite.org/foreignkeys.html,
section 5).
"""

import sqlalchemy as sa
from alembic import op

from services.storage.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_POLICY = sa.Enum(
    "continuous",
    "sampled",
    "record_only",
    name="watch_policy",
    native_enum=False,
    create_constraint=True,
    length=32,
)
_CHOICE = sa.Enum("auto", "main", "sub", name="stream_choice", native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        _add_to_camera_in_place()
    else:
        _add_to_camera()
    op.execute("UPDATE camera SET watch_policy = 'record_only' WHERE record_only")
    op.drop_column("camera", "record_only")

    op.add_column(
        "camera_health",
        sa.Column(
            "stale_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="database time until which the last settled report stands; then nobody knows any more",
        ),
    )
    # Reports that wait on the bus meanwhile move it on; what nobody reports any more becomes unknown at once.
    op.execute("UPDATE camera_health SET stale_at = settled_at")
    op.drop_index("ix_camera_health_base_settled_at", table_name="camera_health")
    op.drop_column("camera_health", "settled_at")
    op.create_index("ix_camera_health_base_stale_at", "camera_health", ["base", "stale_at"])
    if op.get_context().dialect.name != "sqlite":  # which keeps no comments
        op.alter_column("camera_health", "watch", comment="how it is watched, if at all")
        op.alter_column(
            "camera",
            "watch_version",
            comment="grows with changes that a watching worker must learn: source, credentials, policy",
        )


def _add_to_camera() -> None:
    op.add_column(
        "camera",
        sa.Column(
            "watch_policy", _POLICY, nullable=True, comment="null: as the settings say; record_only: counted apart"
        ),
    )
    op.add_column(
        "camera",
        sa.Column(
            "sample_every_s",
            sa.Integer(),
            nullable=True,
            comment="seconds between two looks while sampled; null: as the settings say",
        ),
    )
    op.create_check_constraint("sample_every_s", "camera", "sample_every_s between 60 and 86400")
    op.add_column(
        "camera",
        sa.Column("stream_choice", _CHOICE, nullable=False, server_default="auto", comment="which stream is watched"),
    )


def _add_to_camera_in_place() -> None:
    for column, constraint, check in (
        ("watch_policy VARCHAR(32)", "watch_policy", "watch_policy IN ('continuous', 'sampled', 'record_only')"),
        ("sample_every_s INTEGER", "sample_every_s", "sample_every_s between 60 and 86400"),
        (
            "stream_choice VARCHAR(32) DEFAULT 'auto' NOT NULL",
            "stream_choice",
            "stream_choice IN ('auto', 'main', 'sub')",
        ),
    ):
        op.execute(f"ALTER TABLE camera ADD COLUMN {column} CONSTRAINT ck_camera_{constraint} CHECK ({check})")
