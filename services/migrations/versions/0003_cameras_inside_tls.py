"""Devices whose RTSP is inside TLS, and the certificate each showed first.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "device",
        sa.Column(
            "tls",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether its RTSP is inside TLS",
        ),
    )
    op.add_column(
        "device",
        sa.Column(
            "certificate",
            sa.String(64),
            nullable=True,
            comment="SHA-256 of the TLS certificate it showed first, hexadecimal; null: none seen since registered",
        ),
    )
